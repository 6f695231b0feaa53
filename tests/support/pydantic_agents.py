"""Agents of pydantic-ai on a scripted server, in either dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bridged import required
from pydantic import BaseModel

from lexilux_like import Chat
from lexilux_like.testing import Reply, ScriptedServer, stream, tool_call
from lexilux_like.testing.messages import message_stream, tool_use_block

required("pydantic_ai")

from pydantic_ai import Agent, AgentRunResult  # noqa: E402 - after the skip
from pydantic_ai.messages import (  # noqa: E402
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
)

from lexilux_like.bridges.pydantic_ai import LexiluxModel  # noqa: E402

TAKEN_AS_IT_COMES: Any = {"lexilux_max_continues": 0, "lexilux_ensure_complete": False}
"""Settings for answers that are not made whole."""
LONG = "It rains, and rains, until the river has no more room for all that water. The end."


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def model_of(
    server: ScriptedServer, *, client: dict[str, Any] | None = None, **options: Any
) -> LexiluxModel:
    """A model whose client does not try again; `client` is for its `Chat`."""
    chosen = {"base_url": server.url, "api_key": "k", "model": "m", "max_retries": 0}
    return LexiluxModel(Chat(**{**chosen, **(client or {})}), **options)


def claude_of(server: ScriptedServer, **options: Any) -> LexiluxModel:
    """The same, in Anthropic's dialect."""
    return model_of(server, client={"provider": "anthropic"}, **options)


def ask(agent: Agent[Any, Any], prompt: Any = "Hi", **options: Any) -> AgentRunResult[Any]:
    """A run, on a loop of its own."""
    return asyncio.run(agent.run(prompt, **options))


def streamed(agent: Agent[Any, Any], **options: Any) -> tuple[list[str], Any]:
    """The pieces of a streamed run, and the run."""

    async def read() -> tuple[list[str], Any]:
        async with agent.run_stream("Hi", **options) as run:
            return [piece async for piece in run.stream_text(delta=True, debounce_by=None)], run

    return asyncio.run(read())


def calls(*wanted: tuple[str, Any], text: str = "", finish_reason: str = "tool_calls") -> Reply:
    """An answer that calls functions: `calls(("add", {"a": 1}))`."""
    made = [
        {"index": n, **tool_call(name, arguments, id=f"call_{n}")}
        for n, (name, arguments) in enumerate(wanted)
    ]
    return stream(text, {"tool_calls": made}, finish_reason=finish_reason)


def uses(*wanted: tuple[str, Any], before: Sequence[Any] = ()) -> Reply:
    """The same in Anthropic's dialect, behind other blocks."""
    made = [tool_use_block(name, args, id=f"toolu_{n}") for n, (name, args) in enumerate(wanted)]
    return message_stream(*before, *made, stop_reason="tool_use")


def sent(server: ScriptedServer, number: int = -1) -> dict[str, Any]:
    """The JSON body of a request."""
    body: dict[str, Any] = server.requests[number].json
    return body


def stored(messages: list[ModelMessage]) -> list[ModelMessage]:
    """The messages, as they come back from a database."""
    return ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(messages))


def last_response(messages: list[ModelMessage]) -> ModelResponse:
    return next(each for each in reversed(messages) if isinstance(each, ModelResponse))
