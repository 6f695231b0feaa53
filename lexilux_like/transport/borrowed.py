"""Engines on a client of the caller's own: httpx's, httpx2's, or one that is shaped alike.

The caller made it and the caller closes it. Its certificates, proxies, limits and
event hooks are used as they are; redirects stay off. Where the default engine asks
the watch before each socket call, a sync client of the caller's own is bound by one
fixed read timeout, and the content limits are looked at whenever bytes arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
from collections import deque
from typing import Any, Protocol

from ..wire.http import Request
from .endpoint import Endpoint
from .engine import DRAIN_S, AsyncOpened, Opened, header_dict, timeout_extension
from .watch import Watch


class HTTPClient(Protocol):
    """The part of `httpx.Client` that is used."""

    def build_request(
        self,
        method: str,
        url: Any,
        *,
        headers: Any = ...,
        content: Any = ...,
        extensions: Any = ...,
    ) -> Any: ...

    def send(self, request: Any, *, stream: bool = ..., follow_redirects: Any = ...) -> Any: ...


class AsyncHTTPClient(Protocol):
    """The part of `httpx.AsyncClient` that is used."""

    def build_request(
        self,
        method: str,
        url: Any,
        *,
        headers: Any = ...,
        content: Any = ...,
        extensions: Any = ...,
    ) -> Any: ...

    async def send(
        self, request: Any, *, stream: bool = ..., follow_redirects: Any = ...
    ) -> Any: ...


class BorrowedEngine:
    """Threads' engine, on a client of the caller's own."""

    def __init__(self, client: HTTPClient, endpoint: Endpoint) -> None:
        self._client = client
        self._endpoint = endpoint
        self._abandoned: deque[Opened] = deque()

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        self.close()
        outgoing = _build(self._client, self._endpoint, request, watch, accept)
        outgoing.extensions["timeout"]["read"] = _fixed_read_timeout(watch)
        response = self._client.send(outgoing, stream=True, follow_redirects=False)
        stream = response.extensions.get("network_stream")
        headers = header_dict(response.headers.raw)
        read = functools.partial(next, response.iter_raw(), b"")
        return Opened(response.status_code, headers, read, response.close, stream)

    def drain(self, opened: Opened, watch: Watch) -> None:
        """Do nothing: without a bound on the read this could wait for ever."""

    def abandon(self, opened: Opened) -> None:
        opened.hang_up()
        self._abandoned.append(opened)

    def close(self) -> None:
        """Close what was abandoned; the client is the caller's."""
        while self._abandoned:
            with contextlib.suppress(IndexError):
                self._abandoned.popleft().close()


class AsyncBorrowedEngine:
    """One event loop's engine, on a client of the caller's own."""

    def __init__(self, client: AsyncHTTPClient, endpoint: Endpoint) -> None:
        self._client = client
        self._endpoint = endpoint

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened:
        outgoing = _build(self._client, self._endpoint, request, watch, accept)
        async with asyncio.timeout(_left(watch)):
            response = await self._client.send(outgoing, stream=True, follow_redirects=False)
        headers = header_dict(response.headers.raw)
        parts = response.aiter_raw()

        async def read() -> bytes:
            async with asyncio.timeout(_left(watch)):
                return await anext(parts, b"")

        return AsyncOpened(response.status_code, headers, read, response.aclose)

    async def drain(self, opened: AsyncOpened, watch: Watch) -> None:
        del watch
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while await opened.read():
                    pass

    async def aclose(self) -> None:
        """Do nothing: the client is the caller's."""


def _build(client: Any, endpoint: Endpoint, request: Request, watch: Watch, accept: str) -> Any:
    target = endpoint.target
    return client.build_request(
        "POST",
        f"{target.scheme}://{target.netloc}{endpoint.path(request)}",
        headers=endpoint.header_fields(request, accept=accept),
        content=request.body,
        extensions={"timeout": timeout_extension(watch)},
    )


def _left(watch: Watch) -> float | None:
    left = watch.left()
    return None if left == math.inf else max(left, 0.0)


def _fixed_read_timeout(watch: Watch) -> float | None:
    """The most that a read may take whatever comes: it cannot be changed later on."""
    limits = watch.limits
    content = [limits.first_content_timeout_s, limits.idle_timeout_s]
    candidates = [limits.read_timeout_s, limits.deadline_s]
    if None not in content:
        candidates.append(max(each for each in content if each is not None))
    return min((each for each in candidates if each is not None), default=None)
