"""The two drivers do the same: the same effects in the same order, the same end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.transport.drive import arun, run
from lexilux_like.turns.flow import Action, Open, Read
from lexilux_like.turns.journey import Journey
from lexilux_like.turns.retry import Attempts, RetryBudget, retried
from lexilux_like.turns.turn import streamed, timed
from lexilux_like.values.errors import LexiluxConnectionError, LexiluxError, ServerError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, Timing
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect

REQUEST = ChatRequest("m", [{"role": "user", "content": "Hi"}])
SERVED = Response(200, {})
REPLIES = [
    sse(chunk({"content": "a"})),
    sse(chunk({}, finish_reason="stop")),
    DONE,
    b": on\n\n",
    b"",
    LexiluxConnectionError("reset"),
    ServerError("down"),
]


class Script:
    """A world that gives scripted replies and writes down what it was asked."""

    observer = None

    def __init__(self, replies: list[Any]) -> None:
        self.replies = iter(replies)
        self.trace: list[str] = []
        self.closed = 0

    def perform(self, action: Action) -> Any:
        self.trace.append(repr(action))
        if not isinstance(action, Open | Read):
            return None
        reply = next(self.replies, b"")
        if isinstance(reply, LexiluxError):
            raise type(reply)(str(reply))
        return SERVED if isinstance(action, Open) else reply

    def censor(self, text: str) -> str:
        return text

    def close(self) -> None:
        self.closed += 1


class AsyncScript(Script):
    """The same, for the other driver."""

    async def perform(self, action: Action) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().perform(action)

    async def aclose(self) -> None:
        self.close()


def flow() -> Any:
    turn = retried(streamed(OpenAIDialect()), Attempts(2, RetryBudget()))
    return timed(turn, Journey())(REQUEST)


def timeless(result: ChatResult | None) -> ChatResult | None:
    return result and replace(result, timing=Timing())


def driven(replies: list[Any], *, is_async: bool) -> tuple[list[str], str, int]:
    """The effects, the end, and how often the world was closed."""
    world: Any = AsyncScript(replies) if is_async else Script(replies)
    try:
        result = asyncio.run(arun(flow(), world)) if is_async else run(flow(), world)
        end = repr(timeless(result))
    except LexiluxError as error:
        end = f"{type(error).__name__}: {error} {timeless(error.partial)!r}"
    trace = [each for each in world.trace if not each.startswith("Sleep")]  # jitter
    return trace, end, world.closed


@given(st.lists(st.sampled_from(REPLIES), max_size=8))
def test_both_drivers_yield_the_same_effects_and_the_same_end(replies: list[Any]) -> None:
    assert driven(replies, is_async=False) == driven(replies, is_async=True)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_world_is_closed_once_whatever_happens(is_async: bool) -> None:
    for replies in ([SERVED, REPLIES[1] + DONE], [LexiluxConnectionError("reset")] * 9):
        assert driven(replies, is_async=is_async)[2] == 1
