"""The competent model behind Anthropic's messages API, which refuses what Anthropic would."""

from __future__ import annotations

import itertools
import json
from typing import Any

from competent import Json, RefusalError, reply_to, require

from lexilux_like.testing import RecordedRequest, Reply
from lexilux_like.testing.messages import (
    block_events,
    message_events,
    refuse_message,
    tool_use_block,
)

USAGE: Json = {
    "input_tokens": 20,
    "cache_read_input_tokens": 8,
    "cache_creation_input_tokens": 12,
    "output_tokens": 12,
}
_BLOCKS = {
    "text": {"type", "text", "cache_control"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "title", "cache_control"},
    "tool_use": {"type", "id", "name", "input"},
    "tool_result": {"type", "tool_use_id", "content", "is_error"},
    "thinking": {"type", "thinking", "signature"},
}


def compete_as_claude(request: RecordedRequest) -> Reply:
    """Answer a streamed request of the messages API, or refuse it with 400 and the reason."""
    body = request.json
    try:
        check(body)
        said = reply_to(as_openai(body))
    except RefusalError as refusal:
        return refuse_message(400, "invalid_request_error", str(refusal))
    blocks: list[Any] = [said["content"]] if said["content"] else []
    for call in said.get("tool_calls", ()):
        function = call["function"]
        arguments = json.loads(function["arguments"])
        blocks.append(tool_use_block(function["name"], arguments, id=call["id"]))
    return streamed(body["model"], blocks)


def streamed(model: str, blocks: list[Any]) -> Reply:
    called = any(isinstance(block, dict) for block in blocks)
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    delta = {"stop_reason": "tool_use" if called else "end_turn", "stop_sequence": None}
    return message_events(
        {"type": "message_start", "message": {**head, "usage": {**USAGE, "output_tokens": 1}}},
        *itertools.chain(*(block_events(block, place) for place, block in enumerate(blocks))),
        {"type": "message_delta", "delta": delta, "usage": USAGE},
        {"type": "message_stop"},
    )


def as_openai(body: Json) -> Json:
    """What the competent model reads of a request: its question, its tools, its form."""
    last = body["messages"][-1]
    blocks = blocks_of(last)
    results = [block for block in blocks if block["type"] == "tool_result"]
    role = "tool" if results else last["role"]
    parts = blocks_of(results[-1]) if results else blocks
    text = " ".join(part["text"] for part in parts if part["type"] == "text")
    asked: Json = {"messages": [{"role": role, "content": text}]}
    if body.get("tools"):
        asked["tools"] = [
            {"function": {"name": tool["name"], "parameters": tool["input_schema"]}}
            for tool in body["tools"]
        ]
    match body.get("tool_choice"):
        case {"type": "any"}:
            asked["tool_choice"] = "required"
        case {"type": "tool", "name": name}:
            asked["tool_choice"] = {"type": "function", "function": {"name": name}}
    if form := body.get("output_config", {}).get("format"):
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    elif "JSON" in text:
        asked["response_format"] = {"type": "json_object"}
    return {**asked, "stop": body.get("stop_sequences")}


def blocks_of(message: Json) -> list[Json]:
    content = message.get("content") or ""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def check(body: Json) -> None:
    """Raise a `RefusalError` where Anthropic's API would answer 400."""
    require(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
    require(body.get("stream"), "this server only streams")
    require(body.get("system") != "", "system: text content blocks must be non-empty")
    asked: set[str] = set()
    for message in body["messages"]:
        require(message.keys() <= {"role", "content"}, f"unknown fields: {[*message]}")
        require(message["role"] in ("user", "assistant"), f"no such role: {message['role']}")
        blocks = blocks_of(message)
        require(blocks, "a message must not be empty")
        for block in blocks:
            check_block(block)
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        require(answered == asked, f"tool_use without tool_result: {asked ^ answered}")
        asked = {block["id"] for block in blocks if block["type"] == "tool_use"}
    require(not asked, f"tool_use without tool_result: {asked}")


def check_block(block: Json) -> None:
    require(block["type"] in _BLOCKS, f"no such block: {block['type']}")
    require(block.keys() <= _BLOCKS[block["type"]], f"unknown fields: {[*block]}")
    match block["type"]:
        case "text":
            require(block["text"], "text content blocks must be non-empty")
        case "image" | "document":
            kinds = ("base64", "url", "text", "file")
            require(block["source"]["type"] in kinds, f"no such source: {block['source']}")
        case "tool_result":
            for inner in blocks_of(block):
                check_block(inner)
