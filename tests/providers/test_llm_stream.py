"""`ChatLLMProvider.stream()`: each event in its order, and one end."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from agents import (
    HI,
    WEATHER,
    calls_of,
    claude_of,
    error_of,
    finish_of,
    provider_of,
    streamed,
    text_of,
)

from lexilux_like import ChatIncompleteResponseError, ValidationError
from lexilux_like.providers import (
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    Tool,
    ToolCallEvent,
)
from lexilux_like.testing import (
    CALL_FORMS,
    ScriptedServer,
    SimulatedModel,
    answer,
    call_stream,
    stream,
    tool_call,
)
from lexilux_like.testing import events as events_of
from lexilux_like.testing.messages import message_stream, thinking_block, tool_use_block

CALL = tool_call("get_weather", {"city": "Rome"}, id="c1")
STORY = "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."


def test_text_comes_piece_by_piece_and_ends_once(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("Hel", "lo"))
    assert streamed(provider_of(scripted_server)) == [
        TextDeltaEvent(content="Hel", snapshot="Hel"),
        TextDeltaEvent(content="lo", snapshot="Hello"),
        TextEndEvent(full_text="Hello"),
        FinishEvent(stop_reason="stop", input_tokens=1, output_tokens=2, model="m"),
    ]


def test_reasoning_is_announced_once(scripted_server: ScriptedServer) -> None:
    thoughts = [{"reasoning_content": "Hm"}, {"reasoning_content": "."}]
    scripted_server.play(stream(*thoughts, "Hello", {"reasoning_content": "Sure."}))
    assert streamed(provider_of(scripted_server))[:5] == [
        ReasoningStartEvent(),
        ReasoningDeltaEvent(content="Hm"),
        ReasoningDeltaEvent(content="."),
        TextDeltaEvent(content="Hello", snapshot="Hello"),
        ReasoningDeltaEvent(content="Sure."),
    ]


def test_the_request_is_what_was_asked(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("Hello"))
    messages, tools = copy.deepcopy(HI), [copy.deepcopy(WEATHER)]
    streamed(provider_of(scripted_server, temperature=0), messages, "Be brief.", tools)
    body = scripted_server.requests[0].json
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, *HI]
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (4096, 0, True)
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", **WEATHER.parameters}
    assert (messages, tools) == (HI, [WEATHER])


@pytest.mark.parametrize("form", [name for name in CALL_FORMS if name != "cut_off"])
def test_calls_come_whole_in_whatever_pieces_they_were_sent(
    scripted_server: ScriptedServer, form: str
) -> None:
    second = tool_call("now", {}, id="c2")
    scripted_server.play(call_stream(CALL, second, form=form))
    events = streamed(provider_of(scripted_server), tools=[WEATHER, Tool("now", "")])
    called = [(name, given) for _, name, given in calls_of(events)]
    assert called == [("get_weather", {"city": "Rome"}), ("now", {})]
    assert finish_of(events).stop_reason == "tool_calls"


def test_a_call_without_arguments_is_a_call(scripted_server: ScriptedServer) -> None:
    call = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "now"}}]}
    scripted_server.play(stream("Well.", call, finish_reason="tool_calls"))
    assert streamed(provider_of(scripted_server))[1:3] == [
        TextEndEvent(full_text="Well."),
        ToolCallEvent(tool_use_id="c1", tool_name="now", tool_input={}),
    ]


def test_a_call_that_was_cut_is_never_a_call(scripted_server: ScriptedServer) -> None:
    scripted_server.play(call_stream(CALL, form="cut_off"))
    events = streamed(provider_of(scripted_server))
    assert calls_of(events) == []
    end = finish_of(events)
    assert (end.stop_reason, end.incomplete_tool_calls) == ("length", ("get_weather",))
    assert "tool_calls" not in end.message


def test_a_whole_object_under_a_token_limit_is_still_no_call(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.play(stream({"tool_calls": [{"index": 0, **CALL}]}, finish_reason="length"))
    events = streamed(provider_of(scripted_server))
    assert (calls_of(events), finish_of(events).stop_reason) == ([], "length")


@pytest.mark.parametrize("arguments", ["[1]", '{"city": ', "Rome", "null"])
def test_arguments_that_are_no_object_fail_the_answer_and_call_nothing(
    scripted_server: ScriptedServer, arguments: str
) -> None:
    bad = tool_call("get_weather", arguments, id="c2")
    calls = [{"index": i, **each} for i, each in enumerate([CALL, bad])]
    scripted_server.play(stream("Well.", {"tool_calls": calls}, finish_reason="tool_calls"))
    events = streamed(provider_of(scripted_server))
    assert [each.type for each in events] == ["text_delta", "error"]
    error = error_of(events)
    assert (error.error_type, error.recoverable) == ("unreadable", True)
    assert error.exception.partial.to_message()["tool_calls"] == [CALL, bad]


def test_a_cut_answer_finishes_with_length(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("Hel", finish_reason="length"))
    events = streamed(provider_of(scripted_server))
    assert (text_of(events), finish_of(events).stop_reason) == ("Hel", "length")


def test_an_end_without_a_reason_is_unknown(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("Hel", finish_reason=None))
    assert finish_of(streamed(provider_of(scripted_server))).stop_reason == "unknown"


def test_a_refusal_is_text_and_says_so(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream({"refusal": "No"}, {"refusal": "."}))
    events = streamed(provider_of(scripted_server))
    assert (text_of(events), finish_of(events).stop_reason) == ("No.", "refusal")


def test_an_answer_in_one_body_is_a_stream_of_one_piece(scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("Hello", tool_calls=[CALL], finish_reason="tool_calls"))
    events = streamed(provider_of(scripted_server))
    assert (text_of(events), len(calls_of(events))) == ("Hello", 1)


def test_a_choice_that_nobody_asked_for_is_left_out(scripted_server: ScriptedServer) -> None:
    both = [
        {"choices": [{"index": i, "delta": {"content": text}, "finish_reason": "stop"}]}
        for i, text in enumerate(["Hello", "Hi"])
    ]
    scripted_server.play(events_of(*both))
    assert text_of(streamed(provider_of(scripted_server))) == "Hello"


def test_the_assistants_message_goes_back_whole(scripted_server: ScriptedServer) -> None:
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    deltas: list[Any] = [{"reasoning_content": "Hm."}, "Well."]
    deltas.append({"tool_calls": [{"index": 0, **CALL, **signed}]})
    scripted_server.play(stream(*deltas, finish_reason="tool_calls"))
    assert finish_of(streamed(provider_of(scripted_server))).message == {
        "role": "assistant",
        "content": "Well.",
        "reasoning_content": "Hm.",
        "tool_calls": [{**signed, **CALL}],
    }


def test_signed_reasoning_of_a_gateway_is_on_the_finish(scripted_server: ScriptedServer) -> None:
    thought = thinking_block("Hm.")
    scripted_server.play(stream({"thinking_blocks": [thought]}, "Well."))
    end = finish_of(streamed(provider_of(scripted_server)))
    assert end.thinking_blocks == (thought,)
    assert end.message["thinking_blocks"] == [thought]


def test_claude_streams_too(scripted_server: ScriptedServer) -> None:
    usage = {"input_tokens": 3, "output_tokens": 5}
    usage |= {"cache_read_input_tokens": 20, "cache_creation_input_tokens": 7}
    thought, use = thinking_block("Hm."), tool_use_block("get_weather", {"city": "Rome"}, id="t1")
    scripted_server.play(
        message_stream(thought, ["Wel", "l."], use, stop_reason="tool_use", usage=usage)
    )
    events = streamed(claude_of(scripted_server), tools=[WEATHER])
    assert events[:-1] == [
        ReasoningStartEvent(),
        ReasoningDeltaEvent(content="Hm."),
        TextDeltaEvent(content="Wel", snapshot="Wel"),
        TextDeltaEvent(content="l.", snapshot="Well."),
        TextEndEvent(full_text="Well."),
        ToolCallEvent(tool_use_id="t1", tool_name="get_weather", tool_input={"city": "Rome"}),
    ]
    end = finish_of(events)
    assert (end.input_tokens, end.cached_tokens, end.cache_creation_tokens) == (30, 20, 7)
    assert end.thinking_blocks == (thought,)


def test_claudes_thinking_goes_back_as_it_came(scripted_server: ScriptedServer) -> None:
    thought, use = thinking_block("Hm."), tool_use_block("get_weather", {"city": "Rome"}, id="t1")
    scripted_server.play(message_stream(thought, use, stop_reason="tool_use"))
    scripted_server.play(message_stream("Sunny."))
    provider = claude_of(scripted_server)
    first = finish_of(streamed(provider, tools=[WEATHER]))
    result = {"role": "tool", "tool_call_id": "t1", "content": "21"}
    streamed(provider, [*HI, first.message, result], tools=[WEATHER])
    assistant = scripted_server.requests[1].json["messages"][1]
    assert assistant["content"] == [thought, use]


def test_continuing_makes_the_answer_whole(scripted_server: ScriptedServer) -> None:
    scripted_server.always(SimulatedModel(STORY, cut=40))
    events = streamed(provider_of(scripted_server, max_continues=5))
    assert (text_of(events), finish_of(events).stop_reason) == (STORY, "stop")
    assert len(scripted_server.requests) > 1


def test_reasoning_is_shown_while_continuing_too(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream({"reasoning_content": "Hm."}, "Hello"))
    events = streamed(provider_of(scripted_server, max_continues=5))
    assert events[:2] == [ReasoningStartEvent(), ReasoningDeltaEvent(content="Hm.")]


def test_the_model_is_the_servers_name_or_else_the_one_asked_for(
    scripted_server: ScriptedServer,
) -> None:
    for name in ({"model": "m-2024"}, {}):
        choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}
        scripted_server.play(events_of({"choices": [choice], **name}))
    provider = provider_of(scripted_server)
    assert [finish_of(streamed(provider)).model for _ in range(2)] == ["m-2024", "m"]


def test_what_is_still_cut_after_continuing_is_an_error(scripted_server: ScriptedServer) -> None:
    scripted_server.always(SimulatedModel(STORY, cut=20, part=20))
    error = error_of(streamed(provider_of(scripted_server, max_continues=1)))
    assert (error.error_type, error.recoverable) == ("incomplete", False)
    assert isinstance(error.exception, ChatIncompleteResponseError)


@pytest.mark.parametrize("wrong", [{"messages": "Hi"}, {"messages": HI, "max_tokens": 0}], ids=str)
def test_what_is_wrong_is_raised_and_nothing_is_sent(
    scripted_server: ScriptedServer, wrong: dict[str, Any]
) -> None:
    options = dict(wrong)
    with pytest.raises(ValidationError):
        streamed(provider_of(scripted_server), options.pop("messages"), **options)
    assert scripted_server.requests == []


def test_what_cannot_be_json_is_raised_too(scripted_server: ScriptedServer) -> None:
    with pytest.raises(ValidationError):
        streamed(provider_of(scripted_server), [{"role": "user", "content": object()}])
