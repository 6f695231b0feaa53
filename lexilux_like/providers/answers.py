"""Answers of a `Chat` as an agent's interface spells them: responses, events, costs, failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..values.errors import (
    AuthenticationError,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    InvalidRequestError,
    LexiluxError,
    LexiluxTimeoutError,
    NetworkError,
    NotFoundError,
    OutputValidationError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from ..values.messages import is_mapping, is_sequence
from ..values.results import ChatResult, ChatStreamChunk, FinishReason, Status
from ..values.timeouts import is_number
from .llm import LLMResponse, ToolUse
from .stream_events import (
    ErrorType,
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningStartEvent,
    StreamErrorEvent,
    StreamEvent,
    TextEndEvent,
    TextSoFar,
    ToolCallEvent,
)

TICKS_PER_USD = 10**10
"""https://docs.x.ai/developers/cost-tracking"""

STOP_REASONS: Mapping[Status, FinishReason] = {
    "complete": "stop",
    "tool_calls": "tool_calls",
    "truncated": "length",
    "context_exceeded": "length",
    "filtered": "content_filter",
    "refused": "refusal",
    "interrupted": "error",
    "unannounced": "unknown",
    "unknown": "unknown",
}
"""By the verdict and not by the word: a server that says "stop" of calls means `"tool_calls"`."""

_ERROR_TYPES: tuple[tuple[type[LexiluxError], ErrorType], ...] = (
    (AuthenticationError, "authentication"),
    (QuotaExceededError, "payment_required"),
    (RateLimitError, "rate_limit"),
    (InvalidRequestError, "invalid_request"),
    (NotFoundError, "invalid_request"),
    (ServerError, "server"),
    (LexiluxTimeoutError, "timeout"),
    (ChatStreamInterruptedError, "interrupted"),
    (NetworkError, "connection"),
    (ResponseFormatError, "unreadable"),
    (OutputValidationError, "unreadable"),
    (ChatIncompleteResponseError, "incomplete"),
)
"""The first that fits."""


@dataclass(slots=True)
class Spent:
    """What the requests of a call have cost together; a share that nobody told counts nothing."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    cost_usd: float = 0.0
    credits: float | None = None

    def add(self, result: ChatResult) -> None:
        """Count an answer, with all the requests that it took."""
        usage = result.usage
        self.input_tokens += usage.input_tokens or 0
        self.output_tokens += usage.output_tokens or 0
        self.cached_tokens += usage.cached_tokens or 0
        self.cache_creation_tokens += usage.cache_creation_tokens or 0
        # A sum of several requests has no details; theirs have.
        for each in [part.usage for part in result.segments] or [usage]:
            self.cost_usd += _cost_usd(each.details)
            if (told := _number(each.details.get("credits"))) is not None:
                self.credits = (self.credits or 0.0) + told

    def to_dict(self) -> dict[str, Any]:
        """The fields that `LLMResponse` and `FinishEvent` have in common with it."""
        return {name: getattr(self, name) for name in self.__slots__}


def response(result: ChatResult, spent: Spent, *, model: str) -> LLMResponse:
    """The answer as a response; a refusal is text that `stop_reason` tells from an answer.

    Args:
        result: The answer.
        spent: What it cost.
        model: Its name, where the server did not say one.

    Raises:
        OutputValidationError: See `tool_uses()`.
    """
    return LLMResponse(
        content=f"{result.text}{result.refusal or ''}",
        model=result.model or model,
        stop_reason=STOP_REASONS[result.status],
        raw_response=result,
        tool_uses=tool_uses(result),
        **spent.to_dict(),
    )


def tool_uses(result: ChatResult) -> list[ToolUse]:
    """The calls of an answer; none where it was cut.

    Raises:
        OutputValidationError: The answer is whole, and the arguments of a call are no JSON object.
            So none is safe to run: the model expects all of them to be answered.
    """
    try:
        return [ToolUse(call.id, call.name, call.get_arguments()) for call in result.tool_calls]
    except ValueError as error:
        raise OutputValidationError(
            f"the model calls a tool with arguments that are no JSON object: {error}; no call of"
            " this answer was delivered: ask again, or tell the model, whose message is"
            " error.partial.to_message()",
            errors=[str(error)],
            partial=result,
        ) from error


class StreamedAnswer:
    """The events of one answer while it comes in.

    Args:
        model: Its name, where the server does not say one.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._text = TextSoFar()
        self._reasons = False
        self.begun = False
        """Whether there was an event."""

    def take(self, chunk: ChatStreamChunk) -> Iterator[StreamEvent]:
        """The events of a chunk."""
        if chunk.index:  # of an answer beside this one, which nobody asked for
            return
        if chunk.reasoning:
            if not self._reasons:
                self._reasons = self.begun = True
                yield ReasoningStartEvent()
            yield ReasoningDeltaEvent(content=chunk.reasoning)
        if piece := chunk.delta + chunk.refusal:
            self.begun = True
            yield self._text.add(piece)

    def end(self, result: ChatResult, spent: Spent) -> Iterator[StreamEvent]:
        """The events of an answer that has come to an announced end."""
        try:
            calls = tool_uses(result)
        except OutputValidationError as error:
            yield error_event(error)
            return
        if text := str(self._text):
            yield TextEndEvent(full_text=text)
        for call in calls:
            yield ToolCallEvent(tool_use_id=call.id, tool_name=call.name, tool_input=call.input)
        yield FinishEvent(
            stop_reason=STOP_REASONS[result.status],
            model=result.model or self._model,
            thinking_blocks=_thinking_blocks(result),
            incomplete_tool_calls=tuple(call.name for call in result.incomplete_tool_calls),
            message=result.to_message(),
            **spent.to_dict(),
        )


def error_event(error: LexiluxError) -> StreamErrorEvent:
    """The last event of an answer that failed."""
    may_pass = error.retryable or error.resumable
    return StreamErrorEvent(
        error=error.message,
        recoverable=may_pass or isinstance(error, OutputValidationError),
        error_type=_error_type(error),
        upstream_status=getattr(error, "status_code", None) or None,
        exception=error,
    )


def _error_type(error: LexiluxError) -> ErrorType:
    for kind, name in _ERROR_TYPES:
        if isinstance(error, kind):
            return name
    return ""


def _thinking_blocks(result: ChatResult) -> tuple[Mapping[str, Any], ...]:
    """Reasoning that is signed, wherever the provider put it."""
    for name in ("thinking_blocks", "content_blocks"):
        blocks = result.fields.get(name)
        if is_sequence(blocks):
            kinds = ("thinking", "redacted_thinking")
            return tuple(each for each in blocks if is_mapping(each) and each.get("type") in kinds)
    return ()


def _cost_usd(details: Mapping[str, Any]) -> float:
    """US dollars, where the usage object of a provider tells them.

    OpenRouter's `cost` is in credits, each of which is a dollar; Perplexity's is an object.
    https://openrouter.ai/docs/use-cases/usage-accounting
    """
    cost: object = details.get("cost")
    if is_mapping(cost):
        cost = cost.get("total_cost")
    if (told := _number(cost)) is not None:
        return told
    ticks = _number(details.get("cost_in_usd_ticks"))  # xAI
    return 0.0 if ticks is None else ticks / TICKS_PER_USD


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and is_number(value) else None
