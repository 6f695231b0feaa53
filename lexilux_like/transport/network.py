"""Sockets that obey the watch of the call they serve.

httpcore gives each socket call the same fixed time, so that a server which sends a
byte now and then is never late. These streams ask the call's own watch instead.
They stand behind httpcore's public interface for network backends.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TypeAlias

import httpcore

from .watch import UNLIMITED, Watch, current

SocketOption: TypeAlias = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


MOST_WAITING = 64 * 1024
"""Bytes of a request that are held back, at most, so that its parts leave in one go."""


class ClosedIdleError(httpcore.ReadError):
    """A kept connection was closed before it said anything: the server had given it up."""


class WatchedBackend(httpcore.NetworkBackend):
    """Opens connections within the time that the current call has left."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        within = _connecting(timeout)
        return WatchedStream(
            self._backend.connect_tcp(host, port, within, local_address, socket_options)
        )


class WatchedStream(httpcore.NetworkStream):
    """A connection; `answered` says whether bytes were read since the last write.

    It serves one call at a time: the one that wrote last, whose watch its reads ask too.

    httpcore writes the head of a request and its body apart. They wait here for the first read, so
    that they leave in one go.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._waiting = b""
        self._watch = current.get(UNLIMITED)
        self.answered = True
        self.served = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._waiting:
            with suppress(httpcore.WriteError):  # there may be an answer all the same
                self._flush(timeout)
        try:
            within = _within(self._watch, timeout, httpcore.ReadTimeout)
            data = self._stream.read(max_bytes, within)
        except httpcore.ReadError as error:
            raise _read_error(self, error) from error
        _received(self, data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.answered = False
        self._waiting += buffer
        if len(self._waiting) > MOST_WAITING:
            self._flush(timeout)
        self._watch = current.get(UNLIMITED)
        self._watch.sent(self)

    def _flush(self, timeout: float | None) -> None:
        waiting, self._waiting = self._waiting, b""
        self._stream.write(waiting, _within(self._watch, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        if self._waiting:
            self._flush(timeout)
        within = _within(self._watch, timeout, httpcore.ConnectTimeout)
        return WatchedStream(self._stream.start_tls(ssl_context, server_hostname, within))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncWatchedBackend(httpcore.AsyncNetworkBackend):
    """`WatchedBackend`, async."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        within = _connecting(timeout)
        return AsyncWatchedStream(
            await self._backend.connect_tcp(host, port, within, local_address, socket_options)
        )


class AsyncWatchedStream(httpcore.AsyncNetworkStream):
    """`WatchedStream`, async."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._waiting = b""
        self._watch = current.get(UNLIMITED)
        self.answered = True
        self.served = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._waiting:
            with suppress(httpcore.WriteError):  # there may be an answer all the same
                await self._flush(timeout)
        try:
            within = _within(self._watch, timeout, httpcore.ReadTimeout)
            data = await self._stream.read(max_bytes, within)
        except httpcore.ReadError as error:
            raise _read_error(self, error) from error
        _received(self, data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.answered = False
        self._waiting += buffer
        if len(self._waiting) > MOST_WAITING:
            await self._flush(timeout)
        self._watch = current.get(UNLIMITED)
        self._watch.sent(self)

    async def _flush(self, timeout: float | None) -> None:
        waiting, self._waiting = self._waiting, b""
        await self._stream.write(waiting, _within(self._watch, timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if self._waiting:
            await self._flush(timeout)
        within = _within(self._watch, timeout, httpcore.ConnectTimeout)
        return AsyncWatchedStream(
            await self._stream.start_tls(ssl_context, server_hostname, within)
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _received(stream: WatchedStream | AsyncWatchedStream, data: bytes) -> None:
    """Note that bytes came, or that the end of the connection did.

    Raises:
        ClosedIdleError: The end came in place of an answer, on a connection that has served before.
    """
    if not data and stream.served and not stream.answered:
        raise ClosedIdleError
    stream.answered = True
    stream.served = stream.served or bool(data)


def _read_error(
    stream: WatchedStream | AsyncWatchedStream, error: httpcore.ReadError
) -> httpcore.ReadError:
    return ClosedIdleError(*error.args) if stream.served and not stream.answered else error


def _connecting(timeout: float | None) -> float | None:
    watch = current.get(UNLIMITED)
    watch.connecting()
    return _within(watch, timeout, httpcore.ConnectTimeout)


def _within(watch: Watch, timeout: float | None, error: type[Exception]) -> float | None:
    """What this socket call may take; raises `error` when no time is left."""
    within = watch.within(timeout)
    if within is not None and within <= 0:
        raise error
    return within
