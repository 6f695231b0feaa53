"""The fast engine's connections behind httpx's transport interface, for clients of one's own.

```python
client = httpx.Client(transport=FastTransport())
```

HTTP/1.1, straight to each host. Bodies are collected before they are sent. httpx's read time-out
also bounds a whole response head, and its write time-out is not looked at: the read time-out is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from ..values.timeouts import Timeouts
from . import fast_async, fast_sync
from .endpoint import Verify, tls_context
from .fast_request import rendered
from .fast_sync import Origin
from .watch import Watch

_SHORTEST_S = 0.001


class FastTransport(httpx.BaseTransport):
    """For `httpx.Client(transport=...)`; any number of threads may use it.

    Args:
        verify: Certificates: True, False (never in production), a CA file or folder, or an
            SSLContext.
    """

    def __init__(self, *, verify: Verify = True) -> None:
        self._verify = verify
        self._lines: dict[httpx.URL, fast_sync.Lines] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key = _key(request)
        lines = self._lines.get(key)
        if lines is None:
            lines = self._lines.setdefault(key, fast_sync.Lines(_origin(key, self._verify)))
        assert isinstance(request.stream, httpx.SyncByteStream)
        body = b"".join(request.stream)
        watch = _watch(request)
        with _named_as_httpx():
            head = _head(request, body)
            exchange = lines.ask(head, body, watch, bodiless=request.method == "HEAD")
        watch.headed()
        return _response(exchange, _Stream(exchange))

    def close(self) -> None:
        for lines in self._lines.values():
            lines.close()


class AsyncFastTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient(transport=...)`; it serves one event loop.

    Args:
        verify: See `FastTransport`.
    """

    def __init__(self, *, verify: Verify = True) -> None:
        self._verify = verify
        self._lines: dict[httpx.URL, fast_async.Lines] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        key = _key(request)
        lines = self._lines.get(key)
        if lines is None:
            lines = self._lines[key] = fast_async.Lines(_origin(key, self._verify))
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([part async for part in request.stream])
        watch = _watch(request)
        with _named_as_httpx():
            head = _head(request, body)
            exchange = await lines.ask(head, body, watch, bodiless=request.method == "HEAD")
        watch.headed()
        return _response(exchange, _AsyncStream(exchange))

    async def aclose(self) -> None:
        for lines in self._lines.values():
            await lines.aclose()


class _Stream(httpx.SyncByteStream):
    def __init__(self, exchange: fast_sync.Exchange) -> None:
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        with _named_as_httpx():
            while data := self._exchange.read():
                yield data

    def close(self) -> None:
        self._exchange.close()


class _AsyncStream(httpx.AsyncByteStream):
    def __init__(self, exchange: fast_async.Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named_as_httpx():
            while data := await self._exchange.read():
                yield data

    async def aclose(self) -> None:
        await self._exchange.aclose()


@contextmanager
def _named_as_httpx() -> Generator[None, None, None]:
    """Errors of the engine under httpx's names for them."""
    try:
        yield
    except Exception as error:
        for kind in type(error).__mro__:
            named: Any = getattr(httpx, kind.__name__, None)
            if named is not None:
                raise named(str(error)) from error
        if isinstance(error, OSError):
            raise httpx.ReadError(str(error)) from error
        raise


def _key(request: httpx.Request) -> httpx.URL:
    """Where a request goes, without what it asks for there."""
    url = request.url
    if url.scheme not in ("http", "https") or request.method == "CONNECT":
        raise httpx.UnsupportedProtocol(f"{request.method} over {url.scheme!r} is not spoken")
    return url.copy_with(raw_path=b"/", username=None, password=None, fragment=None)


def _origin(url: httpx.URL, verify: Verify) -> Origin:
    context = tls_context(verify) if url.scheme == "https" else None
    if context is not None:
        context.set_alpn_protocols(["http/1.1"])
    host = url.raw_host.decode("ascii")
    return Origin(host, url.port or (80 if context is None else 443), context)


def _watch(request: httpx.Request) -> Watch:
    given: dict[str, float | None] = request.extensions.get("timeout", {})
    connect, read = (
        None if seconds is None else max(seconds, _SHORTEST_S)
        for seconds in (given.get("connect"), given.get("read"))
    )
    watch = Watch(Timeouts(connect_timeout_s=connect, read_timeout_s=read))
    watch.start(stream=False)
    return watch


def _head(request: httpx.Request, body: bytes) -> bytes:
    framing = (b"content-length", b"transfer-encoding")
    fields = [(name, value) for name, value in request.headers.raw if name.lower() not in framing]
    if body or request.method in ("POST", "PUT", "PATCH"):
        fields.append((b"Content-Length", b"%d" % len(body)))
    return rendered(request.method.encode("ascii"), request.url.raw_path, fields) + b"\r\n"


def _response(
    exchange: fast_sync.Exchange | fast_async.Exchange, stream: _Stream | _AsyncStream
) -> httpx.Response:
    message = exchange.message
    assert message is not None
    return httpx.Response(
        message.status,
        headers=list(message.fields),
        stream=stream,
        extensions={"http_version": b"HTTP/1.1", "network_stream": exchange},
    )
