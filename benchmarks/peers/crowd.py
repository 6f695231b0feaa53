# ruff: noqa: INP001 - a script's neighbour, not a package
"""The trials of many at once, on one event loop."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from child import MESSAGES, Figures

SETTLING_S = 0.8
"""In which streams are opened; what arrives in it does not count."""


def percentile(values: list[float], share: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def many(client: Any, at_once: int, each: int, limit_s: float) -> Figures:
    """How many calls succeeded, their latency, and CPU per call that did."""
    took_ms: list[float] = []

    async def some() -> None:
        for _ in range(each):
            start = time.perf_counter()
            await client.acall(MESSAGES)
            took_ms.append(1e3 * (time.perf_counter() - start))

    start = time.process_time()
    await _within(limit_s, [some() for _ in range(at_once)])
    spent = time.process_time() - start
    figures = {"succeeded": 100 * len(took_ms) / (at_once * each)}
    if took_ms:
        figures["cpu_us"] = 1e6 * spent / len(took_ms)
        figures["p50_ms"] = statistics.median(took_ms)
        figures["p99_ms"] = percentile(took_ms, 0.99)
    return figures


class _Lags:
    """How long tokens were under way, of all that arrive once the streams are opened."""

    def __init__(self) -> None:
        self.lags_ms: list[float] = []
        self._since = time.time() + SETTLING_S
        self._cpu = 0.0

    def came(self, stamp: str) -> None:
        now = time.time()
        if now < self._since:
            return
        if not self._cpu:
            self._cpu = time.process_time()
        self.lags_ms.append(1e3 * now - int(stamp) / 1e3)

    def figures(self) -> Figures:
        spent = time.process_time() - self._cpu
        return {
            "cpu_us": 1e6 * spent / len(self.lags_ms),
            "p50_ms": percentile(self.lags_ms, 0.5),
            "p99_ms": percentile(self.lags_ms, 0.99),
        }


async def paced(client: Any, streams: int, limit_s: float) -> Figures:
    """The lag of tokens behind the moment at which the server sent them, and CPU per token."""
    lags = _Lags()

    async def read() -> None:
        async for text in client.astream(MESSAGES):
            if text:
                lags.came(text)

    ended = await _within(limit_s, [read() for _ in range(streams)])
    figures = {"succeeded": 100 * ended / streams}
    if lags.lags_ms:
        figures |= lags.figures()
    return figures


async def _within(limit_s: float, work: list[Any]) -> int:
    """Do it side by side; how much of it ended in time, and well."""
    tasks = [asyncio.ensure_future(each) for each in work]
    done, late = await asyncio.wait(tasks, timeout=limit_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return sum(task.exception() is None for task in done)
