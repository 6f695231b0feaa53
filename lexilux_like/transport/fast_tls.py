"""Connections of the fast engine for threads, over TLS."""

from __future__ import annotations

import ssl
from functools import partial

from .fast_shelf import wait_writable
from .fast_sync import READ_BYTES, Line
from .watch import Watch


class TlsLine(Line):
    """One connection. TLS may hold bytes that the socket does not show, and wait to say its own."""

    __slots__ = ("_pending",)

    would_block = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

    def __init__(self, sock: ssl.SSLSocket) -> None:
        super().__init__(sock)
        self._pending = sock.pending

    def receive(self, watch: Watch) -> bytes:
        while True:
            try:
                return self._sock.recv(READ_BYTES)
            except ssl.SSLWantWriteError:
                self._wait(watch, partial(wait_writable, self._sock))
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(watch, self._readable)

    def stale(self) -> bool:
        return self._pending() > 0 or super().stale()

    def _ready(self, blocked: OSError, within: float | None) -> bool:
        if isinstance(blocked, ssl.SSLWantReadError):
            return self._readable(within)
        return wait_writable(self._sock, within)
