"""A provider that answers whatever the examples of the documentation ask."""

from __future__ import annotations

import json
from typing import Any

from lexilux_like.testing import (
    USAGE,
    RecordedRequest,
    Reply,
    answer,
    json_reply,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.messages import (
    message,
    message_stream,
    refuse_message,
    thinking_block,
    tool_use_block,
)

REPORT = json.dumps(
    {f"shelf {n}": [f"item {n}.{m}" for m in range(9)] for n in range(14)}, indent=1
)
KEY = "sk-of-the-examples"


def provide(request: RecordedRequest) -> Reply:
    """Answer as a provider would, to whatever the examples ask."""
    if request.path.endswith("/messages"):
        return provide_message(request)
    if request.headers["authorization"] != f"Bearer {KEY}":
        return refuse(401, "wrong key", code="invalid_api_key")
    body = request.json
    message: dict[str, Any] = {"role": "assistant", "content": "Hello, Alice!"}
    finish_reason = "length" if body.get("max_tokens", 1000) <= 50 else "stop"
    question = str(body["messages"][0]["content"])
    if "report about the stock" in question:
        return report(body)
    if "Alice is thirty" in question:
        message["content"] = '{"name": "Alice", "age": 30}'
    elif body.get("response_format"):
        message["content"] = '{"colours": ["red", "green", "blue"]}'
    if body.get("reasoning_effort"):
        message["reasoning_content"] = "Three times seven."
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        message |= {"content": None, "tool_calls": [tool_call("get_weather", {"city": "Rome"})]}
        finish_reason = "tool_calls"
    if body.get("stream"):
        return stream(*deltas(message), finish_reason=finish_reason)
    choice = {"message": message, "finish_reason": finish_reason}
    choices = [{"index": i, **choice} for i in range(body.get("n", 1))]
    return json_reply({"id": "chatcmpl-1", "choices": choices, "usage": USAGE})


def provide_message(request: RecordedRequest) -> Reply:
    """Answer as Anthropic would."""
    if request.headers["x-api-key"] != KEY:
        return refuse_message(401, "authentication_error", "wrong key")
    body = request.json
    blocks: list[Any] = [thinking_block("Three times seven.")] if body.get("thinking") else []
    last = body["messages"][-1]["content"]
    answered = isinstance(last, list) and last[0]["type"] == "tool_result"
    if body.get("tools") and not answered:
        blocks.append(tool_use_block("get_weather", {"city": "Rome"}))
        return message(*blocks, stop_reason="tool_use")
    return (message_stream if body.get("stream") else message)(*blocks, "Hello, Alice!")


def report(body: dict[str, Any]) -> Reply:
    """A long answer in JSON, cut off as often as the budget asks, and gone on with if asked."""
    last = body["messages"][-1]
    said = body["messages"][-2]["content"] if len(body["messages"]) > 2 else ""
    said = said if last["role"] == "user" else last["content"]
    rest = REPORT[REPORT.index(said) + len(said) :] if said else REPORT
    part = rest[: 3 * body["max_tokens"]]
    finish_reason = "length" if part != rest else "stop"
    if body.get("stream"):
        return stream(part, finish_reason=finish_reason)
    return answer(part, finish_reason=finish_reason)


def deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    words = (message["content"] or "").split(" ")
    calls = [{"index": i, **call} for i, call in enumerate(message.get("tool_calls", ()))]
    return [
        {"reasoning_content": message.get("reasoning_content")},
        *({"content": f"{word} "} for word in words),
        {"tool_calls": calls},
    ]
