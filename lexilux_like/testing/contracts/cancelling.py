"""What every `ChatProvider` must do when its answer is not wanted any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from ...providers.base import ChatProvider, GenerationCancelledError
from .behaviours import Says
from .model import POLL_S, PlayedModel
from .running import Contract, close, on_a_loop
from .window import CONFIG, HI, LONG

AT_ONCE_S = 1.0
"""Most seconds from setting the event to the error; generous, for busy machines."""
SOON_S = 0.05
"""Seconds until an answer that is under way is ended."""
STALLS = Says(("Hello. ", LONG), ending="stall")
SILENT = Says(ending="stall")
GOES_ON = Says(("One ", "two ", "three ", "four"), gap_s=0.02)


class CancellingContract(Contract[ChatProvider]):
    """The part of `ChatProviderContract` that is about endings."""

    closes: ClassVar[bool] = True
    """Whether the model learns of it when nobody waits for its answer any more."""

    @on_a_loop
    async def test_a_stalled_stream_is_cancelled_at_once(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """With the text that had come until then."""
        model.play(STALLS)
        partial = (await (await stalled(provider)).cancelled()).partial_content
        assert partial == STALLS.text

    @on_a_loop
    async def test_a_stream_is_cancelled_before_anything_has_come(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """With no text."""
        model.play(SILENT)
        listener = Listener(provider)
        assert await model.was_asked(), "the model was not asked"
        assert (await listener.cancelled()).partial_content == ""

    @on_a_loop
    async def test_cancelling_reaches_the_model(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """It need not go on writing what nobody reads."""
        self.require("closes")
        model.play(STALLS)
        await (await stalled(provider)).cancelled()
        assert await model.left(), "the model does not know that its answer is cancelled"

    @on_a_loop
    async def test_a_cancelled_stream_yields_no_more(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """The event counts between two pieces, too."""
        model.play(GOES_ON)
        event = asyncio.Event()
        stream = provider.stream(HI, CONFIG, event)
        first = await anext(stream)
        event.set()
        with pytest.raises(GenerationCancelledError) as caught:
            await anext(stream)
        partial = caught.value.partial_content
        assert partial.startswith(first)
        assert GOES_ON.text.startswith(partial)

    @on_a_loop
    async def test_a_stream_that_is_cancelled_beforehand_asks_nothing(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """The model never hears of it."""
        model.play(STALLS)
        event = asyncio.Event()
        event.set()
        with pytest.raises(GenerationCancelledError) as caught:
            await anext(provider.stream(HI, CONFIG, event))
        assert (caught.value.partial_content, model.asked) == ("", [])

    @on_a_loop
    async def test_an_event_that_is_never_set_changes_nothing(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """The stream comes to its own end."""
        model.play(GOES_ON)
        stream = provider.stream(HI, CONFIG, asyncio.Event())
        assert "".join([piece async for piece in stream]) == GOES_ON.text

    @on_a_loop
    async def test_breaking_off_reaches_the_model(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """A `break`, and then `aclose()` where the stream has one."""
        self.require("closes")
        model.play(STALLS)
        await begun_and_abandoned(provider.stream(HI, CONFIG))
        assert await model.left(), "the model does not know that nobody reads its answer"

    @on_a_loop
    async def test_a_cancelled_task_ends_its_stream(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """As a cancelled task: the event has nothing to do with it."""
        model.play(STALLS)
        event = asyncio.Event()
        task = asyncio.create_task(exhausted(provider.stream(HI, CONFIG, event)))
        await ended(task, model)
        if self.closes:
            assert await model.left(), "the model does not know that the task is cancelled"

    @on_a_loop
    async def test_a_cancelled_task_ends_its_generate(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """At once, also while nothing comes."""
        model.play(SILENT)
        await ended(asyncio.create_task(provider.generate(HI, CONFIG)), model)
        if self.closes:
            assert await model.left(), "the model does not know that the task is cancelled"


async def exhausted(stream: AsyncIterator[object]) -> None:
    """Take all that a stream yields."""
    async for _ in stream:
        pass


async def begun_and_abandoned(stream: AsyncIterator[object]) -> None:
    """Take the first piece, and no more; what has no `aclose()` is forgotten by the return."""
    await anext(stream)
    await close(stream)


async def stalled(provider: ChatProvider) -> Listener:
    """A stream of `STALLS`, all of which has come."""
    listener = Listener(provider)
    await listener.has_heard(len(STALLS.texts[0]) + 1)  # so that the last piece is there
    return listener


class Listener:
    """A task that takes a stream until it ends."""

    def __init__(self, provider: ChatProvider) -> None:
        self.text = ""
        self.event = asyncio.Event()
        self.task = asyncio.create_task(self._listen(provider.stream(HI, CONFIG, self.event)))

    async def _listen(self, stream: AsyncIterator[str]) -> None:
        async for piece in stream:
            self.text += piece

    async def has_heard(self, count: int) -> None:
        """Wait until so many characters have come, or the stream is over."""
        while len(self.text) < count and not self.task.done():  # noqa: ASYNC110 - plainest
            await asyncio.sleep(POLL_S)

    async def cancelled(self) -> GenerationCancelledError:
        """Set the event, and take the error that must come at once."""
        await asyncio.sleep(SOON_S)
        self.event.set()
        done, _ = await asyncio.wait([self.task], timeout=AT_ONCE_S)
        if not done:
            self.task.cancel()
            pytest.fail(f"the cancelled stream still waits after {AT_ONCE_S:g} s")
        try:
            self.task.result()
        except GenerationCancelledError as error:
            return error
        pytest.fail("the stream ended as if it had not been cancelled")


async def ended(task: asyncio.Task[object], model: PlayedModel) -> None:
    """Cancel a task that waits for the model, and check that it ends so."""
    assert await model.was_asked(), f"the model was not asked: {task!r}"
    await asyncio.sleep(SOON_S)
    assert not task.done(), "the task has ended by itself"
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=AT_ONCE_S)
    assert done, f"the cancelled task still runs after {AT_ONCE_S:g} s"
    assert task.cancelled(), f"the cancelled task ended otherwise: {task!r}"
