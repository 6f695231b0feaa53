"""The default engine: httpx's own connections, without the rest of `httpx.Client`.

What is left out is what must not happen here: redirects, cookies, .netrc, and
credentials that travel to another host. httpcore's pool takes time with each request for each of
its connections, and a lock: so it only makes them here, and what waits for a request is in a deque.

A server may close a kept connection at any moment, also while a request is on its way. Where
it does so without a word, on a connection that has served before, the request goes out on
another one: nobody was listening, and that is no attempt of the caller's.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from functools import partial
from typing import Any, TypeVar

import httpcore
from anyio import CancelScope

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
from .watch import Watch, current

Connection = TypeVar("Connection", httpcore.ConnectionInterface, httpcore.AsyncConnectionInterface)


class PoolEngine:
    """Threads' engine."""

    def __init__(self, route: Route) -> None:
        self._endpoint = route.endpoint
        backend = WatchedBackend(httpcore.SyncBackend())
        self._pool = httpcore.ConnectionPool(network_backend=backend, **_pool_options(route))
        self._origin = _origin(route.endpoint)
        self._connections: set[httpcore.ConnectionInterface] = set()
        self._idle: deque[tuple[float, httpcore.ConnectionInterface]] = deque()  # the oldest first
        self._abandoned: deque[Opened] = deque()

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        self._close_abandoned()
        outgoing = _outgoing(self._endpoint, request, watch, accept)
        token = current.set(watch)
        try:
            connection, response = self._ask(outgoing, watch)
        finally:
            current.reset(token)
        stream = _network_stream(response)
        closed = False

        def close() -> None:
            nonlocal closed
            try:
                response.close()
            finally:
                if not closed:
                    closed = True
                    self._give_back(connection)

        assert isinstance(response.stream, Iterable)
        headers = header_dict(response.headers)
        read = partial(next, iter(response.stream), b"")
        opened = Opened(response.status, headers, read, close, stream)
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
        while self._connections:
            self._connections.pop().close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half made, or the interpreter is going down
            self.close()

    def _close_abandoned(self) -> None:
        while self._abandoned:
            with contextlib.suppress(IndexError):
                self._abandoned.popleft().close()

    def _ask(
        self, outgoing: httpcore.Request, watch: Watch
    ) -> tuple[httpcore.ConnectionInterface, httpcore.Response]:
        """Send; returns the response, and the connection that it comes over."""
        while True:  # each round drops a connection that the server has closed
            connection = self._take()
            try:
                return connection, connection.handle_request(outgoing)
            except ClosedIdleError:
                self._give_back(connection)
                if watch.hung_up:
                    raise
            except BaseException:
                self._give_back(connection)
                raise

    def _take(self) -> httpcore.ConnectionInterface:
        """The connection that was used last, which is the warmest; a new one where all are busy."""
        oldest = time.monotonic() - KEEPALIVE_S
        while (connection := _idle_since(self._idle, oldest)) is not None:
            self._connections.discard(connection)
            connection.close()
        while (connection := _last_used(self._idle)) is not None:
            if not connection.has_expired():
                return connection
            self._connections.discard(connection)
            connection.close()
        connection = self._pool.create_connection(self._origin)
        self._connections.add(connection)
        return connection

    def _give_back(self, connection: httpcore.ConnectionInterface) -> None:
        if connection.is_available():
            self._idle.append((time.monotonic(), connection))
        elif connection.is_closed():
            self._connections.discard(connection)


class AsyncPoolEngine:
    """One event loop's engine."""

    def __init__(self, route: Route) -> None:
        self._endpoint = route.endpoint
        backend = AsyncWatchedBackend(httpcore.AnyIOBackend())  # pyright: ignore[reportArgumentType]
        self._pool = httpcore.AsyncConnectionPool(network_backend=backend, **_pool_options(route))
        self._origin = _origin(route.endpoint)
        self._connections: set[httpcore.AsyncConnectionInterface] = set()
        self._idle: deque[tuple[float, httpcore.AsyncConnectionInterface]] = deque()
        self._end = self._closes_with_the_loop()
        self._started = False

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened:
        if not self._started:
            self._started = True
            await anext(self._end)
        outgoing = _outgoing(self._endpoint, request, watch, accept)
        token = current.set(watch)
        try:
            connection, response = await self._ask(outgoing, watch)
        finally:
            current.reset(token)
        stream = _network_stream(response)
        closed = False

        async def aclose() -> None:
            nonlocal closed
            try:
                with CancelScope(shield=True):
                    await response.aclose()
            finally:
                if not closed:
                    closed = True
                    self._give_back(connection)

        assert isinstance(response.stream, AsyncIterable)
        headers = header_dict(response.headers)
        read = partial(anext, aiter(response.stream), b"")
        opened = AsyncOpened(response.status, headers, read, aclose)
        if isinstance(stream, AsyncWatchedStream) and not stream.answered:
            await opened.aclose()
            raise _stale()
        return opened

    async def drain(self, opened: AsyncOpened, watch: Watch) -> None:
        with watch.hurried(DRAIN_S), contextlib.suppress(httpcore.ReadTimeout):
            while await opened.read():
                pass

    async def aclose(self) -> None:
        await self._end.aclose()
        await self._close_connections()

    async def _closes_with_the_loop(self) -> AsyncGenerator[None, None]:
        """Close the connections when `asyncio.run` ends.

        The loop finishes every async generator that was started on it before it closes;
        that is the only notice that an event loop gives.
        """
        try:
            yield
        finally:
            await self._close_connections()

    async def _close_connections(self) -> None:
        while self._connections:
            await self._connections.pop().aclose()

    async def _ask(
        self, outgoing: httpcore.Request, watch: Watch
    ) -> tuple[httpcore.AsyncConnectionInterface, httpcore.Response]:
        """`PoolEngine._ask`, async."""
        while True:
            connection = await self._take()
            try:
                return connection, await connection.handle_async_request(outgoing)
            except ClosedIdleError:
                self._give_back(connection)
                if watch.hung_up:
                    raise
            except BaseException:
                self._give_back(connection)
                raise

    async def _take(self) -> httpcore.AsyncConnectionInterface:
        """`PoolEngine._take`, async."""
        oldest = time.monotonic() - KEEPALIVE_S
        while (connection := _idle_since(self._idle, oldest)) is not None:
            self._connections.discard(connection)
            await connection.aclose()
        while (connection := _last_used(self._idle)) is not None:
            if not connection.has_expired():
                return connection
            self._connections.discard(connection)
            await connection.aclose()
        connection = self._pool.create_connection(self._origin)
        self._connections.add(connection)
        return connection

    def _give_back(self, connection: httpcore.AsyncConnectionInterface) -> None:
        if connection.is_available():
            self._idle.append((time.monotonic(), connection))
        elif connection.is_closed():
            self._connections.discard(connection)


def _idle_since(idle: deque[tuple[float, Connection]], oldest: float) -> Connection | None:
    """Take out the connection that has been idle for longest, if that is since before `oldest`."""
    try:
        since, connection = idle.popleft()
    except IndexError:
        return None
    if since < oldest:
        return connection
    idle.appendleft((since, connection))
    return None


def _last_used(idle: deque[tuple[float, Connection]]) -> Connection | None:
    """Take out the connection that was used last; None where there is none."""
    try:
        return idle.pop()[1]
    except IndexError:
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
        "keepalive_expiry": KEEPALIVE_S,
    }


def _origin(endpoint: Endpoint) -> httpcore.Origin:
    """Where connections lead, behind the proxy if there is one."""
    place = endpoint.target
    return httpcore.Origin(place.scheme.encode(), place.host.encode(), place.port)


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
