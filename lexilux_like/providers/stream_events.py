"""What `LLMProvider.stream()` yields: frozen events, told apart by their `type`.

A stream is any number of deltas, then `text_end` where there was text, then a `tool_call` for
each whole call, and then exactly one terminal event: `finish` or `error`. An answer that failed
has no `text_end` and no calls: its `error` comes right behind the deltas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

ErrorType: TypeAlias = Literal[
    "",
    "authentication",
    "connection",
    "incomplete",
    "interrupted",
    "invalid_request",
    "payment_required",
    "rate_limit",
    "server",
    "timeout",
    "unreadable",
]
"""What kind of failure it was; empty where it is none of these."""


class _OfText:
    """The place for what a snapshot is made from, which is no field of the event."""

    __slots__ = ("_place",)


@dataclass(frozen=True, slots=True)
class TextDeltaEvent(_OfText):
    """The next piece of the text."""

    type: Literal["text_delta"] = "text_delta"
    content: str = ""
    snapshot: str = ""
    """All of the text so far, this piece included. `TextSoFar` makes events that put it together
    when it is asked for."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> str:
            if name != "snapshot":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            text, count, length = self._place
            return text.upto(count, length)


class TextSoFar:
    """A text that grows, and its events.

    A snapshot in each event would make a long answer cost the square of its length, in time, and
    in memory for whoever keeps the events; so they share the pieces. Events may be read on any
    thread, also while the text grows.
    """

    __slots__ = ("_known", "_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._known = (0, "")
        """How many pieces were put together last, and what they make."""

    def add(self, piece: str) -> TextDeltaEvent:
        """The event of the next piece."""
        self._pieces.append(piece)
        self._length += len(piece)
        event = object.__new__(TextDeltaEvent)
        place = (self, len(self._pieces), self._length)
        for name, value in (("type", "text_delta"), ("content", piece), ("_place", place)):
            object.__setattr__(event, name, value)
        return event

    def upto(self, count: int, length: int) -> str:
        """The text of the first `count` pieces, which has `length` characters."""
        known, text = self._known
        if count > known:
            text += "".join(self._pieces[known:count])
            self._known = count, text
        return text[:length]

    def __str__(self) -> str:
        return "".join(self._pieces)


@dataclass(frozen=True, slots=True)
class TextEndEvent:
    """No more text comes."""

    type: Literal["text_end"] = "text_end"
    full_text: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallEvent:
    """A whole call, safe to run: its answer was not cut, and its arguments are a JSON object."""

    type: Literal["tool_call"] = "tool_call"
    tool_use_id: str = ""
    tool_name: str = ""
    tool_input: dict[str, Any] = field(default_factory=dict[str, Any], hash=False)


@dataclass(frozen=True, slots=True)
class ToolResultEvent:
    """What a tool returned. Whoever runs the tools yields it; a provider never does."""

    type: Literal["tool_result"] = "tool_result"
    tool_use_id: str = ""
    content: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ReasoningStartEvent:
    """The first piece of the reasoning follows."""

    type: Literal["reasoning_start"] = "reasoning_start"


@dataclass(frozen=True, slots=True)
class ReasoningDeltaEvent:
    """The next piece of the reasoning."""

    type: Literal["reasoning_delta"] = "reasoning_delta"
    content: str = ""


@dataclass(frozen=True, slots=True)
class FinishEvent:
    """The answer is over, as far as it goes: `stop_reason` says why."""

    type: Literal["finish"] = "finish"
    stop_reason: str = ""
    """`"stop"` and `"tool_calls"` are whole answers; `"length"` was cut; `"content_filter"`,
    `"refusal"`, `"unknown"`: see `FinishReason`."""
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    cached_tokens: int = 0
    """Read from the provider's cache; a part of `input_tokens`, never to be added to them."""
    cache_creation_tokens: int = 0
    """Written into it; also a part of `input_tokens`."""
    cost_usd: float = 0.0
    """As the provider told it; 0.0 where it did not."""
    credits: float | None = None
    """As the provider told them; None where it did not."""
    thinking_blocks: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    """Signed reasoning, as it has to go back in the assistant message."""
    incomplete_tool_calls: tuple[str, ...] = ()
    """Names of the calls that were cut, and not delivered."""
    message: dict[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)
    """The answer as the assistant's message for the next request, with its calls and its
    reasoning where that has to go back."""


@dataclass(frozen=True, slots=True)
class StreamErrorEvent:
    """The answer failed. What came before it stands; nothing comes after it."""

    type: Literal["error"] = "error"
    error: str = ""
    """What happened and what to do."""
    recoverable: bool = False
    """Whether the same request may succeed when sent again."""
    error_type: ErrorType = ""
    upstream_status: int | None = None
    """The HTTP status, where the server answered."""
    exception: BaseException | None = field(default=None, compare=False, repr=False)
    """The error itself, with `partial`, headers and all."""


StreamEvent: TypeAlias = (
    TextDeltaEvent
    | TextEndEvent
    | ToolCallEvent
    | ToolResultEvent
    | ReasoningStartEvent
    | ReasoningDeltaEvent
    | FinishEvent
    | StreamErrorEvent
)
