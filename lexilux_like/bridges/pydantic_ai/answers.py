"""Answers of ours as pydantic-ai's responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_ai.messages import (
    FinishReason,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from pydantic_ai.usage import RequestUsage

from ...values.messages import is_sequence
from ...values.results import ChatResult, Json, Status, ToolCall, Usage
from ...wire.blocks import say_the_same
from .messages import DETAILS

FINISH: Mapping[Status, FinishReason | None] = {
    "complete": "stop",
    "tool_calls": "tool_call",
    "truncated": "length",
    "context_exceeded": "length",
    "filtered": "content_filter",
    "refused": "content_filter",
    "interrupted": "error",
    "unannounced": "error",
    "unknown": None,
}
"""Our verdict in pydantic-ai's words: only a whole answer has `"stop"` or `"tool_call"`."""

_KNOWN = ("thinking", "redacted_thinking", "text", "tool_use")


def parts_of(result: ChatResult, system: str) -> list[ModelResponsePart]:
    """The parts of an answer in their order; calls are whole, or are not among them.

    Args:
        result: The answer.
        system: Who gave it, so that what it signed goes back to nobody else.
    """
    blocks = blocks_of(result)
    if blocks:
        calls = {call.id: call for call in result.tool_calls}
        parts = (_block_part(block, calls, system) for block in blocks)
        return [part for part in parts if part is not None]
    found: list[ModelResponsePart] = []
    details = {name: result.fields[name] for name in DETAILS if name in result.fields}
    if result.reasoning or details:
        if result.reasoning_field:
            details["reasoning_field"] = result.reasoning_field
        thought = ThinkingPart(result.reasoning)
        if details:
            thought.provider_name, thought.provider_details = system, details
        found.append(thought)
    if result.text:
        found.append(TextPart(result.text))
    return [*found, *(call_part(call, system) for call in result.tool_calls)]


def blocks_of(result: ChatResult) -> list[Json]:
    """Anthropic's content blocks, as long as they say what the answer says.

    An answer of several requests has those of one of them only.
    """
    blocks = result.fields.get("content_blocks")
    if not is_sequence(blocks):
        return []
    calls = [call.to_dict() for call in result.tool_calls]
    return list(blocks) if say_the_same(blocks, result.text, calls) else []


def call_part(call: ToolCall, system: str) -> ToolCallPart:
    """A whole call; one without an id gets one of pydantic-ai's."""
    part = ToolCallPart(call.name, call.arguments or "{}")
    if call.id:
        part.tool_call_id = call.id
    if call.fields:
        part.provider_name, part.provider_details = system, dict(call.fields)
    return part


def _block_part(
    block: Json, calls: Mapping[str, ToolCall], system: str
) -> ModelResponsePart | None:
    match block.get("type"):
        case "thinking":
            signature = block.get("signature")
            return ThinkingPart(
                block.get("thinking") or "", signature=signature, provider_name=system
            )
        case "redacted_thinking":
            return ThinkingPart(
                "", id="redacted_thinking", signature=block.get("data"), provider_name=system
            )
        case "text" if text := block.get("text"):
            return TextPart(text)
        case "tool_use":
            return call_part(calls[block["id"]], system)
        case _:
            return None


def details_of(result: ChatResult, *, keep_blocks: bool = False) -> Json:
    """What else is known of an answer, for `provider_details`; all of it can be JSON.

    Args:
        result: The answer.
        keep_blocks: Keep Anthropic's content blocks, which go back then as they are; they are
            kept in any case where parts do not say all of them.
    """
    blocks = blocks_of(result)
    spent = {*DETAILS, "content_blocks"}
    known: dict[str, Any] = {
        "status": result.status,
        "finish_reason": result.raw_finish_reason,
        "refusal": result.refusal,
        "request_id": result.request_id,
        "continues": result.continues,
        "system_fingerprint": result.system_fingerprint,
        "service_tier": result.service_tier,
        "timestamp": result.created and datetime.fromtimestamp(result.created, UTC).isoformat(),
        "logprobs": result.logprobs,
        "content_blocks": blocks if keep_blocks or not _said_in_parts(blocks) else None,
        "fields": {name: value for name, value in result.fields.items() if name not in spent},
    }
    return {name: value for name, value in known.items() if value}


def _said_in_parts(blocks: Sequence[Json]) -> bool:
    """Whether parts say all that the blocks say."""
    return all(b.get("type") in _KNOWN and not b.get("citations") for b in blocks)


def usage_of(usage: Usage) -> RequestUsage:
    """The tokens of all requests that the answer took."""
    if not usage:
        return RequestUsage(unmeasured_requests=1)
    counts = {"reasoning_tokens": usage.reasoning_tokens}
    return RequestUsage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=usage.cached_tokens or 0,
        cache_write_tokens=usage.cache_creation_tokens or 0,
        details={name: count for name, count in counts.items() if count is not None},
    )
