"""An answer ends at once when its event is set, whatever it is waiting for, and leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable

import pytest
from windows import CONFIG, HI, OPENAI, Api, both_apis, collect, until

from lexilux_like import LexiluxError
from lexilux_like.providers import GenerationCancelledError, MessageStream
from lexilux_like.testing import Reply, ScriptedServer, Stall, late, refuse

AT_ONCE_S = 0.5
"""Far less than anything that the servers here would do by themselves."""


async def ended_by(
    pieces: MessageStream, cancel: Callable[[], object], got: list[str]
) -> GenerationCancelledError:
    """Read until the event, which is set as soon as nothing comes any more, has ended it."""
    reader = asyncio.create_task(collect(pieces, got))
    await asyncio.sleep(0.1)
    assert not reader.done()
    begun = time.monotonic()
    cancel()
    with pytest.raises(GenerationCancelledError) as raised:
        await reader
    assert time.monotonic() - begun < AT_ONCE_S
    return raised.value


async def nothing_left() -> bool:
    """Whether this task is the only one."""
    return await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@both_apis
def test_a_stalled_stream_is_cancelled_at_once_with_all_that_came(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hel", "lo", end=Stall(5)))

    async def go() -> tuple[list[str], GenerationCancelledError, MessageStream]:
        event, got = asyncio.Event(), list[str]()
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG, event)
            error = await ended_by(pieces, event.set, got)
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            assert await nothing_left()
            return got, error, pieces

    got, error, pieces = asyncio.run(go())
    assert got == ["Hel", "lo"]
    assert error.partial_content == pieces.message.content == "Hello"
    assert error.partial is not None
    assert error.partial.text == "Hello"
    assert pieces.message.stopped


@both_apis
def test_what_was_held_back_is_in_the_text_that_came(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("one two ", "three", end=Stall(5)))

    async def go() -> tuple[list[str], GenerationCancelledError, MessageStream]:
        event, got = asyncio.Event(), list[str]()
        async with api.provider(scripted_server, max_continues=2) as provider:
            pieces = provider.stream(HI, CONFIG, event)
            return got, await ended_by(pieces, event.set, got), pieces

    got, error, pieces = asyncio.run(go())
    assert got == []
    assert error.partial_content == pieces.message.content == "one two three"


@both_apis
def test_a_request_without_an_answer_is_cancelled_at_once(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(late(api.streamed("Hi"), seconds=5))

    async def go() -> GenerationCancelledError:
        event = asyncio.Event()
        async with api.provider(scripted_server) as provider:
            error = await ended_by(provider.stream(HI, CONFIG, event), event.set, [])
            assert await until(lambda: not scripted_server.open_connections)
            return error

    assert asyncio.run(go()).partial_content == ""


@both_apis
@pytest.mark.parametrize("refusal", [refuse(503, retry_after="20"), refuse(429, retry_after="20")])
def test_the_wait_for_a_retry_is_cancelled_at_once(
    api: Api, refusal: Reply, scripted_server: ScriptedServer
):
    scripted_server.play(refusal)

    async def go() -> None:
        event = asyncio.Event()
        async with api.provider(scripted_server, max_retries=1) as provider:
            await ended_by(provider.stream(HI, CONFIG, event), event.set, [])

    asyncio.run(go())
    assert len(scripted_server.requests) == 1


@both_apis
def test_the_wait_for_the_rate_limit_is_cancelled_at_once(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hi"))

    async def go() -> None:
        event = asyncio.Event()
        async with api.provider(scripted_server, rate_limit=(1, 60.0)) as provider:
            await collect(provider.stream(HI, CONFIG), [])
            await ended_by(provider.stream(HI, CONFIG, event), event.set, [])

    asyncio.run(go())
    assert len(scripted_server.requests) == 1


@both_apis
@pytest.mark.parametrize("kind", [asyncio.Event, threading.Event])
def test_an_event_that_is_set_beforehand_sends_nothing(
    api: Api, kind: Callable[[], asyncio.Event], scripted_server: ScriptedServer
):
    async def go() -> MessageStream:
        event = kind()
        event.set()
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG, event)
            with pytest.raises(GenerationCancelledError):
                await anext(pieces)
            return pieces

    assert asyncio.run(go()).message.stopped
    assert (scripted_server.requests, scripted_server.connections) == ([], 0)


@both_apis
def test_pieces_that_have_come_are_not_handed_out_after_the_event(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hel", "lo"))

    async def go() -> GenerationCancelledError:
        event = asyncio.Event()
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG, event)
            await anext(pieces)
            event.set()
            with pytest.raises(GenerationCancelledError) as raised:
                await anext(pieces)
            with pytest.raises(StopAsyncIteration):
                await anext(pieces)
            return raised.value

    assert asyncio.run(go()).partial_content == "Hel"
    assert scripted_server.wait_for_disconnect()


def test_an_event_that_was_set_only_for_a_moment_counts(scripted_server: ScriptedServer):
    def flash(event: asyncio.Event) -> None:
        event.set()
        event.clear()

    cancelled_from_outside(scripted_server, asyncio.Event(), flash)


def test_an_event_of_threads_ends_a_stalled_stream(scripted_server: ScriptedServer):
    cancelled_from_outside(scripted_server, threading.Event(), lambda event: event.set())


def test_the_event_may_be_set_by_another_thread(scripted_server: ScriptedServer):
    def from_a_thread(event: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=loop.call_soon_threadsafe, args=(event.set,)).start()

    cancelled_from_outside(scripted_server, asyncio.Event(), from_a_thread)


def cancelled_from_outside(server: ScriptedServer, event, cancel) -> None:
    server.play(OPENAI.streamed("Hel", end=Stall(5)))

    async def go() -> None:
        async with OPENAI.provider(server) as provider:
            pieces = provider.stream(HI, CONFIG, event)
            error = await ended_by(pieces, lambda: cancel(event), [])
            assert error.partial_content == "Hel"
            assert await nothing_left()

    asyncio.run(go())


def test_another_stream_of_the_same_provider_goes_on(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("a", end=Stall(5)), OPENAI.streamed("b", gap_s=0.1))

    async def go() -> list[str]:
        event, got = asyncio.Event(), list[str]()
        async with OPENAI.provider(scripted_server) as provider:
            first = provider.stream(HI, CONFIG, event)
            await anext(first)
            other = asyncio.create_task(collect(provider.stream(HI, CONFIG), got))
            await ended_by(first, event.set, [])
            await other
            return got

    assert asyncio.run(go()) == ["b"]


def test_each_piece_may_be_asked_for_by_another_task(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("a", "b", end=Stall(5)))

    async def go() -> list[str]:
        event, got = asyncio.Event(), list[str]()
        async with OPENAI.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG, event)

            async def one() -> None:
                got.append(await anext(pieces))

            await asyncio.create_task(one())
            await asyncio.create_task(one())
            await ended_by(pieces, event.set, got)
            return got

    assert asyncio.run(go()) == ["a", "b"]


def test_two_tasks_cannot_wait_for_the_same_piece(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("a", end=Stall(5)))

    async def go() -> None:
        event, got = asyncio.Event(), list[str]()
        async with OPENAI.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG, event)
            reader = asyncio.create_task(collect(pieces, got))
            assert await until(lambda: got == ["a"])
            with pytest.raises(RuntimeError, match="another task is waiting"):
                await anext(pieces)
            event.set()
            with pytest.raises(GenerationCancelledError):  # the first one is not disturbed
                await reader

    asyncio.run(go())


# The cancellation of a task.


@both_apis
def test_a_cancelled_task_hangs_up(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", end=Stall(5)))

    async def go() -> MessageStream:
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG, asyncio.Event())
            reader = asyncio.create_task(collect(pieces, []))
            await asyncio.sleep(0.1)
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            assert await nothing_left()
            return pieces

    message = asyncio.run(go()).message
    assert (message.content, message.stopped) == ("Hel", True)


@pytest.mark.parametrize("event_first", [True, False])
def test_the_cancellation_of_the_task_wins(event_first: bool, scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("Hel", end=Stall(5)))

    async def go() -> None:
        event = asyncio.Event()
        async with OPENAI.provider(scripted_server) as provider:
            reader = asyncio.create_task(collect(provider.stream(HI, CONFIG, event), []))
            await asyncio.sleep(0.1)
            steps = [event.set, reader.cancel]
            for step in steps if event_first else reversed(steps):
                step()
            with pytest.raises(asyncio.CancelledError):
                await reader
            assert reader.cancelled()

    asyncio.run(go())


def test_a_time_limit_around_it_stays_what_it_is(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("Hel", end=Stall(5)))

    async def go() -> None:
        async with OPENAI.provider(scripted_server) as provider:
            with pytest.raises(TimeoutError) as raised:
                async with asyncio.timeout(0.1):
                    await collect(provider.stream(HI, CONFIG, asyncio.Event()), [])
            assert not isinstance(raised.value, LexiluxError)

    asyncio.run(go())


def test_the_task_that_was_ended_by_the_event_goes_on(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("Hel", end=Stall(5)))

    async def go() -> int:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, event.set)
        async with OPENAI.provider(scripted_server) as provider:
            with pytest.raises(GenerationCancelledError):
                await collect(provider.stream(HI, CONFIG, event), [])
            await asyncio.sleep(0.01)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(go()) == 0


# Leaving.


@both_apis
def test_a_stream_that_is_left_hangs_up_and_is_not_watched(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hel", "lo", end=Stall(5)))

    async def go() -> None:
        event = asyncio.Event()
        async with api.provider(scripted_server) as provider:
            async for _ in provider.stream(HI, CONFIG, event):
                break
            gc.collect()
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            assert await nothing_left()

    asyncio.run(go())


@both_apis
def test_closing_a_stream_hangs_up(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", "lo", end=Stall(5)))

    async def go() -> MessageStream:
        async with api.provider(scripted_server) as provider:
            async with provider.stream(HI, CONFIG, asyncio.Event()) as pieces:
                await anext(pieces)
            await pieces.aclose()
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            assert await nothing_left()
            return pieces

    message = asyncio.run(go()).message
    assert (message.content, message.stopped) == ("Hel", True)


@both_apis
def test_closing_it_wakes_up_the_task_that_waits(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", end=Stall(5)))

    async def go() -> list[str]:
        got: list[str] = []
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG)
            reader = asyncio.create_task(collect(pieces, got))
            assert await until(lambda: got == ["Hel"])
            await pieces.aclose()
            await reader
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
        return got

    assert asyncio.run(go()) == ["Hel"]


def test_an_ended_stream_is_not_watched(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("Hi"))

    async def go() -> bool:
        async with OPENAI.provider(scripted_server) as provider:
            await collect(provider.stream(HI, CONFIG, asyncio.Event()), [])
            return await nothing_left()

    assert asyncio.run(go())


def test_what_is_no_event_is_refused(scripted_server: ScriptedServer):
    with pytest.raises(TypeError, match=r"cancel_event must be an asyncio\.Event, not 'stop'"):
        OPENAI.provider(scripted_server).stream(HI, CONFIG, "stop")  # type: ignore[arg-type]


def test_an_event_of_another_loop_is_an_error(scripted_server: ScriptedServer):
    scripted_server.play(OPENAI.streamed("Hel", end=Stall(5)))
    event = asyncio.Event()

    async def bind() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await event.wait()

    asyncio.run(bind())

    async def go() -> None:
        async with OPENAI.provider(scripted_server) as provider:
            with pytest.raises(RuntimeError, match="bound to a different event loop"):
                await collect(provider.stream(HI, CONFIG, event), [])

    asyncio.run(go())
