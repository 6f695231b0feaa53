"""Faults that wrap a reply: the bytes that a plain socket gets, and what a plain client sees."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import httpx
import pytest

from lexilux_like import ChatStreamInterruptedError, LexiluxTimeoutError, ValidationError
from lexilux_like.testing import (
    Pause,
    RecordedRequest,
    Reply,
    ScriptedServer,
    Send,
    SimulatedModel,
    answer,
    body_of,
    cut,
    late,
    reset,
    sends,
    stall,
    stream,
    trickle,
)
from lexilux_like.testing.door import Doors

TWO = Reply(steps=[Send(b"abc"), Pause(0.01), Send(b"def")], framing="chunked")
SIZED = Reply(body=b"abcdef")
CLOSED = Reply(body=b"abcdef", framing="close")


def got(server: ScriptedServer, reply: Reply) -> bytes:
    """All that a plain socket gets, without the head."""
    server.play(reply)
    with socket.create_connection(("127.0.0.1", server.port), 5) as peer:
        peer.sendall(b"GET /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        data = b""
        while more := peer.recv(65_536):
            data += more
    return data.partition(b"\r\n\r\n")[2]


def fetch(server: ScriptedServer, reply: Reply) -> bytes:
    """The body, by a client that knows HTTP."""
    server.play(reply)
    return httpx.get(f"{server.url}/x", trust_env=False, timeout=0.2).content


@pytest.mark.parametrize("at", range(7))
def test_cut_lets_so_many_bytes_through(scripted_server: ScriptedServer, at: int) -> None:
    assert body_of(cut(TWO, at_byte=at)) == b"abcdef"[:at]
    assert got(scripted_server, cut(SIZED, at_byte=at)) == b"abcdef"[:at]


@pytest.mark.parametrize("reply", [TWO, SIZED], ids=["chunked", "length"])
@pytest.mark.parametrize("at", [0, 2, 3, 5])
def test_cut_is_seen_as_an_unfinished_body(
    scripted_server: ScriptedServer, reply: Reply, at: int
) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=r"without sending complete|incomplete"):
        fetch(scripted_server, cut(reply, at_byte=at))


def test_cut_body_still_promises_its_whole_length(scripted_server: ScriptedServer) -> None:
    scripted_server.play(cut(SIZED, at_byte=2))
    with httpx.stream("GET", scripted_server.url, trust_env=False) as response:
        assert response.headers["content-length"] == "6"


def test_cut_at_the_end_lacks_only_the_end(scripted_server: ScriptedServer) -> None:
    assert got(scripted_server, cut(TWO, at_byte=6)) == b"3\r\nabc\r\n3\r\ndef\r\n"


@pytest.mark.parametrize("reply", [TWO, SIZED, CLOSED], ids=["chunked", "length", "close"])
def test_clean_cut_looks_like_an_end(scripted_server: ScriptedServer, reply: Reply) -> None:
    assert fetch(scripted_server, cut(reply, at_byte=4, clean=True)) == b"abcd"


def test_clean_cut_drops_the_length_of_the_whole(scripted_server: ScriptedServer) -> None:
    reply = Reply(headers={"Content-Length": "6"}, body=b"abcdef")
    assert fetch(scripted_server, cut(reply, at_byte=4, clean=True)) == b"abcd"


def test_reset_breaks_the_connection(scripted_server: ScriptedServer) -> None:
    with pytest.raises(httpx.ReadError):
        fetch(scripted_server, reset(TWO, at_byte=0))


def test_stall_keeps_the_connection_open(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stall(TWO, at_byte=4))
    limits = httpx.Timeout(5, read=0.1)
    with httpx.stream("GET", scripted_server.url, trust_env=False, timeout=limits) as response:
        pieces = response.iter_raw(1)
        assert b"".join(next(pieces) for _ in range(4)) == b"abcd"
        with pytest.raises(httpx.ReadTimeout):  # and no end
            next(pieces)


def test_stall_goes_on_after_its_seconds(scripted_server: ScriptedServer) -> None:
    began = time.monotonic()
    assert fetch(scripted_server, stall(TWO, at_byte=4, seconds=0.1)) == b"abcdef"
    assert time.monotonic() - began >= 0.11


def test_late_head_comes_late(scripted_server: ScriptedServer) -> None:
    began = time.monotonic()
    assert fetch(scripted_server, late(SIZED, seconds=0.1)) == b"abcdef"
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize(
    ("size", "frames"),
    [(1, [b"a", b"b", b"c", b"d", b"e", b"f"]), (2, [b"ab", b"c", b"de", b"f"])],
)
def test_trickle_writes_little(
    scripted_server: ScriptedServer, size: int, frames: list[bytes]
) -> None:
    expected = b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames)
    reply = trickle(TWO, bytes_per_write=size)
    assert got(scripted_server, reply) == expected + b"0\r\n\r\n"


def test_trickle_keeps_the_length(scripted_server: ScriptedServer) -> None:
    assert fetch(scripted_server, trickle(SIZED)) == b"abcdef"


def test_trickle_waits_between_writes_only() -> None:
    steps = trickle(SIZED, bytes_per_write=4, delay_s=0.1).steps
    assert list(steps) == [Send(b"abcd"), Pause(0.1), Send(b"ef")]


def test_faults_can_be_put_on_faults(scripted_server: ScriptedServer) -> None:
    reply = cut(trickle(TWO), at_byte=2)
    assert got(scripted_server, reply) == b"1\r\na\r\n1\r\nb\r\n"


@pytest.mark.parametrize("fault", [cut, reset, stall], ids=["cut", "reset", "stall"])
@pytest.mark.parametrize("at", [-1, 7])
def test_place_outside_of_the_body_is_refused(fault: Callable[..., Reply], at: int) -> None:
    with pytest.raises(ValidationError, match=rf"at_byte={at} .* 6 bytes: give 0 to 6"):
        fault(SIZED, at_byte=at)


@pytest.mark.parametrize(
    "fault",
    [
        lambda reply: trickle(reply, bytes_per_write=0),
        lambda reply: trickle(reply, delay_s=-1),
        lambda reply: late(reply, seconds=-1),
        lambda reply: stall(reply, at_byte=0, seconds=-1),
    ],
)
def test_number_out_of_bounds_is_refused(fault: Callable[[Reply], Reply]) -> None:
    with pytest.raises(ValidationError, match=r"give [01] or more"):
        fault(SIZED)


def test_reply_in_the_making_is_not_changed() -> None:
    with pytest.raises(ValidationError, match="still being made"):
        cut(Reply(steps=iter(sends([b"a"])), framing="chunked"), at_byte=0)


def test_function_that_makes_replies_is_wrapped(scripted_server: ScriptedServer) -> None:
    def echo(request: RecordedRequest) -> Reply:
        return Reply(body=request.body)

    scripted_server.always(cut(echo, at_byte=2, clean=True))
    for text in ("abc", "defg"):
        response = httpx.post(scripted_server.url, content=text, trust_env=False)
        assert response.text == text[:2]


def test_place_that_a_made_reply_lacks_is_told(scripted_server: ScriptedServer) -> None:
    scripted_server.always(cut(lambda _request: SIZED, at_byte=9))
    response = httpx.get(scripted_server.url, trust_env=False)
    assert response.status_code == 500
    assert "at_byte=9" in response.json()["error"]["message"]


def test_first_reply_of_a_model_alone_may_be_spoilt(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    model = SimulatedModel("One fox. Two hens run. Three owls sit still.", "exact")
    scripted_server.play(cut(model, at_byte=900))
    scripted_server.always(model)
    streamed = door().complete_stream("Go on")
    assert streamed.result.text == model.document
    assert len(scripted_server.requests) > 1


@pytest.mark.parametrize("clean", [True, False])
def test_cut_in_mid_stream_is_an_interruption(
    door: Doors, scripted_server: ScriptedServer, clean: bool
) -> None:
    reply = stream("Hel", "lo")
    scripted_server.play(cut(reply, at_byte=body_of(reply).index(b"lo"), clean=clean))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        door().stream("Hi")
    assert caught.value.partial.text == "Hel"
    assert caught.value.clean is clean


def test_stall_is_a_time_out(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stall(answer("Hello"), at_byte=5))
    with pytest.raises(LexiluxTimeoutError):
        door(read_timeout_s=0.1).call("Hi")
