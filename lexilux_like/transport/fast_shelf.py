"""Connections that wait for their next request. Nothing in here takes a lock."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from .engine import KEEPALIVE_S


class Keepable(Protocol):
    """A connection of either kind."""

    since: float
    """When it was put on the shelf."""

    def stale(self) -> bool:
        """Whether its server has closed it, or has said something that nobody asked for."""
        ...

    def drop(self) -> None:
        """Close it; never blocks."""
        ...


L = TypeVar("L", bound=Keepable)


class Shelf(Generic[L]):
    """Idle connections, the last one used on top. Many threads may use it at once."""

    def __init__(self) -> None:
        self._lines: deque[L] = deque()

    def put(self, line: L) -> None:
        """Keep a connection for the next request."""
        line.since = time.monotonic()
        self._lines.append(line)

    def take(self) -> L | None:
        """A connection that can serve a request; those that cannot any more are closed."""
        lines = self._lines
        oldest = time.monotonic() - KEEPALIVE_S
        try:
            while True:
                line = lines.pop()
                if line.since >= oldest and not line.stale():
                    break
                line.drop()
        except IndexError:
            return None
        self._drop_older_than(oldest)
        return line

    def clear(self) -> None:
        """Close all."""
        self._drop_older_than(time.monotonic() + 1)

    def _drop_older_than(self, oldest: float) -> None:
        lines = self._lines
        try:
            while lines[0].since < oldest:
                line = lines.popleft()
                if line.since >= oldest:  # another thread has taken the one that was looked at
                    lines.appendleft(line)
                    return
                line.drop()
        except IndexError:
            return


def poller(sock: Any) -> Callable[[float | None], bool]:
    """A function that waits until the socket is readable, so many seconds at most.

    It says whether it is; an end of the connection and an error count as readable.
    """
    if not hasattr(select, "poll"):  # Windows
        return lambda seconds: bool(select.select([sock], [], [], seconds)[0])
    watched = select.poll()
    watched.register(sock, select.POLLIN)
    poll = watched.poll
    return lambda seconds: bool(poll(None if seconds is None else seconds * 1000))


def wait_writable(sock: Any, seconds: float | None) -> bool:
    """Wait until the socket takes more bytes; False when it does not in time."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([], [sock], [], seconds)[1])
    watched = select.poll()
    watched.register(sock, select.POLLOUT)
    return bool(watched.poll(None if seconds is None else seconds * 1000))
