"""Admission: no window of `time_period` seconds has more than `max_rate` requests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from aiolimiter import AsyncLimiter

from ..values.errors import ValidationError
from ..values.timeouts import is_number
from .fork import in_children


@runtime_checkable
class Limiter(Protocol):
    """What `rate_limit=` takes: something that requests wait for, one by one."""

    def acquire(self) -> float:
        """Block until one more request is within the rate; returns the seconds waited."""
        ...

    async def aacquire(self) -> float:
        """`acquire`, async."""
        ...


class RateLimiter:
    """A strict sliding window, shared by threads, event loops, streams and retries.

    Each event loop's own queue is an aiolimiter, so that a loop with 100,000 waiting
    tasks does not book the shared window for hours; who comes out of it, and every
    thread, takes a turn in the window. (aiolimiter alone belongs to one loop, and lets
    up to twice `max_rate` requests through in the first period.)

    Args:
        max_rate: Requests, at least 1.
        time_period: Seconds, more than 0.

    Raises:
        ValidationError: One of them is out of bounds.
    """

    def __init__(self, max_rate: float, time_period: float = 60.0) -> None:
        self.max_rate, self.time_period = checked_rate(max_rate, time_period)
        self._turns: deque[float] = deque(maxlen=self.max_rate)
        self._given_back: list[float] = []
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncLimiter]
        self._after_fork()
        in_children(self._after_fork)

    def _after_fork(self) -> None:
        """Start with an open lock: in a forked child nobody is left to open it."""
        self._lock = threading.Lock()
        self._queues = WeakKeyDictionary()

    def acquire(self) -> float:
        """Block until one more request is within the rate; returns the seconds waited."""
        began = time.monotonic()
        turn = self.reserve(began)
        try:
            while (wait := turn - time.monotonic()) > 0:
                time.sleep(wait)
        except BaseException:
            self.give_back(turn)
            raise
        return time.monotonic() - began

    async def aacquire(self) -> float:
        """`acquire`, async."""
        began = time.monotonic()
        await self._queue().acquire()
        turn = self.reserve(time.monotonic())
        try:
            while (wait := turn - time.monotonic()) > 0:
                await asyncio.sleep(wait)
        except BaseException:
            self.give_back(turn)
            raise
        return time.monotonic() - began

    def reserve(self, now: float) -> float:
        """Take the next free turn; returns its instant on the clock of `now`."""
        with self._lock:
            while self._given_back:
                turn = self._given_back.pop(0)
                if turn >= now:
                    return turn
            turn = now
            if len(self._turns) == self.max_rate:
                turn = max(now, self._turns[0] + self.time_period)
            self._turns.append(turn)
            return turn

    def give_back(self, turn: float) -> None:
        """A turn that nobody will use; whoever asks before its instant gets it."""
        with self._lock:
            self._given_back.append(turn)
            self._given_back.sort()

    def _queue(self) -> AsyncLimiter:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._queues:
                self._queues[loop] = AsyncLimiter(self.max_rate, self.time_period)
            return self._queues[loop]

    def __repr__(self) -> str:
        return f"RateLimiter(max_rate={self.max_rate}, time_period={self.time_period:g})"


def checked_rate(max_rate: float, time_period: float) -> tuple[int, float]:
    """A rate, as whole requests in seconds.

    Raises:
        ValidationError: One of them is out of bounds.
    """
    if not (is_number(max_rate) and max_rate >= 1):
        raise ValidationError(f"rate_limit: max_rate must be at least 1, not {max_rate!r}")
    if not (is_number(time_period) and time_period > 0):
        raise ValidationError(
            f"rate_limit: time_period must be a positive number of seconds: {time_period!r}"
        )
    return int(max_rate), float(time_period)


def checked_limiter(limit: tuple[float, float] | Limiter) -> Limiter:
    """The limiter that the option means.

    Raises:
        ValidationError: It is neither a pair of numbers nor a limiter.
    """
    if isinstance(limit, Limiter):
        return limit
    try:
        max_rate, time_period = limit
    except (TypeError, ValueError):
        raise ValidationError(
            f"rate_limit is (requests, seconds), such as (100, 60.0), or a RateLimiter: {limit!r}"
        ) from None
    return RateLimiter(max_rate, time_period)
