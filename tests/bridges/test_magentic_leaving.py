"""Answers of magentic's models that are left before their end."""

from __future__ import annotations

import asyncio
import gc

import pytest
from through_magentic import HELLO

from lexilux_like import LexiluxError
from lexilux_like.providers import (
    ChatConfig,
    ChatMessage,
    GenerationCancelledError,
    MagenticProvider,
)
from lexilux_like.testing import Stall, chunk, events, late, stream, tool_call


async def cancelled_at(provider: MagenticProvider, event: asyncio.Event) -> tuple[list[str], str]:
    """The pieces of an answer until it is cancelled, and what the error has."""
    pieces: list[str] = []
    try:
        async for piece in provider.stream(HELLO, ChatConfig(), event):
            pieces.append(piece)
            asyncio.get_running_loop().call_later(0.02, event.set)
    except GenerationCancelledError as error:
        return pieces, error.partial_content
    raise AssertionError("it came to its end")


@pytest.fixture
def _no_collector():
    """What is closed is not closed by the garbage collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
def test_cancelling_ends_a_stalled_stream_and_its_connection(scripted_server, magentic_provider):
    scripted_server.play(stream("Hel", end=Stall()))

    async def go() -> bool:
        async with magentic_provider:
            assert await cancelled_at(magentic_provider, asyncio.Event()) == (["Hel"], "Hel")
            return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())


@pytest.mark.usefixtures("_no_collector")
def test_cancelling_before_the_head_closes_the_connection(scripted_server, magentic_provider):
    scripted_server.play(late(stream("Hel"), seconds=30))

    async def go() -> bool:
        event = asyncio.Event()
        async with magentic_provider:
            asyncio.get_running_loop().call_later(0.05, event.set)
            assert await cancelled_at(magentic_provider, event) == ([], "")
            return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())


def test_an_event_that_is_set_beforehand_sends_nothing(scripted_server, magentic_provider):
    async def go() -> None:
        event = asyncio.Event()
        event.set()
        assert await cancelled_at(magentic_provider, event) == ([], "")

    asyncio.run(go())
    assert scripted_server.requests == []


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("held", [1, 3])
def test_leaving_between_two_pieces_closes_the_connection(
    scripted_server, magentic_provider, held: int
):
    scripted_server.play(stream(*["Hel"] * held, end=Stall()))

    async def go() -> bool:
        async with magentic_provider:
            async with magentic_provider.stream(HELLO, ChatConfig()) as pieces:
                assert await anext(pieces) == "Hel"
            return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())


@pytest.mark.usefixtures("_no_collector")
def test_a_cancelled_task_closes_the_connection(scripted_server, magentic_provider):
    scripted_server.play(stream("Hel", end=Stall()))

    async def go() -> bool:
        async with magentic_provider:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await magentic_provider.generate(HELLO, ChatConfig())
            return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())


def test_a_cancelled_answer_is_a_message_that_was_stopped(scripted_server, magentic_provider):
    scripted_server.play(stream("Hel", end=Stall()))

    async def go() -> ChatMessage:
        async with magentic_provider:
            answer = magentic_provider.stream(HELLO, ChatConfig(), event := asyncio.Event())
            assert await anext(answer) == "Hel"
            event.set()
            with pytest.raises(GenerationCancelledError):
                await anext(answer)
            return answer.message

    message = asyncio.run(go())
    assert (message.content, message.stopped) == ("Hel", True)


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize(
    "last",
    [
        chunk({"tool_calls": [{"index": 0, **tool_call("add", {"a": 1})}]}),
        chunk({}, finish_reason="error"),
    ],
)
def test_an_answer_that_cannot_be_read_closes_the_connection(
    scripted_server, magentic_provider, last: dict
):
    scripted_server.play(events(chunk({"content": "Hel"}), last, Stall()))

    async def go() -> bool:
        async with magentic_provider:
            with pytest.raises(LexiluxError):
                await magentic_provider.generate(HELLO, ChatConfig())
            return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())
