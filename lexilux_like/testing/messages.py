"""Replies of Anthropic's messages API, for a scripted server: whole messages and streams of events.

A text stands for a text block; blocks of other kinds are made by the functions here, or are given
as they are on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .script import End, Framing, Json, Reply, Send, Step, events, json_reply

MESSAGE_USAGE: Json = {"input_tokens": 1, "output_tokens": 2}
"""The usage that replies report unless told otherwise."""


def text_block(text: str, **fields: object) -> dict[str, Any]:
    """A block of text, such as one with `citations`."""
    return {"type": "text", "text": text, **fields}


def thinking_block(text: str, signature: str = "c2lnbmVk") -> dict[str, Any]:
    """A block of reasoning, signed."""
    return {"type": "thinking", "thinking": text, "signature": signature}


def tool_use_block(name: str, arguments: Json, *, id: str = "toolu_1") -> dict[str, Any]:  # noqa: A002 - as on the wire
    """A call of a tool."""
    return {"type": "tool_use", "id": id, "name": name, "input": dict(arguments)}


def message(
    *blocks: str | Json,
    stop_reason: str | None = "end_turn",
    usage: Json | None = MESSAGE_USAGE,
    headers: Mapping[str, str] | None = None,
    **fields: object,
) -> Reply:
    """A whole message; fields, such as `stop_sequence`, go beside its content."""
    value = _head(usage) | {
        "content": [_block(each) for each in blocks],
        "stop_reason": stop_reason,
        **fields,
    }
    reply = json_reply(value)
    return replace(reply, headers={**reply.headers, **(headers or {})})


def message_stream(
    *blocks: str | Json | Sequence[str],
    stop_reason: str | None = "end_turn",
    usage: Json | None = MESSAGE_USAGE,
    stop: bool = True,
    end: End | None = None,
    framing: Framing = "chunked",
    gap_s: float = 0.0,
) -> Reply:
    """A streamed message, each event in a write of its own.

    Args:
        blocks: A text, the pieces of a text, or a block, which is cut into pieces.
        stop_reason: None leaves the event out that says it.
        usage: What it counts; None leaves it out.
        stop: Whether `message_stop` follows.
        end: What happens right after the blocks, in place of the end; the last block stays open.
        framing: How the body is delimited.
        gap_s: Silence between two events, in seconds.
    """
    counts = {**(usage or {}), "output_tokens": 1} if usage else None
    items: list[Json] = [{"type": "message_start", "message": _head(counts) | {"content": []}}]
    for index, block in enumerate(blocks):
        items += block_events(block, index)
    if end is not None:
        return message_events(*items[: -1 if blocks else None], end, framing=framing, gap_s=gap_s)
    if stop_reason is not None:
        delta = {"stop_reason": stop_reason, "stop_sequence": None}
        items.append({"type": "message_delta", "delta": delta, **_counted(usage)})
    if stop:
        items.append({"type": "message_stop"})
    return message_events(*items, framing=framing, gap_s=gap_s)


def block_events(block: str | Json | Sequence[str], index: int = 0) -> list[dict[str, Any]]:
    """The events of one block: its beginning, its pieces, its end."""
    start, deltas = _cut(block)
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def message_events(
    *items: Json | Step,
    status: int = 200,
    framing: Framing = "chunked",
    gap_s: float = 0.0,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An event stream: mappings as events that are named by their type, steps between them."""
    steps = [Send(event(each)) if isinstance(each, Mapping) else each for each in items]
    return events(*steps, done=False, status=status, framing=framing, gap_s=gap_s, headers=headers)


def event(value: Json) -> bytes:
    """`value` as one event, named by its type."""
    data = json.dumps(value, ensure_ascii=False).encode()
    return b"event: %s\ndata: %s\n\n" % (str(value["type"]).encode(), data)


def error_event(type: str, message: str = "refused") -> dict[str, Any]:  # noqa: A002 - the field's name on the wire
    """An error object, as it comes in a stream and under an error status."""
    return {"type": "error", "error": {"type": type, "message": message}}


def refuse_message(
    status: int,
    type: str,  # noqa: A002 - the field's name on the wire
    message: str = "refused",
    **headers: object,
) -> Reply:
    """An error: `refuse_message(529, "overloaded_error", request_id="req_1")`."""
    return json_reply({**error_event(type, message), "request_id": "req_1"}, status, **headers)


def _head(usage: Json | None) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    return {**head, "stop_reason": None, "stop_sequence": None, **_counted(usage)}


def _counted(usage: Json | None) -> dict[str, Any]:
    return {} if usage is None else {"usage": dict(usage)}


def _block(block: str | Json) -> Json:
    return text_block(block) if isinstance(block, str) else block


def _cut(block: str | Json | Sequence[str]) -> tuple[Json, Sequence[Json]]:
    """The beginning of a block, empty as servers send it, and its deltas."""
    if isinstance(block, str):
        block = [block]
    if not isinstance(block, Mapping):
        return text_block(""), [{"type": "text_delta", "text": piece} for piece in block]
    match block["type"]:
        case "text":
            cited = [
                {"type": "citations_delta", "citation": c} for c in block.get("citations") or ()
            ]
            return text_block(""), [*cited, {"type": "text_delta", "text": block["text"]}]
        case "thinking":
            thought = {"type": "thinking_delta", "thinking": block["thinking"]}
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return thinking_block("", ""), [thought, signed]
        case "tool_use" | "server_tool_use":
            text = json.dumps(block["input"], ensure_ascii=False)
            pieces = ["", *(text[i : i + 5] for i in range(0, len(text), 5))]
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            return {**block, "input": {}}, deltas
        case _:
            return block, []
