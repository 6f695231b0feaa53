"""Connections of the fast engine for threads: sockets that never block, and `poll`."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .fast_errors import (
    ClosedIdleError,
    ConnectError,
    ConnectTimeout,
    ReadTimeout,
    WriteTimeout,
)
from .fast_message import Message
from .fast_shelf import Shelf, poller, wait_writable
from .watch import Watch

if TYPE_CHECKING:
    import ssl

READ_BYTES = 64 * 1024
JOINED_BYTES = 16 * 1024
"""Up to this size a body is sent together with its head, at the price of a copy."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead. `tls` is None for http."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Line:
    """One connection. One request uses it at a time."""

    __slots__ = ("_pid", "_readable", "_sock", "message", "served", "since")

    would_block: ClassVar[tuple[type[OSError], ...]] = (BlockingIOError,)
    """What the socket raises where it would have to wait."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0.0)
        self._sock = sock
        self._readable = poller(sock)
        self._pid = os.getpid()
        self.message = Message()
        self.served = False
        self.since = 0.0

    def receive(self, watch: Watch) -> bytes:
        """Bytes as the socket has them, decrypted; empty at the end of the connection.

        Raises:
            ReadTimeout: Nothing came for so long as the server may be silent.
            OSError: The connection broke.
        """
        if not self.message.answered:  # it was only just asked: there is nothing yet
            self._wait(watch, self._readable)
        while True:
            try:
                return self._sock.recv(READ_BYTES)
            except BlockingIOError:
                self._wait(watch, self._readable)

    def send(self, data: bytes, watch: Watch) -> None:
        """Send all of `data`.

        Raises:
            WriteTimeout: The server took nothing for so long as it may be silent.
            OSError: The connection broke.
        """
        left = memoryview(data)
        while left:
            try:
                left = left[self._sock.send(left) :]
            except self.would_block as blocked:
                within = watch.within(watch.limits.read_timeout_s)
                if (within is not None and within <= 0) or not self._ready(blocked, within):
                    raise WriteTimeout from None

    def stale(self) -> bool:
        """Whether there is something to read, though nothing was asked."""
        return self._readable(0)

    def shut(self) -> None:
        """End the connection from any thread: the server and whoever reads notice at once.

        In a forked child the connection is the parent's, and is left alone.
        """
        if os.getpid() == self._pid:
            with suppress(OSError):
                # Past SSLSocket.shutdown, which would take the TLS state from the thread reading.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close the socket. Only for whoever has the connection to himself."""
        self.message.close()
        with suppress(OSError):
            self._sock.close()

    def _ready(self, blocked: OSError, within: float | None) -> bool:
        """Wait for what the socket said it lacks; False when that does not come in time."""
        del blocked
        return wait_writable(self._sock, within)

    def _wait(self, watch: Watch, ready: Callable[[float | None], bool]) -> None:
        within = watch.within(watch.limits.read_timeout_s)
        if (within is not None and within <= 0) or not ready(within):
            raise ReadTimeout


class Exchange:
    """One request and its response, on a connection that it gives back."""

    __slots__ = ("_line", "_lines", "_watch", "hung_up", "message", "whole")

    def __init__(self, lines: Lines, line: Line, watch: Watch) -> None:
        self._lines = lines
        self._line: Line | None = line
        self.message: Message | None = line.message
        """The response as far as it came; None once closed."""
        self._watch = watch
        self.hung_up = False
        self.whole = False

    def ask(self, head: bytes, body: bytes, *, bodiless: bool) -> Message:
        """Send the request and wait for the head of its response."""
        line, watch = self._line, self._watch
        assert line is not None
        message = line.message
        watch.line = self
        message.expect(bodiless=bodiless)
        try:
            if len(body) <= JOINED_BYTES:
                line.send(head + body, watch)
            else:
                line.send(head, watch)
                line.send(body, watch)
            self.whole = True
        except TimeoutError:
            raise
        except OSError:  # the server may have answered before it hung up
            pass
        watch.sent(self)
        while not message.headed:
            self._more(line)
        return message

    def read(self) -> bytes:
        """The next bytes of the body; empty at its end, and once closed."""
        line = self._line
        if line is None:
            return b""
        message = line.message
        while not message.pieces:
            if message.done:
                return b""
            self._more(line)
        return message.take()

    def close(self) -> None:
        """Give the connection back if its response was read to the end, or close it."""
        line, message = self._line, self.message
        self._line = self.message = None
        if line is None or message is None:
            return
        clean = self.whole and message.done and message.keep and not message.surplus
        self._lines.give_back(line, keep=clean and not self.hung_up)

    def shutdown(self, how: int) -> None:
        """What a socket calls it; for `hang_up`, from any thread."""
        del how
        self.hung_up = True
        if (line := self._line) is not None:
            line.shut()

    def get_extra_info(self, info: str) -> Exchange | None:
        """What a network stream of httpcore has: this stands in for its socket."""
        return self if info == "socket" else None

    def _more(self, line: Line) -> None:
        """Take in what comes next.

        Raises:
            ClosedIdleError: A kept connection ended in place of an answer.
        """
        message = line.message
        if message.error is not None:
            raise message.error
        try:
            data = line.receive(self._watch)
        except TimeoutError:
            raise
        except OSError as error:
            if message.error is not None:  # another thread has closed it
                raise message.error from error
            if line.served and not message.answered and not self.hung_up:
                raise ClosedIdleError("the connection was given up") from error
            raise
        if data:
            message.feed(data)
        elif line.served and not message.answered and not self.hung_up:
            raise ClosedIdleError("the connection was given up")
        else:
            message.end()


class Lines:
    """All connections to one origin, for any number of threads."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._idle: Shelf[Line] = Shelf()
        self._busy: set[Line] = set()
        self._closed = False

    def ask(self, head: bytes, body: bytes, watch: Watch, *, bodiless: bool = False) -> Exchange:
        """Send a request; returns when the head of its response is there.

        A kept connection that its server has given up is replaced: nobody was listening, and
        that is no attempt of the caller's.
        """
        while True:
            line = self._idle.take() or _connected(self._origin, watch)
            self._busy.add(line)
            exchange = Exchange(self, line, watch)
            try:
                exchange.ask(head, body, bodiless=bodiless)
            except ClosedIdleError:
                exchange.close()
                if self._closed:
                    raise
            except BaseException:
                exchange.close()
                raise
            else:
                return exchange

    def give_back(self, line: Line, *, keep: bool) -> None:
        """Keep a connection for the next request, or close it."""
        self._busy.discard(line)
        if keep and not self._closed:
            line.served = True
            self._idle.put(line)
        else:
            line.drop()

    def close(self) -> None:
        """Close all connections; whoever reads on one gets an error at once."""
        self._closed = True
        for line in list(self._busy):
            line.shut()
        self._drop_all()

    def __del__(self) -> None:
        self._drop_all()

    def _drop_all(self) -> None:
        self._idle.clear()
        while self._busy:
            with suppress(KeyError):
                self._busy.pop().drop()


def _connected(origin: Origin, watch: Watch) -> Line:
    """A new connection, TLS included, within what the watch has left."""
    watch.connecting()
    try:
        sock = _tcp(origin, watch)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.tls is None:
                return Line(sock)
            from .fast_tls import TlsLine  # noqa: PLC0415 - only https needs it

            sock.settimeout(_left(watch))
            return TlsLine(origin.tls.wrap_socket(sock, server_hostname=origin.host))
        except BaseException:
            sock.close()
            raise
    except TimeoutError:
        raise ConnectTimeout from None
    except OSError as error:
        raise ConnectError(str(error)) from error


def _tcp(origin: Origin, watch: Watch) -> socket.socket:
    """The first of the host's addresses that answers."""
    failure: OSError = OSError("the host has no address")
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(watch))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


def _left(watch: Watch) -> float | None:
    left = watch.within(None)
    if left is not None and left <= 0:
        raise ConnectTimeout
    return left
