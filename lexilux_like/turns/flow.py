"""Flows: the package's decisions as generators that do no I/O.

A flow yields an effect when the outside world must act, and is resumed with
the reply or has the failure thrown into it. `transport` performs effects on
threads or on asyncio; no flow knows which. A chunk is an effect too: it is
handed to whoever iterates.

A flow must not touch the world in `finally`: the world owns the open response
and closes it, however the flow ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import (
    Any,
    Generic,
    NamedTuple,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    final,
)

from ..values.errors import LexiluxError
from ..values.execution import Approve, Job
from ..values.results import ChatStreamChunk, StreamingResult, ToolOutcome, Usage
from ..wire.http import Request

T = TypeVar("T")

News: TypeAlias = partial[Any]
"""An event without what the world adds to it: whose it is, and when it was."""


class Progress(Protocol):
    """Something that knows the answer so far."""

    def so_far(self) -> StreamingResult:
        """The answer so far."""
        ...


@dataclass(frozen=True, slots=True)
class Send:
    """Send within the rate limit, and read the whole body. Reply: Response."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Send within the rate limit, and stop after the head. Reply: Response.

    The body of anything but 2xx is read.
    """

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """Read on in the body that Open left open. Reply: bytes, empty at its clean end.

    `content` says whether content (text, reasoning, tool calls) has come since the
    last Read: it restarts the content timers, which keep-alive comments must not.
    """

    content: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """The answer is whole: let the connection be used again, if its body ends at once."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Let time pass. Fails with LexiluxTimeoutError, unslept, where the deadline forbids it."""

    seconds: float
    news: News | None = field(default=None, compare=False, repr=False)
    """Why; told before it, unless it fails."""


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run the calls of one answer side by side, those that `approve` allows. Reply: Ran."""

    jobs: Sequence[Job]
    approve: Approve | None = None
    """Asked for each call in order, before anything runs."""
    raises: bool = False
    """What a tool raises ends the call; else it is a part of the outcome."""
    at_once: int = 1
    """At most so many."""


class Ran(NamedTuple):
    """What became of a `RunTools`."""

    outcomes: tuple[ToolOutcome, ...]
    """In the order of the calls; empty where there is an error."""
    error: Exception | None
    """What the caller's own code raised: no world may take it for a failure of the network."""


@final
@dataclass(frozen=True, slots=True)
class Now:
    """Look at the clock. Reply: seconds since some fixed moment."""


@final
@dataclass(frozen=True, slots=True)
class Track:
    """From here on `progress` knows the answer so far. Reply: None."""

    progress: Progress


@final
@dataclass(slots=True)
class Chunks:
    """Hand these on, one by one: each is made when it is asked for, and may fail. Reply: None.

    What one read brought goes past the wrappers of a turn at once, and not chunk by chunk.
    """

    chunks: Iterator[ChatStreamChunk]


@final
@dataclass(frozen=True, slots=True)
class Delegate:
    """Run this flow in place of the one that yields it, as `yield from` does. Reply: its value.

    It is resumed itself and not through all that wait for it: so the wrappers of a turn cost
    nothing for each read.
    """

    flow: Flow[Any]


@dataclass(frozen=True, slots=True)
class UseKey:
    """From here on requests carry this one of the client's keys, counted from 0. Reply: None."""

    index: int


@dataclass(frozen=True, slots=True)
class UseLane:
    """From here on act for another client: a fallback, counted from 1. Reply: None."""

    index: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Something happened that only the flow knows; nothing where nobody listens. Reply: None."""

    news: News


@dataclass(frozen=True, slots=True)
class Spent:
    """The last request took so many tokens: the pacer learns of it. Reply: None."""

    usage: Usage


Action: TypeAlias = Send | Open | Read | Drain | Sleep | UseKey | UseLane | RunTools | Tell | Spent
Effect: TypeAlias = Action | Now | Track | ChatStreamChunk | Chunks | Delegate
Flow: TypeAlias = Generator[Effect, Any, T]

NOW = Now()


def announced(flow: Flow[T], news: News) -> Flow[T]:
    """The flow, behind the news that it begins."""
    yield Tell(news)
    value: T = yield Delegate(flow)
    return value


def run_tools(action: RunTools) -> Flow[tuple[ToolOutcome, ...]]:
    """Run calls; what the caller's own code raises is raised as it is."""
    ran: Ran = yield action
    if ran.error is not None:
        raise ran.error
    return ran.outcomes


def relay(flow: Flow[T], handle: Callable[[ChatStreamChunk | Track], Iterable[Effect]]) -> Flow[T]:
    """Run a flow inside another one: what it hands out goes through `handle`, the rest passes.

    Args:
        flow: The inner flow.
        handle: Given each chunk and each `Track`; what it returns is yielded in its place, which
            for a chunk is chunks.
    """
    resume: Callable[[Any], Effect] = flow.send
    value: Any = None
    while True:
        try:
            effect = resume(value)
        except StopIteration as end:
            result: T = end.value
            return result
        resume, value = flow.send, None
        if type(effect) is ChatStreamChunk or type(effect) is Track:
            yield from handle(effect)
            continue
        if type(effect) is Chunks:
            handled = chain.from_iterable(map(handle, effect.chunks))
            effect = Chunks(cast("Iterator[ChatStreamChunk]", handled))
        elif type(effect) is Delegate:
            effect = Delegate(relay(effect.flow, handle))
        try:
            value = yield effect
        except LexiluxError as error:
            resume, value = flow.throw, error


class Stepper(Generic[T]):
    """A flow, one effect at a time. Both drivers are loops around this.

    Args:
        flow: The flow.
        clock: What tells it the time, in seconds.
    """

    __slots__ = ("_clock", "_flow", "_waiting", "done", "effect", "progress", "value")

    effect: Action | ChatStreamChunk | Chunks | None
    value: T

    def __init__(self, flow: Flow[T], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._flow: Flow[Any] = flow
        self._waiting: list[Flow[Any]] = []
        self.progress: Progress | None = None
        self.done = False
        self.effect = None

    def start(self) -> None:
        """Run up to the first effect."""
        self.reply(None)

    def fail(self, error: BaseException) -> None:
        """Answer the pending effect with a failure, and run up to the next one."""
        self.reply(None, error)

    def leave(self) -> None:
        """Go no further; `progress` may show more then, which had come and was held back."""
        for flow in (self._flow, *reversed(self._waiting)):
            flow.close()

    def reply(self, value: Any, error: BaseException | None = None) -> None:
        """Answer the pending effect, by a value or a failure, and run up to the next one."""
        while True:
            try:
                effect = self._flow.send(value) if error is None else self._flow.throw(error)
            except StopIteration as end:
                value, error = end.value, None
                if not self._waiting:
                    self.effect, self.value, self.done = None, value, True
                    return
                self._flow = self._waiting.pop()
            except BaseException as failure:
                error = None  # nothing is to refer to a failure that its own frames refer to
                if not self._waiting:
                    raise
                self._flow, value, error = self._waiting.pop(), None, failure
            else:
                value = error = None
                if type(effect) is Delegate:
                    self._waiting.append(self._flow)
                    self._flow = effect.flow
                elif type(effect) is Track:
                    self.progress = effect.progress
                elif type(effect) is Now:
                    value = self._clock()
                else:
                    self.effect = effect
                    return
