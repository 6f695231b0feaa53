"""The two APIs that a chat window's providers speak, for tests that hold for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lexilux_like.providers import (
    AnthropicProvider,
    ChatConfig,
    ChatMessage,
    MessageStream,
    OpenAIProvider,
)
from lexilux_like.testing import Reply, ScriptedServer, answer, stream
from lexilux_like.testing.messages import message, message_stream


@dataclass(frozen=True)
class Api:
    """How a server says the same thing."""

    name: str
    kind: type[OpenAIProvider | AnthropicProvider]
    answered: Callable[..., Reply]
    limit: dict[str, Any]
    """The keyword of a reply that a token limit cuts off."""

    def streamed(self, *pieces: str, **how: Any) -> Reply:
        if self.name == "openai":
            return stream(*pieces, **how)
        return message_stream(list(pieces), **how)

    def provider(self, server: ScriptedServer, **options: Any) -> OpenAIProvider:
        given = {"base_url": server.url, "api_key": "k", "model": "m", **options}
        return self.kind(**given)

    def __str__(self) -> str:
        return self.name


OPENAI = Api("openai", OpenAIProvider, answer, {"finish_reason": "length"})
ANTHROPIC = Api("anthropic", AnthropicProvider, message, {"stop_reason": "max_tokens"})
both_apis = pytest.mark.parametrize("api", [OPENAI, ANTHROPIC], ids=str)

HI = [ChatMessage(role="user", content="Hi")]
CONFIG = ChatConfig()


def generate(
    api: Api,
    server: ScriptedServer,
    messages: list[ChatMessage] = HI,
    config: ChatConfig = CONFIG,
    **options: Any,
) -> ChatMessage:
    async def go() -> ChatMessage:
        async with api.provider(server, **options) as provider:
            return await provider.generate(messages, config)

    return asyncio.run(go())


def streamed(
    api: Api, server: ScriptedServer, config: ChatConfig = CONFIG, **options: Any
) -> tuple[list[str], MessageStream]:
    async def go() -> tuple[list[str], MessageStream]:
        async with api.provider(server, **options) as provider:
            pieces = provider.stream(HI, config)
            return [piece async for piece in pieces], pieces

    return asyncio.run(go())


async def collect(pieces: AsyncIterable[str], into: list[str]) -> None:
    """What came before an error is kept."""
    async for piece in pieces:
        into.append(piece)  # noqa: PERF401 - an error may follow


async def until(claim: Callable[[], bool], seconds: float = 2.0) -> bool:
    """Wait for what a server, or another task, is about to do."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not claim():
        if loop.time() > end:
            return False
        await asyncio.sleep(0.005)
    return True
