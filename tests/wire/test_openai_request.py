"""Requests as OpenAI's dialect spells them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.tools import FunctionTool, ToolChoice
from lexilux_like.wire.openai import OpenAIDialect

MESSAGES = [{"role": "user", "content": "Hi"}]


def payload(*, stream: bool = False, **fields: Any) -> dict[str, Any]:
    request = ChatRequest("m", MESSAGES, **fields)
    return json.loads(OpenAIDialect().encode(request, stream=stream).body)


def test_only_what_was_given_is_sent() -> None:
    assert payload() == {"model": "m", "messages": MESSAGES}


def test_path_is_chat_completions() -> None:
    request = OpenAIDialect().encode(ChatRequest("m", MESSAGES), stream=False)
    assert request.path == "chat/completions"


def test_headers_of_the_call_are_passed_on() -> None:
    request = ChatRequest("m", MESSAGES, headers={"x-one": "1"})
    assert OpenAIDialect().encode(request, stream=False).headers == {"x-one": "1"}


def test_options_are_sent_by_their_names() -> None:
    options = {"temperature": 0.5, "stop": ["a", "b"], "logit_bias": {7: -1.0}, "n": 2, "seed": 3}
    assert payload(options=options) == {
        "model": "m",
        "messages": MESSAGES,
        "temperature": 0.5,
        "stop": ["a", "b"],
        "logit_bias": {"7": -1.0},
        "n": 2,
        "seed": 3,
    }


def test_stream_asks_for_usage() -> None:
    sent = payload(stream=True)
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_usage": True}


def test_stream_without_usage_does_not_speak_of_it() -> None:
    sent = payload(stream=True, include_usage=False)
    assert sent["stream"] is True
    assert "stream_options" not in sent


def test_whole_answer_is_not_asked_to_stream() -> None:
    assert "stream" not in payload()


def test_tools_are_spelled_as_on_the_wire() -> None:
    tool = FunctionTool(name="f", description="d", parameters={"type": "object", "properties": {}})
    sent = payload(options={"tools": [tool], "tool_choice": ToolChoice.tool("f")})
    assert sent["tools"][0]["type"] == "function"
    assert sent["tools"][0]["function"]["name"] == "f"
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "f"}}


def test_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(ValidationError, match="'g'"):
        payload(options={"tools": [tool], "tool_choice": "g"})


def test_extra_wins_over_everything() -> None:
    extra = {"model": "other", "temperature": 2, "stream_options": None, "new": [1]}
    sent = payload(stream=True, options={"temperature": 1}, extra=extra)
    assert sent["model"] == "other"
    assert sent["temperature"] == 2
    assert sent["stream_options"] is None
    assert sent["new"] == [1]


def test_reasoning_is_spelled_for_the_host() -> None:
    request = ChatRequest("m", MESSAGES, reasoning=True)
    sent = OpenAIDialect("https://api.deepseek.com").encode(request, stream=False)
    assert json.loads(sent.body)["thinking"] == {"type": "enabled"}


def test_nothing_of_the_callers_is_changed() -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "a"}]}]
    options = {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "f"}
    before = json.dumps([messages, options])
    request = ChatRequest("m", messages, options, extra={"messages_extra": 1})
    OpenAIDialect().encode(request, stream=True)
    assert json.dumps([messages, options]) == before


@pytest.mark.parametrize("value", [math.nan, object()])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        payload(extra={"x": value})
