"""The recorded traffic of real providers, and what a client must make of it.

The recordings are not part of this repository: they stand beside it, or the tests that
need them are skipped.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lexilux_like import APIError, ChatResult

PATH = Path(__file__).parents[2].parent / "shared" / "corpus" / "public.jsonl.gz"


@cache
def records() -> list[dict[str, Any]]:
    """Every record; skips the test where there are none."""
    if not PATH.exists():
        pytest.skip("the recorded traffic (../shared/corpus) is not here")
    with gzip.open(PATH, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def body_of(record: dict[str, Any]) -> bytes:
    """The response body as it was on the wire, decompressed."""
    body: str = record["body"]
    return base64.b64decode(body) if record["body_encoding"] == "base64" else body.encode()


def differences(record: dict[str, Any], result: ChatResult) -> dict[str, tuple[Any, Any]]:
    """What a result says otherwise than the record's expectations: name -> (got, expected)."""
    expected = record["expected"]
    calls = [*result.tool_calls, *result.incomplete_tool_calls]
    usage = result.usage
    got: dict[str, Any] = {
        "text": result.text,
        "reasoning": result.reasoning,
        "tool_calls": [[c.id, c.name, c.arguments] for c in calls],
        "finish_reason": result.raw_finish_reason,
        "refusal": result.refusal or None,
        "n_choices": len(result.choices),
        "function_call": result.fields.get("function_call"),
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        }
        if usage
        else None,
    }
    wanted = {
        **{name: expected.get(name) for name in got},
        "text": expected.get("text") or "",
        "reasoning": expected.get("reasoning") or "",
        "refusal": expected.get("refusal") or None,
        "tool_calls": [
            [c["id"] or "", c["name"] or "", c["arguments"] or ""]
            for c in expected.get("tool_calls") or []
        ],
    }
    return {name: (got[name], wanted[name]) for name in got if got[name] != wanted[name]}


def error_differences(record: dict[str, Any], error: APIError) -> dict[str, tuple[Any, Any]]:
    """The same for an error."""
    expected = record["expected"]["error"]
    got = {
        "status": error.status_code,
        "message": error.provider_message,
        "code": error.code,
        "type": error.type,
    }
    return {name: (got[name], expected[name]) for name in got if got[name] != expected[name]}
