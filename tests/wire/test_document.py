"""JSON: what is taken, what is refused, and what is written."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
from itertools import pairwise

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import ValidationError
from lexilux_like.wire.document import dump, parse, text_of
from lexilux_like.wire.halves import Halves, Mender

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@given(JSON)
def test_parse_reads_what_python_writes(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary())
def test_parse_of_any_bytes_is_a_value_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(data)


def test_nan_and_infinity_are_taken() -> None:
    nan, infinity = parse(b"[NaN, -Infinity]")
    assert math.isnan(nan)
    assert infinity == -math.inf


def test_last_of_duplicate_keys_wins() -> None:
    assert parse(b'{"a": 1, "a": 2}') == {"a": 2}


def test_large_integers_stay_exact() -> None:
    assert parse(b"1" * 4_000) == int("1" * 4_000)


def test_integer_of_too_many_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="digits"):
        parse(b"1" * 5_000)


def test_nesting_within_pythons_limit_is_taken() -> None:
    assert parse(b"[" * 300 + b"]" * 300)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        parse(b"[" * 1_000_000)


def test_invalid_utf8_is_replaced() -> None:
    assert parse(b'{"a": "x\xffy"}') == {"a": "x\ufffdy"}


def test_bom_is_dropped() -> None:
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_control_characters_in_strings_are_taken() -> None:
    assert parse(b'"a\nb"') == "a\nb"


def test_half_of_a_character_is_kept() -> None:
    assert parse(rb'"\ud83d"') == "\ud83d"


@pytest.mark.parametrize("data", [b"", b" ", b"{", b'{"a":', b"<html>", b"[DONE]", b"{} {}"])
def test_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(data)


@given(JSON)
def test_dump_writes_what_parse_reads(value: object) -> None:
    assert parse(dump(value)) == value


def test_dump_writes_utf8_and_no_spaces() -> None:
    assert dump({"a": "é", "b": [1, 2]}) == '{"a":"é","b":[1,2]}'.encode()


def test_dump_can_write_half_a_character() -> None:
    assert dump({"a": "\ud83d é"}) == rb'{"a":"\ud83d \u00e9"}'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("beside", ["", "\ud83d"])
def test_dump_refuses_what_json_has_no_number_for(value: float, beside: str) -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        dump({"a": [value], "b": beside})


def test_dump_writes_the_words_nan_and_infinity() -> None:
    assert parse(dump(["NaN", "Infinity"])) == ["NaN", "Infinity"]


def circle() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def deep() -> list[object]:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [object(), {1: object()}, b"\xff", circle()])
def test_dump_refuses_what_is_no_json(value: object) -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        dump(value)


def test_dump_refuses_endless_nesting() -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        dump(deep())


def test_dump_writes_models_and_dates() -> None:
    class Point(pydantic.BaseModel):
        x: int

    value = {"at": dt.date(2026, 1, 2), "point": Point(x=1)}
    assert dump(value) == b'{"at":"2026-01-02","point":{"x":1}}'
    assert dump({**value, "half": "\ud83d"}) == (
        rb'{"at":"2026-01-02","point":{"x":1},"half":"\ud83d"}'
    )


def test_text_of_a_value_is_its_json() -> None:
    assert text_of({"a": "é"}) == '{"a": "é"}'


def test_text_of_a_text_is_itself() -> None:
    assert text_of("a") == "a"


def test_text_of_endless_nesting_is_refused() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        text_of(deep())


@given(st.text(), st.lists(st.integers(0, 100)))
def test_halves_join_characters_cut_anywhere(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le")
    places = [0, *sorted(min(2 * cut, len(units)) for cut in cuts), len(units)]
    halves = Halves()
    fed = [
        halves.feed(units[a:b].decode("utf-16-le", "surrogatepass")) for a, b in pairwise(places)
    ]
    assert "".join(fed) + halves.rest() == text


HIGH, LOW = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([HIGH], "\ufffd"),
        ([LOW], "\ufffd"),
        ([HIGH, "a"], "\ufffda"),
        ([HIGH, "", LOW], "\U0001f600"),
        ([HIGH, HIGH + LOW], "\ufffd\U0001f600"),
    ],
)
def test_half_that_stays_alone_is_replaced(pieces: list[str], text: str) -> None:
    halves = Halves()
    assert "".join(map(halves.feed, pieces)) + halves.rest() == text


def test_first_half_is_held_back() -> None:
    assert Halves().feed("a\ud83d") == "a"


def test_halves_of_different_texts_are_not_joined() -> None:
    mender = Mender()
    mender.mend(0, {"content": "\ud83d"})
    assert mender.mend(1, {"content": "\ude00"}) == {"content": "\ufffd"}
    assert mender.mend(0, {"reasoning": "\ude00"}) == {"reasoning": "\ufffd"}
    assert mender.mend(0, {"content": "\ude00"}) == {"content": "\U0001f600"}


def test_arguments_are_joined_by_the_index_of_their_call() -> None:
    def piece(index: int, arguments: object) -> dict[str, object]:
        return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}

    mender = Mender()
    mender.mend(0, piece(3, "\ud83d"))
    assert mender.mend(0, piece(4, "\ude00")) == piece(4, "\ufffd")
    assert mender.mend(0, piece(3, "\ude00")) == piece(3, "\U0001f600")


def test_mending_leaves_other_values_alone() -> None:
    delta = {"content": None, "tool_calls": [None, {"index": 0}], "x": 1}
    assert Mender().mend(0, delta) == delta
    assert Mender().mend(0, "no delta") == "no delta"
