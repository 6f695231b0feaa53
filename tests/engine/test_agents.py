"""An agent on a real llama.cpp: text, tools, JSON and limits, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from agents import (
    EACH_WAY,
    Ask,
    calls_of,
    complete,
    finish_of,
    provider_of,
    streamed,
    text_of,
)

from lexilux_like.providers import ChatLLMProvider, Tool, ToolResult
from lexilux_like.testing.engine import LlamaServer, literal_grammar

WEATHER = Tool(
    "get_weather",
    "Get the weather for a city.",
    {"properties": {"city": {"type": "string"}}, "required": ["city"]},
)
SUNNY = json.dumps({"city": "Oslo", "temperature": 21, "sky": "sunny"})
CAPITAL = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture
def trained(trained_llama: LlamaServer) -> Iterator[ChatLLMProvider]:
    provider = provider_of(trained_llama.url, temperature=0)
    with provider.chat:
        yield provider


@EACH_WAY
def test_it_answers(ask: Ask, trained: ChatLLMProvider) -> None:
    got = ask(trained, CAPITAL)
    assert (got.content, got.stop_reason) == ("The capital of France is Paris.", "stop")
    assert got.input_tokens > 0
    assert got.output_tokens > 0


def test_it_streams_the_same(trained: ChatLLMProvider) -> None:
    events = streamed(trained, CAPITAL)
    whole = complete(trained, CAPITAL)
    assert text_of(events) == whole.content
    assert finish_of(events).output_tokens == whole.output_tokens
    assert len(events) > 5


def test_the_engines_edition_of_the_messages_api_streams_the_same(
    trained_llama: LlamaServer,
) -> None:
    client = {"provider": "anthropic", "model": "tiny"}
    provider = provider_of(trained_llama.root_url, client=client, temperature=0)
    with provider.chat:
        events = streamed(provider, CAPITAL)
    assert text_of(events) == "The capital of France is Paris."
    assert (finish_of(events).stop_reason, finish_of(events).model) == ("stop", "tiny")


@EACH_WAY
def test_a_limit_cuts_it_and_it_says_so(ask: Ask, trained: ChatLLMProvider) -> None:
    got = ask(trained, CAPITAL, max_tokens=3)
    assert (got.stop_reason, got.output_tokens) == ("length", 3)


@EACH_WAY
def test_a_tool_loop_comes_to_its_answer(ask: Ask, trained: ChatLLMProvider) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    response = ask(trained, messages, tools=[WEATHER])
    (use,) = response.tool_uses
    assert (use.name, use.input, response.stop_reason) == (
        "get_weather",
        {"city": "Oslo"},
        "tool_calls",
    )
    messages += [response.to_message(), ToolResult(use.id, SUNNY).to_message()]
    assert ask(trained, messages, tools=[WEATHER]).content == "It is sunny in Oslo with 21 degrees."


def test_a_streamed_tool_loop_comes_to_its_answer(trained: ChatLLMProvider) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    events = streamed(trained, messages, tools=[WEATHER])
    ((identity, name, given),) = calls_of(events)
    assert (name, given) == ("get_weather", {"city": "Oslo"})
    messages += [finish_of(events).message, ToolResult(identity, SUNNY).to_message()]
    assert text_of(streamed(trained, messages, tools=[WEATHER])) == (
        "It is sunny in Oslo with 21 degrees."
    )


def test_a_call_that_the_limit_cuts_is_never_delivered(trained: ChatLLMProvider) -> None:
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    for limit in range(1, 25):
        events = streamed(trained, messages, tools=[WEATHER], max_tokens=limit)
        assert calls_of(events) == [] or finish_of(events).stop_reason == "tool_calls"
    assert calls_of(streamed(trained, messages, tools=[WEATHER]))


@EACH_WAY
def test_json_mode_makes_an_object(ask: Ask, llama: LlamaServer) -> None:
    provider = provider_of(llama.url, temperature=0)  # what else it writes, it cannot always read
    with provider.chat:
        got = ask(provider, json_mode=True, max_tokens=400)
    assert got.stop_reason == "length" or isinstance(json.loads(got.content), dict)


@EACH_WAY
def test_an_empty_answer_of_an_engine_is_counted_each_time(ask: Ask, llama: LlamaServer) -> None:
    provider = provider_of(llama.url, extra={"grammar": literal_grammar("")})
    with provider.chat:
        got = ask(provider, max_retries=1)
    once = got.raw_response.usage.input_tokens
    assert (got.content, got.input_tokens) == ("", 2 * once)
