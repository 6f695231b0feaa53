"""The package's own providers keep the contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from lexilux_like import Chat
from lexilux_like.providers import (
    AnthropicProvider,
    CallbackProvider,
    ChatLLMProvider,
    ChatProvider,
    LLMProvider,
    OpenAIProvider,
)
from lexilux_like.testing.contracts import (
    ChatProviderContract,
    LLMProviderContract,
    PlayedModel,
)

OPTIONS = {"api_key": "k", "proxies": {}, "max_retries": 0}


class TestOpenAIProvider(ChatProviderContract):
    def provider(self, model: PlayedModel) -> ChatProvider:
        return OpenAIProvider(base_url=model.url, **OPTIONS)


class TestOpenAIProviderThatGoesOn(ChatProviderContract):
    def provider(self, model: PlayedModel) -> ChatProvider:
        return OpenAIProvider(base_url=model.url, max_continues=1, **OPTIONS)


class TestAnthropicProvider(ChatProviderContract):
    def provider(self, model: PlayedModel) -> ChatProvider:
        return AnthropicProvider(base_url=model.url, **OPTIONS)


class TestCallbackProviderWithCoroutines(ChatProviderContract):
    def provider(self, model: PlayedModel) -> ChatProvider:
        async def generate(messages, config):
            return await model.reply(messages, config)

        async def stream(messages, config, cancel_event):
            async for piece in model.pieces(messages, config):
                yield piece

        return CallbackProvider(generate, stream)


class TestCallbackProviderWithFunctions(ChatProviderContract):
    closes = False  # a thread cannot be interrupted

    def provider(self, model: PlayedModel) -> ChatProvider:
        def generate(messages, config):
            return asyncio.run(model.reply(messages, config))

        def stream(messages, config, cancel_event) -> Iterator[str]:
            with asyncio.Runner() as runner:
                pieces = model.pieces(messages, config)
                while (piece := runner.run(anext(pieces, None))) is not None:
                    yield piece

        return CallbackProvider(generate, stream)


class CompleteOnly(LLMProvider):
    """Leaves `acomplete()` and `stream()` to the base class."""

    def __init__(self, inner: ChatLLMProvider) -> None:
        self.chat = inner.chat
        self._inner = inner

    def complete(self, messages, *args, **kwargs):
        return self._inner.complete(messages, *args, **kwargs)


class OnAChat(LLMProviderContract):
    async def close(self, provider: LLMProvider) -> None:
        await provider.chat.aclose()


class TestChatLLMProvider(OnAChat):
    def provider(self, model: PlayedModel) -> LLMProvider:
        chat = Chat.for_provider("openai", base_url=model.url, model="m", **OPTIONS)
        return ChatLLMProvider(chat, empty_wait_s=0)


class TestChatLLMProviderOnAnthropic(OnAChat):
    def provider(self, model: PlayedModel) -> LLMProvider:
        chat = Chat.for_provider("anthropic", base_url=model.url, model="m", **OPTIONS)
        return ChatLLMProvider(chat, empty_wait_s=0)


class TestCompleteOnly(OnAChat):
    streams = closes = has_reasoning = False

    def provider(self, model: PlayedModel) -> LLMProvider:
        chat = Chat(base_url=model.url, model="m", **OPTIONS)
        return CompleteOnly(ChatLLMProvider(chat, empty_wait_s=0))


class Careless(ChatProvider):
    """Keeps every stream that it has begun."""

    def __init__(self, inner: ChatProvider) -> None:
        self.inner = inner
        self.begun: list[object] = []

    async def generate(self, messages, config):
        return await self.inner.generate(messages, config)

    async def stream(self, messages, config, cancel_event=None):
        pieces = self.inner.stream(messages, config, cancel_event)
        self.begun.append(pieces)
        async for piece in pieces:
            yield piece


def test_a_connection_that_stays_open_is_noticed():
    contract = TestOpenAIProvider()
    with PlayedModel() as model:
        inner = OpenAIProvider(base_url=model.url, **OPTIONS)
        contract.provider = lambda _model: Careless(inner)
        with pytest.raises(AssertionError, match="nobody reads its answer"):
            contract.test_breaking_off_reaches_the_model(model)
