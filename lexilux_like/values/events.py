"""What a call tells while it goes on, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from .errors import LexiluxError, ValidationError
from .messages import Message, is_sequence
from .results import ChatResult, ChatStreamChunk, ToolStep

Method: TypeAlias = Literal[
    "call", "stream", "complete", "complete_stream", "run_tools", "run_tools_stream"
]
"""What was called: `parse` and its kin are `complete`, and an async method is its sync twin."""

ContinueReason: TypeAlias = Literal["truncated", "interrupted", "unsure", "invalid"]
"""Why more is asked for: a token limit cut the answer; it broke; it is not proved to be whole; or
it does not fit its type, and is asked for again."""

Outcome: TypeAlias = Literal["answered", "failed", "cancelled", "closed", "abandoned"]
"""How a call ended: with an answer, which may be truncated; with an error; its task was cancelled,
or Ctrl-C was pressed; its stream was closed before the end; or it was dropped without that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events have."""

    call_id: str
    """The call's own: 16 hexadecimal digits."""
    time: float
    """When it happened: Unix time in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """A call begins; of a stream, when its first chunk is asked for. Nothing was sent yet."""

    method: Method
    model: str
    base_url: str
    provider: str
    """The name of the provider's row: `docs/providers.md` lists them. `"unknown"` if there is
    none."""
    stream: bool
    """Whether chunks are handed on."""
    options: Mapping[str, Any] = field(repr=False)
    """Sampling options, as given; read them only."""
    messages: Sequence[Message] = field(repr=False)
    """What is asked, with the history before it; read them only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent(Event):
    """An HTTP request is about to go out, after the wait for the rate limiter."""

    number: int
    """Which of the call's requests, counted from 1."""
    method: str = "POST"
    url: str
    headers: Mapping[str, str]
    """Names in lower case; the values of those that sound secret are `[redacted]`."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseReceived(Event):
    """The head of a response came, whatever its status; the body is still to be read."""

    number: int
    """Of the request that it answers."""
    url: str
    status: int
    headers: Mapping[str, str]
    """As a request's."""
    request_id: str | None
    """The provider's name for the request."""
    seconds: float
    """From the request to the head, with the connecting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReceived(Event):
    """A chunk is handed to whoever iterates; only methods that stream hand any on."""

    chunk: ChatStreamChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying(Event):
    """A request failed, and is tried again after a wait that begins now."""

    error: LexiluxError
    attempt: int
    """Which attempt comes next: 2 for the first retry."""
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuing(Event):
    """The rest of an answer is asked for, or the answer anew; after the wait, if there was one."""

    number: int
    """Which one of the call's, counted from 1."""
    reason: ContinueReason
    error: LexiluxError | None = None
    """What broke it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FallingBack(Event):
    """From here on another client of `fallbacks` is asked."""

    base_url: str
    """Its address."""
    error: LexiluxError
    """Why the one before it could not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsRun(Event):
    """The tools of one answer have run, or were denied."""

    number: int
    """Which step of the run, counted from 1."""
    step: ToolStep = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """The last event of each call that started, however it ended."""

    outcome: Outcome
    result: ChatResult | None = field(repr=False)
    """The answer; or what had come of it; None where nothing had."""
    error: BaseException | None
    """What the caller gets."""
    seconds: float
    """From the start, with all retries and waits."""
    first_content_s: float | None
    """From the request to the first text, reasoning or tool call of a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Plain functions that are told what a call does; what they return is ignored.

    They are called in the thread or task of the call, in order, and the call waits for them: be
    quick. One that raises does not harm the call: it is logged, once, by `lexilux_like.hooks`.

    Raises:
        ValidationError: One is `async`, or cannot be called.
    """

    on_start: Callable[[CallStarted], object] | None = None
    on_request: Callable[[RequestSent], object] | None = None
    on_response: Callable[[ResponseReceived], object] | None = None
    on_chunk: Callable[[ChunkReceived], object] | None = None
    on_retry: Callable[[Retrying], object] | None = None
    on_continue: Callable[[Continuing], object] | None = None
    on_fallback: Callable[[FallingBack], object] | None = None
    on_tools: Callable[[ToolsRun], object] | None = None
    on_end: Callable[[CallEnded], object] | None = None

    def __post_init__(self) -> None:
        from inspect import iscoroutinefunction  # noqa: PLC0415 - only who has hooks needs it

        for each in fields(self):
            hook = getattr(self, each.name)
            if hook is None:
                continue
            if not callable(hook):
                raise ValidationError(f"{each.name}={hook!r}: a hook is a function")
            if iscoroutinefunction(hook) or iscoroutinefunction(getattr(hook, "__call__", None)):  # noqa: B004 - it is looked at, not asked for
                raise ValidationError(
                    f"{each.name} is async, and nothing awaits it: pass a plain function, which may"
                    " put the event into a queue"
                )


HOOK_OF: Mapping[type[Event], str] = {
    CallStarted: "on_start",
    RequestSent: "on_request",
    ResponseReceived: "on_response",
    ChunkReceived: "on_chunk",
    Retrying: "on_retry",
    Continuing: "on_continue",
    FallingBack: "on_fallback",
    ToolsRun: "on_tools",
    CallEnded: "on_end",
}
"""Who is told what."""


def checked_hooks(hooks: object) -> tuple[Hooks, ...]:
    """One or several `Hooks` as a tuple.

    Raises:
        ValidationError: There is something else among them.
    """
    several = hooks if is_sequence(hooks) else (hooks,)
    for each in several:
        if not isinstance(each, Hooks):
            raise ValidationError(
                f"hooks={each!r}: pass Hooks(on_retry=print), or a list of Hooks objects"
            )
    return tuple(each for each in several if isinstance(each, Hooks))
