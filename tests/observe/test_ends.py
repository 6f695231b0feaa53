"""Each call that starts ends once, whatever becomes of it."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest
from told import Told

from lexilux_like import (
    CallEnded,
    Chat,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    Hooks,
    LexiluxConnectionError,
    ServerError,
)
from lexilux_like.testing import (
    Cut,
    Reply,
    ScriptedServer,
    Send,
    Stall,
    answer,
    chunk,
    json_reply,
    refuse,
    sse,
    stream,
    tool_call,
)
from lexilux_like.testing.door import Doors

SILENT = Reply(head_delay=5.0)
STARTED = sse(chunk({"content": "Hel"}))
ENDLESS = Reply(200, {"content-type": "text/event-stream"}, steps=[Send(STARTED), Stall()])
BROKEN = Reply(200, {"content-type": "text/event-stream"}, steps=[Send(STARTED), Cut()])


def eventually(claim: Any) -> None:
    end = time.monotonic() + 3
    while not claim() and time.monotonic() < end:
        time.sleep(0.01)
    assert claim()


def make(server: ScriptedServer, hooks: Hooks | list[Hooks]) -> Chat:
    return Chat(base_url=server.url, model="m", proxies={}, hooks=hooks)


@pytest.mark.parametrize("method", ["call", "complete"])
def test_an_answer_is_told_at_the_end(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(answer("Hi") if method == "call" else stream("Hi"))
    result = getattr(door(hooks=told.hooks), method)("x")
    assert (told.end.outcome, told.end.error) == ("answered", None)
    assert told.end.result == result


def test_a_stream_ends_behind_its_last_chunk(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(stream("Hi"))
    streamed = door(hooks=told.hooks).stream("x")
    assert told.end.outcome == "answered"
    assert told.end.result == streamed.result
    assert told.end.error is None


def test_who_stops_at_the_chunk_with_done_has_the_answer(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(stream("Hi"))
    opened = door(hooks=told.hooks).open_stream("x")
    while not opened.next_chunk().done:
        pass
    opened.close()
    assert told.end.outcome == "answered"


@pytest.mark.parametrize("method", ["call", "stream", "complete", "complete_stream"])
def test_a_failure_is_told_as_its_caller_gets_it(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(refuse(500, "broken"))
    with pytest.raises(ServerError) as caught:
        getattr(door(hooks=told.hooks), method)("x")
    assert told.end.outcome == "failed"
    assert told.end.error is caught.value


def test_a_broken_stream_ends_with_its_part(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(BROKEN)
    with pytest.raises(ChatStreamInterruptedError):
        door(hooks=told.hooks).stream("x")
    assert told.end.result is not None
    assert (told.end.outcome, told.end.result.text) == ("failed", "Hel")


def test_an_answer_that_stays_incomplete_is_told_with_its_part(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(stream("Half of", finish_reason="length"))
    with pytest.raises(ChatIncompleteResponseError):
        door(hooks=told.hooks).complete("x", max_continues=0)
    assert told.end.result is not None
    assert told.end.result.text == "Half of"


def test_a_closed_stream_ends_once(door: Doors, scripted_server: ScriptedServer, told: Told):
    scripted_server.play(ENDLESS)
    opened = door(hooks=told.hooks).open_stream("x")
    opened.next_chunk()
    opened.close()
    opened.close()
    assert told.end.result is not None
    assert (told.end.outcome, told.end.result.text) == ("closed", "Hel")


def test_a_stream_that_was_never_read_tells_nothing(door: Doors, told: Told):
    opened = door(hooks=told.hooks).open_stream("x")
    opened.close()
    del opened
    assert told.events == []


def test_a_dropped_stream_is_abandoned(door: Doors, scripted_server: ScriptedServer, told: Told):
    scripted_server.play(ENDLESS)
    opened = door(hooks=told.hooks).open_stream("x")
    opened.next_chunk()
    del opened
    gc.collect()
    eventually(lambda: told.of(CallEnded))
    assert told.end.outcome == "abandoned"


def test_the_collector_leaves_the_telling_to_the_next_call(
    scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(ENDLESS, answer("Hi"))
    with make(scripted_server, told.hooks) as chat:
        lost: Any = chat.stream("x")
        next(lost)
        lost.itself = lost  # only the collector can find out that nobody needs it
        first = told.events[0].call_id
        del lost
        gc.collect()
        assert told.of(CallEnded) == []
        chat("x")
    ends = told.of(CallEnded)
    assert [each.outcome for each in ends] == ["abandoned", "answered"]
    assert ends[0].call_id == first


def test_a_stream_closed_by_another_thread_ends_once(scripted_server: ScriptedServer, told: Told):
    scripted_server.play(ENDLESS)
    with make(scripted_server, told.hooks) as chat:
        opened = chat.stream("x")
        next(opened)
        closer = threading.Timer(0.05, opened.close)
        closer.start()
        assert list(opened) == []
        closer.join()
    assert told.end.outcome == "closed"


def test_a_stream_closed_by_another_task_ends_once(scripted_server: ScriptedServer, told: Told):
    scripted_server.play(ENDLESS)

    async def main() -> None:
        async with make(scripted_server, told.hooks) as chat:
            opened = chat.astream("x")
            await anext(opened)
            rest = asyncio.ensure_future(anext(opened, None))
            await asyncio.sleep(0.05)
            await opened.aclose()
            assert await rest is None

    asyncio.run(main())
    assert told.end.outcome == "closed"


@pytest.mark.parametrize("streams", [False, True])
def test_a_cancelled_call_ends_cancelled(
    streams: bool, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(ENDLESS if streams else SILENT)

    async def main() -> None:
        async with make(scripted_server, told.hooks) as chat:

            async def ask() -> None:
                if streams:
                    async for _ in chat.astream("x"):
                        pass
                else:
                    await chat.acall("x")

            task = asyncio.ensure_future(ask())
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert told.end.outcome == "cancelled"
    assert isinstance(told.end.error, asyncio.CancelledError)


def test_an_error_of_the_caller_around_a_call_is_not_its_end(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(answer("Hi"), ENDLESS)
    asked = door(hooks=told.hooks)
    try:
        int("none")
    except ValueError:
        asked.call("x")
        opened = asked.open_stream("x")
        opened.next_chunk()
        opened.close()
    assert [each.outcome for each in told.of(CallEnded)] == ["answered", "closed"]
    assert [each.error for each in told.of(CallEnded)] == [None, None]


@pytest.mark.parametrize("method", ["run_tools", "run_tools_stream"])
def test_what_the_callers_code_raises_is_a_failure(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    def approve(_call: object) -> bool:
        raise KeyError("mine")

    def weather(city: str) -> str:
        """The weather."""
        return city

    message = {"role": "assistant", "tool_calls": [tool_call("weather", {"city": "Rome"})]}
    scripted_server.play(
        json_reply({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    )
    with pytest.raises(KeyError):
        getattr(door(hooks=told.hooks), method)("x", tools=[weather], approve=approve)
    assert told.end.outcome == "failed"
    assert isinstance(told.end.error, KeyError)


def test_an_interrupted_stream_ends_cancelled(scripted_server: ScriptedServer, told: Told):
    def interrupt(_event: object) -> None:
        raise KeyboardInterrupt

    scripted_server.play(ENDLESS)
    with make(scripted_server, [Hooks(on_chunk=interrupt), told.hooks]) as chat:
        opened = chat.stream("x")
        with pytest.raises(KeyboardInterrupt):
            next(opened)
    assert told.end.outcome == "cancelled"


def test_a_call_that_is_given_up_before_it_is_made_never_starts(
    scripted_server: ScriptedServer, told: Told
):
    with make(scripted_server, told.hooks) as chat:
        pending = chat._pending("call", "x", {})
        pending.hang_up()
        with pytest.raises(LexiluxConnectionError):
            pending.run()
    assert told.events == []


def test_hooks_without_an_end_are_fine(door: Doors, scripted_server: ScriptedServer):
    scripted_server.play(answer("Hi"), stream("Hi"))
    asked = door(hooks=Hooks(on_start=lambda _event: None))
    assert asked.call("x").text == asked.stream("x").result.text == "Hi"
