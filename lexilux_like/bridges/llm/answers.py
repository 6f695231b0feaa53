"""An answer as `llm` wants it told: events, tool calls, usage, and what it is when it failed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import click
import llm
from llm.parts import StreamEvent

from ...values.errors import ChatIncompleteResponseError, LexiluxError
from ...values.results import ChatResult, ChatStreamChunk, Json, ToolCall
from .messages import kept_fields, kept_of

_FOR_PROGRAMS = "; error.final_result holds everything received"


class AnswerError(llm.ModelError, click.ClickException):
    """No whole answer came. `llm` shows the message and ends with exit code 1.

    Attributes:
        partial: What had come of the answer, if anything.
    """

    def __init__(self, message: str, partial: ChatResult | None = None) -> None:
        super().__init__(message)
        self.partial = partial


class Answering:
    """One answer on its way to `llm`.

    Args:
        response: What `llm` logs.
        model_id: What `llm` calls the model.
        shown: Whether `llm` shows the text as it comes. If not, and the answer fails, the text is
            in the error's message.
    """

    def __init__(
        self, response: llm.Response | llm.AsyncResponse, model_id: str, *, shown: bool
    ) -> None:
        self.shown = shown
        self._response: Any = response  # llm's own types are loose about dicts
        self._model_id = model_id
        self._characters = 0

    def events(self, chunk: ChatStreamChunk) -> Iterator[StreamEvent]:
        """The reasoning and the text of a chunk."""
        if chunk.reasoning:
            yield StreamEvent(type="reasoning", chunk=chunk.reasoning)
        if chunk.delta:
            self._characters += len(chunk.delta)
            yield StreamEvent(type="text", chunk=chunk.delta)

    def remainder(self, error: LexiluxError) -> Iterator[StreamEvent]:
        """What a failed answer had beyond what was told: a stream holds its last words back."""
        text = error.partial.text[self._characters :] if error.partial else ""
        if text and self.shown:
            yield StreamEvent(type="text", chunk=text)

    def failure(self, error: LexiluxError) -> AnswerError:
        """The error for `llm`, which has what had come and was not shown."""
        partial = error.partial
        message = str(error).removesuffix(_FOR_PROGRAMS)
        if isinstance(error, ChatIncompleteResponseError) and error.reason == "max_continues":
            message += "; the option max_continues allows more, and max_tokens longer ones"
        if partial is not None:
            self._account(partial)
            message += f": {partial.refusal}" if partial.refusal else ""
            message += f"\nWhat had come:\n{partial.text}" * (not self.shown and bool(partial.text))
        return AnswerError(message, partial)

    def ending(self, result: ChatResult) -> Iterator[StreamEvent]:
        """What only a whole answer tells: its calls, and what has to be sent back.

        Raises:
            AnswerError: The arguments of a call are not a JSON object.
        """
        self._account(result)
        kept = kept_of(result, self._model_id)
        if kept:
            yield StreamEvent(type="reasoning", chunk="", provider_metadata=kept)
        elif result.usage.reasoning_tokens and not result.reasoning:
            yield StreamEvent(type="reasoning", chunk="", redacted=True)
        wanted = [_read(call, result) for call in result.tool_calls]  # all of them, or none
        for call, read in zip(result.tool_calls, wanted, strict=True):
            self._response.add_tool_call(read)
            yield StreamEvent("tool_call_name", call.name, tool_call_id=read.tool_call_id)
            yield StreamEvent(
                "tool_call_args",
                call.arguments,
                tool_call_id=read.tool_call_id,
                provider_metadata=kept_fields(call.fields, self._model_id),
            )

    def _account(self, result: ChatResult) -> None:
        """Tell `llm` what it logs: tokens, the model that answered, and the verdict."""
        usage = result.usage
        counts = {
            "cached_tokens": usage.cached_tokens,
            "cache_creation_tokens": usage.cache_creation_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        }
        self._response.set_usage(
            input=usage.input_tokens,
            output=usage.output_tokens,
            details={name: count for name, count in counts.items() if count} or None,
        )
        if result.model:
            self._response.set_resolved_model(result.model)
        facts: Json = {
            "id": result.id,
            "model": result.model,
            "status": result.status,
            "finish_reason": result.finish_reason,
            "continues": result.continues,
            "request_id": result.request_id,
        }
        self._response.response_json = {k: fact for k, fact in facts.items() if fact is not None}


def _read(call: ToolCall, result: ChatResult) -> llm.ToolCall:
    """A call for `llm`, with an id in any case."""
    number = call.id or f"call_{uuid.uuid4().hex[:12]}"
    try:
        return llm.ToolCall(call.name, call.get_arguments(), tool_call_id=number)
    except ValueError as error:
        raise AnswerError(f"the model calls {call.name!r} wrongly: {error}", result) from error
