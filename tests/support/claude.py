"""Requests as Anthropic's dialect spells them, as JSON."""

from __future__ import annotations

import json
from typing import Any

from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.anthropic import AnthropicDialect
from lexilux_like.wire.http import Request
from lexilux_like.wire.registry import find_profile

HI = [{"role": "user", "content": "Hi"}]
OLD, NEW, OTHER = "claude-sonnet-4-5", "claude-opus-4-6", "deepseek-chat"
PROFILE = find_profile("", "anthropic")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


def encoded(
    *, model: str = OLD, base_url: str = "http://x/v1", stream: bool = False, **fields: Any
) -> Request:
    request = ChatRequest(model, fields.pop("messages", HI), **fields)
    return AnthropicDialect(base_url, PROFILE).encode(request, stream=stream)


def payload(*, model: str = OLD, stream: bool = False, **fields: Any) -> dict[str, Any]:
    return json.loads(encoded(model=model, stream=stream, **fields).body)


def sent(option: str, value: Any, **fields: Any) -> dict[str, Any]:
    return payload(options={option: value, **fields})
