"""The fast engine: HTTP/1.1 straight over TCP and TLS, on httptools' compiled parser.

It keeps what the default engine keeps, and costs a fraction of it. What it does not speak,
which is proxies, stays with the default engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from ..wire.http import Request
from . import fast_sync
from .engine import DRAIN_S, AsyncOpened, Opened, header_dict
from .fast_errors import ReadTimeout
from .fast_request import Letterhead
from .fast_sync import Origin
from .route import Route
from .watch import Watch


def origin_of(route: Route) -> Origin:
    """Where a route's connections lead. http:// loads no certificates."""
    target, context = route.endpoint.target, route.tls()
    if context is not None:
        context.set_alpn_protocols(["http/1.1"])  # as httpcore does: nothing else is spoken
    return Origin(target.host, target.port, context)


class FastEngine:
    """Threads' engine."""

    def __init__(self, route: Route) -> None:
        self._letterhead = Letterhead(route.endpoint)
        self._lines = fast_sync.Lines(origin_of(route))

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        head = self._letterhead.head(request, accept)
        exchange = self._lines.ask(head, request.body, watch)
        message = exchange.message
        assert message is not None
        headers = header_dict(message.fields)
        return Opened(message.status, headers, exchange.read, exchange.close, exchange)

    def drain(self, opened: Opened, watch: Watch) -> None:
        with watch.hurried(DRAIN_S), contextlib.suppress(ReadTimeout):
            while opened.read() and watch.left() > 0:  # what is there is read without a wait
                pass

    def abandon(self, opened: Opened) -> None:
        opened.close()  # there is no lock on the way

    def close(self) -> None:
        self._lines.close()


class AsyncFastEngine:
    """One event loop's engine."""

    def __init__(self, route: Route) -> None:
        from . import fast_async  # noqa: PLC0415 - asyncio, which threads do without

        self._letterhead = Letterhead(route.endpoint)
        self._lines = fast_async.Lines(origin_of(route))
        self._end = self._closes_with_the_loop()
        self._started = False

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened:
        if not self._started:
            self._started = True
            await anext(self._end)
        head = self._letterhead.head(request, accept)
        exchange = await self._lines.ask(head, request.body, watch)
        message = exchange.message
        assert message is not None
        headers = header_dict(message.fields)
        return AsyncOpened(message.status, headers, exchange.read, exchange.aclose)

    async def drain(self, opened: AsyncOpened, watch: Watch) -> None:
        with watch.hurried(DRAIN_S), contextlib.suppress(ReadTimeout):
            while await opened.read():
                pass

    async def aclose(self) -> None:
        await self._end.aclose()
        await self._lines.aclose()

    async def _closes_with_the_loop(self) -> AsyncGenerator[None, None]:
        """Close the connections when `asyncio.run` ends.

        The loop finishes every async generator that was started on it before it closes;
        that is the only notice that an event loop gives.
        """
        try:
            yield
        finally:
            await self._lines.aclose()
