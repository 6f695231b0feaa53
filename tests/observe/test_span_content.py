"""What is asked and answered, on spans, for those who want it there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from traced import Traced, calls_weather, full

from lexilux_like import otel
from lexilux_like.testing import (
    ScriptedServer,
    stream,
)
from lexilux_like.testing.door import Doors

ASKED = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "https://x.example/cat.png"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}},
        ],
    },
]


def test_content_stays_out_unless_it_is_wanted(
    door: Doors, scripted_server: ScriptedServer, traced: Traced, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(otel.CAPTURE, raising=False)
    scripted_server.play(full("My answer"), stream("My answer"))
    asked = door(hooks=traced.hooks())
    asked.call("My question")
    asked.stream("My question")
    assert [each.to_json() for each in traced.spans if "My " in each.to_json()] == []


@pytest.mark.parametrize("value", ["true", "SPAN_ONLY", "span_and_event"])
def test_the_environment_may_want_content(
    value: str, door: Doors, scripted_server: ScriptedServer, traced: Traced,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setenv(otel.CAPTURE, value)
    scripted_server.play(full(), full())
    door(hooks=traced.hooks()).call("x")
    door(hooks=traced.hooks(capture_content=False)).call("x")
    first, second = traced.spans
    assert "gen_ai.output.messages" in (first.attributes or {})
    assert "gen_ai.output.messages" not in (second.attributes or {})


@pytest.mark.parametrize("value", ["no_content", "event_only", "false"])
def test_the_environment_may_not_want_content_on_spans(
    value: str, door: Doors, scripted_server: ScriptedServer, traced: Traced,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setenv(otel.CAPTURE, value)
    scripted_server.play(full())
    door(hooks=traced.hooks()).call("x")
    assert "gen_ai.output.messages" not in (traced.span.attributes or {})


def test_messages_and_answers_have_the_form_of_the_conventions(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(full("A cat."))
    door(hooks=traced.hooks(capture_content=True)).call(ASKED)
    attributes: Any = traced.span.attributes
    assert json.loads(attributes["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "What is it?"},
                {"type": "uri", "modality": "image", "uri": "https://x.example/cat.png"},
                {"type": "image_url"},
            ],
        },
    ]
    said = {"type": "text", "content": "A cat."}
    assert json.loads(attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [said], "finish_reason": "stop"}
    ]


def test_tool_calls_and_their_results_are_content_too(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"a": 1'}}
    history = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    scripted_server.play(calls_weather())
    door(hooks=traced.hooks(capture_content=True)).call(history)
    attributes: Any = traced.span.attributes
    asked = json.loads(attributes["gen_ai.input.messages"])
    assert asked[1]["parts"] == [
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"a": 1'}
    ]
    assert asked[2] == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}],
    }
    (said,) = json.loads(attributes["gen_ai.output.messages"])
    assert said["parts"][0]["arguments"] == {"city": "Rome"}
    assert said["finish_reason"] == "tool_calls"
