"""Pacing: requests wait their turn before the server has to refuse them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..values.errors import LexiluxConnectionError, ValidationError
from ..values.results import Usage
from ..wire.limits import Expected
from .engine import AsyncEngine, Engine
from .fork import in_children
from .pace import Head, Pace, Permit
from .watch import Watch

if TYPE_CHECKING:
    import asyncio

LOOK_AGAIN_S = 0.5
"""Who waits looks this often whether the call was given up."""


@dataclass(slots=True, eq=False)
class Waiter:
    """Somebody who wants to send a request."""

    expected: Expected
    wake: Callable[[], None]
    permit: Permit | None = None
    gone: bool = False


@dataclass(slots=True, eq=False)
class Line:
    """Who waits for one model, in the order of asking."""

    pace: Pace = field(default_factory=Pace)
    waiting: deque[Waiter] = field(default_factory=deque[Waiter])


class Pacer:
    """Learns the rate limits of an account from its answers, and keeps requests within them.

    One serves any number of threads, event loops and clients of one account; each model has
    limits and a queue of its own, which is served in the order of asking. The first 4 requests
    of a model go at once, and the others when an answer has told the limits. Nobody waits more
    than 120 seconds at the head of a queue: the request is sent, and the server says what is
    wrong. In a forked child it begins anew.
    """

    def __init__(self) -> None:
        self._after_fork()
        in_children(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}
        self._over: deque[Permit] = deque()

    def around(self, engine: Engine) -> Engine:
        """The engine, asking this pacer before it sends."""
        from .paced import PacedEngine  # noqa: PLC0415 - it needs this room itself

        return PacedEngine(engine, self)

    def aaround(self, engine: AsyncEngine) -> AsyncEngine:
        """`around`, for an event loop's engine."""
        from .paced import AsyncPacedEngine  # noqa: PLC0415 - as above

        return AsyncPacedEngine(engine, self)

    def acquire(self, expected: Expected, watch: Watch) -> Permit:
        """Block until a request may go.

        Args:
            expected: What it will cost.
            watch: Of its call, which may be given up meanwhile.

        Raises:
            LexiluxConnectionError: The call was given up. Nothing was sent.
        """
        event = threading.Event()
        waiter = Waiter(expected, event.set)
        try:
            wait_s = self._join(waiter)
            while waiter.permit is None:
                event.wait(wait_s)
                event.clear()
                _check(watch)
                wait_s = self._look(waiter)
        except BaseException:
            self._leave(waiter)
            raise
        return waiter.permit

    async def aacquire(self, expected: Expected, watch: Watch) -> Permit:
        """`acquire`, async."""
        import asyncio  # noqa: PLC0415 - threads do without

        loop, event = asyncio.get_running_loop(), asyncio.Event()
        waiter = Waiter(expected, lambda: _call_soon(loop, event.set, waiter))
        try:
            wait_s = self._join(waiter)
            while waiter.permit is None:
                timer = loop.call_later(wait_s, event.set)
                try:
                    await event.wait()
                finally:
                    timer.cancel()
                event.clear()
                _check(watch)
                wait_s = self._look(waiter)
        except BaseException:
            self._leave(waiter)
            raise
        return waiter.permit

    def hear(self, permit: Permit, head: Head) -> None:
        """The head of its response has come."""
        with self._held():
            permit.pace.hear(permit, head, time.monotonic())
            self._serve(self._lines[permit.expected.model])

    def close(self, permit: Permit) -> None:
        """Its response is over. The garbage collector may call this: it waits for no lock."""
        self._over.append(permit)
        while self._over and self._lock.acquire(blocking=False):
            try:
                self._clear_away()
            finally:
                self._lock.release()

    def settle(self, permit: Permit, usage: Usage) -> None:
        """Its answer says how many tokens it took; nothing is learned where it does not."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return
        with self._held():
            permit.pace.settle(permit, usage.input_tokens, usage.output_tokens)
            self._serve(self._lines[permit.expected.model])

    @contextlib.contextmanager
    def _held(self) -> Generator[None, None, None]:
        with self._lock:
            self._clear_away()
            yield
        if self._over:
            self.close(self._over.popleft())

    def _clear_away(self) -> None:
        while self._over:
            permit = self._over.popleft()
            permit.pace.close(permit)
            self._serve(self._lines[permit.expected.model])

    def _join(self, waiter: Waiter) -> float:
        with self._held():
            line = self._lines.setdefault(waiter.expected.model, Line())
            line.waiting.append(waiter)
            return self._serve(line, waiter) if line.waiting[0] is waiter else LOOK_AGAIN_S

    def _look(self, waiter: Waiter) -> float:
        """Seconds until it is worth while to look again."""
        with self._held():
            line = self._lines[waiter.expected.model]
            if waiter.permit is None and line.waiting[0] is waiter:
                return self._serve(line, waiter)
        return LOOK_AGAIN_S

    def _leave(self, waiter: Waiter) -> None:
        with self._held():
            waiter.gone = True
            if waiter.permit is not None:
                waiter.permit.pace.cancel(waiter.permit)
            self._serve(self._lines[waiter.expected.model])

    def _serve(self, line: Line, asking: Waiter | None = None) -> float:
        """Let go who may; returns how long the next one has to wait, in seconds."""
        now = time.monotonic()
        while line.waiting:
            first = line.waiting[0]
            wait_s = 0.0 if first.gone else line.pace.wait_s(first.expected, now)
            if wait_s > 0:
                if first is not asking:
                    first.wake()
                if first.gone:
                    continue
                return min(wait_s, LOOK_AGAIN_S)
            line.waiting.popleft()
            if not first.gone:
                first.permit = line.pace.start(first.expected, now)
                if first is not asking:
                    first.wake()
                if first.gone:
                    line.pace.cancel(first.permit)
        return LOOK_AGAIN_S


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None], waiter: Waiter) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop is closed, and whoever waited on it is gone
        waiter.gone = True


def _check(watch: Watch) -> None:
    if watch.hung_up:
        raise LexiluxConnectionError("the call was given up while it waited", retryable=False)


def checked_pacer(pacing: object) -> Pacer | None:
    """The pacer that the option means.

    Raises:
        ValidationError: It is neither a Pacer nor a bool.
    """
    if isinstance(pacing, Pacer):
        return pacing
    if pacing is not None and not isinstance(pacing, bool):
        raise ValidationError(f"pacing is True, False or a Pacer: {pacing!r}")
    return Pacer() if pacing else None
