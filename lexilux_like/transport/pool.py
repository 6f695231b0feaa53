"""The default engine: httpx's own connection pool, without the rest of `httpx.Client`.

What is left out is what must not happen here: redirects, cookies, .netrc, and
credentials that travel to another host. A pool slows down with the number of its
connections, so that each one serves few requests at a time, and there are several.

A server may close a kept connection at any moment, also while a request is on its way. Where
it does so without a word, on a connection that has served before, the request goes out on
another one: nobody was listening, and that is no attempt of the caller's.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import Any

import httpcore

from ..values.errors import LexiluxConnectionError, ValidationError
from ..wire.http import Request
from .endpoint import Endpoint, Verify, choose_proxy, tls_context
from .engine import AsyncOpened, Opened, header_dict, timeout_extension
from .network import (
    AsyncWatchedBackend,
    AsyncWatchedStream,
    ClosedIdleError,
    WatchedBackend,
    WatchedStream,
)
from .watch import Watch

POOL_SIZE = 32
"""Requests that one pool serves at a time."""
KEEPALIVE_S = 4.0
"""An idle connection is not used again after this: many servers close theirs after 5 s."""
DRAIN_S = 0.03
"""How long a body may take to end after the answer has."""


class Route:
    """How an engine reaches its endpoint: what both kinds of pool are made with."""

    def __init__(
        self, endpoint: Endpoint, *, proxies: Mapping[str, str | None] | None, verify: Verify
    ) -> None:
        self.endpoint = endpoint
        self._verify = verify
        proxy = choose_proxy(endpoint.target, proxies)
        self._proxy = None if proxy is None else _proxy(proxy, self._context)
        target = endpoint.target
        self._origin = (target.scheme.encode(), target.host.encode(), target.port)

    def _context(self) -> ssl.SSLContext:
        return tls_context(self._verify)

    def pool_options(self) -> dict[str, Any]:
        """Keyword arguments for httpcore's pools. http:// loads no certificates."""
        return {
            "ssl_context": self._context() if self.endpoint.target.scheme == "https" else None,
            "proxy": self._proxy,
            "max_connections": None,
            "max_keepalive_connections": POOL_SIZE,
            "keepalive_expiry": KEEPALIVE_S,
        }

    def request(self, request: Request, watch: Watch, accept: str) -> httpcore.Request:
        """The request as httpcore wants it."""
        scheme, host, port = self._origin
        target = self.endpoint.path(request).encode("ascii")
        return httpcore.Request(
            b"POST",
            httpcore.URL(scheme=scheme, host=host, port=port, target=target),
            headers=self.endpoint.header_fields(request, accept=accept),
            content=request.body,
            extensions={"timeout": timeout_extension(watch)},
        )


class Shard:
    """One of httpcore's pools, and how many requests it serves."""

    __slots__ = ("busy", "pool")

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.busy = 0


class PoolEngine:
    """Threads' engine."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._options = route.pool_options()
        self._backend = WatchedBackend(httpcore.SyncBackend())
        self._shards: list[Shard] = []
        self._lock = threading.Lock()
        self._abandoned: deque[Opened] = deque()

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        self._close_abandoned()
        outgoing = self._route.request(request, watch, accept)
        shard = self._enter()
        response: httpcore.Response | None = None
        try:
            while response is None:  # each round drops a connection that the server has closed
                with contextlib.suppress(ClosedIdleError):
                    response = shard.pool.handle_request(outgoing)
        except BaseException:
            self._leave(shard)
            raise
        stream = _network_stream(response)
        left = False

        def close() -> None:
            nonlocal left
            if not left:
                left = True
                self._leave(shard)
            response.close()

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
        for shard in self._shards:
            shard.pool.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half made, or the interpreter is going down
            self.close()

    def _close_abandoned(self) -> None:
        while self._abandoned:
            with contextlib.suppress(IndexError):
                self._abandoned.popleft().close()

    def _enter(self) -> Shard:
        """Take a place in the first pool with room."""
        with self._lock:
            shard = next((each for each in self._shards if each.busy < POOL_SIZE), None)
            if shard is None:
                pool = httpcore.ConnectionPool(network_backend=self._backend, **self._options)
                shard = Shard(pool)
                self._shards.append(shard)
            shard.busy += 1
            return shard

    def _leave(self, shard: Shard) -> None:
        with self._lock:
            shard.busy -= 1


class AsyncPoolEngine:
    """One event loop's engine."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._options = route.pool_options()
        self._backend = AsyncWatchedBackend(httpcore.AnyIOBackend())  # pyright: ignore[reportArgumentType]
        self._shards: list[Shard] = []
        self._end = self._closes_with_the_loop()
        self._started = False

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened:
        if not self._started:
            self._started = True
            await anext(self._end)
        outgoing = self._route.request(request, watch, accept)
        shard = self._enter()
        response: httpcore.Response | None = None
        try:
            while response is None:  # each round drops a connection that the server has closed
                with contextlib.suppress(ClosedIdleError):
                    response = await shard.pool.handle_async_request(outgoing)
        except BaseException:
            shard.busy -= 1
            raise
        stream = _network_stream(response)
        left = False

        async def aclose() -> None:
            nonlocal left
            if not left:
                left = True
                shard.busy -= 1
            await response.aclose()

        assert isinstance(response.stream, AsyncIterable)
        headers = header_dict(response.headers)
        opened = AsyncOpened(response.status, headers, aiter(response.stream), aclose)
        if isinstance(stream, AsyncWatchedStream) and not stream.answered:
            await opened.aclose()
            raise _stale()
        return opened

    async def read(self, opened: AsyncOpened, watch: Watch) -> bytes:
        del watch  # the network streams ask it themselves
        return await opened.read()

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
        shards, self._shards = self._shards, []
        for shard in shards:
            await shard.pool.aclose()

    def _enter(self) -> Shard:
        """Take a place in the first pool with room."""
        shard = next((each for each in self._shards if each.busy < POOL_SIZE), None)
        if shard is None:
            pool = httpcore.AsyncConnectionPool(network_backend=self._backend, **self._options)
            shard = Shard(pool)
            self._shards.append(shard)
        shard.busy += 1
        return shard


def _network_stream(response: Any) -> Any:
    """The socket underneath; httpcore leaves the type of its extensions open."""
    return response.extensions["network_stream"]


def _stale() -> LexiluxConnectionError:
    return LexiluxConnectionError(
        "the connection held an answer that came before the request was sent; it was dropped"
    )


def _proxy(url: str, context: Callable[[], ssl.SSLContext]) -> httpcore.Proxy:
    import httpx  # noqa: PLC0415 - a tenth of a second that only a proxy needs

    try:
        proxy = httpx.Proxy(url)
    except (ValueError, TypeError, httpx.InvalidURL):
        raise ValidationError(
            "proxies: a proxy URL starts with http://, https://, socks5:// or socks5h://"
            " and names a host and a port"
        ) from None
    parts = proxy.url
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ValidationError(
            'a SOCKS proxy needs another package: pip install "lexilux_like[socks]"'
        )
    return httpcore.Proxy(
        url=httpcore.URL(
            scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
        ),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=context() if parts.scheme == "https" else None,
    )
