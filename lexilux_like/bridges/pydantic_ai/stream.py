"""Chunks as events of pydantic-ai's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest

from pydantic_ai.messages import (
    FinishReason,
    ModelResponsePart,
    ModelResponseStreamEvent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from pydantic_ai.models import StreamedResponse

from ...transport.streaming import AsyncStreamingIterator
from ...values.results import ChatResult, ChatStreamChunk
from .answers import FINISH, details_of, parts_of, usage_of
from .errors import check_calls, translated


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked, as far as it is known before there is an answer."""

    model_name: str
    system: str
    url: str
    answered_by: Callable[[ChatResult], str]
    """Who gave an answer."""


@dataclass
class LexiluxStreamedResponse(StreamedResponse):
    """An answer while it comes; what is known at the end only is set then."""

    _asked: Asked
    _chunks: AsyncStreamingIterator
    _first: ChatStreamChunk | None
    """It was waited for when the stream was opened."""
    _timestamp: datetime = field(default_factory=partial(datetime.now, UTC), init=False)
    _result: ChatResult | None = field(default=None, init=False)
    _kind: str = field(default="", init=False)
    _count: int = field(default=0, init=False)
    """Text and reasoning so far: a new part begins whenever they alternate."""
    _thoughts: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]], init=False)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        with translated(self._asked.model_name):
            if self._first is not None:
                for event in self._take(self._first):
                    yield event
            async for chunk in self._chunks:
                for event in self._take(chunk):
                    yield event
        if not self.cancelled:
            for event in self._end(self._chunks.result):
                yield event

    def _take(self, chunk: ChatStreamChunk) -> Iterator[ModelResponseStreamEvent]:
        """What a chunk adds."""
        parts = self._parts_manager
        if chunk.reasoning:
            place = self._place("thinking")
            if place not in self._thoughts:
                self._thoughts.append(place)
            yield from parts.handle_thinking_delta(vendor_part_id=place, content=chunk.reasoning)
        if chunk.delta:
            place = self._place("text")
            yield from parts.handle_text_delta(vendor_part_id=place, content=chunk.delta)
        for call in chunk.tool_calls:
            self._kind = "call"
            event = parts.handle_tool_call_delta(
                vendor_part_id=("call", call.index),
                tool_name=call.name or None,
                args=call.arguments,
                tool_call_id=call.id or None,
            )
            if event is not None:
                yield event

    def _place(self, kind: str) -> tuple[str, int]:
        if self._kind != kind:
            self._kind = kind
            self._count += 1
        return kind, self._count

    def _end(self, result: ChatResult) -> Iterator[ModelResponseStreamEvent]:
        """What is known at the end only; signatures and their like are deltas of their parts."""
        check_calls(result)
        self._result = result
        system = self._asked.answered_by(result)
        whole = parts_of(result, system)
        yield from self._sign([part for part in whole if isinstance(part, ThinkingPart)])
        for index, call in enumerate(result.tool_calls):
            if call.fields:
                event = self._parts_manager.handle_tool_call_delta(
                    vendor_part_id=("call", index),
                    provider_name=system,
                    provider_details=dict(call.fields),
                )
                if event is not None:
                    yield event
        shown = _gist(self._parts_manager.get_parts()) == _gist(whole)
        self._usage = usage_of(result.usage)
        self.provider_response_id = result.id
        self.provider_details = details_of(result, keep_blocks=not shown)
        self.finish_reason: FinishReason | None = FINISH[result.status]

    def _sign(self, thoughts: Sequence[ThinkingPart]) -> Iterator[ModelResponseStreamEvent]:
        for part, place in zip_longest(thoughts, self._thoughts):
            if part is not None and part.provider_name is not None:
                yield from self._parts_manager.handle_thinking_delta(
                    vendor_part_id=place or self._place("thinking"),
                    content=None if place else part.content,
                    signature=part.signature,
                    provider_name=part.provider_name,
                    provider_details=part.provider_details,
                )

    async def close_stream(self) -> None:
        """Give the connection back, which tells the server to stop."""
        await self._chunks.aclose()

    @property
    def model_name(self) -> str:
        """The model that answers, as the server names it once that is known."""
        return (self._result and self._result.model) or self._asked.model_name

    @property
    def provider_name(self) -> str:
        """Whose answer it is."""
        return self._asked.answered_by(self._result) if self._result else self._asked.system

    @property
    def provider_url(self) -> str:
        """Where it comes from."""
        return (self._result and self._result.base_url) or self._asked.url

    @property
    def timestamp(self) -> datetime:
        """When it began to come."""
        return self._timestamp


def _gist(parts: Sequence[ModelResponsePart]) -> list[tuple[str, str | None]]:
    """The parts by what they say."""
    return [
        (part.content, getattr(part, "signature", None))
        if isinstance(part, (TextPart, ThinkingPart))
        else (part.tool_name if isinstance(part, ToolCallPart) else part.part_kind, None)
        for part in parts
    ]
