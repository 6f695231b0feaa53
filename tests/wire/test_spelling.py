"""Options and messages as each row spells them."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.profile import LimitField, Profile, ReasoningBack
from lexilux_like.wire.profiles import PROFILES
from lexilux_like.wire.registry import find_provider
from lexilux_like.wire.spelling import spelled_messages, spelled_options

MT, MCT = "max_tokens", "max_completion_tokens"
PLAIN = Profile(name="plain")
ASKED = {"role": "user", "content": "Hi"}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def spelled(message: dict[str, Any], profile: Profile) -> Any:
    """One message as it is sent; its neighbours and itself are left alone."""
    messages = [ASKED, message]
    before = deepcopy(messages)
    sent = spelled_messages(messages, profile)
    assert messages == before
    assert sent[0] is ASKED
    return sent[1]


def payload(provider: str, **fields: Any) -> dict[str, Any]:
    stream = fields.pop("stream", False)
    request = ChatRequest("m", fields.pop("messages", [ASKED]), **fields)
    dialect = OpenAIDialect("https://x.example/v1", find_provider(provider))
    return json.loads(dialect.encode(request, stream=stream).body)


# The most tokens.


@pytest.mark.parametrize(
    ("limit", "given", "sent"),
    [
        ((MT, MCT), {MT: 7}, {MT: 7}),
        ((MT, MCT), {MCT: 8}, {MCT: 8}),
        ((MT, MCT), {MT: 7, MCT: 8}, {MT: 7, MCT: 8}),
        ((MT,), {MCT: 8}, {MT: 8}),
        ((MT,), {MT: 7}, {MT: 7}),
        ((MT,), {MT: 9, MCT: 8}, {MT: 8}),
        ((MCT,), {MT: 7}, {MCT: 7}),
        ((MCT,), {MT: 7, MCT: 8}, {MCT: 7}),
        ((MCT,), {}, {}),
    ],
)
def test_a_limit_is_sent_in_a_field_that_is_taken(
    limit: tuple[LimitField, ...], given: dict[str, int], sent: dict[str, int]
) -> None:
    assert spelled_options(given, replace(PLAIN, limit=limit)) == sent


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("openai", MCT),
        ("cerebras", MCT),
        ("xai", MCT),
        ("mistral", MT),
        ("deepseek", MT),
        ("ollama", MT),
        ("openrouter", MT),
        ("azure", MT),
        ("llama.cpp", MT),
    ],
)
def test_max_tokens_reaches_each_provider(provider: str, field: str) -> None:
    sent = payload(provider, options={MT: 7})
    assert {name: sent[name] for name in (MT, MCT) if name in sent} == {field: 7}


def test_a_limit_in_extra_is_left_alone() -> None:
    sent = payload("mistral", extra={MCT: 8})
    assert (sent[MCT], MT in sent) == (8, False)


# Other options.


def test_an_option_may_have_another_name() -> None:
    assert payload("mistral", options={"seed": 3}).items() >= {"random_seed": 3}.items()
    assert "seed" not in payload("mistral", options={"seed": 3})
    assert payload("openai", options={"seed": 3})["seed"] == 3


@pytest.mark.parametrize("provider", ["moonshot", "anthropic-compat"])
def test_a_temperature_that_is_too_high_is_refused(provider: str) -> None:
    words = f"temperature=1.5: provider '{provider}' takes at most 1;"
    with pytest.raises(ValidationError, match=words):
        payload(provider, options={"temperature": 1.5})


@pytest.mark.parametrize(("provider", "value"), [("moonshot", 1), ("openai", 2), ("moonshot", 0)])
def test_a_temperature_within_the_bounds_is_sent(provider: str, value: float) -> None:
    assert payload(provider, options={"temperature": value})["temperature"] == value


def test_a_temperature_in_extra_is_not_checked() -> None:
    assert payload("moonshot", extra={"temperature": 1.5})["temperature"] == 1.5


@pytest.mark.parametrize(
    "row", [row for row in PROFILES if row.dialect == "openai"], ids=lambda row: row.name
)
def test_usage_is_asked_for_where_it_must_be(row: Profile) -> None:
    asked = "stream_options" in payload(row.name, stream=True)
    assert asked is (row.usage == "stream_options")


def test_usage_in_extra_is_left_alone() -> None:
    extra = {"stream_options": {"include_usage": True}}
    assert payload("mistral", stream=True, extra=extra)["stream_options"]["include_usage"] is True


def test_options_are_left_alone() -> None:
    options = {MT: 7, MCT: 8, "seed": 3}
    spelled_options(options, find_provider("mistral"))
    assert options == {MT: 7, MCT: 8, "seed": 3}


# Content.

TEXTS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://x/i.png"}}
DETAILED = {"type": "image_url", "image_url": {"url": "https://x/i.png", "detail": "low"}}


def test_moonshot_is_sent_texts_as_one() -> None:
    sent = spelled({"role": "user", "content": TEXTS, "name": "n"}, find_provider("moonshot"))
    assert sent == {"role": "user", "content": "a\nb", "name": "n"}


@pytest.mark.parametrize("content", [[*TEXTS, IMAGE], "text", None, [], [{"type": "text"}]])
def test_moonshot_is_sent_anything_else_as_it_is(content: Any) -> None:
    message = {"role": "user", "content": content}
    assert spelled(message, find_provider("moonshot")) is message


def test_mistral_is_sent_an_image_s_address_alone() -> None:
    sent = spelled({"role": "user", "content": [*TEXTS, IMAGE]}, find_provider("mistral"))
    assert sent["content"] == [*TEXTS, {"type": "image_url", "image_url": "https://x/i.png"}]


@pytest.mark.parametrize("content", [[DETAILED], TEXTS, "text", [{"type": "image_url"}]])
def test_mistral_is_sent_anything_else_as_it_is(content: Any) -> None:
    message = {"role": "user", "content": content}
    assert spelled(message, find_provider("mistral")) is message


@pytest.mark.parametrize("content", [TEXTS, [IMAGE], "text"])
def test_nobody_else_is_sent_other_content(content: Any) -> None:
    message = {"role": "user", "content": content}
    assert spelled(message, PLAIN) is message


# Reasoning of earlier answers.

DETAILS = [{"type": "reasoning.text", "text": "why", "signature": "s"}]
SAID = {"role": "assistant", "content": "so"}
PART = {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}


def back(way: ReasoningBack, message: dict[str, Any], **fields: Any) -> Any:
    return spelled(message, replace(PLAIN, reasoning_back=way, **fields))


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        ("as_received", {"reasoning_content": "why"}),
        ("dropped", {}),
        ("reasoning", {"reasoning": "why"}),
        ("reasoning_content", {"reasoning_content": "why"}),
        ("thinking_parts", {"content": [PART, {"type": "text", "text": "so"}]}),
        ("think_tags", {"content": "<think>why</think>\n\nso"}),
    ],
)
def test_reasoning_of_a_field_is_sent_back(way: ReasoningBack, sent: dict[str, Any]) -> None:
    assert back(way, {**SAID, "reasoning_content": "why"}) == {**SAID, **sent}


@pytest.mark.parametrize("place", ["reasoning_content", "reasoning", "thinking", "<think>"])
@pytest.mark.parametrize(
    ("way", "sent"),
    [
        ("dropped", {}),
        ("reasoning", {"reasoning": "why"}),
        ("reasoning_content", {"reasoning_content": "why"}),
        ("thinking_parts", {"content": [PART, {"type": "text", "text": "so"}]}),
        ("think_tags", {"content": "<think>why</think>\n\nso"}),
    ],
)
def test_wherever_it_was(way: ReasoningBack, place: str, sent: dict[str, Any]) -> None:
    assert back(way, {**SAID, place: "why"}) == {**SAID, **sent}


@pytest.mark.parametrize("place", ["thinking", "<think>", "content_blocks"])
def test_keys_of_our_own_are_never_sent(place: str) -> None:
    assert back("as_received", {**SAID, place: "why", "name": "n"}) == {**SAID, "name": "n"}


@pytest.mark.parametrize("place", ["reasoning", "reasoning_details", "thinking_blocks"])
def test_what_came_in_a_field_goes_back_in_it(place: str) -> None:
    message = {**SAID, place: DETAILS}
    assert back("as_received", message) is message


@pytest.mark.parametrize("way", ["dropped", "reasoning", "thinking_parts"])
def test_blocks_go_nowhere_else(way: ReasoningBack) -> None:
    message = {**SAID, "reasoning_details": DETAILS, "thinking_blocks": [], "content_blocks": []}
    assert back(way, message) == SAID


def test_split_reasoning_goes_back_split() -> None:
    message = {**SAID, "reasoning_details": DETAILS, "<think>": "why"}
    assert back("think_tags", message) == {**SAID, "reasoning_details": DETAILS}


def test_tags_are_the_row_s() -> None:
    sent = back("think_tags", {**SAID, "<think>": "why"}, think_tags=("<t>", "</t>"))
    assert sent["content"] == "<t>why</t>\n\nso"


@pytest.mark.parametrize(
    ("way", "content", "sent"),
    [
        ("thinking_parts", None, [PART]),
        ("thinking_parts", TEXTS, [PART, *TEXTS]),
        ("think_tags", None, "<think>why</think>\n\n"),
        ("think_tags", TEXTS, [{"type": "text", "text": "<think>why</think>\n\n"}, *TEXTS]),
    ],
)
def test_reasoning_stands_before_any_content(way: ReasoningBack, content: Any, sent: Any) -> None:
    message = {"role": "assistant", "content": content, "reasoning": "why", "tool_calls": [CALL]}
    expected = {"role": "assistant", "content": sent, "tool_calls": [CALL]}
    assert back(way, message) == expected


@pytest.mark.parametrize("way", ["reasoning", "thinking_parts", "think_tags"])
@pytest.mark.parametrize("empty", ["", None])
def test_no_reasoning_is_no_reasoning(way: ReasoningBack, empty: str | None) -> None:
    assert back(way, {**SAID, "reasoning_content": empty}) == SAID


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        ("openai", {}),
        ("groq", {}),
        ("deepseek", {"reasoning_content": "why"}),
        ("moonshot", {"reasoning_content": "why"}),
        ("zai", {"reasoning_content": "why"}),
        ("cerebras", {"reasoning": "why"}),
        ("openrouter", {"reasoning": "why"}),
        ("mistral", {"content": [PART, {"type": "text", "text": "so"}]}),
        ("minimax", {"content": "<think>why</think>\n\nso"}),
        ("gemini", {}),
        ("unknown", {"reasoning": "why"}),
    ],
)
def test_each_provider_is_sent_it_in_its_way(provider: str, sent: dict[str, Any]) -> None:
    body = payload(provider, messages=[ASKED, {**SAID, "reasoning": "why"}])
    assert body["messages"] == [ASKED, {**SAID, **sent}]


def test_a_prefill_is_spelled_too() -> None:
    last = {**SAID, "reasoning": "why"}
    body = payload("mistral", messages=[ASKED, last], prefill="prefix")
    content = [PART, {"type": "text", "text": "so"}]
    assert body["messages"][-1] == {"role": "assistant", "content": content, "prefix": True}


def test_messages_in_extra_are_left_alone() -> None:
    own = [{**SAID, "reasoning_content": "why"}]
    assert payload("openai", extra={"messages": own})["messages"] == own


@pytest.mark.parametrize(
    "row", [row for row in PROFILES if row.dialect == "openai"], ids=lambda row: row.name
)
def test_a_history_that_needs_nothing_is_not_copied(row: Profile) -> None:
    messages = [ASKED, {**SAID, "tool_calls": [CALL]}, {"role": "tool", "content": "1"}]
    assert spelled_messages(messages, row) is messages


def test_only_messages_that_change_are_copied() -> None:
    messages = [ASKED, {**SAID, "reasoning": "why"}, SAID]
    sent = spelled_messages(messages, find_provider("openai"))
    assert sent == [ASKED, SAID, SAID]
    assert sent[0] is ASKED
    assert sent[2] is SAID
