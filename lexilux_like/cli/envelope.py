"""A result as one JSON object, for programs that read it."""

from __future__ import annotations

import json
from typing import Any

from ..values.results import ChatResult, Usage


def envelope(result: ChatResult) -> str:
    """One line of JSON: the text, its verdict, and what it took. What is not known is null."""
    fields: dict[str, Any] = {
        "text": result.text,
        "status": result.status,
        "complete": result.complete,
        "finish_reason": result.finish_reason,
        "raw_finish_reason": result.raw_finish_reason,
        "reasoning": result.reasoning or None,
        "refusal": result.refusal,
        "model": result.model,
        "id": result.id,
        "request_id": result.request_id,
        "usage": counts(result.usage),
        "requests": max(1, len(result.segments)),
        "total_s": result.timing.total_s,
    }
    return as_json(fields)


def counts(usage: Usage) -> dict[str, int | None]:
    """The token counts by their names."""
    names = ("input_tokens", "output_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
    return {name: getattr(usage, name) for name in names}


def as_json(value: object) -> str:
    """Compact JSON in the letters that it came in; what UTF-8 has no form for is escaped.

    Raises:
        ValueError: It holds a number that JSON has none for.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return json.dumps(value, allow_nan=False)


def spent(result: ChatResult) -> str:
    """What an answer took, for people: `12 tokens in, 30 out, 1.2 s`."""
    usage, seconds = result.usage, result.timing.total_s
    known = [
        f"{count} tokens {way}"
        for count, way in ((usage.input_tokens, "in"), (usage.output_tokens, "out"))
        if count is not None
    ]
    if seconds is not None:
        known.append(f"{seconds:.1f} s")
    return ", ".join(known) or "the server told no token counts"
