"""Functions that block, stall or are left: the event loop goes on, and nothing stays behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from interpreters import output_of
from windows import CONFIG, HI, collect, until

from lexilux_like.providers import (
    CallbackProvider,
    ChatMessage,
    GenerationCancelledError,
    MessageStream,
)

STALLED = """
import asyncio, time
from lexilux_like.providers import *

async def main():
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, event.set)
    pieces = CallbackProvider(lambda *_: time.sleep(9)).stream([], ChatConfig(), event)
    try:
        await anext(pieces)
    except GenerationCancelledError:
        print("cancelled")

asyncio.run(main())
"""
TENANT: ContextVar[str] = ContextVar("TENANT")


def test_a_function_that_blocks_does_not_block_the_loop():
    released = threading.Event()

    def blocking(*_: object) -> Iterator[str]:
        assert released.wait(2)
        yield "Hi"

    async def go() -> list[str]:
        got: list[str] = []
        stream = CallbackProvider(stream_fn=blocking).stream(HI, CONFIG)
        reader = asyncio.create_task(collect(stream, got))
        await asyncio.sleep(0.05)
        released.set()  # a loop that is blocked does not come here
        await reader
        return got

    assert asyncio.run(go()) == ["Hi"]


def test_all_steps_of_a_generator_run_on_one_thread_with_the_context():
    def stream_fn(*_: object) -> Iterator[str]:
        for _ in range(3):
            yield f"{threading.get_ident()} {TENANT.get()}"

    async def go() -> list[str]:
        TENANT.set("acme")
        got: list[str] = []
        await collect(CallbackProvider(stream_fn=stream_fn).stream(HI, CONFIG), got)
        return got

    first, *others = asyncio.run(go())
    assert others == [first, first]
    assert first != f"{threading.get_ident()} acme"
    assert first.endswith(" acme")


async def left() -> bool:
    """Whether every thread of a callback has ended."""
    return await until(
        lambda: not [t for t in threading.enumerate() if t.name == "lexilux_like-callback"]
    )


@pytest.mark.parametrize("leave", ["end", "break", "close", "fail"])
def test_a_generator_is_closed_and_its_thread_ends(leave: str):
    closed: list[int] = []

    def stream_fn(*_: object) -> Iterator[str]:
        here = threading.get_ident()
        try:
            yield "a"
            if leave == "fail":
                raise KeyError("b")
            yield "b"
        finally:
            closed.append(threading.get_ident() - here)

    async def go() -> None:
        stream: MessageStream | None = CallbackProvider(stream_fn=stream_fn).stream(HI, CONFIG)
        assert stream is not None
        await anext(stream)
        if leave == "close":
            await stream.aclose()
            assert closed == [0]
        elif leave == "fail":
            with pytest.raises(KeyError):
                await anext(stream)
        elif leave == "end":
            await collect(stream, [])
        stream = None
        assert await left()

    asyncio.run(go())
    assert closed == [0]


def test_a_generator_that_stalls_is_left_behind_and_closed_when_it_comes_back():
    released, closed = threading.Event(), threading.Event()

    def stalling(*_: object) -> Iterator[str]:
        try:
            yield "Hel"
            assert released.wait(5)
            yield "lo"
        finally:
            closed.set()

    error, message, took = cancelled(stalling)
    assert took < 0.5
    assert (error.partial_content, message.content, message.stopped) == ("Hel", "Hel", True)
    assert not closed.is_set()
    released.set()
    assert closed.wait(2)


def test_an_async_generator_is_closed_when_the_event_is_set():
    closed: list[bool] = []

    async def stalling(*_: object) -> AsyncIterator[str]:
        try:
            yield "Hel"
            await asyncio.sleep(5)
        finally:
            closed.append(True)

    error, _, took = cancelled(stalling)
    assert took < 0.5
    assert (error.partial_content, closed) == ("Hel", [True])


@pytest.mark.parametrize("leave", ["close", "with"])
def test_an_async_generator_is_closed_with_its_stream(leave: str):
    closed: list[bool] = []

    async def stream_fn(*_: object) -> AsyncIterator[str]:
        try:
            yield "Hel"
            yield "lo"
        finally:
            closed.append(True)

    async def go() -> None:
        pieces = CallbackProvider(stream_fn=stream_fn).stream(HI, CONFIG)
        await anext(pieces)
        await (pieces.aclose() if leave == "close" else pieces.__aexit__(None, None, None))
        assert closed == [True]

    asyncio.run(go())


def test_a_piece_that_comes_with_the_event_is_in_the_partial_content_only():
    async def stopping(_: object, __: object, event: asyncio.Event) -> AsyncIterator[str]:
        yield "Hel"
        event.set()
        yield "lo"

    async def go() -> tuple[list[str], str]:
        got: list[str] = []
        pieces = CallbackProvider(stream_fn=stopping).stream(HI, CONFIG, asyncio.Event())
        with pytest.raises(GenerationCancelledError) as raised:
            await collect(pieces, got)
        return got, raised.value.partial_content

    assert asyncio.run(go()) == (["Hel"], "Hello")


def test_a_thread_that_was_left_behind_does_not_keep_the_interpreter():
    begun = time.monotonic()
    assert output_of(STALLED).split() == ["cancelled"]
    assert time.monotonic() - begun < 4


def test_a_function_that_stalls_before_its_first_piece_is_left_behind():
    released = threading.Event()
    error, _, took = cancelled(lambda *_: str(released.wait(5)))
    released.set()
    assert took < 0.5
    assert error.partial_content == ""


def test_a_callback_that_heeds_the_event_and_returns_is_cancelled_too():
    async def heeding(messages: object, config: object, event: asyncio.Event) -> AsyncIterator[str]:
        yield "Hel"
        try:
            await event.wait()
        except asyncio.CancelledError:
            return

    error, _, _ = cancelled(heeding)
    assert error.partial_content == "Hel"


def cancelled(stream_fn: Any) -> tuple[GenerationCancelledError, ChatMessage, float]:
    """Set the event while it stalls; the answer, and how long the whole loop took to end."""

    async def go() -> tuple[GenerationCancelledError, ChatMessage]:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, event.set)
        stream = CallbackProvider(stream_fn=stream_fn).stream(HI, CONFIG, event)
        with pytest.raises(GenerationCancelledError) as raised:
            await collect(stream, [])
        return raised.value, stream.message

    begun = time.monotonic()
    error, message = asyncio.run(go())
    return error, message, time.monotonic() - begun


def test_a_cancelled_generate_leaves_its_function_behind():
    released = threading.Event()

    async def go() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await CallbackProvider(lambda *_: str(released.wait(5))).generate(HI, CONFIG)

    begun = time.monotonic()
    asyncio.run(go())
    assert time.monotonic() - begun < 0.5
    released.set()
