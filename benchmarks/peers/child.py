# ruff: noqa: INP001, D102 - a script's neighbour, not a package; each method is what its name says
"""The process of a client: a line of JSON asks for a trial, and a line of JSON has its figures.

`{"trial": "stream", "url": "http://127.0.0.1:8000/chunks/v1", ...}` names one of `TRIALS`; the
other fields are its keywords. What a trial raises comes back as `{"error": "..."}`. Nothing is
imported here that a client need not have, so that the figures of memory are the client's own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

MODEL = "gpt-4.1-mini"
TIMEOUT_S = 600
Messages: TypeAlias = list[dict[str, Any]]
Figures: TypeAlias = dict[str, float]
MESSAGES: Messages = [{"role": "user", "content": "Say hello."}]


class Client(Protocol):
    """What a client's file offers; a method that it has not is a row in which it is left out."""

    def call(self, messages: Messages) -> str: ...
    async def acall(self, messages: Messages) -> str: ...
    def stream(self, messages: Messages) -> Iterator[str]: ...
    def astream(self, messages: Messages) -> AsyncIterator[str]: ...
    def arguments(self, messages: Messages) -> str:
        """The arguments of the one tool call that is streamed, joined."""
        ...


def payload(messages: Messages, *, stream: bool = False) -> dict[str, Any]:
    """The body of a request, for clients that leave it to their user."""
    body: dict[str, Any] = {"model": MODEL, "messages": messages}
    return {**body, "stream": True} if stream else body


def delta_of(chunk: Any) -> Any:
    """The delta of a chunk's first choice."""
    return chunk["choices"][0]["delta"]


class WrongError(Exception):
    """The client did not give what the server sent: its time says nothing."""


def repeated(action: Callable[[], int], least_s: float) -> Figures:
    """CPU time per unit, of actions one after the other until they took so much."""
    units = 0
    start = time.process_time()
    while (spent := time.process_time() - start) < least_s or not units:
        units += action()
    return {"cpu_us": 1e6 * spent / units}


def counted(parts: Iterator[Any], expected: int, characters: int) -> int:
    """How many parts had text.

    Raises:
        WrongError: They are not as many as the server sent, or not so long.
    """
    found = size = 0
    for part in parts:
        if part:
            found += 1
            size += len(part)
    return verified(found, size, expected, characters)


def verified(found: int, size: int, expected: int, characters: int) -> int:
    """The units that the server sent; clients may give several as one, but no character less."""
    if size != characters:
        raise WrongError(f"{size} characters in {found} chunks, and {characters} were sent")
    return expected


class LackingError(Exception):
    """The client has no such method; its message is the name."""


class Trials:
    """What can be asked of a client. Connections are kept from one trial to the next."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._made: dict[str, Any] = {}
        self._runner: Any = None

    def client(self, url: str, method: str) -> Any:
        """The one for this base URL.

        Raises:
            LackingError: It has no such method.
        """
        if url not in self._made:
            self._made[url] = self._make(url)
        if not hasattr(self._made[url], method):
            raise LackingError(method)
        return self._made[url]

    def method(self, url: str, name: str) -> Callable[[Messages], Any]:
        """Its method."""
        found: Callable[[Messages], Any] = getattr(self.client(url, name), name)
        return found

    def run(self, coroutine: Any) -> Any:
        """All on one event loop, to which the connections belong."""
        if self._runner is None:
            import asyncio  # noqa: PLC0415 - see the module

            self._runner = asyncio.Runner()
        return self._runner.run(coroutine)

    def call(self, url: str, least_s: float, characters: int) -> Figures:
        """CPU per call, on one kept connection; `characters` of text in the answer."""
        ask = self.method(url, "call")

        def action() -> int:
            for _ in range(10):
                verified(1, len(ask(MESSAGES)), 1, characters)
            return 10

        return repeated(action, least_s)

    def acall(self, url: str, least_s: float, characters: int) -> Figures:
        """`call`, async."""
        ask = self.method(url, "acall")

        async def some() -> int:
            for _ in range(10):
                verified(1, len(await ask(MESSAGES)), 1, characters)
            return 10

        return repeated(lambda: self.run(some()), least_s)

    def say(self, url: str, least_s: float, size: int) -> Figures:
        """CPU per KB of a conversation of `size` characters that is sent."""
        ask = self.method(url, "call")
        turns = [{"role": ("user", "assistant")[n % 2], "content": "x" * 1000} for n in range(1000)]
        messages = turns[: size // 1000]

        def action() -> int:
            for _ in range(5):
                ask(messages)
            return 5 * size // 1000

        return repeated(action, least_s)

    def stream(
        self, url: str, least_s: float, chunks: int, characters: int, method: str = "stream"
    ) -> Figures:
        """CPU per chunk; `method` is another one that gives parts of a text."""
        ask = self.method(url, method)
        return repeated(lambda: counted(ask(MESSAGES), chunks, characters), least_s)

    def values(self, url: str, least_s: float, chunks: int) -> Figures:
        """CPU per chunk of a stream that is parsed into partial values.

        Each is looked at and let go, as who shows it does: who keeps them all has them copied.
        """
        ask = self.method(url, "stream_parse")

        def action() -> int:
            if not sum(1 for value in ask(MESSAGES) if value):
                raise WrongError("there was no value")
            return chunks

        return repeated(action, least_s)

    def astream(self, url: str, least_s: float, chunks: int, characters: int) -> Figures:
        """`stream`, async."""
        ask = self.method(url, "astream")

        async def whole() -> int:
            found = size = 0
            async for part in ask(MESSAGES):
                if part:
                    found += 1
                    size += len(part)
            return verified(found, size, chunks, characters)

        return repeated(lambda: self.run(whole()), least_s)

    def arguments(self, url: str, least_s: float, chunks: int, characters: int) -> Figures:
        """CPU per fragment of a tool call's arguments."""
        ask = self.method(url, "arguments")

        def action() -> int:
            return verified(1, len(ask(MESSAGES)), chunks, characters)

        return repeated(action, least_s)

    def threads(self, url: str, threads: int, each: int) -> Figures:
        """CPU per call, of threads that share one client."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - see the module

        ask = self.method(url, "call")

        def some(_: int) -> None:
            for _ in range(each):
                ask(MESSAGES)

        with ThreadPoolExecutor(threads) as pool:
            start = time.process_time()
            list(pool.map(some, range(threads)))
            spent = time.process_time() - start
        return {"cpu_us": 1e6 * spent / (threads * each)}

    def many(self, url: str, at_once: int, each: int, limit_s: float) -> Figures:
        """So many at once, each of which asks `each` times; stopped after `limit_s`."""
        from crowd import many  # noqa: PLC0415 - see the module

        figures: Figures = self.run(many(self.client(url, "acall"), at_once, each, limit_s))
        return figures

    def paced(self, url: str, streams: int, limit_s: float) -> Figures:
        """So many paced streams at once; stopped after `limit_s`."""
        from crowd import paced  # noqa: PLC0415 - see the module

        figures: Figures = self.run(paced(self.client(url, "astream"), streams, limit_s))
        return figures

    def memory(self, call_url: str, warm_url: str, url: str, limit_s: float) -> Figures:
        """Of a new process: MB after a call, and what a long stream adds that is thrown away.

        It goes on for `limit_s` at most: `chunks` says how far it came.
        """
        self.method(call_url, "call")(MESSAGES)
        after_call = resident_mb()
        for _ in self.method(warm_url, "stream")(MESSAGES):
            pass
        before = most = resident_mb()
        stop = time.perf_counter() + limit_s
        chunks = 0
        for _ in self.method(url, "stream")(MESSAGES):
            chunks += 1
            if not chunks % 5_000:
                most = max(most, resident_mb())
                if time.perf_counter() > stop:
                    break
        return {"rss_mb": after_call, "growth_mb": most - before, "chunks": chunks}

    def stop(self) -> None:
        """Close what is open."""
        if self._runner is not None:
            self._runner.close()


def resident_mb() -> float:
    """The memory of this process that is in RAM now; its peak where that cannot be read."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text("ascii").split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def serve(make: Callable[[str], Any]) -> None:
    """Answer line by line until the input ends."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    trials = Trials(make)
    for line in sys.stdin:
        asked: Mapping[str, Any] = json.loads(line)
        keywords = {key: value for key, value in asked.items() if key != "trial"}
        answer: Mapping[str, Any]
        start = time.process_time()
        try:
            answer = getattr(trials, asked["trial"])(**keywords)
            answer = {**answer, "spent_us": 1e6 * (time.process_time() - start)}
        except LackingError as error:
            answer = {"lacking": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever the client raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the protocol
    trials.stop()
