"""The two worlds that an effect can be performed in. Keep them line for line alike.

A world serves one call. It owns the open response and closes it, whatever the flow does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, assert_never

from ..turns.flow import (
    Action,
    Drain,
    Open,
    Read,
    RunTools,
    Send,
    Sleep,
    Spent,
    Tell,
    UseKey,
    UseLane,
)
from ..values.errors import LexiluxConnectionError, LexiluxError
from ..wire.http import Request, Response
from .body import PLAIN, Whole, body_of
from .endpoint import Endpoint, censored
from .engine import AsyncEngine, AsyncOpened, Engine, Opened, shut
from .foreign import quiet, translated
from .watch import Watch

if TYPE_CHECKING:
    import asyncio

    from ..turns.flow import News
    from ..values.results import Usage
    from .observe import Observer
    from .ratelimit import Limiter

E = TypeVar("E", Engine, AsyncEngine)

WHOLE, STREAM = "application/json", "text/event-stream"
_READ = Read()


@dataclass(slots=True)
class Lane(Generic[E]):
    """What a call needs of the client that it asks: its own, or a fallback's."""

    engine: E
    endpoint: Endpoint
    limiter: Limiter | None
    watch: Watch


Others: TypeAlias = Sequence[Callable[[], Lane[E]]]


class World(Generic[E]):
    """What both worlds have in common."""

    __slots__ = ("_body", "_hung_up", "_key", "_lane", "_others", "_sent", "_used", "observer")

    def __init__(
        self, lane: Lane[E], others: Others[E] = (), observer: Observer | None = None
    ) -> None:
        self._lane: Lane[E] = lane
        self.observer = observer
        self._others: Others[E] = others
        self._used = [lane.endpoint]
        self._key: int | None = None
        self._hung_up = False
        self._body = PLAIN
        self._sent: Request | None = None

    def censor(self, text: str) -> str:
        """`text` without this call's secrets."""
        return censored(text, self._used, self._sent)

    def _take(self, lane: Lane[E]) -> None:
        """Act for another client from here on; the deadline of the call holds on."""
        lane.watch.keep_deadline_of(self._lane.watch)
        self._lane, self._key = lane, None
        self._used.append(lane.endpoint)

    def _begin(self, request: Request, accept: str) -> Request:
        """The request as it is going to be sent now."""
        lane = self._lane
        if self._hung_up:
            raise _hung_up()
        if self._key is not None:
            request = lane.endpoint.with_key(request, self._key)
        self._sent = request
        lane.watch.start(stream=accept is STREAM)
        lane.watch.check()
        if self.observer is not None:
            self.observer.sending(request, lane.endpoint, accept, self.censor)
        return request

    def _begun(self, opened: Opened | AsyncOpened) -> None:
        """The response head is there."""
        if self._hung_up:
            raise _hung_up()
        self._lane.watch.headed()
        if self.observer is not None:
            self.observer.answered(opened.status, opened.headers, self.censor)
        self._body = body_of(opened.headers)

    def _tell(self, news: News | None) -> None:
        if news is not None and self.observer is not None:
            self.observer.tell(news, self.censor)

    def _settle(self, usage: Usage) -> None:
        if (granted := self._lane.watch.granted) is not None:
            granted.settle(usage)


class SyncWorld(World[Engine]):
    """Performs one call's effects, blocking."""

    __slots__ = ("_opened",)

    def __init__(
        self, lane: Lane[Engine], others: Others[Engine] = (), observer: Observer | None = None
    ) -> None:
        super().__init__(lane, others, observer)
        self._opened: Opened | None = None

    def perform(self, action: Action) -> Any:
        """Perform an effect and return its reply.

        Raises:
            LexiluxError: It failed; every other library's exception is translated.
        """
        if self._hung_up:
            raise _hung_up()
        try:
            match action:
                case Read():  # the most frequent by far
                    return self._read(action)
                case Send(request):
                    return self._read_whole(self._open(request, WHOLE))
                case Open(request):
                    opened = self._open(request, STREAM)
                    if not 200 <= opened.status < 300:
                        return self._read_whole(opened)
                    return Response(opened.status, opened.headers)
                case Drain():
                    self._drain()
                case Sleep():
                    self._sleep(action)
                case UseKey(index):
                    self._key = index
                case Tell(news):
                    self._tell(news)
                case Spent(usage):
                    self._settle(usage)
                case UseLane(index):
                    self.close()
                    self._take(self._others[index - 1]())
                case RunTools():
                    from .toolrun import run_calls  # noqa: PLC0415 - threads and asyncio

                    return run_calls(action)
                case _:
                    assert_never(action)
        except LexiluxError:
            raise
        except Exception as error:
            failure = translated(error, self._lane.watch, self.censor)
            quiet(error)
            raise failure from error

    def close(self) -> None:
        """Give the connection back."""
        opened, self._opened = self._opened, None
        if opened is not None:
            try:  # noqa: SIM105 - `suppress` takes longer than all the rest of it
                opened.close()
            except Exception:  # noqa: BLE001, S110 - what cannot be closed is gone all the same
                pass

    def hang_up(self) -> None:
        """Do nothing more, and shut the socket, so that a reader on another thread wakes up."""
        self._hung_up = self._lane.watch.hung_up = True
        if (opened := self._opened) is not None:
            opened.hang_up()
        else:
            shut(self._lane.watch.line)

    def abandon(self) -> None:
        """Give the connection back from the garbage collector: nothing here may block."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._lane.engine.abandon(opened)

    def _open(self, request: Request, accept: str) -> Opened:
        self.close()
        lane = self._lane
        if lane.limiter is not None:
            lane.watch.forgive(lane.limiter.acquire())
        request = self._begin(request, accept)
        opened: Opened = lane.engine.open(request, lane.watch, accept=accept)
        self._opened = opened
        self._begun(opened)
        return opened

    def _read(self, action: Read = _READ) -> bytes:
        plain = self._body.plain
        if action.content:
            self._lane.watch.content()
        if not plain and (piece := self._body.waiting()):
            return piece
        while (opened := self._opened) is not None:
            self._lane.watch.check()
            data = opened.read()
            if piece := data if plain else self._body.take(data):
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
                self._lane.engine.drain(self._opened, self._lane.watch)
        self.close()

    def _sleep(self, action: Sleep) -> None:
        self._lane.watch.refuse_sleep(action.seconds)
        self._tell(action.news)
        time.sleep(action.seconds)


class AsyncWorld(World[AsyncEngine]):
    """Performs one call's effects on the running event loop."""

    __slots__ = ("_loop", "_opened")

    def __init__(
        self,
        lane: Lane[AsyncEngine],
        others: Others[AsyncEngine] = (),
        observer: Observer | None = None,
    ) -> None:
        super().__init__(lane, others, observer)
        from asyncio import get_running_loop  # noqa: PLC0415 - threads do without

        self._loop = get_running_loop()
        self._opened: AsyncOpened | None = None

    async def perform(self, action: Action) -> Any:
        """`SyncWorld.perform`, async."""
        if self._hung_up:
            raise _hung_up()
        try:
            match action:
                case Read():  # the most frequent by far
                    return await self._read(action)
                case Send(request):
                    return await self._read_whole(await self._open(request, WHOLE))
                case Open(request):
                    opened = await self._open(request, STREAM)
                    if not 200 <= opened.status < 300:
                        return await self._read_whole(opened)
                    return Response(opened.status, opened.headers)
                case Drain():
                    await self._drain()
                case Sleep():
                    await self._sleep(action)
                case UseKey(index):
                    self._key = index
                case Tell(news):
                    self._tell(news)
                case Spent(usage):
                    self._settle(usage)
                case UseLane(index):
                    await self.aclose()
                    self._take(self._others[index - 1]())
                case RunTools():
                    from .toolrun import arun_calls  # noqa: PLC0415 - threads and asyncio

                    return await arun_calls(action)
                case _:
                    assert_never(action)
        except LexiluxError:
            raise
        except Exception as error:
            failure = translated(error, self._lane.watch, self.censor)
            quiet(error)
            raise failure from error

    async def aclose(self) -> None:
        """Give the connection back."""
        opened, self._opened = self._opened, None
        if opened is not None:
            try:  # noqa: SIM105 - `suppress` takes longer than all the rest of it
                await opened.aclose()
            except Exception:  # noqa: BLE001, S110 - what cannot be closed is gone all the same
                pass

    async def hang_up(self) -> None:
        """Do nothing more, and close the socket, so that a reader in another task wakes up."""
        self._hung_up = self._lane.watch.hung_up = True
        if self._opened is not None:
            await self.aclose()
        elif self._lane.watch.line is not None:
            with contextlib.suppress(Exception):
                await self._lane.watch.line.aclose()

    def abandon(self) -> None:
        """Give the connection back from the garbage collector, which may run on any thread."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and its connections too
                self._loop.call_soon_threadsafe(_close_soon, self._loop, opened)

    async def _open(self, request: Request, accept: str) -> AsyncOpened:
        await self.aclose()
        lane = self._lane
        if lane.limiter is not None:
            lane.watch.forgive(await lane.limiter.aacquire())
        request = self._begin(request, accept)
        opened: AsyncOpened = await lane.engine.open(request, lane.watch, accept=accept)
        self._opened = opened
        self._begun(opened)
        return opened

    async def _read(self, action: Read = _READ) -> bytes:
        plain = self._body.plain
        if action.content:
            self._lane.watch.content()
        if not plain and (piece := self._body.waiting()):
            return piece
        while (opened := self._opened) is not None:
            self._lane.watch.check()
            data = await opened.read()
            if piece := data if plain else self._body.take(data):
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
                await self._lane.engine.drain(self._opened, self._lane.watch)
        await self.aclose()

    async def _sleep(self, action: Sleep) -> None:
        self._lane.watch.refuse_sleep(action.seconds)
        self._tell(action.news)
        from asyncio import sleep  # noqa: PLC0415 - see __init__

        await sleep(action.seconds)


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
