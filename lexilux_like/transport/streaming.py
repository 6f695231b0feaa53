"""Iterators over chunks that know the answer so far."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from inspect import GEN_RUNNING, getgeneratorstate
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..turns.flow import Chunks, Flow, Stepper
from ..turns.turn import streaming_result
from ..values.errors import LexiluxError
from ..values.results import ChatResult, ChatStreamChunk, StreamingResult
from .drive import aiterate, iterate, presentable
from .worlds import AsyncWorld, SyncWorld

if TYPE_CHECKING:
    from ..values.output import OutputType

T = TypeVar("T")


class StreamingIterator(Iterator[ChatStreamChunk]):
    """Chunks as they come; `result` is the answer so far.

    Nothing is sent before the first chunk is asked for. Leaving the loop, an exception in
    it, `close()`, the end of a `with` block and the garbage collector all give the
    connection back, which also tells the server to stop.
    """

    def __init__(self, flow: Flow[ChatResult], world: Callable[[], SyncWorld]) -> None:
        self._step = Stepper(flow, time.monotonic)
        self._make_world = world
        self._world: SyncWorld | None = None
        self._chunks: Generator[ChatStreamChunk, None, None] | None = None
        self._failure: ChatResult | None = None
        self._closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatStreamChunk:
        if self._closed:
            raise StopIteration
        if self._chunks is None:
            self._world = self._make_world()
            self._chunks = iterate(self._step, self._world)
        try:
            chunk = next(self._chunks)
        except LexiluxError as error:
            if self._closed or self._world is None:  # by another thread
                self._end()
                raise StopIteration from None
            self._failure = error.partial
            shown = presentable(error, self._world.censor)
            self._end(shown)
            raise shown from error.__cause__
        except BaseException as error:
            self._end(error)
            raise
        if self._closed:  # by another thread, while this one waited
            self._end()
            raise StopIteration
        return chunk

    @property
    def result(self) -> StreamingResult:
        """The answer so far, and its verdict.

        It is all that was handed out up to now; once the stream is closed before its end, what
        was held back is in it, too.
        """
        return so_far(self._step, self._failure)

    def close(self) -> None:
        """Give the connection back before the end. Safe to call twice, and from another thread."""
        if self._closed:
            return
        self._closed = True
        chunks, world = self._chunks, self._world
        if chunks is not None and world is not None and getgeneratorstate(chunks) == GEN_RUNNING:
            world.hang_up()  # the thread that is reading wakes up and closes it
        else:
            self._end()

    def _end(self, error: BaseException | None = None) -> None:
        self._closed = True
        if self._world is not None:
            self._world.close()
            if self._world.observer is not None:
                self._world.observer.ended(self._step, error)
        self._step.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if (world := getattr(self, "_world", None)) is not None:
            world.abandon()
            if world.observer is not None:
                world.observer.ended(self._step, otherwise="abandoned")


class AsyncStreamingIterator(AsyncIterator[ChatStreamChunk]):
    """`StreamingIterator`, async.

    Awaiting it gives itself, so that both spellings work: `async for chunk in
    chat.astream(...)` and `stream = await chat.astream(...)`.
    """

    def __init__(self, flow: Flow[ChatResult], world: Callable[[], AsyncWorld]) -> None:
        self._step = Stepper(flow, time.monotonic)
        self._make_world = world
        self._world: AsyncWorld | None = None
        self._chunks: AsyncGenerator[ChatStreamChunk, None] | None = None
        self._failure: ChatResult | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatStreamChunk:
        if self._closed:
            raise StopAsyncIteration
        if self._chunks is None:
            self._world = self._make_world()
            self._chunks = aiterate(self._step, self._world)
        effect = self._step.effect
        try:
            try:
                for chunk in effect.chunks if type(effect) is Chunks else ():
                    return chunk  # nothing to wait for: past the driver, which would cost more
            except LexiluxError as error:
                chunk = await self._chunks.athrow(error)
            else:
                chunk = await anext(self._chunks)
        except LexiluxError as error:
            if self._closed or self._world is None:  # by another task
                await self._end()
                raise StopAsyncIteration from None
            self._failure = error.partial
            shown = presentable(error, self._world.censor)
            await self._end(shown)
            raise shown from error.__cause__
        except BaseException as error:
            await self._end(error)
            raise
        if self._closed:  # by another task, while this one waited
            await self._end()
            raise StopAsyncIteration
        return chunk

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    @property
    def result(self) -> StreamingResult:
        """The answer so far, and its verdict.

        It is all that was handed out up to now; once the stream is closed before its end, what
        was held back is in it, too.
        """
        return so_far(self._step, self._failure)

    async def aclose(self) -> None:
        """Give the connection back before the end. Safe to call twice, and from another task."""
        if not self._closed:
            self._closed = True
            if self._world is not None:
                await self._world.hang_up()
            if self._chunks is not None:
                with suppress(RuntimeError):  # another task is inside it, and finishes it
                    await self._chunks.aclose()
            await self._end()

    async def _end(self, error: BaseException | None = None) -> None:
        self._closed = True
        if self._world is not None:
            try:
                await self._world.aclose()
            finally:
                if self._world.observer is not None:
                    self._world.observer.ended(self._step, error)
                self._step.leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if (world := getattr(self, "_world", None)) is not None:
            world.abandon()
            if world.observer is not None:
                world.observer.ended(self._step, otherwise="abandoned")


def so_far(step: Stepper[ChatResult], failure: ChatResult | None) -> StreamingResult:
    """What a stream's `result` shows at this moment."""
    if step.done:
        value = step.value
        return value if isinstance(value, StreamingResult) else streaming_result(value, done=True)
    if failure is not None:
        return streaming_result(failure, done=False)
    if step.progress is not None:
        return step.progress.so_far()
    return StreamingResult(status="unannounced")


class ParsingIterator(Iterator[Any], Generic[T]):
    """What has finished of a value while its JSON comes in; `value` is the value at the end.

    Each item is JSON data: the finished parts, without the wrapper that the JSON may have. It
    holds all that the one before it held, and is never changed afterwards; do not change it
    either, for items share their parts. One comes whenever a part has finished, or an object or
    an array has begun. Everything else is as for a `StreamingIterator`.
    """

    def __init__(self, chunks: StreamingIterator, kind: OutputType[T]) -> None:
        from ..turns.structured import Snapshots  # noqa: PLC0415 - pydantic

        self._chunks = chunks
        self._snapshots = Snapshots(kind)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        for chunk in self._chunks:
            if self._snapshots.take(chunk.delta):
                return self._snapshots.latest
        raise StopIteration

    @property
    def value(self) -> T:
        """The value, validated.

        Raises:
            ValidationError: The stream has not come to its end.
        """
        from ..turns.structured import value_of  # noqa: PLC0415 - see __init__

        value: T = value_of(self.result)
        return value

    @property
    def result(self) -> StreamingResult:
        """The answer so far, as `StreamingIterator.result`; its text is the JSON."""
        return self._chunks.result

    def close(self) -> None:
        """Give the connection back before the end. Safe to call twice, and from another thread."""
        self._chunks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncParsingIterator(AsyncIterator[Any], Generic[T]):
    """`ParsingIterator`, async; awaiting it gives itself."""

    def __init__(self, chunks: AsyncStreamingIterator, kind: OutputType[T]) -> None:
        from ..turns.structured import Snapshots  # noqa: PLC0415 - pydantic

        self._chunks = chunks
        self._snapshots = Snapshots(kind)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        async for chunk in self._chunks:
            if self._snapshots.take(chunk.delta):
                return self._snapshots.latest
        raise StopAsyncIteration

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    @property
    def value(self) -> T:
        """The value, validated.

        Raises:
            ValidationError: The stream has not come to its end.
        """
        from ..turns.structured import value_of  # noqa: PLC0415 - see __init__

        value: T = value_of(self.result)
        return value

    @property
    def result(self) -> StreamingResult:
        """The answer so far, as `StreamingIterator.result`; its text is the JSON."""
        return self._chunks.result

    async def aclose(self) -> None:
        """Give the connection back before the end. Safe to call twice, and from another task."""
        await self._chunks.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
