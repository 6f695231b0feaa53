# ruff: noqa: INP001 - a script's neighbour, not a package
"""lexilux_like, whatever its engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from child import MODEL, TIMEOUT_S, Messages
from typing_extensions import TypedDict

from lexilux_like import Chat


class Item(TypedDict):
    """What the documents of the JSON streams have."""

    name: str
    count: int


class Items(TypedDict):
    """A document."""

    items: list[Item]


def client(**options: Any) -> Callable[[str], Any]:
    """With its defaults but for time-outs, and for these options."""

    class Client:
        def __init__(self, base_url: str) -> None:
            given: dict[str, Any] = {"timeout_s": TIMEOUT_S, **options}
            self._chat = Chat(base_url=base_url, model=MODEL, api_key="none", **given)

        def call(self, messages: Messages) -> str:
            return self._chat(messages).text

        async def acall(self, messages: Messages) -> str:
            return (await self._chat.acall(messages)).text

        def stream(self, messages: Messages) -> Iterator[str]:
            for chunk in self._chat.stream(messages):
                yield chunk.delta

        async def astream(self, messages: Messages) -> AsyncIterator[str]:
            async for chunk in self._chat.astream(messages):
                yield chunk.delta

        def complete_stream(self, messages: Messages) -> Iterator[str]:
            for chunk in self._chat.complete_stream(messages):
                yield chunk.delta

        def stream_parse(self, messages: Messages) -> Iterator[Any]:
            yield from self._chat.stream_parse(messages, Items)

        def arguments(self, messages: Messages) -> str:
            stream = self._chat.stream(messages)
            for _ in stream:
                pass
            return stream.result.tool_calls[0].arguments

    return Client
