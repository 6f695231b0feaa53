"""An answer that comes piece by piece, and can be ended at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, Self

from ..values.results import ChatResult
from .base import GenerationCancelledError
from .cancel import CancelEvent, Cancellation, StoppedError
from .messages import ChatMessage


class Source(Protocol):
    """Where the pieces of an answer come from."""

    @property
    def result(self) -> ChatResult | None:
        """The client's own result so far, where a client was asked."""
        ...

    @property
    def message(self) -> ChatMessage:
        """What has come so far; the same message, with the same id, each time."""
        ...

    async def piece(self) -> str:
        """The next piece; nothing is begun before the first one.

        Raises:
            StopAsyncIteration: There is none.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whatever it holds. Safe to call twice."""
        ...


class MessageStream(AsyncIterator[str]):
    """The pieces of an answer; `message` is the answer so far, tool calls and usage included.

    Nothing is sent before the first piece is asked for. An error, `aclose()`, the end of an
    `async with` block, a cancelled task and the garbage collector all close the connection. One
    task at a time may wait for a piece, and it need not be the same one each time.

    Args:
        source: Where the pieces come from.
        cancel_event: Ends the answer with a `GenerationCancelledError` as soon as it is set, also
            while nothing comes; if it is set beforehand nothing is sent. An event other than
            asyncio's, a `threading.Event` for example, is looked at every 0.05 s.

    Raises:
        TypeError: The event has no `is_set()`.
    """

    def __init__(self, source: Source, cancel_event: CancelEvent | None = None) -> None:
        self._source = source
        self._cancellation = Cancellation(cancel_event)
        self._closed = self._stopped = self._waiting = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._waiting:
            raise RuntimeError("another task is waiting for the next piece of this stream")
        if self._closed:
            raise StopAsyncIteration
        self._waiting = True
        try:
            return await self._next()
        except BaseException as error:
            self._stopped |= isinstance(error, (asyncio.CancelledError, GenerationCancelledError))
            await self._end()
            raise
        finally:
            self._waiting = False

    async def _next(self) -> str:
        try:
            try:
                piece = await self._cancellation.run(self._source.piece)
            except StopAsyncIteration:  # a callback may have heeded the event, and left
                self._cancellation.check()
                raise
            self._cancellation.check()
        except StoppedError:
            if self._closed:  # by another task
                raise StopAsyncIteration from None
            error = GenerationCancelledError(self._source.message.text_content())
            error.partial = self._source.result
            raise error from None
        return piece

    @property
    def message(self) -> ChatMessage:
        """What has come so far; `stopped` says whether it was ended before its own end."""
        return self._source.message.model_copy(update={"stopped": self._stopped})

    async def aclose(self) -> None:
        """End it. Safe to call twice; a task that waits for a piece is told that there is none."""
        if self._closed:
            return
        self._closed = self._stopped = True
        if self._waiting:
            self._cancellation.stop()  # whoever waits wakes up, and closes it
        else:
            await self._end()

    async def _end(self) -> None:
        self._closed = True
        self._cancellation.close()
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
