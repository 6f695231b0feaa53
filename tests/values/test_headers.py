"""Headers of the caller's: names are tokens, values are one printable line."""

from __future__ import annotations

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.headers import checked_headers


def test_no_headers_are_no_headers():
    assert checked_headers(None) == checked_headers({}) == {}


def test_names_come_out_in_lower_case_and_values_without_outer_spaces():
    assert checked_headers({"X-Trace_Id": " a b "}) == {"x-trace_id": "a b"}


def test_the_caller_s_headers_are_copied():
    given = {"x-a": "b"}
    assert checked_headers(given) is not given


@pytest.mark.parametrize("name", ["", "x y", "x:y", "x\r\ny", "é", "x\0", 5])
def test_a_name_that_is_no_token_is_refused(name):
    with pytest.raises(ValidationError, match=r"header name .* is not valid"):
        checked_headers({name: "b"})


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\n", "a\0", "é", "\x7f", 5, None, b"a"])
def test_a_value_that_is_no_printable_line_is_refused_without_quoting_it(value):
    with pytest.raises(ValidationError, match="the value of header 'x-a'") as caught:
        checked_headers({"x-a": value})
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "TE"])
def test_a_header_that_frames_the_message_is_refused(name: str):
    with pytest.raises(ValidationError, match="frames the message"):
        checked_headers({name: "1"})
