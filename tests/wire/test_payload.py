"""Every option moves the payload of every dialect and row, or is refused by its name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.options import SamplingOptions
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.dialects import make_dialect
from lexilux_like.wire.profile import Profile
from lexilux_like.wire.registry import find_provider, providers

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
OPTIONS: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "max_tokens": 7,
    "max_completion_tokens": 7,
    "stop": ["END"],
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logit_bias": {7: 1.0},
    "seed": 7,
    "logprobs": True,
    "top_logprobs": 2,
    "user": "u-1",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "parallel_tool_calls": False,
    "tools": [TOOL],
    "response_format": SCHEMA,
    "tool_choice": "required",
    "n": 2,
}
"""An example of each option."""
FIELDS: dict[str, Any] = {"reasoning": {"effort": "high"}, "extra": {"top_k": 7}}
"""The same, of what a request has beside its options."""
NEEDS: dict[str, dict[str, Any]] = {
    "tool_choice": {"tools": [TOOL]},
    "parallel_tool_calls": {"tools": [TOOL]},
}
"""What makes no sense alone."""
PLAIN = Profile(name="plain")
ROWS = pytest.mark.parametrize(
    "row",
    [PLAIN, find_provider("local"), find_provider("unknown"), *providers()],
    ids=lambda row: row.name,
)


def sent(row: Profile, *, stream: bool = False, **fields: Any) -> Any:
    """What a request puts on the wire, but for its headers."""
    base_url = row.base_url or "https://host.example/v1"
    request = ChatRequest("m", [{"role": "user", "content": "Hi"}], **fields)
    encoded = make_dialect(base_url, row).encode(request, stream=stream)
    return encoded.path, json.loads(encoded.body)


def test_every_option_has_an_example() -> None:
    assert OPTIONS.keys() == {*SamplingOptions.__optional_keys__, "n"}


@ROWS
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_moves_the_payload_or_is_refused(row: Profile, name: str) -> None:
    without = sent(row, options=NEEDS.get(name, {}))
    try:
        with_it = sent(row, options={**NEEDS.get(name, {}), name: OPTIONS[name]})
    except ValidationError as error:
        assert name in str(error)  # noqa: PT017 - to be refused is one of two right ways
    else:
        assert with_it != without


@ROWS
@pytest.mark.parametrize("name", FIELDS)
def test_so_does_what_stands_beside_the_options(row: Profile, name: str) -> None:
    try:
        with_it = sent(row, **{name: FIELDS[name]})
    except ValidationError as error:
        assert name in str(error)  # noqa: PT017 - as above
    else:
        assert with_it != sent(row)


@ROWS
def test_usage_moves_it_where_it_is_asked_for(row: Profile) -> None:
    asked, unasked = (sent(row, stream=True, include_usage=each) for each in (True, False))
    assert (asked != unasked) is (row.usage == "stream_options")


@ROWS
def test_streaming_moves_it(row: Profile) -> None:
    assert sent(row, stream=True) != sent(row)


@ROWS
def test_the_model_is_in_it(row: Profile) -> None:
    path, body = sent(row)
    assert body["model"] == "m"
    assert path
