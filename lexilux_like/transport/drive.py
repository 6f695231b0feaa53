"""Running a flow: the only two driving loops in the package."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, TypeVar

from ..turns.flow import Chunks, Flow, Stepper
from ..values.errors import ChatIncompleteResponseError, LexiluxError, NetworkError
from ..values.results import ChatStreamChunk
from .foreign import quiet
from .worlds import AsyncWorld, SyncWorld

T = TypeVar("T")


def run(flow: Flow[T], world: SyncWorld) -> T:
    """Drive a flow to its value, blocking."""
    step = Stepper(flow, time.monotonic)
    try:
        for _ in iterate(step, world):
            pass
    except LexiluxError as error:
        raise presentable(error, world.censor) from error.__cause__
    finally:
        world.close()
        if world.observer is not None:
            world.observer.ended(step, sys.exception())
    return step.value


async def arun(flow: Flow[T], world: AsyncWorld) -> T:
    """Drive a flow to its value on the running loop."""
    step = Stepper(flow, time.monotonic)
    try:
        async for _ in aiterate(step, world):
            pass
    except LexiluxError as error:
        raise presentable(error, world.censor) from error.__cause__
    finally:
        try:
            await world.aclose()
        finally:
            if world.observer is not None:
                world.observer.ended(step, sys.exception())
    return step.value


def iterate(step: Stepper[Any], world: SyncWorld) -> Generator[ChatStreamChunk, None, None]:
    """Drive a flow, handing on its chunks. Whoever iterates closes the world."""
    step.start()
    while (effect := step.effect) is not None:
        if type(effect) is ChatStreamChunk:
            yield effect
            step.reply(None)
            continue
        try:
            if type(effect) is Chunks:
                yield from effect.chunks
                reply = None
            else:
                reply = world.perform(effect)
        except LexiluxError as error:
            step.fail(error)
        else:
            step.reply(reply)


async def aiterate(step: Stepper[Any], world: AsyncWorld) -> AsyncGenerator[ChatStreamChunk, None]:
    """`iterate`, on the running loop."""
    step.start()
    while (effect := step.effect) is not None:
        if type(effect) is ChatStreamChunk:
            yield effect
            step.reply(None)
            continue
        try:
            if type(effect) is Chunks:
                for chunk in effect.chunks:
                    yield chunk
                reply = None
            else:
                reply = await world.perform(effect)
        except LexiluxError as error:
            step.fail(error)
        else:
            step.reply(reply)


def presentable(error: LexiluxError, censor: Callable[[str], str]) -> LexiluxError:
    """`error` as the caller sees it: without secrets, and without the frames that held them."""
    error.censor(censor)
    cause = error.__cause__
    if isinstance(error, ChatIncompleteResponseError) and isinstance(cause, LexiluxError):
        error.__cause__ = presentable(cause, censor)
    elif not isinstance(error, NetworkError):  # what a parser choked on is in `body`, censored
        error.__cause__ = error.__context__ = None
    quiet(error)
    return error
