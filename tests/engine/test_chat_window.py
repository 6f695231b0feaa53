"""A chat window's providers on llama.cpp, over both of the APIs that it speaks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from windows import OPENAI, Api, both_apis, collect, until

from lexilux_like import ChatIncompleteResponseError
from lexilux_like.providers import ChatConfig, ChatMessage, GenerationCancelledError
from lexilux_like.providers import OpenAIProvider as Provider
from lexilux_like.testing.engine import LlamaServer

PARIS = "The capital of France is Paris."
ASKED = [ChatMessage(role="user", content="What is the capital of France?")]
CONFIG = ChatConfig(temperature=0)


def provider_for(api: Api, engine: LlamaServer, **options: Any) -> Provider:
    address = engine.url if api is OPENAI else engine.root_url
    return api.kind(base_url=address, api_key="none", model="tiny", **options)


@both_apis
def test_generate_gives_the_answer_and_counts_it(api: Api, trained_llama: LlamaServer) -> None:
    async def go() -> ChatMessage:
        async with provider_for(api, trained_llama) as provider:
            return await provider.generate(ASKED, CONFIG)

    message = asyncio.run(go())
    assert (message.content, message.metadata["status"]) == (PARIS, "complete")
    assert message.usage is not None
    assert message.usage["output_tokens"] > 5


@both_apis
def test_stream_gives_the_answer_in_pieces(api: Api, trained_llama: LlamaServer) -> None:
    async def go() -> tuple[list[str], ChatMessage]:
        async with provider_for(api, trained_llama) as provider:
            pieces = provider.stream(ASKED, CONFIG)
            return [each async for each in pieces], pieces.message

    pieces, message = asyncio.run(go())
    assert len(pieces) > 5
    assert "".join(pieces) == message.content == PARIS


@both_apis
def test_a_conversation_is_remembered(api: Api, trained_llama: LlamaServer) -> None:
    async def go() -> ChatMessage:
        async with provider_for(api, trained_llama) as provider:
            told = [ChatMessage(role="user", content="My name is Leo.")]
            told.append(await provider.generate(told, CONFIG))
            told.append(ChatMessage(role="user", content="What is my name?"))
            return await provider.generate(told, CONFIG)

    assert "Leo" in asyncio.run(go()).text_content()


@both_apis
def test_a_limit_in_a_stream_is_an_honest_error(api: Api, trained_llama: LlamaServer) -> None:
    async def go() -> list[str]:
        got: list[str] = []
        config = ChatConfig(temperature=0, max_tokens=3)
        async with provider_for(api, trained_llama) as provider:
            with pytest.raises(ChatIncompleteResponseError):
                await collect(provider.stream(ASKED, config), got)
        return got

    part = "".join(asyncio.run(go()))
    assert part
    assert PARIS.startswith(part)
    assert part != PARIS


@both_apis
def test_a_stream_is_cancelled_in_the_middle(api: Api, trained_llama: LlamaServer) -> None:
    async def go() -> tuple[str, str]:
        event = asyncio.Event()
        async with provider_for(api, trained_llama) as provider:
            pieces = provider.stream(ASKED, CONFIG, event)
            first = await anext(pieces)
            event.set()
            with pytest.raises(GenerationCancelledError) as raised:
                await anext(pieces)
            return first, raised.value.partial_content

    first, partial = asyncio.run(go())
    assert first == partial
    assert PARIS.startswith(partial)
    assert partial != PARIS


def test_a_cancelled_stream_stops_the_engine(llama: LlamaServer, engine: Any) -> None:
    before = engine.tokens_generated()

    async def go() -> None:
        event, got = asyncio.Event(), list[str]()
        async with provider_for(OPENAI, llama, extra={"ignore_eos": True}) as provider:
            pieces = provider.stream(ASKED, ChatConfig(max_tokens=8000), event)
            reader = asyncio.create_task(collect(pieces, got))
            assert await until(lambda: len(got) > 3, seconds=10)
            event.set()
            with pytest.raises(GenerationCancelledError) as raised:
                await reader
            assert raised.value.partial_content.startswith("".join(got))
            assert await until(lambda: not engine.is_busy(), seconds=5)

    asyncio.run(go())
    assert engine.tokens_generated() - before < 4000
