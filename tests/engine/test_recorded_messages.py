"""Answers of a real server of Anthropic's messages API, recorded, as the providers read them.

`pytest tests/engine/test_recorded_messages.py --lexilux-record=all` asks llama.cpp anew.
"""

from __future__ import annotations

import asyncio

import pytest

from lexilux_like import Chat, ChatIncompleteResponseError
from lexilux_like.providers import (
    AnthropicProvider,
    ChatConfig,
    ChatLLMProvider,
    ChatMessage,
    FinishEvent,
    StreamEvent,
    TextDeltaEvent,
    Tool,
    ToolCallEvent,
)
from lexilux_like.testing import Recorder, Replay
from lexilux_like.testing.contracts import check_grammar

Server = Recorder | Replay
ASKED = "What is the capital of France?"
PARIS = "The capital of France is Paris."
CONFIG = ChatConfig(model="tiny", temperature=0, max_tokens=100)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "Get the weather for a city.", CITY)
OPTIONS = {"api_key": "not needed", "proxies": {}}


@pytest.fixture
def recorded_base_url(request: pytest.FixtureRequest) -> str:
    """The engine, which is started only to be recorded."""
    if request.config.getoption("lexilux_record") == "none":
        return ""
    return request.getfixturevalue("trained_llama").url


def said(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def window(server: Server) -> AnthropicProvider:
    return AnthropicProvider(base_url=server.url, **OPTIONS)


def events_of(server: Server, text: str, **options: object) -> list[StreamEvent]:
    """What an agent's provider makes of the answer; its grammar is checked."""

    async def once() -> list[StreamEvent]:
        chat = Chat.for_provider("anthropic", base_url=server.url, model="tiny", **OPTIONS)
        async with chat:
            provider = ChatLLMProvider(chat, temperature=0)
            stream = provider.stream([{"role": "user", "content": text}], **options)
            return [event async for event in stream]

    events = asyncio.run(once())
    check_grammar(events)
    return events


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.content for event in events if isinstance(event, TextDeltaEvent))


def finish_of(events: list[StreamEvent]) -> FinishEvent:
    assert isinstance(events[-1], FinishEvent)
    return events[-1]


def test_a_window_generates(recorded: Server):
    async def once() -> ChatMessage:
        async with window(recorded) as provider:
            return await provider.generate(said(ASKED), CONFIG)

    message = asyncio.run(once())
    assert (message.content, message.model) == (PARIS, "tiny")
    assert message.usage["output_tokens"] == 11


def test_a_window_streams(recorded: Server):
    async def once() -> tuple[list[str], ChatMessage]:
        async with window(recorded) as provider, provider.stream(said(ASKED), CONFIG) as stream:
            return [piece async for piece in stream], stream.message

    pieces, message = asyncio.run(once())
    assert len(pieces) > 5
    assert "".join(pieces) == message.content == PARIS
    assert message.usage["output_tokens"] == 11


def test_a_window_says_that_a_limit_has_cut_its_stream(recorded: Server):
    async def once() -> None:
        async with window(recorded) as provider:
            config = CONFIG.model_copy(update={"max_tokens": 3})
            async for _ in provider.stream(said(ASKED), config):
                pass

    with pytest.raises(ChatIncompleteResponseError) as caught:
        asyncio.run(once())
    assert caught.value.partial.status == "truncated"
    assert PARIS.startswith(caught.value.partial.text)


def test_an_agent_streams(recorded: Server):
    events = events_of(recorded, ASKED)
    finish = finish_of(events)
    assert (text_of(events), finish.stop_reason) == (PARIS, "stop")
    assert (finish.output_tokens, finish.model) == (11, "tiny")
    assert finish.cached_tokens <= finish.input_tokens


def test_an_agent_says_that_a_limit_has_cut_its_stream(recorded: Server):
    events = events_of(recorded, ASKED, max_tokens=3)
    assert PARIS.startswith(text_of(events))
    assert finish_of(events).stop_reason == "length"


def test_an_agent_is_told_of_every_call(recorded: Server):
    events = events_of(recorded, "Weather in Paris and Rome?", tools=[WEATHER])
    calls = [event for event in events if isinstance(event, ToolCallEvent)]
    assert [(call.tool_name, call.tool_input) for call in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert finish_of(events).stop_reason == "tool_calls"


def test_an_agent_is_never_told_of_a_call_that_a_limit_has_cut(recorded: Server):
    events = events_of(recorded, "Weather in Paris and Rome?", tools=[WEATHER], max_tokens=16)
    assert not any(isinstance(event, ToolCallEvent) for event in events)
    finish = finish_of(events)
    assert (finish.stop_reason, finish.incomplete_tool_calls) == ("length", ("get_weather",))
