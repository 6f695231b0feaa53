"""Engines that ask a pacer before they send, and tell it what came back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..values.results import Usage
from ..wire.failure import retry_after
from ..wire.http import Request
from ..wire.limits import expected_cost, read_limits
from .engine import AsyncEngine, AsyncOpened, Engine, Opened
from .pace import Head, Permit
from .watch import Watch

if TYPE_CHECKING:
    from .pacing import Pacer

WHOLE = "application/json"


@dataclass(frozen=True, slots=True)
class Pass:
    """A request that the pacer let go, for whoever learns what it did cost."""

    pacer: Pacer
    permit: Permit

    def hear(self, status: int, headers: Mapping[str, str], *, whole: bool) -> None:
        """The head has come."""
        readings = read_limits(headers, now=time.time())
        self.pacer.hear(self.permit, Head(status, readings, retry_after(headers), whole))

    def settle(self, usage: Usage) -> None:
        """The answer is there."""
        self.pacer.settle(self.permit, usage)

    def close(self) -> None:
        """The response is over; called as often as you like."""
        self.pacer.close(self.permit)


class PacedEngine:
    """An engine behind a pacer."""

    def __init__(self, engine: Engine, pacer: Pacer) -> None:
        self._engine, self._pacer = engine, pacer
        self._passes: dict[int, Pass] = {}

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        began = time.monotonic()
        pacer = self._pacer
        granted = Pass(pacer, pacer.acquire(expected_cost(request.body), watch))
        _waited(watch, granted, began, accept)
        try:
            opened = self._engine.open(request, watch, accept=accept)
        except BaseException:
            granted.close()
            raise
        self._passes[id(opened)] = granted
        opened.afterwards(partial(self._over, id(opened)))
        granted.hear(opened.status, opened.headers, whole=accept == WHOLE)
        return opened

    def drain(self, opened: Opened, watch: Watch) -> None:
        self._engine.drain(opened, watch)

    def abandon(self, opened: Opened) -> None:
        self._over(id(opened))
        self._engine.abandon(opened)

    def close(self) -> None:
        self._engine.close()

    def _over(self, key: int) -> None:
        if granted := self._passes.pop(key, None):
            granted.close()


class AsyncPacedEngine:
    """`PacedEngine`, for one event loop."""

    def __init__(self, engine: AsyncEngine, pacer: Pacer) -> None:
        self._engine, self._pacer = engine, pacer

    async def open(self, request: Request, watch: Watch, *, accept: str) -> AsyncOpened:
        began = time.monotonic()
        pacer = self._pacer
        granted = Pass(pacer, await pacer.aacquire(expected_cost(request.body), watch))
        _waited(watch, granted, began, accept)
        try:
            opened = await self._engine.open(request, watch, accept=accept)
        except BaseException:
            granted.close()
            raise
        opened.afterwards(granted.close)
        granted.hear(opened.status, opened.headers, whole=accept == WHOLE)
        return opened

    async def drain(self, opened: AsyncOpened, watch: Watch) -> None:
        await self._engine.drain(opened, watch)

    async def aclose(self) -> None:
        await self._engine.aclose()


def _waited(watch: Watch, granted: Pass, began: float, accept: str) -> None:
    """The call's time limits begin when its request may go."""
    watch.granted = granted
    watch.forgive(time.monotonic() - began)
    watch.start(stream=accept != WHOLE)
