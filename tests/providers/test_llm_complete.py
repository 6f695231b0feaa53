"""`ChatLLMProvider.complete()` and `acomplete()`: what is sent, and what comes back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from agents import EACH_WAY, HI, WEATHER, Ask, claude_of, provider_of

from lexilux_like import (
    ChatIncompleteResponseError,
    ChatParams,
    OutputValidationError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from lexilux_like.providers import LLMResponse, Tool, ToolResult, ToolUse
from lexilux_like.testing import (
    ScriptedServer,
    SimulatedModel,
    answer,
    cut,
    json_reply,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.messages import message, tool_use_block

STORY = "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."
CALL = tool_call("get_weather", {"city": "Rome"}, id="c1")


@EACH_WAY
def test_the_answer_comes_with_its_tokens(ask: Ask, scripted_server: ScriptedServer) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    scripted_server.play(answer("Hello", usage=usage))
    got = ask(provider_of(scripted_server))
    assert (got.content, got.model, got.stop_reason) == ("Hello", "m", "stop")
    assert (got.input_tokens, got.output_tokens, got.cached_tokens) == (10, 2, 8)
    assert (got.cost_usd, got.credits, got.tool_uses) == (0.0, None, [])
    assert got.raw_response.request_id is None


@EACH_WAY
def test_the_model_is_the_servers_name_or_else_the_one_asked_for(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    nameless = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    scripted_server.play(answer("Hello", model="m-2024"), json_reply(nameless))
    provider = provider_of(scripted_server)
    assert [ask(provider).model, ask(provider).model] == ["m-2024", "m"]


@EACH_WAY
def test_the_request_is_what_was_asked(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("Hello"))
    ask(provider_of(scripted_server), HI, system="Be brief.", max_tokens=7)
    assert scripted_server.requests[0].json == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, *HI],
        "max_tokens": 7,
    }


@EACH_WAY
def test_a_tool_is_sent_with_its_whole_schema(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("Hello"))
    ask(provider_of(scripted_server), tools=[WEATHER, Tool("now", "")])
    first, second = (each["function"] for each in scripted_server.requests[0].json["tools"])
    assert first["parameters"] == {"type": "object", **WEATHER.parameters}
    assert second == {"name": "now", "parameters": {"type": "object", "properties": {}}}


@EACH_WAY
def test_calls_come_as_tool_uses(ask: Ask, scripted_server: ScriptedServer) -> None:
    no_arguments = tool_call("now", "", id="c2")
    scripted_server.play(answer(None, tool_calls=[CALL, no_arguments], finish_reason="stop"))
    got = ask(provider_of(scripted_server), tools=[WEATHER])
    assert got.stop_reason == "tool_calls"
    assert got.tool_uses == [
        ToolUse("c1", "get_weather", {"city": "Rome"}),
        ToolUse("c2", "now", {}),
    ]


@EACH_WAY
def test_claude_calls_tools_too(ask: Ask, scripted_server: ScriptedServer) -> None:
    usage = {"input_tokens": 3, "output_tokens": 5}
    usage |= {"cache_read_input_tokens": 20, "cache_creation_input_tokens": 7}
    block = tool_use_block("get_weather", {"city": "Rome"}, id="t1")
    scripted_server.play(message("Well.", block, stop_reason="tool_use", usage=usage))
    got = ask(claude_of(scripted_server), tools=[WEATHER])
    assert (got.content, got.stop_reason) == ("Well.", "tool_calls")
    assert got.tool_uses == [ToolUse("t1", "get_weather", {"city": "Rome"})]
    assert (got.input_tokens, got.cached_tokens, got.cache_creation_tokens) == (30, 20, 7)


@EACH_WAY
def test_a_cut_answer_says_so_and_calls_nothing(ask: Ask, scripted_server: ScriptedServer) -> None:
    calls = [tool_call("get_weather", '{"city": "Ro')]
    scripted_server.play(answer("Let me", tool_calls=calls, finish_reason="length"))
    got = ask(provider_of(scripted_server), tools=[WEATHER])
    assert (got.content, got.stop_reason, got.tool_uses) == ("Let me", "length", [])
    assert [each.name for each in got.raw_response.incomplete_tool_calls] == ["get_weather"]


@EACH_WAY
def test_arguments_that_are_no_object_are_an_error(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    calls = [CALL, tool_call("now", "[1]")]
    scripted_server.play(answer(None, tool_calls=calls, finish_reason="tool_calls"))
    with pytest.raises(OutputValidationError, match=r"no JSON object.*\[1\]") as caught:
        ask(provider_of(scripted_server), tools=[WEATHER])
    assert caught.value.partial is not None
    assert caught.value.partial.to_message()["tool_calls"] == calls


@EACH_WAY
def test_a_refusal_is_the_content(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer(None, refusal="No."))
    got = ask(provider_of(scripted_server))
    assert (got.content, got.stop_reason) == ("No.", "refusal")


@EACH_WAY
@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("content_filter", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("odd", "unknown"),
        (None, "unknown"),
    ],
)
def test_stop_reason_never_calls_half_an_answer_whole(
    ask: Ask, scripted_server: ScriptedServer, word: str | None, reason: str
) -> None:
    scripted_server.play(answer("Hel", finish_reason=word))
    assert ask(provider_of(scripted_server)).stop_reason == reason


@EACH_WAY
def test_an_answer_that_the_server_gave_up_is_an_error(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("Hel", finish_reason="error"))
    with pytest.raises(ServerError) as caught:
        ask(provider_of(scripted_server))
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"


@EACH_WAY
def test_continuing_makes_the_answer_whole(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.always(SimulatedModel(STORY, cut=40))
    got = ask(provider_of(scripted_server, max_continues=5))
    assert (got.content, got.stop_reason) == (STORY, "stop")
    assert len(scripted_server.requests) > 1


@EACH_WAY
def test_what_is_still_cut_after_continuing_is_an_error(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(SimulatedModel(STORY, cut=20, part=20))
    with pytest.raises(ChatIncompleteResponseError, match="1 continuations"):
        ask(provider_of(scripted_server, max_continues=1))


@EACH_WAY
def test_a_broken_answer_goes_on_where_that_is_wanted(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    model = SimulatedModel(STORY)
    scripted_server.play(cut(model, at_byte=1500))
    scripted_server.always(model)
    got = ask(provider_of(scripted_server, resume="auto"))
    assert (got.content, got.stop_reason) == (STORY, "stop")
    assert len(scripted_server.requests) > 1


@EACH_WAY
def test_resuming_leaves_a_cut_answer_cut(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("Hel", finish_reason="length"))
    got = ask(provider_of(scripted_server, resume="auto"))
    assert (got.content, got.stop_reason) == ("Hel", "length")


@EACH_WAY
def test_max_retries_is_that_of_the_call(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(429, retry_after=0.01), answer("Hello"))
    provider = provider_of(scripted_server, client={"max_retries": 5})
    with pytest.raises(RateLimitError):
        ask(provider, max_retries=0)
    assert ask(provider, max_retries=0).content == "Hello"


@EACH_WAY
def test_without_max_retries_the_clients_own_hold(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(refuse(429, retry_after=0.01), answer("Hello"))
    assert ask(provider_of(scripted_server, client={"max_retries": 1})).content == "Hello"


@EACH_WAY
def test_the_options_of_the_provider_are_sent_with_each_call(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("Hello"))
    params = ChatParams(temperature=0.2, max_tokens=5)
    ask(provider_of(scripted_server, params=params, model="other"), max_tokens=9)
    sent = scripted_server.requests[0].json
    assert (sent["temperature"], sent["max_tokens"], sent["model"]) == (0.2, 9, "other")


@EACH_WAY
@pytest.mark.parametrize(
    "given",
    [{"max_completion_tokens": 7}, {"params": ChatParams(max_completion_tokens=7)}],
    ids=["option", "params"],
)
def test_a_limit_by_its_other_name_is_the_only_one(
    ask: Ask, scripted_server: ScriptedServer, given: dict[str, Any]
) -> None:
    scripted_server.play(answer("Hello"))
    ask(provider_of(scripted_server, **given), max_tokens=9)
    sent = scripted_server.requests[0].json
    assert {k: v for k, v in sent.items() if "tokens" in k} == {"max_completion_tokens": 9}


@EACH_WAY
@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        {"messages": []},
        {"messages": HI, "tools": [{"name": "clock"}]},
        {"messages": HI, "max_tokens": 0},
        {"messages": HI, "max_retries": -1},
        {"messages": HI, "max_retries": "2"},
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    ask: Ask, scripted_server: ScriptedServer, wrong: dict[str, Any]
) -> None:
    options = dict(wrong)
    with pytest.raises(ValidationError):
        ask(provider_of(scripted_server), options.pop("messages"), **options)
    assert scripted_server.requests == []


def test_options_are_checked_when_the_provider_is_made(scripted_server: ScriptedServer) -> None:
    with pytest.raises(TypeError, match="did you mean 'max_continues'"):
        provider_of(scripted_server, max_continue=1)
    with pytest.raises(ValidationError, match=r"empty_wait_s=5.*0 to 1"):
        provider_of(scripted_server, empty_wait_s=5)


@EACH_WAY
def test_the_callers_messages_are_never_changed(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer('{"a": 1}'))
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]
    before, tools = copy.deepcopy(messages), [copy.deepcopy(WEATHER)]
    provider = provider_of(scripted_server, max_continues=1)
    for _ in range(2):
        ask(provider, messages, system="", tools=tools, json_mode=True)
    assert (messages, tools) == (before, [WEATHER])
    first, second = (each.json["messages"] for each in scripted_server.requests)
    assert first == second


@EACH_WAY
def test_a_response_is_a_message_with_all_that_has_to_go_back(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(
        answer("Well.", reasoning="Hm.", tool_calls=[CALL], finish_reason="tool_calls")
    )
    assert ask(provider_of(scripted_server)).to_message() == {
        "role": "assistant",
        "content": "Well.",
        "reasoning_content": "Hm.",
        "tool_calls": [CALL],
    }


def test_a_response_without_a_result_is_a_message_too() -> None:
    response = LLMResponse("Well.", "m", tool_uses=[ToolUse("c1", "get_weather", {"city": "Rome"})])
    assert response.to_message() == {
        "role": "assistant",
        "content": "Well.",
        "tool_calls": [CALL],
    }
    assert LLMResponse("Hi", "m").to_message() == {"role": "assistant", "content": "Hi"}


def test_a_tool_result_is_a_message() -> None:
    assert ToolResult("c1", "21").to_message() == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": "21",
    }
    assert ToolResult("c1", "no city", is_error=True).to_message()["content"] == "Error: no city"
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    with_image = ToolResult("c1", "a map", image_content=[image]).to_message()
    assert with_image["content"] == [{"type": "text", "text": "a map"}, image]
