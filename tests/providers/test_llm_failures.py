"""Streams that fail, stall or are given up: one error event, and no connection left behind."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from agents import HI, claude_of, error_of, provider_of, streamed, text_of

from lexilux_like import APIError, ChatStreamInterruptedError, LexiluxError
from lexilux_like.testing import (
    ERROR_EVENTS,
    Cut,
    Reply,
    ScriptedServer,
    SimulatedModel,
    Stall,
    Wait,
    cut,
    events,
    fail,
    json_reply,
    raw_reply,
    refuse,
    sse,
    stream,
)
from lexilux_like.testing.messages import error_event, message_events, message_stream
from lexilux_like.testing.script import Send, chunk

STORY = "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."


@pytest.mark.parametrize(
    ("reply", "kind", "status", "recoverable"),
    [
        (refuse(400), "invalid_request", 400, False),
        (refuse(401), "authentication", 401, False),
        (refuse(402), "payment_required", 402, False),
        (refuse(403), "authentication", 403, False),
        (refuse(404), "invalid_request", 404, False),
        (refuse(409), "", 409, True),
        (refuse(429, retry_after=0), "rate_limit", 429, True),
        (refuse(429, code="insufficient_quota"), "payment_required", 429, False),
        (refuse(503), "server", 503, True),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), "unreadable", 200, False),
        (json_reply({"error": {"message": "no", "code": 500}}), "server", 200, True),
        (raw_reply(Cut()), "connection", None, True),
        (Reply(steps=[Stall(2)]), "timeout", None, True),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_a_failed_call_is_one_error_event(
    scripted_server: ScriptedServer, reply: Reply, kind: str, status: int | None, recoverable: bool
) -> None:
    scripted_server.play(reply)
    client = {"read_timeout_s": 0.2, "max_retries": 0}
    (event,) = streamed(provider_of(scripted_server, client=client))
    error = error_of([event])
    assert (error.error_type, error.upstream_status) == (kind, status)
    assert error.recoverable is recoverable
    assert isinstance(error.exception, LexiluxError)
    assert error.error == error.exception.message


@pytest.mark.parametrize("end", [Cut(), None], ids=["broken", "silent"])
def test_a_break_keeps_what_came_and_says_that_it_may_pass(
    scripted_server: ScriptedServer, end: Any
) -> None:
    if end:
        scripted_server.play(stream("Hel", "lo", end=end))
    else:
        scripted_server.play(stream("Hel", "lo", finish_reason=None, usage=False, done=False))
    got = streamed(provider_of(scripted_server, client={"max_retries": 3}))
    assert [each.type for each in got] == ["text_delta", "text_delta", "error"]
    error = error_of(got)
    assert (error.error_type, error.recoverable) == ("interrupted", True)
    assert isinstance(error.exception, ChatStreamInterruptedError)
    assert error.exception.partial is not None
    assert error.exception.partial.text == "Hello"
    assert len(scripted_server.requests) == 1


def test_a_break_before_anything_came_is_retried(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream(end=Cut()), stream("Hello"))
    assert text_of(streamed(provider_of(scripted_server, client={"max_retries": 1}))) == "Hello"


def test_a_broken_stream_goes_on_and_repeats_nothing(scripted_server: ScriptedServer) -> None:
    model = SimulatedModel(STORY)
    scripted_server.play(cut(model, at_byte=1500))
    scripted_server.always(model)
    assert text_of(streamed(provider_of(scripted_server, resume="auto"))) == STORY
    assert len(scripted_server.requests) > 1


@pytest.mark.parametrize("shape", [name for name in ERROR_EVENTS if name != "anthropic"])
def test_an_error_in_the_middle_ends_the_answer(
    scripted_server: ScriptedServer, shape: str
) -> None:
    scripted_server.play(fail(stream("Hel", "lo"), shape, after=1))
    got = streamed(provider_of(scripted_server))
    error = error_of(got)
    assert (text_of(got), error.upstream_status) == ("Hel", 200)
    assert isinstance(error.exception, APIError)
    assert error.exception.partial is not None
    assert error.exception.partial.text == "Hel"


def test_an_answer_that_the_server_gave_up_is_an_error(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("Hel", finish_reason="error"))
    got = streamed(provider_of(scripted_server))
    assert (text_of(got), error_of(got).error_type, error_of(got).recoverable) == (
        "Hel",
        "server",
        True,
    )


def test_claudes_errors_are_errors_too(scripted_server: ScriptedServer) -> None:
    scripted_server.play(message_events(error_event("overloaded_error"), status=200))
    scripted_server.play(message_stream("Hel", end=Cut()))
    provider = claude_of(scripted_server)
    assert error_of(streamed(provider)).error_type == "server"
    assert error_of(streamed(provider)).error_type == "interrupted"


def test_text_is_handed_on_while_the_rest_is_still_to_come(scripted_server: ScriptedServer) -> None:
    read = threading.Event()
    scripted_server.play(
        events(
            chunk({"content": "Hel"}),
            Wait(read),
            chunk({"content": "lo"}),
            chunk({}, finish_reason="stop"),
        )
    )

    async def main() -> list[str]:
        seen = []
        async for event in provider_of(scripted_server).stream(HI):
            read.set()
            seen.append(event.type)
        return seen

    assert asyncio.run(main()) == ["text_delta", "text_delta", "text_end", "finish"]


@pytest.mark.parametrize("how", ["aclose", "break", "cancel"])
def test_giving_a_stream_up_closes_its_connection(
    scripted_server: ScriptedServer, how: str
) -> None:
    scripted_server.play(events(Send(sse(chunk({"content": "Hel"}))), Stall(5)))
    provider = provider_of(scripted_server)

    async def read() -> None:
        answer = provider.stream(HI)
        async for _ in answer:
            if how == "aclose":
                await answer.aclose()
            if how != "cancel":
                break

    async def main() -> None:
        task = asyncio.create_task(read())
        if how == "cancel":
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(scripted_server.wait_for_disconnect)

    asyncio.run(main())


def test_cancelling_a_call_closes_its_connection(scripted_server: ScriptedServer) -> None:
    scripted_server.play(Reply(steps=[Stall(5)]))

    async def main() -> None:
        task = asyncio.create_task(provider_of(scripted_server).acomplete(HI))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(scripted_server.wait_for_disconnect)

    asyncio.run(main())


def test_a_call_does_not_block_the_loop(scripted_server: ScriptedServer) -> None:
    asked = threading.Event()
    hello = json.dumps(
        {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    ).encode()
    scripted_server.play(Reply(steps=[Wait(asked), Send(hello)], framing="chunked"))

    async def main() -> str:
        task = asyncio.create_task(provider_of(scripted_server).acomplete(HI))
        await asyncio.sleep(0.1)
        asked.set()  # only a loop that runs gets here while the call waits
        return (await task).content

    assert asyncio.run(main()) == "Hello"


def test_nothing_of_the_conversation_is_logged_or_written(
    scripted_server: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    caplog.set_level(0)
    scripted_server.play(refuse(500, "broken"), stream("top secret answer"))
    provider = provider_of(scripted_server)
    asked = [{"role": "user", "content": "top secret question"}]
    streamed(provider, asked)
    streamed(provider, asked)
    assert "top secret" not in caplog.text
    assert list(tmp_path.rglob("*")) == []
