"""llama.cpp's own edition of Anthropic's messages API, asked by the native dialect."""

from __future__ import annotations

import json

import pytest

from lexilux_like import ChatHistory, InvalidRequestError, execute_tool_calls
from lexilux_like.testing.door import Door, Doors
from lexilux_like.testing.engine import LlamaServer

PARIS = "The capital of France is Paris."
ASKED = "What is the capital of France?"


@pytest.fixture
def messages_api(doors: Doors, trained_llama: LlamaServer) -> Door:
    return doors(base_url=trained_llama.root_url, provider="anthropic", model="tiny")


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return json.dumps({"city": city, "temperature": 21, "sky": "sunny"})


def test_call_gives_the_answer_and_counts_it(messages_api: Door) -> None:
    result = messages_api.call(ASKED, temperature=0)
    assert (result.text, result.status, result.model) == (PARIS, "complete", "tiny")
    assert result.raw_finish_reason == "end_turn"
    usage = result.usage
    assert usage.output_tokens == 11
    assert usage.total_tokens == (usage.input_tokens or 0) + 11
    assert (usage.cached_tokens or 0) <= (usage.input_tokens or 0)


def test_the_tokens_of_the_prompt_are_the_same_cached_or_not(messages_api: Door) -> None:
    counts = {messages_api.call(ASKED, temperature=0).usage.input_tokens for _ in range(3)}
    assert len(counts) == 1


def test_stream_gives_the_answer_in_pieces(messages_api: Door) -> None:
    streamed = messages_api.stream(ASKED, temperature=0)
    assert "".join(streamed.deltas) == streamed.result.text == PARIS
    assert len(streamed.deltas) > 5
    assert (streamed.result.status, streamed.result.usage.output_tokens) == ("complete", 11)


def test_a_limit_truncates(messages_api: Door) -> None:
    result = messages_api.stream(ASKED, temperature=0, max_tokens=3).result
    assert (result.text, result.status) == (PARIS[: len(result.text)], "truncated")
    assert result.raw_finish_reason == "max_tokens"


def test_a_stop_text_ends_the_answer(messages_api: Door) -> None:
    result = messages_api.call(ASKED, temperature=0, stop="France")
    assert (result.text.strip(), result.status) == ("The capital of", "complete")


def test_complete_joins_the_parts(messages_api: Door) -> None:
    result = messages_api.complete(ASKED, temperature=0, max_tokens=4)
    assert (result.text, result.status) == (PARIS, "complete")
    assert result.segments[-1].asked == "prefill"


def test_tools_are_called_and_answered(messages_api: Door) -> None:
    history = ChatHistory("What is the weather in Oslo?")
    first = messages_api.stream(history, tools=[get_weather], temperature=0).result
    assert first.status == "tool_calls"
    [call] = first.tool_calls
    assert (call.name, call.get_arguments()) == ("get_weather", {"city": "Oslo"})
    history.append_result(first)
    history.extend(execute_tool_calls(first, [get_weather]))
    last = messages_api.call(history, tools=[get_weather], temperature=0)
    assert last.text == "It is sunny in Oslo with 21 degrees."


@pytest.mark.parametrize("method", ["call", "stream"])
def test_several_calls_come_whole(messages_api: Door, method: str) -> None:
    ask = getattr(messages_api, method)
    asked = ask("Weather in Paris and Rome?", tools=[get_weather], temperature=0)
    result = asked if method == "call" else asked.result
    cities = [call.get_arguments()["city"] for call in result.tool_calls]
    assert cities == ["Paris", "Rome"]


def test_a_system_prompt_is_taken(messages_api: Door) -> None:
    plain = messages_api.call(ASKED, temperature=0).usage.input_tokens or 0
    more = messages_api.call(ASKED, temperature=0, system="Be brief.").usage.input_tokens or 0
    assert more > plain


def test_a_prompt_that_is_too_long_is_refused(messages_api: Door) -> None:
    with pytest.raises(InvalidRequestError, match="context size"):
        messages_api.call("a " * 4000)
