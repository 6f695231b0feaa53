"""The time limits of one call, and which of them strikes first."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from ..values.errors import LexiluxTimeoutError
from ..values.timeouts import Timeouts

EARLY_S = 0.002
"""A socket may wake this much before the instant that it was to wait for."""

_WORDS = {
    "connect_timeout_s": "no connection stood after {:g} s",
    "read_timeout_s": "the server was silent, or its response head unfinished, for {:g} s",
    "first_content_timeout_s": "no content came within {:g} s of the request",
    "idle_timeout_s": "no content came for {:g} s",
    "deadline_s": "the call was not done after {:g} s",
}


class Watch:
    """Instants by which things must have happened, on the monotonic clock.

    Both worlds keep one per call; the network streams ask it how long they may wait.
    """

    __slots__ = (
        "_asking",
        "_connect",
        "_content",
        "_content_limit",
        "_deadline",
        "_head",
        "_nearest",
        "granted",
        "hung_up",
        "limits",
        "line",
    )

    def __init__(self, timeouts: Timeouts) -> None:
        self.limits = timeouts
        self.line: Any = None
        """The network stream of a request whose response head has not come yet."""
        self.hung_up = False
        """Whether the caller has given the call up: a connection that ends now is not replaced."""
        self.granted: Any = None
        """What the pacer gave for the last request, where there is one."""
        self._deadline: float = _from_now(timeouts.deadline_s)
        self._nearest: float = self._deadline
        self._connect = self._head = self._content = math.inf
        self._content_limit = "first_content_timeout_s"
        self._asking = False

    def start(self, *, stream: bool) -> None:
        """A request is about to be sent."""
        self._asking = True
        self._connect = self._head = self._content = math.inf
        if stream:
            self._content_limit = "first_content_timeout_s"
            self._content = _from_now(self.limits.first_content_timeout_s)
        self._look()

    def connecting(self) -> None:
        """A new connection is needed; its limit covers TLS too."""
        self._connect = _from_now(self.limits.connect_timeout_s)
        self._look()

    def sent(self, line: Any) -> None:
        """A part of the request is out on `line`: the response head has this long to be whole."""
        self.line = line
        self._connect = math.inf
        if self._asking:
            self._head = _from_now(self.limits.read_timeout_s)
        self._look()

    def headed(self) -> None:
        """The response head is whole; from here on the open response knows its stream."""
        self.line = None
        self._head, self._asking = math.inf, False
        self._look()

    def content(self) -> None:
        """Content has come: from now on the idle limit counts."""
        self._content_limit = "idle_timeout_s"
        if self._content < math.inf or self.limits.idle_timeout_s is not None:
            self._content = _from_now(self.limits.idle_timeout_s)
            self._look()

    def keep_deadline_of(self, other: Watch) -> None:
        """Take the place of another watch in the same call."""
        self._deadline = other._deadline
        self._look()
        self.limits = replace(self.limits, deadline_s=other.limits.deadline_s)

    def forgive(self, seconds: float) -> None:
        """Time that nobody is to be blamed for: a wait for the rate limiter."""
        self._deadline += seconds
        self._look()

    @contextmanager
    def hurried(self, seconds: float) -> Generator[None, None, None]:
        """Inside, everything together may take this long at the most."""
        deadline = self._deadline
        self._deadline = min(deadline, time.monotonic() + seconds)
        self._look()
        try:
            yield
        finally:
            self._deadline = deadline
            self._look()

    def _look(self) -> None:
        """Find the next limit, so that a read need not."""
        self._nearest = min(self._connect, self._head, self._content, self._deadline)

    def left(self) -> float:
        """Seconds until the next limit strikes; infinite without one, negative after it."""
        return self._nearest - time.monotonic() if self._nearest < math.inf else math.inf

    def within(self, timeout: float | None) -> float | None:
        """`timeout`, or what is left if that is less: the most that one socket call may take."""
        if self._nearest == math.inf:
            return timeout
        left = self._nearest - time.monotonic()
        return left if timeout is None or left < timeout else timeout

    def check(self) -> None:
        """Raise if a limit has struck.

        Raises:
            LexiluxTimeoutError: It says which one.
        """
        if self._nearest < math.inf and self.left() <= 0:
            raise self.struck("read_timeout_s")

    def refuse_sleep(self, seconds: float) -> None:
        """Raise if a sleep of `seconds` would end after the deadline.

        Raises:
            LexiluxTimeoutError: It does not fit; nothing was slept.
        """
        if time.monotonic() + seconds >= self._deadline:
            raise _timed_out("deadline_s", self.limits.deadline_s)

    def struck(self, otherwise: str) -> LexiluxTimeoutError:
        """The error for the limit that has passed; `otherwise` names a socket's own limit."""
        instants = {
            "deadline_s": self._deadline,
            self._content_limit: self._content,
            "read_timeout_s": self._head,
            "connect_timeout_s": self._connect,
        }
        name = min(instants, key=lambda each: instants[each])
        if instants[name] > time.monotonic() + EARLY_S:
            name = otherwise
        return _timed_out(name, getattr(self.limits, name))


def _from_now(seconds: float | None) -> float:
    return math.inf if seconds is None else time.monotonic() + seconds


def _timed_out(name: str, limit_s: float | None) -> LexiluxTimeoutError:
    words = _WORDS[name].format(limit_s or 0.0)
    return LexiluxTimeoutError(
        f"{words} ({name}={limit_s!r}); raise it, or pass None for no limit",
        timeout=name,
        limit_s=limit_s,
        retryable=name != "deadline_s",
    )


UNLIMITED = Watch(Timeouts())
current: ContextVar[Watch] = ContextVar("lexilux_like_watch")
"""The watch of the request that this thread or task sends over httpcore."""
