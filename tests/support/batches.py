"""A batch through either door, and servers that count."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lexilux_like.batch import AsyncBatch, Outcome, Totals
from lexilux_like.testing import RecordedRequest, Reply, answer, stream
from lexilux_like.testing.door import Door


class Open:
    """A batch of either kind, one outcome at a time."""

    def __init__(self, batch: Any, door: Door) -> None:
        self.batch = batch
        self._runner = door._runner

    @property
    def totals(self) -> Totals:
        totals: Totals = self.batch.totals
        return totals

    def next(self) -> Outcome | None:
        if self._runner is None:
            return next(self.batch, None)
        return self._runner.run(self._next())

    async def _next(self) -> Outcome | None:
        return await anext(self.batch, None)

    def rest(self) -> list[Outcome]:
        if self._runner is None:
            return list(self.batch)
        return self._runner.run(self._rest())

    async def _rest(self) -> list[Outcome]:
        return [outcome async for outcome in self.batch]

    def close(self) -> None:
        if self._runner is None:
            self.batch.close()
        else:
            self._runner.run(self.batch.aclose())


@dataclass
class Maps:
    """`chat.map` or `chat.amap` of one client."""

    door: Door

    def open(self, items: Any, **options: Any) -> Open:
        """A batch that nothing was asked of."""
        chat = self.door.chat
        if self.door._runner is None:
            return Open(chat.map(items, **options), self.door)
        return Open(self.door._runner.run(_made(chat.amap, items, options)), self.door)

    def __call__(self, items: Any, **options: Any) -> list[Outcome]:
        """All outcomes."""
        return self.open(items, **options).rest()


async def _made(amap: Any, items: Any, options: dict[str, Any]) -> AsyncBatch:
    made: AsyncBatch = await amap(items, **options)
    return made


def prompt_of(request: RecordedRequest) -> str:
    content = request.json["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content)


LONG = json.dumps({f"shelf {n}": [f"item {n}.{m}" for m in range(9)] for n in range(14)})


def in_parts(request: RecordedRequest) -> Reply:
    """`LONG`, cut by the token limit, and gone on with where the model is asked for the rest."""
    last, *_ = reversed(request.json["messages"])
    said = request.json["messages"][-2]["content"] if len(request.json["messages"]) > 2 else ""
    said = said if last["role"] == "user" else last["content"]
    rest = LONG[LONG.index(said) + len(said) :] if said else LONG
    part = rest[: 3 * request.json["max_tokens"]]
    return stream(part, finish_reason="length" if part != rest else "stop")


def echo(request: RecordedRequest) -> Reply:
    """The prompt in capitals, whole or as a stream."""
    text = prompt_of(request).upper()
    return stream(text) if request.json.get("stream") else answer(text)


class Gauge:
    """How many requests are answered at one time.

    Args:
        seconds: How long each one takes.
        full: None is answered before so many are there at one time, or 30 seconds have passed.
    """

    def __init__(self, seconds: float = 0.02, *, full: int = 0) -> None:
        self.most = self._now = 0
        self._seconds = seconds
        self._lock = threading.Lock()
        self._full, self._was_full = full, threading.Event()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        if self.most >= self._full:
            self._was_full.set()
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def __call__(self, request: RecordedRequest) -> Reply:
        with self._counted():
            self._was_full.wait(30)
            time.sleep(self._seconds)
            return echo(request)


def eventually(claim: Callable[[], bool], timeout: float = 2.0) -> bool:
    end = time.monotonic() + timeout
    while not claim():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
