# ruff: noqa: INP001 - a script's neighbour, not a package
"""Putting clients to trials: one process for each, on a core of its own, in interleaved rounds."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from answers import PERIOD_MS
from environments import PEERS, Peer
from load_server import LoadServer
from trials import STREAMS, Figures, Row

LIMIT_S = 30
"""A trial that takes longer is stopped."""
MOST_LAG_MS = 100
STEP = 1.25
"""From one number of paced streams to the next that is tried."""
MOST_STREAMS = 4_000
PROBE_S = 6
"""For streams of 1.8 seconds."""


class TrialError(Exception):
    """The client could not do it; the message says why, in a line."""


class LackingError(TrialError):
    """The client has no such method, and no such thing is asked of it."""


def cores() -> tuple[int | None, int | None]:
    """One for the clients and another for the server; None where a process cannot be bound."""
    if sys.platform != "linux":
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[-1], usable[0]) if len(usable) > 1 else (None, None)


def bind(process: subprocess.Popen[str], core: int | None) -> None:
    """Bind a new process to a core."""
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(process.pid, {core})


class Child:
    """The process of a client, for as long as the block lasts."""

    def __init__(self, peer: Peer, core: int | None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the benchmark's own file
            [peer.python, peer.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
            cwd=PEERS,
        )
        bind(self._process, core)

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        return self._process.poll() is not None

    def ask(self, trial: str, given: Mapping[str, Any]) -> Figures:
        """The figures of one trial.

        Raises:
            LackingError: The client has no such method.
            TrialError: It failed, or took longer than `LIMIT_S`.
        """
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        late = threading.Event()
        timer = threading.Timer(LIMIT_S, lambda: (late.set(), self._process.kill()))
        timer.start()
        try:
            asked.write(json.dumps({"trial": trial, **given}) + "\n")
            asked.flush()
            line = answered.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            self._process.wait()
            if late.is_set():
                raise TrialError(f"it took longer than {LIMIT_S} s, and was stopped")
            raise TrialError(f"its process ended with {self._process.returncode}")
        answer: dict[str, Any] = json.loads(line)
        if "lacking" in answer:
            raise LackingError(f"it has no {answer['lacking']}")
        if "error" in answer:
            raise TrialError(answer["error"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def environment() -> dict[str, str]:
    """Of a client: nothing of it leaves this machine."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "PYTHONUTF8": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@dataclass(slots=True)
class Bench:
    """The server, the clients, and what came of it so far."""

    server: LoadServer
    peers: Mapping[str, Peer]
    core: int | None
    """The clients'."""
    stack: ExitStack
    """Ends the clients' processes."""
    rounds: int | None = None
    """In place of the rows' own."""
    results: dict[str, dict[str, Figures]] = field(default_factory=dict[str, dict[str, Figures]])
    children: dict[str, Child] = field(default_factory=dict[str, Child])
    failures: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By row and client; `""` where the client lacks what is asked."""

    def measure(self, row: Row) -> None:
        """Put all clients of the row to its trial, in rounds that take turns, and keep medians."""
        trial = SPECIAL.get(row.trial, plain)
        names = [name for name in row.clients or self.peers if name in self.peers]
        found: dict[str, list[Figures]] = {name: [] for name in names}
        failed = self.failures.setdefault(row.name, {})
        for turn in range(-row.warm, min(row.rounds, self.rounds or row.rounds)):
            for name in names:
                if name in failed or not all(map(succeeded, found[name])):
                    continue
                try:
                    figures = trial(self, row, self.peers[name])
                except TrialError as error:
                    failed[name] = "" if isinstance(error, LackingError) else str(error)
                    continue
                if turn >= 0 or not succeeded(figures):
                    found[name].append(figures)
        self.results[row.name] = {
            name: medians(each) for name, each in found.items() if each and name not in failed
        }

    def child(self, peer: Peer) -> Child:
        """The client's process, which all rows share; a new one where it has ended."""
        if peer.name not in self.children or self.children[peer.name].ended:
            self.children[peer.name] = self.stack.enter_context(Child(peer, self.core))
        return self.children[peer.name]

    def url(self, answer: str) -> str:
        """The base URL at which the server answers so."""
        return f"{self.server.url}/{answer}/v1"


def succeeded(figures: Figures) -> bool:
    """Whether all was done in time: a client that cannot need not try again."""
    return figures.get("succeeded", 100) == 100


def medians(figures: Iterable[Figures]) -> Figures:
    """Of each figure over the rounds; what a start takes is its best over the best without."""
    every = list(figures)
    keys = {key: None for each in every for key in each}
    if "bare_ms" in keys:
        best, bare = (min(each[key] for each in every) for key in ("with_ms", "bare_ms"))
        return {"wall_ms": best - bare}
    return {key: statistics.median([each[key] for each in every if key in each]) for key in keys}


def plain(bench: Bench, row: Row, peer: Peer) -> Figures:
    """The trial as the client's process has it, and the server's CPU as a share of its own."""
    child = bench.child(peer)
    before = bench.server.cpu_us()
    figures = child.ask(row.trial, {"url": bench.url(row.answer), **row.given})
    used = bench.server.cpu_us() - before
    return {**figures, "server_share": used / figures["spent_us"]}


def memory(bench: Bench, row: Row, peer: Peer) -> Figures:
    """In a process of its own, with three answers."""
    given = {
        "call_url": bench.url("call"),
        "warm_url": bench.url("chunks"),
        "url": bench.url(row.answer),
        **row.given,
    }
    with Child(peer, bench.core) as child:
        return child.ask(row.trial, given)


def sustained(bench: Bench, row: Row, peer: Peer) -> Figures:
    """How many paced streams a process keeps up with: its p99 lag stays within 100 ms."""

    def paced(streams: int) -> Figures:
        given = {"url": bench.url(row.answer), "streams": streams, "limit_s": PROBE_S}
        return bench.child(peer).ask("paced", given)

    def keeps_up(streams: int) -> bool:
        figures = paced(streams)
        return succeeded(figures) and figures.get("p99_ms", math.inf) <= MOST_LAG_MS

    streams = max(4, int(0.8 * 1e3 * PERIOD_MS / paced(STREAMS)["cpu_us"]))
    while streams > 1 and not keeps_up(streams):
        streams = int(streams / STEP**2)
    while streams < MOST_STREAMS and keeps_up(int(streams * STEP)):
        streams = int(streams * STEP)
    return {"streams": streams}


def started(bench: Bench, row: Row, peer: Peer) -> Figures:
    """The wall time of a statement in a new interpreter, and that of none."""
    wanted, makes = peer.imports, ""
    if row.trial == "first":
        wanted, makes = peer.makes, f"; {peer.makes}"
    if not wanted:
        raise LackingError("there is nothing to import")

    def once(code: str) -> float:
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - as above
            [peer.python, "-c", code], text=True, env=environment(), stderr=subprocess.DEVNULL
        )
        bind(process, bench.core)
        if process.wait():
            raise TrialError(f"{code!r} failed")
        return 1e3 * (time.perf_counter() - start)

    return {"with_ms": once(peer.imports + makes), "bare_ms": once("pass")}


SPECIAL: Mapping[str, Callable[[Bench, Row, Peer], Figures]] = {
    "memory": memory,
    "sustained": sustained,
    "import": started,
    "first": started,
}
