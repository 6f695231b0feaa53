"""What an HTTP engine must do: a small protocol, so that another one can stand in.

An engine sends a request and gives its response back open; the world that asked
for it reads and closes it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from ..wire.http import Request
from .watch import Watch

KEEPALIVE_S = 4.0
"""An idle connection is not used again after this: many servers close theirs after 5 s."""
DRAIN_S = 0.03
"""How long a body may take to end after the answer has."""


class Opened:
    """An open response of a sync engine."""

    __slots__ = ("_close", "_stream", "headers", "read", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        read: Callable[[], bytes],
        close: Callable[[], None],
        stream: Any,
    ) -> None:
        self.status = status
        self.headers = headers
        self.read = read
        """The next bytes of the body, still compressed; empty at its end."""
        self._close = close
        self._stream = stream

    def close(self) -> None:
        """Give the connection back; it is kept only when the body was read to its end."""
        self._close()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this too when it is closed; perhaps several times, and by the garbage collector."""
        close = self._close

        def both() -> None:
            try:
                close()
            finally:
                call()

        self._close = both

    def hang_up(self) -> None:
        """Shut the socket, so that the server and a reader on another thread notice at once.

        Takes no lock: the garbage collector may call it while this very thread holds one.
        """
        shut(self._stream)


def shut(stream: Any) -> None:
    """Shut the socket of a network stream; None has none. Takes no lock and never raises."""
    found = None if stream is None else stream.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


class AsyncOpened:
    """An open response of an async engine."""

    __slots__ = ("_close", "headers", "read", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        read: Callable[[], Awaitable[bytes]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.status = status
        self.headers = headers
        self.read = read
        """`Opened.read`, to be awaited."""
        self._close = close

    async def aclose(self) -> None:
        """`Opened.close`, async."""
        await self._close()

    def afterwards(self, call: Callable[[], None]) -> None:
        """`Opened.afterwards`; the call itself is not async."""
        close = self._close

        async def both() -> None:
            try:
                await close()
            finally:
                call()

        self._close = both


class Engine(Protocol):
    """Sends requests for threads. One engine serves many of them at once."""

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        """Send; returns when the response head is there. Raises what its library raises."""
        ...

    def drain(self, opened: Opened, watch: Watch) -> None:
        """Read to the end of a body that should end at once; whoever asked closes it then."""
        ...

    def abandon(self, opened: Opened) -> None:
        """Take an open response from the garbage collector; never blocks."""
        ...

    def close(self) -> None: ...


class AsyncEngine(Protocol):
    """Sends requests on one event loop."""

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened: ...

    async def drain(self, opened: AsyncOpened, watch: Watch) -> None: ...

    async def aclose(self) -> None: ...


def header_dict(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Response header fields, names in lower case, repeated ones joined by commas.

    A response without a Date gets the time it was received, as RFC 9110 section 6.6.1 asks,
    where a date in it is to be understood.
    """
    found: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    if "retry-after" in found and "date" not in found:
        from email.utils import formatdate  # noqa: PLC0415 - rare, and takes its time to load

        found["date"] = formatdate(usegmt=True)
    return found


def timeout_extension(watch: Watch) -> dict[str, float | None]:
    """httpx's timeouts for one request; waiting for a connection has none."""
    limits = watch.limits
    read = limits.read_timeout_s
    return {"connect": limits.connect_timeout_s, "read": read, "write": read, "pool": None}
