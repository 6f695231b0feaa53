"""The contracts, with answers that llama.cpp gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from engineplays import EnginePlays

from lexilux_like import Chat
from lexilux_like.providers import (
    ChatLLMProvider,
    ChatProvider,
    LLMProvider,
    OpenAIProvider,
)
from lexilux_like.testing.contracts import (
    ChatProviderContract,
    LLMProviderContract,
    PlayedModel,
    Says,
)
from lexilux_like.testing.engine import LlamaServer

OPTIONS = {"api_key": "k", "proxies": {}, "max_retries": 0}


class OnTheEngine:
    tells_model = False  # the engine has a name of its own

    @pytest.fixture
    def model(self, llama: LlamaServer) -> Iterator[PlayedModel]:
        with EnginePlays(llama) as model:
            yield model


class TestOpenAIProvider(OnTheEngine, ChatProviderContract):
    def provider(self, model: PlayedModel) -> ChatProvider:
        return OpenAIProvider(base_url=model.url, **OPTIONS)


class TestChatLLMProvider(OnTheEngine, LLMProviderContract):
    def provider(self, model: PlayedModel) -> LLMProvider:
        chat = Chat(base_url=model.url, model="m", **OPTIONS)
        return ChatLLMProvider(chat, empty_wait_s=0)

    async def close(self, provider: LLMProvider) -> None:
        await provider.chat.aclose()


def test_it_is_the_engine_that_speaks(llama: LlamaServer):
    with EnginePlays(llama) as model:
        model.play(Says(("Grüße ", "🙂\n")))
        with Chat(base_url=model.url, model="m", **OPTIONS) as chat:
            assert chat("Hi").text == "Grüße 🙂\n"
        assert model.spoken == 1
