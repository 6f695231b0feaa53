"""One way to ask, through the sync or the async methods of a `Chat`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from ..chat import Chat
from ..transport.selection import EngineName
from ..values.results import ChatResult, ChatStreamChunk, StreamingResult


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream that was read to its end."""

    chunks: list[ChatStreamChunk]
    result: StreamingResult

    @property
    def deltas(self) -> list[str]:
        """The pieces of text, without the empty ones."""
        return [chunk.delta for chunk in self.chunks if chunk.delta]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value whose parts were read to their end."""

    snapshots: list[Any]
    """What had finished of it, as JSON data, time after time."""
    value: Any
    result: StreamingResult


class Door:
    """A `Chat` behind blocking methods that go through its sync or its async ones.

    Each method takes what the `Chat`'s takes, unchecked, so that tests can pass what is wrong.
    The async door keeps one event loop for all its calls.

    Args:
        chat: Closed by `close`.
        is_async: Which of the two doors.
    """

    def __init__(self, chat: Chat, *, is_async: bool) -> None:
        self.chat = chat
        self.is_async = is_async
        self._runner = asyncio.Runner() if is_async else None

    def call(self, *args: Any, **options: Any) -> ChatResult:
        """`chat()` or `chat.acall()`."""
        result: ChatResult = self._ask("call", *args, **options)
        return result

    def chat_with_history(self, *args: Any, **options: Any) -> ChatResult:
        """`chat.chat_with_history()` or `chat.achat_with_history()`."""
        result: ChatResult = self._ask("chat_with_history", *args, **options)
        return result

    def complete(self, *args: Any, **options: Any) -> ChatResult:
        """`chat.complete()` or `chat.acomplete()`."""
        result: ChatResult = self._ask("complete", *args, **options)
        return result

    def parse(self, *args: Any, **options: Any) -> Any:
        """`chat.parse()` or `chat.aparse()`."""
        return self._ask("parse", *args, **options)

    def stream_parse(self, *args: Any, **options: Any) -> Parsed:
        """`chat.stream_parse()` or `chat.astream_parse()`, read to the end."""
        opened = self.open_stream(*args, method="stream_parse", **options)
        snapshots: list[Any] = opened.items()
        return Parsed(snapshots, opened.iterator.value, opened.result)

    def stream(self, *args: Any, **options: Any) -> Streamed:
        """`chat.stream()` or `chat.astream()`, read to the end."""
        return self.open_stream(*args, **options).drain()

    def stream_with_history(self, *args: Any, **options: Any) -> Streamed:
        """`chat.stream_with_history()` or `chat.astream_with_history()`, read to the end."""
        return self.open_stream(*args, method="stream_with_history", **options).drain()

    def complete_stream(self, *args: Any, **options: Any) -> Streamed:
        """`chat.complete_stream()` or `chat.acomplete_stream()`, read to the end."""
        return self.open_stream(*args, method="complete_stream", **options).drain()

    def run_tools(self, *args: Any, **options: Any) -> ChatResult:
        """`chat.run_tools()` or `chat.arun_tools()`."""
        result: ChatResult = self._ask("run_tools", *args, **options)
        return result

    def run_tools_stream(self, *args: Any, **options: Any) -> Streamed:
        """`chat.run_tools_stream()` or `chat.arun_tools_stream()`, read to the end."""
        return self.open_stream(*args, method="run_tools_stream", **options).drain()

    def open_stream(self, *args: Any, method: str = "stream", **options: Any) -> OpenStream:
        """A stream to be read chunk by chunk; `method` names the sync method that starts it."""
        return OpenStream(self._ask(method, *args, **options), self._runner)

    def close(self) -> None:
        """Close the chat, and the event loop of the async door."""
        if self._runner is None:
            self.chat.close()
            return
        with self._runner:
            self._runner.run(self.chat.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ask(self, name: str, *args: Any, **options: Any) -> Any:
        if self._runner is not None:
            return self._runner.run(_awaited(getattr(self.chat, f"a{name}"), *args, **options))
        method = self.chat if name == "call" else getattr(self.chat, name)
        return method(*args, **options)


class OpenStream:
    """A stream of either kind, one chunk at a time."""

    def __init__(self, iterator: Any, runner: asyncio.Runner | None) -> None:
        self.iterator = iterator
        self._runner = runner

    @property
    def result(self) -> StreamingResult:
        """The answer so far."""
        result: StreamingResult = self.iterator.result
        return result

    def next_chunk(self) -> ChatStreamChunk | None:
        """The next chunk; None when the stream is over."""
        chunk: ChatStreamChunk | None = (
            next(self.iterator, None)
            if self._runner is None
            else self._runner.run(_awaited(anext, self.iterator, None))
        )
        return chunk

    def drain(self) -> Streamed:
        """Read all that is left."""
        return Streamed(self.items(), self.result)

    def items(self) -> list[Any]:
        """All that is left."""
        if self._runner is None:
            return list(self.iterator)
        return self._runner.run(_collected(self.iterator))

    def close(self) -> None:
        """Give the stream up."""
        if self._runner is None:
            self.iterator.close()
        else:
            self._runner.run(_awaited(self.iterator.aclose))


async def _collected(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


async def _awaited(method: Callable[..., Any], *args: Any, **options: Any) -> Any:
    # Called in here, where a loop runs, as its users call it.
    return await method(*args, **options)


class Doors:
    """Makes doors of one kind to one server; a context manager that closes them.

    Args:
        base_url: Of the server that they ask.
        is_async: Which of the two doors.
        engine: The engine of their chats; None leaves the choice to the environment.
    """

    def __init__(self, base_url: str, *, is_async: bool, engine: EngineName | None = None) -> None:
        self.base_url = base_url
        self.is_async = is_async
        self.engine = engine
        self._made = ExitStack()

    def __call__(self, **chat_options: Any) -> Door:
        """A door with a new `Chat`; the options are the constructor's.

        Without others: the key `"test-key"`, the model `"m"`, and no proxy.
        """
        options: dict[str, Any] = {"base_url": self.base_url, "api_key": "test-key", "model": "m"}
        options |= {"proxies": {}}
        if self.engine is not None:
            options["engine"] = self.engine
        options |= chat_options
        return self._made.enter_context(Door(Chat(**options), is_async=self.is_async))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._made.close()
