"""Responses read off a connection, bytes in, without a socket."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.transport.endpoint import Endpoint
from lexilux_like.transport.fast_errors import LocalProtocolError, RemoteProtocolError
from lexilux_like.transport.fast_message import MAX_HEAD_BYTES, Message
from lexilux_like.transport.fast_request import Letterhead, rendered
from lexilux_like.wire.http import Request

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = (
    OK
    + b"Transfer-Encoding: chunked\r\nX-A: b \r\n\r\n"
    + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nx-t: z\r\n\r\n"
)


def fed(*pieces: bytes, bodiless: bool = False) -> Message:
    """What a message has become after these reads."""
    message = Message()
    message.expect(bodiless=bodiless)
    for piece in pieces:
        message.feed(piece)
    return message


def test_a_new_message_expects_nothing() -> None:
    message = Message()
    message.feed(OK)
    assert message.surplus


def test_a_head_is_read_without_trailers() -> None:
    message = fed(CHUNKED)
    assert (message.status, message.fields) == (
        200,
        [(b"transfer-encoding", b"chunked"), (b"x-a", b"b")],
    )
    assert (message.headed, message.done, message.keep) == (True, True, True)


@given(st.lists(st.integers(0, len(CHUNKED)), max_size=12))
def test_how_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(CHUNKED)]
    message = fed(*(CHUNKED[a:b] for a, b in pairwise(ends)))
    assert (message.take(), message.done, message.surplus) == (b"hello!", True, False)


@given(st.binary(max_size=200), st.booleans())
def test_bytes_of_any_kind_raise_nothing(data: bytes, headed: bool) -> None:
    message = fed(OK + b"transfer-encoding: chunked\r\n\r\n" if headed else b"", data)
    message.end()
    assert message.done or message.error is not None


def test_the_next_response_starts_afresh() -> None:
    message = fed(CHUNKED)
    message.expect()
    assert (message.pieces, message.fields, message.headed, message.answered) == (
        [],
        [],
        False,
        False,
    )
    message.feed(OK + b"content-length: 2\r\n\r\nhi")
    assert (message.take(), message.fields) == (b"hi", [(b"content-length", b"2")])


def test_a_second_response_leaves_the_first_alone() -> None:
    late = b"HTTP/1.1 500 No\r\nx-late: 1\r\ncontent-length: 4\r\n\r\nlate"
    message = fed(CHUNKED + late)
    assert message.surplus
    assert (message.status, message.take()) == (200, b"hello!")
    assert (b"x-late", b"1") not in message.fields


def test_pieces_are_taken_once() -> None:
    message = fed(OK + b"content-length: 4\r\n\r\nab")
    assert message.take() == b"ab"
    message.feed(b"cd")
    assert (message.take(), message.take()) == (b"cd", b"")


def test_an_end_is_right_only_where_it_delimits_the_body() -> None:
    open_ended = fed(OK + b"\r\nabc")
    open_ended.end()
    assert (open_ended.done, open_ended.error, open_ended.keep) == (True, None, False)
    for cut in (OK + b"content-length: 4\r\n\r\nabc", OK + b"transfer-encoding: chunked\r\n\r\n"):
        message = fed(cut)
        message.end()
        assert "before its response was whole" in str(message.error)
    silent = fed()
    silent.end()
    assert "before it answered" in str(silent.error)


def test_a_failure_does_not_end_a_body() -> None:
    message = fed(OK + b"\r\nabc")
    message.fail(ConnectionResetError())
    assert (message.done, type(message.error)) == (False, ConnectionResetError)


def test_a_response_to_head_ends_with_its_head_and_spends_the_connection() -> None:
    message = fed(OK + b"content-length: 10\r\n\r\n", bodiless=True)
    assert (message.done, message.keep) == (True, False)


def test_a_length_beside_chunks_spends_the_connection() -> None:
    message = fed(CHUNKED.replace(b"X-A: b ", b"Content-Length: 3"))
    assert (message.take(), message.done, message.keep) == (b"hello!", True, False)


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
        b"x-a: " + b"b" * 995 + b"\r\n",
        b"x" * 1000,
    ],
)
def test_a_head_has_a_bound(endless: bytes) -> None:
    pieces = [endless] * (MAX_HEAD_BYTES // len(endless) + 1)
    first = b"" if endless.startswith(b"HTTP") else OK
    assert "bytes of header" in str(fed(first, *pieces).error)


def test_trailers_have_a_bound() -> None:
    message = fed(OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
    message.take()
    for _ in range(MAX_HEAD_BYTES // 1000 + 1):
        message.feed(b"x-a: " + b"b" * 993 + b"\r\n")
    assert "bytes of header" in str(message.error)


@pytest.mark.parametrize(
    "wrong",
    [
        b"HTTP/3.7 200 OK\r\n\r\n",
        OK + b"x: a\0b\r\n\r\n",
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n",
        OK + b"content-length: 1\r\ncontent-length: 1\r\n\r\na",
        OK + b"content-length: 1, 1\r\n\r\na",
        OK + b"x-a : b\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(wrong: bytes) -> None:
    message = fed(wrong + b"0\r\n\r\n")
    assert isinstance(message.error, RemoteProtocolError)
    assert not message.headed


def test_a_closed_message_takes_nothing_in() -> None:
    message = fed(OK + b"content-length: 4\r\n\r\nab")
    message.close()
    message.feed(b"cd")
    assert "closed" in str(message.error)
    assert message.take() == b"ab"


# Requests.


def letterhead() -> Letterhead:
    return Letterhead(Endpoint("http://x.example/v1", api_key="k", headers={"X-Mine": "1"}))


def test_a_head_has_the_fields_of_the_endpoint_and_the_length() -> None:
    head = letterhead().head(Request("chat/completions", b"{}"), "application/json")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/chat/completions HTTP/1.1"
    assert lines[-3:] == [b"content-length: 2", b"", b""]
    assert {b"host: x.example", b"authorization: Bearer k", b"x-mine: 1"} < set(lines)
    assert head.count(b"content-length") == 1


def test_heads_are_kept_apart_by_all_that_makes_them() -> None:
    heads = letterhead()
    asked = [
        (Request("a", b"{}"), "text/event-stream"),
        (Request("a", b"{}"), "application/json"),
        (Request("b", b"{}"), "application/json"),
        (Request("b", b"{}", defaults={"v": "1"}), "application/json"),
        (Request("b", b"{}", defaults={"v": "2"}), "application/json"),
        (Request("b", b"{}", headers={"v": "3"}), "application/json"),
        (Request("b", b"{} "), "application/json"),
    ]
    fresh = [letterhead().head(*each) for each in asked]
    assert [heads.head(*each) for each in asked] == fresh
    assert [heads.head(*each) for each in asked] == fresh
    assert len(set(fresh)) == len(asked)


def test_the_headers_of_a_call_are_not_kept() -> None:
    heads = letterhead()
    heads.head(Request("a", b"", headers={"x-key": "secret-of-a-call"}), "application/json")
    assert b"secret-of-a-call" not in b"".join(heads._kept.values())


@pytest.mark.parametrize(
    ("target", "field"),
    [(b"/a b", b"c"), (b"/a\r\nx: y", b"c"), (b"/a", b"c\r\nx: y"), (b"/a", b"c\nd"), (b"", b"c")],
)
def test_a_head_has_no_lines_but_its_own(target: bytes, field: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        rendered(b"POST", target, [(b"a", field)])
