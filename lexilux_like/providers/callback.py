"""A provider that is made of functions of the user."""

from __future__ import annotations

import functools
import inspect
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, TypeAlias

from pydantic import BaseModel

from .base import ChatProvider
from .cancel import CancelEvent
from .messages import ChatConfig, ChatMessage
from .reply import MessageStream
from .worker import Worker

Text: TypeAlias = str | ChatMessage
Pieces: TypeAlias = str | Iterable[str] | AsyncIterable[str]
GenerateFn: TypeAlias = Callable[[list[ChatMessage], ChatConfig], Text | Awaitable[Text]]
"""`generate_fn(messages, config)`, sync or async."""
StreamFn: TypeAlias = Callable[
    [list[ChatMessage], ChatConfig, CancelEvent | None], Pieces | Awaitable[Pieces]
]
"""`stream_fn(messages, config, cancel_event)`: a generator, or what returns an iterator, sync or
async; a string is a single piece."""

NO_GENERATE = "No generate callback configured."
NO_STREAM = "No stream callback configured."

_NO_PIECES = (Mapping, bytes, bytearray, memoryview, BaseModel)
"""These can be iterated over, but not for the pieces of a text."""
_END = object()


class CallbackProvider(ChatProvider):
    """Answers with what your functions return; where only one is given the other is made of it.

    Coroutine functions and async generators run in the task that waits for them. Everything else
    runs on a thread that the answer has for itself, each step of a generator too, with a copy of
    the context variables; the event loop is never blocked. Functions get a new list of the
    caller's own messages, which they must not change. What they raise is raised as it is.

    When the answer is cancelled an async generator is closed. A thread cannot be interrupted: it
    is left behind, and closes its generator when the step that it is in has come back.

    Args:
        generate_fn: Called with `(messages, config)`; returns a string or a `ChatMessage`.
        stream_fn: Called with `(messages, config, cancel_event)`, whose last is what the caller
            gave, or None; returns or yields the pieces of the text, or returns all of it.

    Raises:
        TypeError: One of them cannot be called.
    """

    def __init__(
        self, generate_fn: GenerateFn | None = None, stream_fn: StreamFn | None = None
    ) -> None:
        for name, function in (("generate_fn", generate_fn), ("stream_fn", stream_fn)):
            if function is not None and not callable(function):
                raise TypeError(f"{name} must be a function, not {function!r}")
        self._generate_fn = generate_fn
        self._stream_fn = stream_fn

    async def generate(self, messages: list[ChatMessage], config: ChatConfig) -> ChatMessage:
        """Answer with what `generate_fn` returns, or with all that `stream_fn` yields.

        Raises:
            TypeError: It returned something else.
        """
        if self._generate_fn is not None:
            source: _Whole | _Pieces = _Whole(
                functools.partial(self._generate_fn, list(messages), config)
            )
        elif self._stream_fn is not None:
            source = _Pieces(functools.partial(self._stream_fn, list(messages), config, None))
        else:
            return ChatMessage(role="assistant", content=NO_GENERATE)
        async with MessageStream(source) as pieces:
            async for _ in pieces:
                pass
        return source.message

    def stream(
        self,
        messages: list[ChatMessage],
        config: ChatConfig,
        cancel_event: CancelEvent | None = None,
    ) -> MessageStream:
        """Answer with what `stream_fn` yields, or with what `generate_fn` returns, in one piece.

        Returns:
            An iterator and async context manager; its `message` is the answer so far.

        Raises:
            TypeError: The event has no `is_set()`.

        While iterating: `TypeError` when a function returned something else,
        `GenerationCancelledError` when the event is set, and whatever the functions raise.
        """
        if self._stream_fn is not None:
            call = functools.partial(self._stream_fn, list(messages), config, cancel_event)
            return MessageStream(_Pieces(call), cancel_event)
        if self._generate_fn is not None:
            whole = functools.partial(self._generate_fn, list(messages), config)
            return MessageStream(_Whole(whole), cancel_event)
        return MessageStream(_Pieces(lambda: NO_STREAM), cancel_event)


class _Called:
    """A call of one function, on a thread of its own unless it is async."""

    result = None

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._worker: Worker | None = None
        self._message = ChatMessage(role="assistant")

    @property
    def message(self) -> ChatMessage:
        return self._message

    async def _value(self) -> Any:
        """What the function returns, awaited where it is to be."""
        value = self._call() if _is_async(self._call) else await self._on_thread(self._call)
        return await value if inspect.isawaitable(value) else value

    async def _on_thread(self, function: Callable[[], Any]) -> Any:
        if self._worker is None:
            self._worker = Worker()
        return await self._worker.run(function)

    async def aclose(self) -> None:
        if self._worker is not None:
            self._worker.close()


class _Whole(_Called):
    """What a `generate_fn` returns, as one piece."""

    _done = False

    async def piece(self) -> str:
        if self._done:
            raise StopAsyncIteration
        value: object = await self._value()
        self._done = True
        if isinstance(value, ChatMessage):
            self._message = value
        elif isinstance(value, str):
            self._message.content = value
        else:
            raise TypeError(f"generate_fn must return a str or a ChatMessage, not {value!r:.200}")
        if not (text := self._message.text_content()):
            raise StopAsyncIteration
        return text


class _Pieces(_Called):
    """What a `stream_fn` yields."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(call)
        self._texts: list[str] = []
        self._iterator: Iterator[Any] | AsyncIterator[Any] | None = None

    @property
    def message(self) -> ChatMessage:
        return self._message.model_copy(update={"content": "".join(self._texts)})

    async def piece(self) -> str:
        if self._iterator is None:
            self._iterator = _iterator(await self._value())
        piece: object
        if isinstance(self._iterator, AsyncIterator):
            piece = await anext(self._iterator)
        else:
            piece = await self._on_thread(functools.partial(next, self._iterator, _END))
        if piece is _END:
            raise StopAsyncIteration
        if not isinstance(piece, str):
            raise TypeError(f"stream_fn must yield strings, not {piece!r:.200}")
        self._texts.append(piece)
        return piece

    async def aclose(self) -> None:
        iterator, self._iterator = self._iterator, None
        if isinstance(iterator, AsyncIterator):
            if (aclose := getattr(iterator, "aclose", None)) is not None:
                await aclose()
        elif self._worker is not None and (close := getattr(iterator, "close", None)) is not None:
            await self._worker.run_last(close)
        await super().aclose()

    def __del__(self) -> None:
        worker = getattr(self, "_worker", None)
        if worker is not None and (close := getattr(self._iterator, "close", None)) is not None:
            worker.leave(close)  # on the thread that it has run on


def _is_async(call: Callable[[], Any]) -> bool:
    """Whether calling it does nothing yet."""
    function: Any = call
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _iterator(value: object) -> Iterator[Any] | AsyncIterator[Any]:
    """What yields the pieces.

    Raises:
        TypeError: Nothing does.
    """
    if isinstance(value, str):
        return iter((value,))
    if isinstance(value, AsyncIterable):
        return aiter(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, Iterable) and not isinstance(value, _NO_PIECES):
        return iter(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise TypeError(
        "stream_fn must yield strings, or return a str or a sync or async iterator of them,"
        f" not {value!r:.200}"
    )
