"""What rows say of recorded traffic, shown by the recorded traffic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from corpus import Record, records

from lexilux_like.values.errors import ValidationError
from lexilux_like.wire.profile import Column, Profile
from lexilux_like.wire.reasoning import reasoning_fields
from lexilux_like.wire.registry import find_provider, providers

ALSO = {
    "azure": ("azure-openai",),
    "qwen": ("alibaba",),
    "gemini": ("gemini-compat",),
    "ollama": ("ollama-cloud",),
}
"""What the recordings call a provider beside its name."""
WAYS: list[Any] = [
    True,
    False,
    *({"effort": each} for each in ("low", "medium", "high")),
    {"max_tokens": 2000},
]
PLACES = {
    "reasoning_content": '"reasoning_content":',
    "reasoning": '"reasoning":',
    "reasoning_details": '"reasoning_details":',
    "thinking": '"thinking":',
}
"""How a place of reasoning looks in a body."""


def recorded(row: Profile) -> list[Record]:
    """What the provider answered without an error."""
    names = (row.name, *ALSO.get(row.name, ()))
    return [
        each
        for each in records()
        if each["provider"] in names and each["expected"]["outcome"] == "ok"
    ]


def asked(record: Record) -> dict[str, Any]:
    request = record["request_json"]
    return request if isinstance(request, dict) else {}


def answers(found: Iterable[Record]) -> list[dict[str, Any]]:
    """The assistant's messages in requests."""
    return [
        message
        for each in found
        for message in asked(each).get("messages") or []
        if message.get("role") == "assistant"
    ]


def holds(request: dict[str, Any], fields: dict[str, Any]) -> bool:
    """Whether a request has all these fields, objects in part."""
    return (
        all(
            holds(request[name], value) if isinstance(value, dict) else request[name] == value
            for name, value in fields.items()
            if name in request
        )
        and fields.keys() <= request.keys()
    )


def shows_reasoning(row: Profile, found: list[Record]) -> bool:
    """It was asked for in one of the row's ways."""
    for way in WAYS:
        try:
            fields = [reasoning_fields(row, way, str(asked(each).get("model"))) for each in found]
        except ValidationError:
            continue
        if any(holds(asked(each), one) for each, one in zip(found, fields, strict=True)):
            return True
    return False


def shows_reasons_in(row: Profile, found: list[Record]) -> bool:
    bodies = [each["body"].replace(" ", "") for each in found if each["expected"]["reasoning"]]
    return all(any(PLACES[place] in body for body in bodies) for place in row.reasons_in)


def shows_reasoning_back(row: Profile, found: list[Record]) -> bool:
    wanted = row.reasons_in if row.reasoning_back == "as_received" else (row.reasoning_back,)
    sent = {name for message in answers(found) for name in message}
    return bool(wanted) and {*wanted} <= sent


def shows_limit(row: Profile, found: list[Record]) -> bool:
    return {*row.limit} <= {name for each in found for name in asked(each)}


def shows_schema(row: Profile, found: list[Record]) -> bool:
    fitting = (
        each
        for each in found
        if (asked(each).get("response_format") or {}).get("type") == row.schema
    )
    return any(isinstance(json.loads(each["expected"]["text"] or "null"), dict) for each in fitting)


def shows_usage(row: Profile, found: list[Record]) -> bool:
    streams = [each for each in found if each["stream"]]
    told = [each for each in streams if (asked(each).get("stream_options") or {})]
    chosen = told if row.usage == "stream_options" else [s for s in streams if s not in told]
    counted = [each for each in chosen if each["expected"]["usage"]]
    least = len(chosen) / 2 if row.usage == "stream_options" else len(chosen)
    return bool(counted) and len(counted) >= least


def shows_finish_words(row: Profile, found: list[Record]) -> bool:
    return {*row.finish_words} <= {each["expected"]["finish_reason"] for each in found}


def shows_tools(row: Profile, found: list[Record]) -> bool:
    return row.tools == "native" and any(each["expected"]["tool_calls"] for each in found)


PROOFS: dict[Column, Callable[[Profile, list[Record]], bool]] = {
    "reasoning": shows_reasoning,
    "reasons_in": shows_reasons_in,
    "reasoning_back": shows_reasoning_back,
    "limit": shows_limit,
    "schema": shows_schema,
    "usage": shows_usage,
    "finish_words": shows_finish_words,
    "tools": shows_tools,
}
CLAIMS = [
    (row.name, column)
    for row in providers()
    for column, evidence in row.verified.items()
    if evidence == "recorded" and row.dialect == "openai"
]


@pytest.mark.parametrize(("name", "column"), CLAIMS)
def test_what_is_recorded_is_in_the_recordings(name: str, column: Column) -> None:
    row = find_provider(name)
    assert PROOFS[column](row, recorded(row))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("openai", "reasons_in"),
        ("xai", "limit"),
        ("huggingface", "schema"),
        ("huggingface", "usage"),
        ("together", "tools"),
        ("cohere", "finish_words"),
        ("gemini", "reasoning"),
        ("mistral", "reasoning_back"),
    ],
)
def test_a_proof_can_fail(name: str, column: Column) -> None:
    row = find_provider(name)
    claims = {"openai": find_provider("xai")}
    assert not PROOFS[column](claims.get(name, row), recorded(row))
