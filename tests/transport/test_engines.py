"""What every engine keeps: responses in every form, ends told apart, connections given back."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Iterator, Sequence

import pytest

from lexilux_like import (
    APIError,
    Chat,
    ChatStreamInterruptedError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    ResponseFormatError,
)
from lexilux_like.testing import (
    Cut,
    Pause,
    Raw,
    Reply,
    Reset,
    ScriptedServer,
    Send,
    Stall,
    answer,
    chunk,
    raw_reply,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors
from lexilux_like.testing.script import End, Step, sends
from lexilux_like.transport.selection import EngineName

BODY = json.dumps(
    {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
).encode()
JSON = b"content-type: application/json\r\n"
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKED = b"transfer-encoding: chunked\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
STALE = OK + JSON + b"content-length: 2\r\n\r\n{}"


def chunks(body: bytes, size: int = 20, *, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return framed + b"0\r\n" + trailers + b"\r\n"


WHOLE = {
    "content-length": OK + JSON + LENGTH + b"\r\n" + BODY,
    "chunked": OK + JSON + CHUNKED + b"\r\n" + chunks(BODY),
    "chunk extensions": OK + CHUNKED + b"\r\n" + chunks(BODY, extension=b';a="b"'),
    "spaces after the size": OK + CHUNKED + b"\r\n" + chunks(BODY, extension=b"  "),
    "trailers": OK + CHUNKED + b"\r\n" + chunks(BODY, trailers=b"x-t: 1\r\nretry-after: 9\r\n"),
    "length and chunks": OK + LENGTH + CHUNKED + b"\r\n" + chunks(BODY),
    "interim responses": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n"
    + OK
    + LENGTH
    + b"\r\n"
    + BODY,
    "no reason": b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + BODY,
    "line feeds alone": (OK + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    "a folded field": OK + b"x-a: one\r\n  two\r\n" + LENGTH + b"\r\n" + BODY,
    "odd bytes in a field": OK + b"x-a: \x01\xff\x80\r\n" + LENGTH + b"\r\n" + BODY,
    "spaces round a value": OK + b"content-length:  %d \t\r\n\r\n" % len(BODY) + BODY,
    "many fields": OK + b"x-a: y\r\n" * 1000 + LENGTH + b"\r\n" + BODY,
    "HTTP/1.0 kept": b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n" + LENGTH + b"\r\n" + BODY,
}


@pytest.mark.parametrize("form", WHOLE)
def test_a_response_is_read_in_every_form(
    every_door: Doors, scripted_server: ScriptedServer, form: str
) -> None:
    scripted_server.play(raw_reply(Raw(WHOLE[form]), Stall(5)))
    assert every_door().call("x").text == "whole"


@pytest.mark.parametrize("form", ["content-length", "trailers", "interim responses"])
def test_a_response_may_come_byte_by_byte(
    every_door: Doors, scripted_server: ScriptedServer, form: str
) -> None:
    data = WHOLE[form]
    drops = [Raw(data[at : at + 1]) for at in range(len(data))]
    scripted_server.play(raw_reply(*drops, Stall(5)))
    assert every_door().call("x").text == "whole"


@pytest.mark.parametrize("form", ["content-length", "chunked", "trailers", "interim responses"])
def test_a_response_that_ended_leaves_its_connection_for_the_next(
    every_door: Doors, scripted_server: ScriptedServer, form: str
) -> None:
    scripted_server.always(Reply(steps=[Raw(WHOLE[form])], head=False))
    asked = every_door()
    assert [asked.call("x").text for _ in range(3)] == ["whole"] * 3
    assert scripted_server.connections == 1


NOT_KEPT = {
    "connection: close": OK + b"connection: close\r\n" + LENGTH + b"\r\n" + BODY,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n" + BODY,
}


@pytest.mark.parametrize("form", NOT_KEPT)
def test_a_connection_that_the_server_will_close_is_not_used_again(
    every_door: Doors, scripted_server: ScriptedServer, form: str
) -> None:
    scripted_server.always(Reply(steps=[Raw(NOT_KEPT[form])], head=False))
    asked = every_door()
    assert [asked.call("x").text for _ in range(2)] == ["whole"] * 2
    assert scripted_server.connections == 2


def test_a_body_may_end_with_the_connection(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(raw_reply(Raw(OK + JSON + b"\r\n" + BODY), Cut()), answer("next"))
    asked = every_door()
    assert asked.call("x").text == "whole"
    assert asked.call("x").text == "next"


@pytest.mark.parametrize("end", [Cut(), Reset()])
@pytest.mark.parametrize("framing", [LENGTH, CHUNKED])
def test_a_body_that_is_cut_is_an_error(
    every_door: Doors, scripted_server: ScriptedServer, framing: bytes, end: End
) -> None:
    body = chunks(BODY)[:-8] if framing is CHUNKED else BODY[:-1]
    scripted_server.play(raw_reply(Raw(OK + JSON + framing + b"\r\n" + body), Pause(0.02), end))
    with pytest.raises(LexiluxConnectionError, match="connection broke"):
        every_door().call("x")


def test_a_reset_does_not_end_a_body_that_the_connection_delimits(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(raw_reply(Raw(OK + JSON + b"\r\n" + BODY), Pause(0.02), Reset()))
    with pytest.raises(LexiluxConnectionError, match="connection broke"):
        every_door().call("x")


@pytest.mark.parametrize("end", [Cut(), Reset()])
def test_what_came_before_a_cut_is_handed_on_first(
    every_door: Doors, scripted_server: ScriptedServer, end: End
) -> None:
    scripted_server.play(stream("a", "b", end=end) if isinstance(end, Cut) else reset_later())
    with pytest.raises(ChatStreamInterruptedError) as caught:
        every_door().stream("x")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "ab"


def reset_later() -> Reply:
    """A reset destroys what the peer has not read: it gets the time to."""
    whole = stream("a", "b", end=Reset())
    return Reply(
        200, whole.headers, steps=[*whole.steps[:-1], Pause(0.05), Reset()], framing="chunked"
    )


def test_what_came_before_bad_framing_is_handed_on_first(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    whole = stream("a", "b")
    steps = [*whole.steps[:3], Raw(b"no chunk size\r\n"), Stall(5)]
    scripted_server.play(Reply(200, whole.headers, steps=steps, framing="chunked"))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        every_door().stream("x")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "ab"


BAD = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a status of letters": b"HTTP/1.1 OK 200\r\n\r\n",
    "a field without a colon": OK + b"nonsense\r\n" + LENGTH + b"\r\n" + BODY,
    "a NUL in a field": OK + b"x-a: a\0b\r\n" + LENGTH + b"\r\n" + BODY,
    "a negative length": OK + b"content-length: -1\r\n\r\n" + BODY,
    "two lengths": OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n" + BODY,
    "a coding nobody asked for": OK + b"transfer-encoding: gzip, chunked\r\n\r\n" + chunks(BODY),
    "a head without end": OK + b"x: " + b"y" * 400_000,
    "endless interim responses": b"HTTP/1.1 102 Processing\r\nx-a: b\r\n\r\n" * 30_000,
    "an endless chunk extension": OK + CHUNKED + b"\r\n5;" + b"x" * 400_000,
}


@pytest.mark.parametrize("response", BAD)
def test_what_is_no_response_is_an_error_and_its_connection_is_gone(
    every_door: Doors, scripted_server: ScriptedServer, response: str
) -> None:
    endless = response == "endless interim responses" and every_door.engine == "httpx"
    error = LexiluxTimeoutError if endless else LexiluxConnectionError  # h11 reads on
    scripted_server.play(raw_reply(Raw(BAD[response]), Stall(5)), answer("next"))
    asked = every_door(read_timeout_s=0.5 if endless else 5)
    with pytest.raises(error):
        asked.call("x")
    assert asked.call("x").text == "next"
    assert scripted_server.connections == 2


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_ends_with_its_head(
    every_door: Doors, scripted_server: ScriptedServer, status: int
) -> None:
    head = b"HTTP/1.1 %d X\r\ncontent-length: 9\r\n\r\n" % status if status == 304 else b""
    head = head or b"HTTP/1.1 204 X\r\n\r\n"
    scripted_server.play(Reply(steps=[Raw(head)], head=False), answer("next"))
    asked = every_door(read_timeout_s=1)
    with pytest.raises((APIError, ResponseFormatError)):
        asked.call("x")
    assert asked.call("x").text == "next"
    assert scripted_server.connections == 1


def test_a_switch_of_protocols_is_refused(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    head = b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nwhatever"
    scripted_server.play(raw_reply(Raw(head), Stall(5)), answer("next"))
    asked = every_door(read_timeout_s=2)
    with pytest.raises(LexiluxError):
        asked.call("x")
    assert asked.call("x").text == "next"


SURPLUS: dict[str, Sequence[Step]] = {
    "in the same read": [Raw(WHOLE["chunked"] + STALE)],
    "in a read of its own": [Raw(WHOLE["content-length"]), Pause(0.03), Raw(STALE)],
    "garbage": [Raw(WHOLE["content-length"] + b"garbage\r\n\r\n")],
}


@pytest.mark.parametrize("surplus", SURPLUS)
def test_bytes_that_nobody_asked_for_are_given_to_nobody(
    every_door: Doors, scripted_server: ScriptedServer, surplus: str
) -> None:
    scripted_server.play(raw_reply(*SURPLUS[surplus], Stall(5)))
    scripted_server.always(answer("fresh"))
    asked = every_door(max_retries=1)
    assert asked.call("x").text == "whole"
    if surplus == "in a read of its own":
        time.sleep(0.06)
    assert asked.call("x").text == "fresh"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_body_is_read(
    every_door: Doors, scripted_server: ScriptedServer, coding: str
) -> None:
    data = gzip.compress(BODY) if coding == "gzip" else zlib.compress(BODY)
    steps = sends(data[at : at + 7] for at in range(0, len(data), 7))
    head = {"content-encoding": coding, "content-type": "application/json"}
    scripted_server.play(Reply(200, head, steps=steps, framing="chunked"))
    assert every_door().call("x").text == "whole"


def test_repeated_fields_are_joined_and_trailers_are_none_of_them(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    trailers = b"x-request-id: trailer\r\n"
    head = OK.replace(b"200", b"400") + b"X-Request-Id: one\r\nx-request-id: two\r\n" + CHUNKED
    scripted_server.play(
        raw_reply(Raw(head + b"\r\n" + chunks(b"{}", trailers=trailers)), Stall(5))
    )
    with pytest.raises(APIError) as caught:
        every_door().call("x")
    assert caught.value.headers["x-request-id"] == "one, two"


def test_a_long_request_reaches_a_server_that_reads_it_slowly(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    question = "long " * 800_000
    scripted_server.play(answer("read"))
    assert every_door(read_timeout_s=10).call(question).text == "read"
    assert scripted_server.requests[0].json["messages"][0]["content"] == question


class Counted(list[Step]):
    """Steps that say how many of them have been begun."""

    begun = 0

    def __iter__(self) -> Iterator[Step]:
        for step in super().__iter__():
            self.begun += 1
            yield step


def test_a_stream_that_nobody_reads_is_held_back(
    engine: EngineName, scripted_server: ScriptedServer
) -> None:
    piece = sse(chunk({"content": "x" * 60_000}))
    steps = Counted([*sends([piece] * 400), Send(b"data: [DONE]\n\n")])
    kind = {"content-type": "text/event-stream"}
    scripted_server.play(Reply(200, kind, steps=steps, framing="chunked"))

    async def go() -> tuple[int, int]:
        async with Chat(base_url=scripted_server.url, model="m", engine=engine, proxies={}) as chat:
            chunks = chat.astream("x")
            await anext(chunks)
            await asyncio.sleep(0.2)
            begun = steps.begun
            return begun, sum([len(each.delta) async for each in chunks])

    begun, size = asyncio.run(go())
    assert begun < 300
    assert size >= 399 * 60_000
