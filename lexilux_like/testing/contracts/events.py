"""The grammar of `LLMProvider.stream()`, checked; and what a stream came to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ...providers.stream_events import (
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningStartEvent,
    StreamErrorEvent,
    StreamEvent,
    TextDeltaEvent,
    TextEndEvent,
    ToolCallEvent,
)


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a stream came to."""

    events: tuple[StreamEvent, ...] = ()
    raised: Exception | None = None
    """What it raised in place of an error event."""

    @property
    def text(self) -> str:
        """The text deltas, joined."""
        return "".join(each.content for each in self.events if isinstance(each, TextDeltaEvent))

    @property
    def reasoning(self) -> str:
        """The reasoning deltas, joined."""
        return "".join(
            each.content for each in self.events if isinstance(each, ReasoningDeltaEvent)
        )

    @property
    def calls(self) -> list[ToolCallEvent]:
        """The calls of tools."""
        return [each for each in self.events if isinstance(each, ToolCallEvent)]

    @property
    def finish(self) -> FinishEvent | None:
        """The last event, where the answer has not failed."""
        return next((each for each in self.events if isinstance(each, FinishEvent)), None)

    @property
    def error(self) -> StreamErrorEvent | None:
        """The last event, where it has failed."""
        return next((each for each in self.events if isinstance(each, StreamErrorEvent)), None)

    @property
    def failed(self) -> bool:
        """Whether the stream says that the answer failed."""
        return self.error is not None or self.raised is not None


async def streamed(stream: AsyncIterator[StreamEvent]) -> Streamed:
    """Take a whole stream, and check its grammar."""
    events: list[StreamEvent] = []
    raised = None
    try:
        async for event in stream:
            events.append(event)  # noqa: PERF401 - kept up to where it raises
    except Exception as error:  # noqa: BLE001 - the tests look at it
        raised = error
    check_grammar(events, raised)
    return Streamed(tuple(events), raised)


def check_grammar(events: Sequence[StreamEvent], raised: Exception | None = None) -> None:
    """Check what holds of every stream, whatever the model does.

    Args:
        events: All that it yielded.
        raised: What it raised behind them, in place of the error event.

    Raises:
        AssertionError: They break a rule of `stream_events`.
    """
    kinds = [event.type for event in events]
    terminal = [place for place, kind in enumerate(kinds) if kind in ("finish", "error")]
    expected = [] if raised is not None else [len(events) - 1]
    assert terminal == expected, f"not exactly one terminal event, the last: {kinds!r}"
    assert "tool_result" not in kinds, "a provider runs no tools"
    _check_text(events, failed=raised is not None or kinds[-1] == "error")
    _check_reasoning(events)
    calls = [event for event in events if isinstance(event, ToolCallEvent)]
    if calls:
        first = kinds.index("tool_call")
        late = {"text_delta", "text_end", "reasoning_start", "reasoning_delta"} & {*kinds[first:]}
        assert not late, f"deltas come behind a call: {kinds!r}"
        assert all(call.tool_use_id and call.tool_name for call in calls), f"nameless: {calls!r}"
        last = events[-1]
        cut = isinstance(last, FinishEvent) and last.stop_reason in ("length", "content_filter")
        assert not cut, f"calls of an answer that was cut: {calls!r}"


def _check_text(events: Sequence[StreamEvent], *, failed: bool) -> None:
    text = ""
    for event in events:
        if isinstance(event, TextDeltaEvent):
            assert event.content, "an empty text_delta"
            text += event.content
            assert event.snapshot == text, f"{event.snapshot!r} is not what has come: {text!r}"
    ends = [event for event in events if isinstance(event, TextEndEvent)]
    if ends or (text and not failed):
        assert [end.full_text for end in ends] == [text], f"text_end: {ends!r} of {text!r}"
        behind = events[events.index(ends[0]) :]
        assert not any(isinstance(event, TextDeltaEvent) for event in behind), "text behind its end"


def _check_reasoning(events: Sequence[StreamEvent]) -> None:
    starts = [i for i, event in enumerate(events) if isinstance(event, ReasoningStartEvent)]
    deltas = [i for i, event in enumerate(events) if isinstance(event, ReasoningDeltaEvent)]
    if starts or deltas:
        assert len(starts) == 1, f"{len(starts)} starts of the reasoning"
        assert deltas, "reasoning starts, and does not come"
        assert starts[0] < deltas[0], "reasoning comes before its start"
