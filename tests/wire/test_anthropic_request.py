"""Requests as Anthropic's dialect spells them: the envelope and the options."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from claude import HI, JSON_SCHEMA, OLD, OTHER, SCHEMA, encoded, payload, sent

from lexilux_like.values.errors import ValidationError

# The envelope.


def test_only_what_was_given_is_sent_and_a_limit() -> None:
    assert payload() == {"model": OLD, "messages": HI, "max_tokens": 32_000}


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("https://api.anthropic.com/v1", "messages"),
        ("https://api.anthropic.com", "v1/messages"),
        ("https://api.anthropic.com/", "v1/messages"),
        ("https://api.deepseek.com/anthropic", "v1/messages"),
        ("https://gateway.example/v1/acme/anthropic", "v1/messages"),
        ("https://gateway.example/acme/v1beta1", "messages"),
    ],
)
def test_a_root_without_a_version_is_gone_on_from_with_one(base_url: str, path: str) -> None:
    assert encoded(base_url=base_url).path == path


def test_the_version_of_the_api_is_a_default_header() -> None:
    request = encoded(headers={"x-one": "1"})
    assert request.headers == {"x-one": "1"}
    assert request.defaults == {"anthropic-version": "2023-06-01"}


def test_a_stream_is_asked_for_without_stream_options() -> None:
    sent = payload(stream=True)
    assert sent["stream"] is True
    assert "stream_options" not in sent


def test_a_whole_answer_is_not_asked_to_stream() -> None:
    assert "stream" not in payload()


def test_extra_wins_over_everything() -> None:
    extra = {"max_tokens": 5, "temperature": 2, "top_k": 3, "system": None}
    sent = payload(options={"temperature": 1, "max_tokens": 9}, extra=extra)
    assert (sent["max_tokens"], sent["temperature"], sent["top_k"]) == (5, 2, 3)
    assert sent["system"] is None


def test_an_output_config_in_extra_leaves_the_schema_in_place() -> None:
    sent = payload(
        options={"response_format": JSON_SCHEMA}, extra={"output_config": {"effort": "low"}}
    )
    assert sent["output_config"].keys() == {"format", "effort"}


@pytest.mark.parametrize("form", ["prefix", "partial", "continue_final_message"])
def test_a_prefill_form_of_other_servers_is_refused(form: str) -> None:
    with pytest.raises(ValidationError, match="trailing"):
        payload(prefill=form)


def test_a_trailing_prefill_needs_no_mark() -> None:
    messages = [*HI, {"role": "assistant", "content": "Hel"}]
    assert payload(messages=messages, prefill="trailing")["messages"] == messages


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        payload(extra={"x": object()})


def test_nothing_of_the_callers_is_changed() -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "t", "function": {}}]},
        {"role": "tool", "tool_call_id": "t", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    options = {
        "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "x", "name": "y"}],
        "tool_choice": {"type": "auto"},
        "parallel_tool_calls": False,
        "metadata": {"a": "b"},
        "user": "u",
        "response_format": JSON_SCHEMA,
    }
    reasoning = {"effort": "low"}
    extra = {"output_config": {"effort": "low"}}
    given = (messages, options, reasoning, extra)
    before = copy.deepcopy(given)
    payload(messages=messages, options=options, reasoning=reasoning, extra=extra)
    assert given == before


# Options.


@pytest.mark.parametrize(
    ("option", "value", "fields"),
    [
        ("temperature", 0.5, {"temperature": 0.5}),
        ("temperature", 1, {"temperature": 1}),
        ("top_p", 0.1, {"top_p": 0.1}),
        ("max_tokens", 7, {"max_tokens": 7}),
        ("max_completion_tokens", 7, {"max_tokens": 7}),
        ("stop", "END", {"stop_sequences": ["END"]}),
        ("stop", ("a", "b"), {"stop_sequences": ["a", "b"]}),
        ("user", "u", {"metadata": {"user_id": "u"}}),
        ("metadata", {"user_id": "v"}, {"metadata": {"user_id": "v"}}),
        ("service_tier", "standard_only", {"service_tier": "standard_only"}),
        ("n", 1, {}),
        ("response_format", {"type": "text"}, {}),
        (
            "response_format",
            JSON_SCHEMA,
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
        (
            "response_format",
            {"type": "json_schema", "schema": SCHEMA},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
    ],
)
def test_each_option_has_its_field(option: str, value: Any, fields: dict[str, Any]) -> None:
    assert sent(option, value) == {
        "model": OLD,
        "messages": HI,
        "max_tokens": 32_000,
        **fields,
    }


def test_user_and_metadata_are_merged() -> None:
    assert sent("user", "u", metadata={"a": "b"})["metadata"] == {"a": "b", "user_id": "u"}


def test_of_two_limits_the_lower_one_counts() -> None:
    assert sent("max_tokens", 9, max_completion_tokens=5)["max_tokens"] == 5


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("seed", 1),
        ("presence_penalty", 0.5),
        ("frequency_penalty", 0.5),
        ("logit_bias", {1: 2.0}),
        ("logprobs", True),
        ("top_logprobs", 3),
    ],
)
def test_an_option_that_the_api_lacks_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=f"Anthropic has no {option}: leave it out"):
        sent(option, value)


def test_several_answers_are_refused() -> None:
    with pytest.raises(ValidationError, match="n=2"):
        sent("n", 2)


def test_a_temperature_above_1_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"temperature=1\.1"):
        sent("temperature", 1.1)


@pytest.mark.parametrize("form", [{"type": "grammar"}, {"type": "json_schema"}])
def test_a_format_that_the_api_lacks_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="response_format"):
        sent("response_format", form)


def test_json_mode_is_asked_for_at_the_end_of_the_system_prompt() -> None:
    options = {"response_format": {"type": "json_object"}}
    messages = [{"role": "system", "content": "Be brief."}, *HI]
    system = payload(messages=messages, options=options)["system"]
    assert system.startswith("Be brief.\n\n")
    assert "JSON object" in system
    assert system.endswith(payload(options=options)["system"])
    blocks = [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, *HI]
    first, last = payload(messages=blocks, options=options)["system"]
    assert first["text"] == "Be brief."
    assert "JSON object" in last["text"]


def test_other_models_are_told_the_schema_in_words_too() -> None:
    sent = payload(model=OTHER, options={"response_format": JSON_SCHEMA})
    assert sent["output_config"]["format"]["schema"] == SCHEMA
    assert json.dumps(SCHEMA, separators=(",", ":")) in sent["system"]


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-opus-20240229", 4_096),
        ("claude-3-haiku-20240307", 4_096),
        ("claude-2.1", 4_096),
        ("claude-3-5-sonnet-latest", 8_192),
        ("claude-3-7-sonnet-latest", 32_000),
        ("claude-opus-4-1", 32_000),
        ("anthropic/claude-fable-5", 32_000),
        (OTHER, 8_192),
    ],
)
def test_a_limit_that_nobody_gave_is_the_familys(model: str, limit: int) -> None:
    assert payload(model=model)["max_tokens"] == limit


def test_the_name_of_a_speaker_which_the_api_refuses_is_left_out() -> None:
    spoken = {"role": "user", "name": "alice", "content": "Hi", "new": 1}
    assert payload(messages=[spoken])["messages"] == [{"role": "user", "content": "Hi", "new": 1}]
