"""The two worlds that an effect can be performed in. Keep them line for line alike.

A world serves one call. It owns the open response and closes it, whatever the flow does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any, assert_never

from ..turns.flow import Action, Admit, Drain, Now, Open, Read, Send, Sleep
from ..values.errors import LexiluxConnectionError, LexiluxError, ResponseFormatError
from ..wire.encoding import Inflater
from ..wire.http import Request, Response
from .endpoint import Endpoint
from .engine import AsyncEngine, AsyncOpened, Engine, Opened, shut
from .foreign import quiet, translated
from .ratelimit import RateLimiter
from .watch import Watch, current

MAX_BODY_BYTES = 48 * 1024 * 1024
"""Most bytes of one whole body, after decompression."""
WHOLE, STREAM = "application/json", "text/event-stream"


class Body:
    """A response body that comes piece by piece, each of bounded size once decompressed."""

    __slots__ = ("_inflater", "_pieces")

    def __init__(self, headers: Any) -> None:
        encoding = headers.get("content-encoding", "")
        plain = encoding.strip().lower() in ("", "identity")
        self._inflater = None if plain else Inflater(encoding, MAX_BODY_BYTES)
        self._pieces: Iterator[bytes] = iter(())

    def waiting(self) -> bytes:
        """The next piece of what was taken in already; empty when there is none."""
        return next((piece for piece in self._pieces if piece), b"")

    def take(self, data: bytes) -> bytes:
        """Take bytes in as they came; returns the first piece of them."""
        if self._inflater is None:
            return data
        self._pieces = iter(self._inflater.feed(data) if data else [self._inflater.end()])
        return self.waiting()


class Whole:
    """A body collected up to the limit."""

    __slots__ = ("_parts", "_response", "_size")

    def __init__(self, opened: Opened | AsyncOpened) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._response = opened

    def add(self, piece: bytes) -> None:
        """Take one more piece in.

        Raises:
            ResponseFormatError: The body is over the limit.
        """
        self._size += len(piece)
        if self._size > MAX_BODY_BYTES:
            raise ResponseFormatError(
                f"the body is larger than {MAX_BODY_BYTES} bytes and was not read further",
                status_code=self._response.status,
                headers=self._response.headers,
                body=b"".join(self._parts)[:1000],
            )
        self._parts.append(piece)

    def response(self) -> Response:
        return Response(self._response.status, self._response.headers, b"".join(self._parts))


class SyncWorld:
    """Performs one call's effects, blocking."""

    def __init__(
        self, engine: Engine, endpoint: Endpoint, limiter: RateLimiter | None, watch: Watch
    ) -> None:
        self._engine = engine
        self._endpoint = endpoint
        self._limiter = limiter
        self._watch = watch
        self._opened: Opened | None = None
        self._hung_up = False
        self._body = Body({})
        self._sent: Request | None = None

    def perform(self, action: Action) -> Any:
        """Perform an effect and return its reply.

        Raises:
            LexiluxError: It failed; every other library's exception is translated.
        """
        if self._hung_up:
            raise _hung_up()
        token = current.set(self._watch)
        try:
            return self._perform(action)
        except LexiluxError:
            raise
        except Exception as error:
            failure = translated(error, self._watch, self.censor)
            quiet(error)
            raise failure from error
        finally:
            current.reset(token)

    def censor(self, text: str) -> str:
        """`text` without this call's secrets."""
        return self._endpoint.censor(text, self._sent.headers if self._sent else None)

    def close(self) -> None:
        """Give the connection back."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(Exception):  # what cannot be closed is gone all the same
                opened.close()

    def hang_up(self) -> None:
        """Do nothing more, and shut the socket, so that a reader on another thread wakes up."""
        self._hung_up = True
        if (opened := self._opened) is not None:
            opened.hang_up()
        else:
            shut(self._watch.line)

    def abandon(self) -> None:
        """Give the connection back from the garbage collector: nothing here may block."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._engine.abandon(opened)

    def _perform(self, action: Action) -> Any:
        match action:
            case Read(content):
                if content:
                    self._watch.content()
                return self._read()
            case Now():
                return time.monotonic()
            case Admit():
                if self._limiter is not None:
                    self._watch.forgive(self._limiter.acquire())
            case Send(request):
                return self._read_whole(self._open(request, WHOLE))
            case Open(request):
                opened = self._open(request, STREAM)
                if not 200 <= opened.status < 300:
                    return self._read_whole(opened)
                return Response(opened.status, opened.headers)
            case Drain():
                self._drain()
            case Sleep(seconds):
                self._watch.refuse_sleep(seconds)
                time.sleep(seconds)
            case _:
                assert_never(action)

    def _open(self, request: Request, accept: str) -> Opened:
        self.close()
        self._sent = request
        self._watch.start(stream=accept is STREAM)
        self._watch.check()
        opened = self._opened = self._engine.open(request, self._watch, accept=accept)
        if self._hung_up:
            raise _hung_up()
        self._watch.headed()
        self._body = Body(opened.headers)
        return opened

    def _read(self) -> bytes:
        if piece := self._body.waiting():
            return piece
        while (opened := self._opened) is not None:
            self._watch.check()
            data = opened.read()
            if piece := self._body.take(data):
                return piece
            if not data:
                self.close()
        return b""

    def _read_whole(self, opened: Opened) -> Response:
        whole = Whole(opened)
        while piece := self._read():
            whole.add(piece)
        return whole.response()

    def _drain(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(Exception):  # it only saves a connection
                self._engine.drain(self._opened, self._watch)
        self.close()


class AsyncWorld:
    """Performs one call's effects on the running event loop."""

    def __init__(
        self, engine: AsyncEngine, endpoint: Endpoint, limiter: RateLimiter | None, watch: Watch
    ) -> None:
        self._engine = engine
        self._endpoint = endpoint
        self._limiter = limiter
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._opened: AsyncOpened | None = None
        self._hung_up = False
        self._body = Body({})
        self._sent: Request | None = None

    async def perform(self, action: Action) -> Any:
        """`SyncWorld.perform`, async."""
        if self._hung_up:
            raise _hung_up()
        token = current.set(self._watch)
        try:
            return await self._perform(action)
        except LexiluxError:
            raise
        except Exception as error:
            failure = translated(error, self._watch, self.censor)
            quiet(error)
            raise failure from error
        finally:
            current.reset(token)

    def censor(self, text: str) -> str:
        """`text` without this call's secrets."""
        return self._endpoint.censor(text, self._sent.headers if self._sent else None)

    async def aclose(self) -> None:
        """Give the connection back."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(Exception):  # what cannot be closed is gone all the same
                await opened.aclose()

    async def hang_up(self) -> None:
        """Do nothing more, and close the socket, so that a reader in another task wakes up."""
        self._hung_up = True
        if self._opened is not None:
            await self.aclose()
        elif self._watch.line is not None:
            with contextlib.suppress(Exception):
                await self._watch.line.aclose()

    def abandon(self) -> None:
        """Give the connection back from the garbage collector, which may run on any thread."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and its connections too
                self._loop.call_soon_threadsafe(_close_soon, self._loop, opened)

    async def _perform(self, action: Action) -> Any:
        match action:
            case Read(content):
                if content:
                    self._watch.content()
                return await self._read()
            case Now():
                return time.monotonic()
            case Admit():
                if self._limiter is not None:
                    self._watch.forgive(await self._limiter.aacquire())
            case Send(request):
                return await self._read_whole(await self._open(request, WHOLE))
            case Open(request):
                opened = await self._open(request, STREAM)
                if not 200 <= opened.status < 300:
                    return await self._read_whole(opened)
                return Response(opened.status, opened.headers)
            case Drain():
                await self._drain()
            case Sleep(seconds):
                self._watch.refuse_sleep(seconds)
                await asyncio.sleep(seconds)
            case _:
                assert_never(action)

    async def _open(self, request: Request, accept: str) -> AsyncOpened:
        await self.aclose()
        self._sent = request
        self._watch.start(stream=accept is STREAM)
        self._watch.check()
        opened = self._opened = await self._engine.open(request, self._watch, accept=accept)
        if self._hung_up:
            raise _hung_up()
        self._watch.headed()
        self._body = Body(opened.headers)
        return opened

    async def _read(self) -> bytes:
        if piece := self._body.waiting():
            return piece
        while (opened := self._opened) is not None:
            self._watch.check()
            data = await self._engine.read(opened, self._watch)
            if piece := self._body.take(data):
                return piece
            if not data:
                await self.aclose()
        return b""

    async def _read_whole(self, opened: AsyncOpened) -> Response:
        whole = Whole(opened)
        while piece := await self._read():
            whole.add(piece)
        return whole.response()

    async def _drain(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(Exception):  # it only saves a connection
                await self._engine.drain(self._opened, self._watch)
        await self.aclose()


def _hung_up() -> LexiluxConnectionError:
    return LexiluxConnectionError("the stream was closed while it was read", retryable=False)


_closing: set[asyncio.Task[None]] = set()


def _close_soon(loop: asyncio.AbstractEventLoop, opened: AsyncOpened) -> None:
    async def close() -> None:
        with contextlib.suppress(Exception):
            await opened.aclose()

    task = loop.create_task(close())
    _closing.add(task)
    task.add_done_callback(_closing.discard)
