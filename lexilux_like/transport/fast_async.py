"""Connections of the fast engine for an event loop: one protocol object each."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, cast

from .fast_errors import (
    ClosedIdleError,
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteTimeout,
)
from .fast_message import Message
from .fast_shelf import Shelf, poller
from .fast_sync import JOINED_BYTES, READ_BYTES, Origin
from .watch import Watch

HELD_BYTES = 256 * 1024
"""With more than this unread, the socket is not read until somebody takes it."""
SLICE_BYTES = 256 * 1024
"""What is handed to the transport at a time, so that a slow upload that goes on is no silence."""
NEVER_S = 86_400.0
"""asyncio wants a limit for TLS; the watch of the call is the one that counts."""


class Line(asyncio.BufferedProtocol):
    """One connection. One request uses it at a time.

    Args:
        loop: The one it lives on.
        siblings: The open connections, of which it is one until it is lost.
        buffer: What the loop reads into. All lines of a loop may share one, because what was
            read is parsed at once. A `memoryview`: asyncio's TLS would fill a copy of anything
            else.
    """

    __slots__ = (
        "_buffer",
        "_full",
        "_held",
        "_limit",
        "_loop",
        "_lost",
        "_paused",
        "_readable",
        "_siblings",
        "_tick_at",
        "_timer",
        "_transport",
        "_waiter",
        "dropped",
        "message",
        "served",
        "since",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, siblings: set[Line], buffer: memoryview
    ) -> None:
        self._loop = loop
        self._siblings = siblings
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._readable: Callable[[float | None], bool] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._limit = self._tick_at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._held = 0
        self._paused = False
        self._full = False
        self._lost: asyncio.Future[None] | None = None
        self.message = Message()
        self.dropped = False
        self.served = False
        self.since = 0.0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._siblings.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        message = self.message
        if message.done:  # nobody asked for this
            message.surplus = True
            self.drop()
            return
        message.feed(self._buffer[:nbytes])
        self._held += nbytes
        if self._held > HELD_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.message.end()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.message.end()
        else:
            self.message.fail(exc)
        self._forget()
        self._siblings.discard(self)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    # What an exchange calls.

    async def send(self, data: bytes, watch: Watch) -> bool:
        """Send `data`; says whether all of it went out, which it does not on a broken line.

        Raises:
            WriteTimeout: The server took nothing for so long as it may be silent.
        """
        view = memoryview(data)
        for start in range(0, len(data), SLICE_BYTES):
            transport = self._transport
            if transport is None or transport.is_closing():
                return False
            transport.write(data if len(data) <= SLICE_BYTES else view[start:][:SLICE_BYTES])
            while self._full and self._transport is not None:
                try:
                    await self.arrival(watch.within(watch.limits.read_timeout_s))
                except ReadTimeout:
                    raise WriteTimeout from None
        return self._transport is not None

    def arrival(self, within: float | None) -> asyncio.Future[None]:
        """What is done when something has happened on the line.

        It fails with a `ReadTimeout` when nothing has within so many seconds.
        """
        waiter = self._waiter = self._loop.create_future()
        if within is None:
            self._limit = math.inf
        elif within > 0:
            self._limit = time.monotonic() + within
            if self._limit < self._tick_at:
                self._tick_in(within)
        else:
            waiter.set_exception(ReadTimeout())
        return waiter

    def take(self) -> bytes:
        """What came of the body since the last time."""
        self._held = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return self.message.take()

    def stale(self) -> bool:
        """Whether it was closed, or has something to read though nothing was asked."""
        transport = self._transport
        if transport is None or transport.is_closing() or self.message.surplus:
            return True
        if self._readable is None:
            sock = transport.get_extra_info("socket")
            self._readable = poller(sock) if sock is not None else lambda _: False
        return self._readable(0)

    def drop(self) -> None:
        """End the connection at once; whoever waits on it gets an error."""
        self.dropped = True
        self.message.fail(ReadError("the connection was closed"))
        if self._transport is not None:
            self._transport.abort()
        self._forget()

    async def lost(self) -> None:
        """Wait until the transport has closed its socket."""
        if self in self._siblings:
            self._lost = self._lost or self._loop.create_future()
            await self._lost

    def _forget(self) -> None:
        self._transport = None
        self.message.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _tick_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tick_at = self._limit
        self._timer = self._loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        """The time of the earliest wait since the timer was set has come; later ones go on.

        One timer serves many waits, because setting one for each would cost more than they do.
        """
        self._timer, self._tick_at = None, math.inf
        waiter = self._waiter
        if waiter is None or waiter.done() or self._limit == math.inf:
            return
        left = self._limit - time.monotonic()
        if left > 0:
            self._tick_in(left)
        else:
            waiter.set_exception(ReadTimeout())


class Exchange:
    """One request and its response, on a connection that it gives back."""

    __slots__ = ("_line", "_lines", "_read_s", "_watch", "message", "whole")

    def __init__(self, lines: Lines, line: Line, watch: Watch) -> None:
        self._lines = lines
        self._line: Line | None = line
        self.message: Message | None = line.message
        """The response as far as it came; None once closed."""
        self._watch = watch
        self._read_s = watch.limits.read_timeout_s
        self.whole = False

    async def ask(self, head: bytes, body: bytes, *, bodiless: bool) -> Message:
        """Send the request and wait for the head of its response."""
        line, watch = self._line, self._watch
        assert line is not None
        message = line.message
        watch.line = self
        message.expect(bodiless=bodiless)
        if len(body) <= JOINED_BYTES:
            self.whole = await line.send(head + body, watch)
        else:
            self.whole = await line.send(head, watch) and await line.send(body, watch)
        watch.sent(self)
        while not message.headed:
            if message.error is not None:
                if line.served and not message.answered and not line.dropped:
                    raise ClosedIdleError from message.error
                raise message.error
            await line.arrival(watch.within(self._read_s))
        return message

    async def read(self) -> bytes:
        """The next bytes of the body; empty at its end, and once closed."""
        line = self._line
        if line is None:
            return b""
        message = line.message
        while not message.pieces:
            if message.done:
                return b""
            if message.error is not None:
                raise message.error
            await line.arrival(self._watch.within(self._read_s))
        return line.take()

    async def aclose(self) -> None:
        """Give the connection back if its response was read to the end, or close it."""
        line, message = self._line, self.message
        self._line = self.message = None
        if line is None or message is None:
            return
        self._lines.give_back(
            line, keep=self.whole and message.done and message.keep and not message.surplus
        )

    def get_extra_info(self, info: str) -> Any:
        """What a network stream of httpcore has; there is nothing to be had."""
        del info


class Lines:
    """All connections of one event loop to one origin."""

    def __init__(self, origin: Origin) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = _connecting(origin, self._loop)
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._idle: Shelf[Line] = Shelf()
        self._open: set[Line] = set()

    async def ask(
        self, head: bytes, body: bytes, watch: Watch, *, bodiless: bool = False
    ) -> Exchange:
        """Send a request; returns when the head of its response is there.

        A kept connection that its server has given up is replaced: nobody was listening, and
        that is no attempt of the caller's.
        """
        while True:
            line = self._idle.take() or await self._connected(watch)
            exchange = Exchange(self, line, watch)
            try:
                await exchange.ask(head, body, bodiless=bodiless)
            except ClosedIdleError:
                await exchange.aclose()
            except BaseException:
                await exchange.aclose()
                raise
            else:
                return exchange

    def give_back(self, line: Line, *, keep: bool) -> None:
        """Keep a connection for the next request, or close it."""
        if keep:
            line.served = True
            self._idle.put(line)
        else:
            line.drop()

    async def aclose(self) -> None:
        """Close all, and wait until the sockets are closed."""
        lines = list(self._open)
        for line in lines:
            line.drop()
        for line in lines:
            await line.lost()

    async def _connected(self, watch: Watch) -> Line:
        """A new connection, TLS included, within what the watch has left."""
        watch.connecting()
        try:
            async with asyncio.timeout(watch.within(None)):
                _, line = await self._loop.create_connection(self._line, **self._options)
        except TimeoutError:
            raise ConnectTimeout from None
        except OSError as error:
            raise ConnectError(str(error)) from error
        return line

    def _line(self) -> Line:
        return Line(self._loop, self._open, self._buffer)


def _connecting(origin: Origin, loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """What `loop.create_connection` is told."""
    options: dict[str, Any] = {"host": origin.host, "port": origin.port}
    if origin.tls is not None:
        options |= {"ssl": origin.tls, "server_hostname": origin.host}
        options |= {"ssl_handshake_timeout": NEVER_S}
    if isinstance(loop, asyncio.BaseEventLoop) and not _is_address(origin.host):
        options |= {"happy_eyeballs_delay": 0.25}
    return options


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ip_address(host)
        return True
    return False
