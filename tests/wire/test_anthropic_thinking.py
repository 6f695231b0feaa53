"""Reasoning and tools as Anthropic's dialect asks for them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from claude import HI, JSON_SCHEMA, NEW, OLD, OTHER, PROFILE, SCHEMA, payload, sent

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.tools import FunctionTool, ToolChoice
from lexilux_like.wire.anthropic import AnthropicDialect
from lexilux_like.wire.families import NEW_CLAUDES
from lexilux_like.wire.profile import Spelling

# Reasoning.

OLD_NAMES = [
    "claude-3-7-sonnet-latest",
    "claude-opus-4-20250514",
    "claude-opus-4-0",
    "claude-opus-4-1-20250805",
    "claude-sonnet-4-5",
    "claude-haiku-4-5-20251001",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic/claude-opus-4.5",
    "Claude-4.5-Sonnet",
]
NEW_NAMES = [
    "claude-opus-4-6",
    "claude-sonnet-4.6",
    "claude-opus-4-7-20260401",
    "claude-opus-4-10",
    "claude-opus-40",
    "claude-sonnet-5",
    "claude-opus-5-5",
    "anthropic/claude-fable-5",
    "claude-mythos-preview",
]
THINKS = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize("model", [*OLD_NAMES, OTHER])
def test_older_models_think_with_a_budget(model: str) -> None:
    sent = payload(model=model, reasoning=True, options={"max_tokens": 10_000})
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 5_000}
    assert "output_config" not in sent


@pytest.mark.parametrize("model", NEW_NAMES)
def test_newer_models_decide_by_themselves_how_long_they_think(model: str) -> None:
    assert payload(model=model, reasoning=True)["thinking"] == THINKS
    sent = payload(model=model, reasoning={"effort": "low"})
    assert (sent["thinking"], sent["output_config"]) == (THINKS, {"effort": "low"})


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("reasoning", [False, {"enabled": False}, {"effort": "none"}])
def test_thinking_can_be_turned_off(model: str, reasoning: Any) -> None:
    assert payload(model=model, reasoning=reasoning)["thinking"] == {"type": "disabled"}


def test_nothing_is_said_of_thinking_unasked() -> None:
    assert "thinking" not in payload(model=NEW)


@pytest.mark.parametrize(
    ("effort", "budget"), [("minimal", 1_024), ("low", 2_000), ("medium", 5_000), ("high", 8_000)]
)
def test_an_effort_is_a_share_of_the_limit(effort: str, budget: int) -> None:
    sent = payload(reasoning={"effort": effort}, options={"max_tokens": 10_000})
    assert sent["thinking"]["budget_tokens"] == budget
    assert sent["max_tokens"] == 10_000


@pytest.mark.parametrize(
    ("model", "budget", "limit"),
    [(OLD, 2_000, 32_000), (OLD, 40_000, 44_096), (OTHER, 8_000, 12_096)],
)
def test_a_budget_leaves_room_for_the_answer(model: str, budget: int, limit: int) -> None:
    sent = payload(model=model, reasoning={"max_tokens": budget})
    assert (sent["thinking"]["budget_tokens"], sent["max_tokens"]) == (budget, limit)


def test_a_schema_and_an_effort_share_the_output_config() -> None:
    sent = payload(model=NEW, reasoning={"effort": "max"}, options={"response_format": JSON_SCHEMA})
    assert sent["output_config"].keys() == {"effort", "format"}


@pytest.mark.parametrize(
    ("reasoning", "limit"), [(True, 1_024), ({"max_tokens": 5_000}, 5_000), ({"effort": "low"}, 9)]
)
def test_a_limit_with_no_room_for_thinking_is_refused(reasoning: Any, limit: int) -> None:
    with pytest.raises(ValidationError, match="below max_tokens"):
        payload(reasoning=reasoning, options={"max_tokens": limit})


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        (NEW, {"max_tokens": 2_000}),
        (OLD, {"effort": "tiny"}),
        (OLD, {"effort": "low", "max_tokens": 2_000}),
        (OLD, {"max_tokens": "many"}),
    ],
)
def test_reasoning_that_a_model_cannot_be_asked_for_is_refused(model: str, reasoning: Any) -> None:
    with pytest.raises(ValidationError, match="reasoning"):
        payload(model=model, reasoning=reasoning)


def test_what_is_shown_of_the_thinking_can_be_chosen() -> None:
    sent = payload(model=NEW, reasoning={"effort": "low", "display": "omitted"})
    assert sent["thinking"] == {"type": "adaptive", "display": "omitted"}


def test_a_row_of_ones_own_says_how_its_models_think() -> None:
    own = replace(PROFILE, reasoning=Spelling({"think": 1}, {"think": 0}), reasoning_of=())
    request = ChatRequest(OTHER, HI, reasoning=True)
    body = json.loads(AnthropicDialect("", own).encode(request, stream=False).body)
    assert body["think"] == 1
    assert "thinking" not in body


@pytest.mark.parametrize("model", OLD_NAMES)
def test_the_names_of_new_models_are_told_apart(model: str) -> None:
    assert not re.search(NEW_CLAUDES, model, re.IGNORECASE)


# Tools.

FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
SPELLED = {"name": "f", "description": "d", "input_schema": SCHEMA}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
BARE = {"name": "g", "input_schema": {"type": "object"}}


def test_a_function_is_spelled_as_a_tool() -> None:
    tool = FunctionTool(name="f", description="d", parameters=SCHEMA)
    assert sent("tools", [tool])["tools"] == [SPELLED]
    assert sent("tools", [FUNCTION])["tools"] == [SPELLED]


def test_a_tool_keeps_what_the_api_knows_of_it() -> None:
    function = {**FUNCTION["function"], "strict": True}  # type: ignore[dict-item]
    tool = {"type": "function", "function": function, "cache_control": {"type": "ephemeral"}}
    assert sent("tools", [tool])["tools"] == [
        {**SPELLED, "strict": True, "cache_control": {"type": "ephemeral"}}
    ]


def test_a_tool_without_parameters_takes_an_empty_object() -> None:
    [tool] = sent("tools", [FunctionTool(name="f")])["tools"]
    assert tool["input_schema"] == {"type": "object", "properties": {}}


def test_tools_in_the_apis_own_form_pass_untouched() -> None:
    assert sent("tools", [SEARCH, BARE])["tools"] == [SEARCH, BARE]


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="2 tools have the name 'g'"):
        sent("tools", [BARE, {"type": "custom", **BARE}])


@pytest.mark.parametrize(
    ("choice", "spelled"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("f", {"type": "tool", "name": "f"}),
        ("web_search", {"type": "tool", "name": "web_search"}),
        (ToolChoice.tool("f"), {"type": "tool", "name": "f"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "any"}, {"type": "any"}),
    ],
)
def test_a_choice_of_tools_is_spelled(choice: Any, spelled: dict[str, Any]) -> None:
    assert sent("tool_choice", choice, tools=[FUNCTION, SEARCH])["tool_choice"] == spelled


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="'h'"):
        sent("tool_choice", "h", tools=[FUNCTION])


@pytest.mark.parametrize(
    ("choice", "spelled"),
    [
        ({}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": "required"}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"tool_choice": "none"}, {"type": "none"}),
    ],
)
def test_one_call_at_a_time_is_part_of_the_choice(choice: Any, spelled: dict[str, Any]) -> None:
    sent_ = sent("parallel_tool_calls", False, tools=[FUNCTION], **choice)
    assert sent_["tool_choice"] == spelled


@pytest.mark.parametrize("choice", ["required", "f"])
def test_a_forced_call_beside_a_budget_is_refused(choice: str) -> None:
    options = {"tools": [FUNCTION], "tool_choice": choice}
    with pytest.raises(ValidationError, match="while it thinks"):
        payload(reasoning=True, options=options)
    assert payload(reasoning=False, options=options)["tool_choice"]["type"] != "auto"
    assert payload(model=NEW, reasoning=True, options=options)["tool_choice"]["type"] != "auto"


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_tool_that_carries_the_answer_is_only_offered_while_it_thinks(model: str) -> None:
    options = {"tools": [FUNCTION], "tool_choice": "f"}
    sent = payload(model=model, reasoning=True, options=options, answer_tool="f")
    assert sent["tool_choice"] == {"type": "auto"}
    sent = payload(model=model, options=options, answer_tool="f")
    assert sent["tool_choice"] == {"type": "tool", "name": "f"}
