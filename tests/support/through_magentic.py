"""Conversations through magentic, each in an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bridged import required

from lexilux_like.providers import ChatConfig, ChatMessage, MagenticProvider

magentic = required("magentic")

HELLO = [ChatMessage(role="user", content="Hi")]


def generated(
    provider: MagenticProvider,
    messages: Sequence[ChatMessage] = HELLO,
    config: ChatConfig | None = None,
) -> ChatMessage:
    async def go() -> ChatMessage:
        async with provider:
            return await provider.generate(list(messages), config or ChatConfig())

    return asyncio.run(go())


def streamed(provider: MagenticProvider, messages: Sequence[ChatMessage] = HELLO) -> list[str]:
    async def go() -> list[str]:
        async with provider:
            return [piece async for piece in provider.stream(list(messages), ChatConfig())]

    return asyncio.run(go())


class OwnModel(magentic.chat_model.base.ChatModel):
    """A model that does not ask by OpenAI's SDK."""

    model = "own"
    max_tokens = 2

    def __init__(self, *pieces: str, output_tokens: int, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.output_tokens = output_tokens
        self.error = error

    def complete(self, *args, **options):
        raise NotImplementedError

    async def acomplete(self, messages, functions=None, output_types=None, *, stop=None):
        usage = magentic.chat_model.message.Usage(7, self.output_tokens)
        text = magentic.AsyncStreamedStr(self._stream())
        content = magentic.AsyncStreamedResponse(magentic.streaming.async_iter([text]))
        return magentic.AssistantMessage._with_usage(content, [usage])

    async def _stream(self):
        for piece in self.pieces:
            yield piece
        if self.error is not None:
            raise self.error
