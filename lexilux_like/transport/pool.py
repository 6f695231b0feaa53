"""The default engine: httpx's own connection pool, without the rest of `httpx.Client`.

What is left out is what must not happen here: redirects, cookies, .netrc, and
credentials that travel to another host. A pool takes time with each request for each of its
connections, and a lock: so each has one connection, and there are as many as requests at once.

A server may close a kept connection at any moment, also while a request is on its way. Where
it does so without a word, on a connection that has served before, the request goes out on
another one: nobody was listening, and that is no attempt of the caller's.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Iterable
from typing import Any, TypeVar

import httpcore

from ..values.errors import LexiluxConnectionError
from ..wire.http import Request
from .endpoint import Endpoint
from .engine import (
    DRAIN_S,
    KEEPALIVE_S,
    AsyncOpened,
    Opened,
    header_dict,
    timeout_extension,
)
from .network import (
    AsyncWatchedBackend,
    AsyncWatchedStream,
    ClosedIdleError,
    WatchedBackend,
    WatchedStream,
)
from .route import Route
from .watch import Watch

Pool = TypeVar("Pool", httpcore.ConnectionPool, httpcore.AsyncConnectionPool)


class PoolEngine:
    """Threads' engine."""

    def __init__(self, route: Route) -> None:
        self._endpoint = route.endpoint
        self._options = _pool_options(route)
        self._backend = WatchedBackend(httpcore.SyncBackend())
        self._pools: set[httpcore.ConnectionPool] = set()
        self._idle: deque[tuple[float, httpcore.ConnectionPool]] = deque()  # the oldest first
        self._abandoned: deque[Opened] = deque()

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        self._close_abandoned()
        outgoing = _outgoing(self._endpoint, request, watch, accept)
        pool = self._take()
        response: httpcore.Response | None = None
        try:
            while response is None:  # each round drops a connection that the server has closed
                try:
                    response = pool.handle_request(outgoing)
                except ClosedIdleError:
                    if watch.hung_up:
                        raise
        except BaseException:
            self._give_back(pool)
            raise
        stream = _network_stream(response)
        closed = False

        def close() -> None:
            nonlocal closed
            try:
                response.close()
            finally:
                if not closed:
                    closed = True
                    self._give_back(pool)

        assert isinstance(response.stream, Iterable)
        headers = header_dict(response.headers)
        opened = Opened(response.status, headers, iter(response.stream), close, stream)
        if isinstance(stream, WatchedStream) and not stream.answered:
            opened.close()
            raise _stale()
        return opened

    def drain(self, opened: Opened, watch: Watch) -> None:
        with watch.hurried(DRAIN_S), contextlib.suppress(httpcore.ReadTimeout):
            while opened.read():
                pass

    def abandon(self, opened: Opened) -> None:
        opened.hang_up()
        self._abandoned.append(opened)

    def close(self) -> None:
        self._close_abandoned()
        while self._pools:
            self._pools.pop().close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half made, or the interpreter is going down
            self.close()

    def _close_abandoned(self) -> None:
        while self._abandoned:
            with contextlib.suppress(IndexError):
                self._abandoned.popleft().close()

    def _take(self) -> httpcore.ConnectionPool:
        """The pool that was used last, whose connection is the warmest; a new one where all are."""
        oldest = time.monotonic() - KEEPALIVE_S
        while (pool := _expired(self._idle, oldest)) is not None:
            self._pools.discard(pool)
            pool.close()
        try:
            return self._idle.pop()[1]
        except IndexError:
            pool = httpcore.ConnectionPool(network_backend=self._backend, **self._options)
            self._pools.add(pool)
            return pool

    def _give_back(self, pool: httpcore.ConnectionPool) -> None:
        if pool.connections:
            self._idle.append((time.monotonic(), pool))
        else:
            self._pools.discard(pool)


class AsyncPoolEngine:
    """One event loop's engine."""

    def __init__(self, route: Route) -> None:
        self._endpoint = route.endpoint
        self._options = _pool_options(route)
        self._backend = AsyncWatchedBackend(httpcore.AnyIOBackend())  # pyright: ignore[reportArgumentType]
        self._pools: set[httpcore.AsyncConnectionPool] = set()
        self._idle: deque[tuple[float, httpcore.AsyncConnectionPool]] = deque()  # the oldest first
        self._end = self._closes_with_the_loop()
        self._started = False

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened:
        if not self._started:
            self._started = True
            await anext(self._end)
        outgoing = _outgoing(self._endpoint, request, watch, accept)
        pool = await self._take()
        response: httpcore.Response | None = None
        try:
            while response is None:  # each round drops a connection that the server has closed
                try:
                    response = await pool.handle_async_request(outgoing)
                except ClosedIdleError:
                    if watch.hung_up:
                        raise
        except BaseException:
            self._give_back(pool)
            raise
        stream = _network_stream(response)
        closed = False

        async def aclose() -> None:
            nonlocal closed
            try:
                await response.aclose()
            finally:
                if not closed:
                    closed = True
                    self._give_back(pool)

        assert isinstance(response.stream, AsyncIterable)
        headers = header_dict(response.headers)
        opened = AsyncOpened(response.status, headers, aiter(response.stream), aclose)
        if isinstance(stream, AsyncWatchedStream) and not stream.answered:
            await opened.aclose()
            raise _stale()
        return opened

    def read(self, opened: AsyncOpened, watch: Watch) -> Awaitable[bytes]:
        del watch  # the network streams ask it themselves
        return opened.read()

    async def drain(self, opened: AsyncOpened, watch: Watch) -> None:
        with watch.hurried(DRAIN_S), contextlib.suppress(httpcore.ReadTimeout):
            while await opened.read():
                pass

    async def aclose(self) -> None:
        await self._end.aclose()
        await self._close_pools()

    async def _closes_with_the_loop(self) -> AsyncGenerator[None, None]:
        """Close the connections when `asyncio.run` ends.

        The loop finishes every async generator that was started on it before it closes;
        that is the only notice that an event loop gives.
        """
        try:
            yield
        finally:
            await self._close_pools()

    async def _close_pools(self) -> None:
        while self._pools:
            await self._pools.pop().aclose()

    async def _take(self) -> httpcore.AsyncConnectionPool:
        """`PoolEngine._take`, async."""
        oldest = time.monotonic() - KEEPALIVE_S
        while (pool := _expired(self._idle, oldest)) is not None:
            self._pools.discard(pool)
            await pool.aclose()
        try:
            return self._idle.pop()[1]
        except IndexError:
            pool = httpcore.AsyncConnectionPool(network_backend=self._backend, **self._options)
            self._pools.add(pool)
            return pool

    def _give_back(self, pool: httpcore.AsyncConnectionPool) -> None:
        if pool.connections:
            self._idle.append((time.monotonic(), pool))
        else:
            self._pools.discard(pool)


def _expired(idle: deque[tuple[float, Pool]], oldest: float) -> Pool | None:
    """Take out the pool that has been idle for longest, if that is since before `oldest`."""
    try:
        since, pool = idle.popleft()
    except IndexError:
        return None
    if since < oldest:
        return pool
    idle.appendleft((since, pool))
    return None


def _network_stream(response: Any) -> Any:
    """The socket underneath; httpcore leaves the type of its extensions open."""
    return response.extensions["network_stream"]


def _stale() -> LexiluxConnectionError:
    return LexiluxConnectionError(
        "the connection held an answer that came before the request was sent; it was dropped"
    )


def _pool_options(route: Route) -> dict[str, Any]:
    """Keyword arguments for httpcore's pools."""
    return {
        "ssl_context": route.tls(),
        "proxy": route.proxy,
        "max_connections": None,
        "max_keepalive_connections": 1,
        "keepalive_expiry": KEEPALIVE_S,
    }


def _outgoing(endpoint: Endpoint, request: Request, watch: Watch, accept: str) -> httpcore.Request:
    """The request as httpcore wants it."""
    place = endpoint.target
    return httpcore.Request(
        b"POST",
        httpcore.URL(
            scheme=place.scheme.encode(),
            host=place.host.encode(),
            port=place.port,
            target=endpoint.path(request).encode("ascii"),
        ),
        headers=endpoint.header_fields(request, accept=accept),
        content=request.body,
        extensions={"timeout": timeout_extension(watch)},
    )
