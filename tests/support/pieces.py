"""Pieces of streams that the tests of the wire put together, and what came of them."""

from __future__ import annotations

from typing import Any

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import APIError

STOP = sse(chunk({}, finish_reason="stop"))
CALLED = sse(chunk({}, finish_reason="tool_calls"))
HI = sse(chunk({"content": "Hi"}))
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def said(*texts: str) -> bytes:
    return b"".join(sse(chunk({"content": text})) for text in texts)


def piece(arguments: object = None, **fields: Any) -> dict[str, Any]:
    """A piece of a tool call; `name` is its function's."""
    function = {"arguments": arguments} if arguments is not None else {}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return {**fields, "function": function}


def called(*deltas: list[dict[str, Any]]) -> bytes:
    return b"".join(sse(chunk({"tool_calls": delta})) for delta in deltas) + CALLED + DONE


def calls_of(played: Any) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for call in played.result.tool_calls]


def failed(played: Any, kind: type[APIError]) -> APIError:
    assert type(played.error) is kind, played.error
    return played.error
