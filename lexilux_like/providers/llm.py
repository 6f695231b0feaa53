"""A model as an agent sees it: `LLMProvider`, and the values that go in and out."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..values.results import ChatResult, ToolCall
from .stream_events import FinishEvent, StreamEvent, TextDeltaEvent, TextEndEvent, ToolCallEvent


@dataclass(slots=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    """JSON schema of the arguments, sent whole; empty for none."""


@dataclass(slots=True)
class ToolUse:
    """A call that the model asks for."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(slots=True)
class ToolResult:
    """What a tool returned."""

    tool_use_id: str
    content: str
    is_error: bool = False
    is_skill_content: bool = False
    """Not to be dropped when the conversation is shortened. For whoever shortens it: it is not
    sent."""
    image_content: list[dict[str, Any]] | None = None
    """Content parts with images, sent behind the text."""

    def to_message(self) -> dict[str, Any]:
        """The tool message for the next request; an error is said to be one in its text."""
        text = f"Error: {self.content}" if self.is_error else self.content
        content: str | list[dict[str, Any]] = text
        if self.image_content:
            content = [{"type": "text", "text": text}, *self.image_content]
        return {"role": "tool", "tool_call_id": self.tool_use_id, "content": content}


@dataclass(slots=True)
class LLMResponse:
    """What the model answered."""

    content: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    stop_reason: str = ""
    """`"stop"` and `"tool_calls"` are whole answers; `"length"` was cut; see `FinishReason`."""
    raw_response: Any = None
    """The provider's own result: a `ChatResult` from `ChatLLMProvider`."""
    cached_tokens: int = 0
    """A part of `input_tokens`, never to be added to them."""
    cache_creation_tokens: int = 0
    """Also a part of `input_tokens`."""
    cost_usd: float = 0.0
    """As the provider told it; 0.0 where it did not."""
    credits: float | None = None
    """As the provider told them; None where it did not."""
    tool_uses: list[ToolUse] = field(default_factory=list[ToolUse])
    """Whole calls, safe to run; empty where the answer was cut."""

    def to_message(self) -> dict[str, Any]:
        """The answer as the assistant's message for the next request.

        Made of `raw_response` where that is a `ChatResult`, with its reasoning where that has to
        go back; else of `content` and `tool_uses`.
        """
        if isinstance(self.raw_response, ChatResult):
            return self.raw_response.to_message()
        message: dict[str, Any] = {"role": "assistant", "content": self.content}
        if self.tool_uses:
            calls = [
                ToolCall(each.id, each.name, json.dumps(each.input)) for each in self.tool_uses
            ]
            message["tool_calls"] = [each.to_dict() for each in calls]
        return message


class LLMProvider(ABC):
    """Asks a model, whole or streamed. A provider keeps no conversation and changes no message.

    Subclasses implement `complete()`; they should override `acomplete()` and `stream()` where they
    can do better than a thread and a single delta.
    """

    @abstractmethod
    def complete(  # noqa: PLR0917 - the protocol's signature
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 1024,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,  # noqa: FBT001, FBT002 - the protocol's signature
        max_retries: int | None = None,
    ) -> LLMResponse:
        """Ask once, and wait for the answer.

        Args:
            messages: The conversation as on OpenAI's wire; read, never changed.
            system: System prompt.
            tools: What the model may call. Running the calls is the caller's part.
            max_tokens: Most tokens to generate, at least 1.
            response_format: `{"type": "json_object"}` or
                `{"type": "json_schema", "json_schema": {"name": ..., "schema": ...}}`.
            json_mode: Ask for a JSON object.
            max_retries: How often a rate limit, a passing failure or an empty answer is tried
                again; None for the provider's own default.
        """

    async def acomplete(  # noqa: PLR0917 - the protocol's signature
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 1024,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,  # noqa: FBT001, FBT002 - the protocol's signature
        max_retries: int | None = None,
    ) -> LLMResponse:
        """`complete()`, async; on a thread of the loop's own pool unless overridden."""
        call = partial(
            self.complete,
            messages=messages,
            system=system,
            tools=tools,
            max_tokens=max_tokens,
            response_format=response_format,
            json_mode=json_mode,
            max_retries=max_retries,
        )
        return await asyncio.to_thread(call)

    async def stream(
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 4096,
    ) -> AsyncIterator[StreamEvent]:
        """Ask once, and yield events; `stream_events` has their order.

        Running tools is the caller's part: on a `ToolCallEvent` run it, add the result to the
        messages, and call `stream()` again. Unless overridden, it is `acomplete()` in one piece.
        """
        answer = await self.acomplete(
            messages=messages, system=system, tools=tools, max_tokens=max_tokens
        )
        if answer.content:
            yield TextDeltaEvent(content=answer.content, snapshot=answer.content)
            yield TextEndEvent(full_text=answer.content)
        for call in answer.tool_uses:
            yield ToolCallEvent(tool_use_id=call.id, tool_name=call.name, tool_input=call.input)
        yield FinishEvent(
            stop_reason=answer.stop_reason,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            model=answer.model,
            cached_tokens=answer.cached_tokens,
            cache_creation_tokens=answer.cache_creation_tokens,
            cost_usd=answer.cost_usd,
            credits=answer.credits,
            message=answer.to_message(),
        )
