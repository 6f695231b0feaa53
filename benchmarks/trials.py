# ruff: noqa: INP001 - a script's neighbour, not a package
"""What is measured, row by row: the trial, its figures, and what each is meant to be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from answers import EVENTS, FRAGMENTS, LONG, STREAM, document, whole, words

OPENAI, HTTPX, RAW, COMPILED = "openai_client", "httpx_client", "raw_floor", "compiled_floor"
DEFAULT, FAST = "ours_httpx", "ours_fast"
OURS = (DEFAULT, FAST)
CONCURRENCY = (1, 4, 16, 64, 256, 1_000)
STREAMS = 100
"""Paced streams at once."""
CLIENTS = (HTTPX, "httpx2_client", *OURS, OPENAI, "litellm_client", "lexilux_client")
"""Without the floors, which are not written for long events."""
LINEAR = 1.5
"""What an item may cost among ten times as many, or more, in place of among few."""

Figures: TypeAlias = Mapping[str, float]
Results: TypeAlias = Mapping[str, Mapping[str, Figures]]
"""By row, client and figure."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a client's figure is to be: a bound, or a multiple of another figure of its kind."""

    client: str
    limit: float
    of: str = ""
    """The client that is multiplied; `""` for a bound that stands for itself."""
    of_row: str = ""
    """Where the other figure stands, if not in the same row."""
    at_least: bool = False
    where: str = ""
    """It is meant only where this client keeps to the bound too."""

    def share(self, row: str, key: str, results: Results) -> float | None:
        """The figure, or its ratio to the other one; None where one is not there."""
        mine = results.get(row, {}).get(self.client, {}).get(key)
        if mine is None or not self.of:
            return mine
        other = results.get(self.of_row or row, {}).get(self.of, {}).get(key)
        return mine / other if other else None

    def reached(self, row: str, key: str, results: Results) -> bool | None:
        """None where it was not measured, or is not meant here."""
        share = self.share(row, key, results)
        if self.where:
            other = results.get(row, {}).get(self.where, {}).get(key)
            if other is None or other > self.limit:
                return None
        if share is None:
            return None
        return share >= self.limit if self.at_least else share <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a row."""

    key: str
    """As the trial calls it."""
    title: str
    targets: tuple[Target, ...] = ()
    base: str = OPENAI
    """The client that it is compared with in the table; `""` for none."""


@dataclass(frozen=True, slots=True)
class Row:
    """A trial that clients are put to, all in the same way."""

    name: str
    group: str
    title: str
    trial: str
    figures: tuple[Figure, ...]
    answer: str = ""
    """What the server answers; `""` where it is not asked."""
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The trial's keywords, beside the URL."""
    clients: tuple[str, ...] = ()
    """Empty for all."""
    rounds: int = 5
    warm: bool = True
    """Whether a first trial is thrown away."""


GROUPS: Mapping[str, str] = {
    "stream": "Streams: CPU per chunk",
    "call": "Calls",
    "paced": "Paced streams: 50 tokens a second each",
    "crowd": f"{CONCURRENCY[-1]:,} async calls at once, a server that takes 50 ms",
    "start": "Start and memory",
    "linear": "Does an item cost more among many?",
    "whole": "complete_stream and stream_parse",
}
LENGTH = {"chunks": STREAM, "characters": len("".join(words(STREAM)))}


def at_most(default: float, fast: float, of: str = OPENAI) -> tuple[Target, ...]:
    """Multiples of another client's figure, for the two engines."""
    return Target(DEFAULT, default, of), Target(FAST, fast, of)


def _streams() -> Iterator[Row]:
    floor = Target(FAST, 3, COMPILED)
    kinds: tuple[tuple[str, str, str, str, tuple[Target, ...]], ...] = (
        ("stream-sync", "chunks", "stream", "sync", (*at_most(1 / 9, 1 / 30), floor)),
        ("stream-async", "chunks", "astream", "async", (*at_most(1 / 7, 1 / 30), floor)),
        ("coalesced-sync", "coalesced", "stream", "sync, coalesced", at_most(1 / 30, 1 / 35)),
        ("coalesced-async", "coalesced", "astream", "async, coalesced", at_most(1 / 30, 1 / 35)),
        ("unlike-sync", "unlike", "stream", "sync, no two alike", ()),
    )
    for name, answer, trial, title, targets in kinds:
        figures = (Figure("cpu_us", f"{title}, µs", targets),)
        given = {**LENGTH, "least_s": 0.1}
        yield Row(name, "stream", f"A chunk of a stream, {title}", trial, figures, answer, given)


def _calls() -> Iterator[Row]:
    given = {"least_s": 0.1, "characters": len(_content())}
    targets = (*at_most(0.85, 0.2, HTTPX), Target(FAST, 1 / 10, OPENAI))
    figure = Figure("cpu_us", "sync, µs", targets, HTTPX)
    yield Row("call-sync", "call", "A call, sync", "call", (figure,), "call", given)
    figure = Figure("cpu_us", "async, µs", (), HTTPX)
    yield Row("call-async", "call", "A call, async", "acall", (figure,), "call", given)
    figure = Figure("cpu_us", "64 threads, µs", at_most(1, 1 / 10))
    given = {"threads": 64, "each": 8}
    title = "A call, 64 threads on one client"
    yield Row("threads", "call", title, "threads", (figure,), "call", given)


def _paced() -> Iterator[Row]:
    p99 = (Target(DEFAULT, 1, OPENAI), Target(FAST, 2, where=RAW))
    figures = (
        Figure("succeeded", "ended in 15 s, %", base=""),
        Figure("p50_ms", "lag, median, ms"),
        Figure("p99_ms", "lag, p99, ms", p99),
        Figure("cpu_us", "CPU per token, µs", at_most(0.6, 1 / 6)),
    )
    given = {"streams": STREAMS, "limit_s": 15}
    yield Row(
        "paced",
        "paced",
        "100 paced streams",
        "paced",
        figures,
        "paced",
        given,
        rounds=3,
        warm=False,
    )
    more = (Target(DEFAULT, 1.5, OPENAI, at_least=True), Target(FAST, 5, OPENAI, at_least=True))
    figures = (Figure("streams", "streams within 100 ms of lag", more),)
    title = "Paced streams one process sustains"
    yield Row(
        "sustained",
        "paced",
        title,
        "sustained",
        figures,
        "paced",
        clients=(RAW, COMPILED, HTTPX, "httpx2_client", "aiohttp_client", *OURS, OPENAI),
        rounds=1,
        warm=False,
    )


def _crowd() -> Iterator[Row]:
    for at_once in CONCURRENCY:
        each = max(1, min(6, 256 // at_once))
        figures: tuple[Figure, ...] = (Figure("cpu_us", "CPU per call, µs"),)
        if at_once == CONCURRENCY[-1]:
            success = tuple(Target(client, 100, at_least=True) for client in OURS)
            figures = (
                Figure("succeeded", "succeeded, %", success, base=""),
                Figure("p99_ms", "latency, p99, ms", (Target(FAST, 250),)),
                Figure("cpu_us", "CPU per call, µs", at_most(1, 1 / 8)),
            )
        given = {"at_once": at_once, "each": each, "limit_s": 10}
        title = f"{at_once:,} calls at once"
        yield Row(
            f"many-{at_once}",
            "crowd",
            title,
            "many",
            figures,
            "delayed",
            given,
            rounds=3,
            warm=False,
        )


def _start() -> Iterator[Row]:
    for key, title, limit in (("import", "import, ms", 10), ("first", "and a client, ms", 120)):
        targets = tuple(Target(client, limit) for client in OURS)
        says = {"import": "Import", "first": "Import and the first client made"}[key]
        figures = (Figure("wall_ms", title, targets),)
        yield Row(key, "start", f"{says}, over bare Python", key, figures, rounds=5, warm=False)
    figures = (
        Figure("rss_mb", "memory after a call, MB", at_most(0.6, 0.6)),
        Figure(
            "growth_mb",
            f"growth over {LONG:,} chunks, MB",
            tuple(Target(client, 5) for client in OURS),
        ),
        Figure("chunks", "chunks read", base=""),
    )
    given = {"limit_s": 20}
    yield Row("memory", "start", "Memory", "memory", figures, "long", given, rounds=1, warm=False)


def _linear() -> Iterator[Row]:
    for count in FRAGMENTS:
        given = {
            "chunks": count,
            "characters": len("".join(document(count))),
            "least_s": 0.02,
        }
        of = f"tools-{FRAGMENTS[0]}" if count == FRAGMENTS[-1] else ""
        yield _scaled(f"tools-{count}", f"{count:,} tool fragments", "arguments", of, given, ())
        given = {"chunks": count, "least_s": 0.02}
        of = f"json-{FRAGMENTS[0]}" if count == FRAGMENTS[-1] else ""
        yield _scaled(f"json-{count}", f"{count:,} partial objects", "values", of, given, OURS)
    for size in EVENTS:
        given = {"chunks": size // 1000, "characters": size, "least_s": 0.02}
        of = f"event-{EVENTS[0]}" if size == EVENTS[-1] else ""
        title = f"an event of {size // 1000:,} KB, per KB"
        yield _scaled(f"event-{size}", title, "stream", of, given, CLIENTS)
    for size in (10_000, 100_000, 1_000_000):
        given = {"size": size, "least_s": 0.05}
        of = "say-10000" if size == 1_000_000 else ""
        title = f"a conversation of {size // 1000:,} KB, per KB"
        yield _scaled(f"say-{size}", title, "say", of, given, (HTTPX, OPENAI, *OURS), "call")


def _scaled(  # noqa: PLR0917 - the columns of a table
    name: str,
    title: str,
    trial: str,
    of_row: str,
    given: Mapping[str, Any],
    clients: tuple[str, ...],
    answer: str = "",
) -> Row:
    """A row of one size; the largest, which has `of_row`, is compared with the smallest."""
    targets = tuple(Target(each, LINEAR, each, of_row) for each in OURS) if of_row else ()
    figures = (Figure("cpu_us", f"{title}, µs", targets),)
    says = title[0].upper() + title[1:]
    return Row(name, "linear", says, trial, figures, answer or name, given, clients, 3, warm=False)


def _whole() -> Iterator[Row]:
    middle = FRAGMENTS[1]
    length = {"chunks": middle, "characters": len("".join(document(middle))), "least_s": 0.1}
    figures: tuple[Figure, ...] = (Figure("cpu_us", "stream, JSON, µs"),)
    answer = f"json-{middle}"
    yield Row("plain", "whole", "stream, of JSON", "stream", figures, answer, length, OURS)
    targets = tuple(Target(each, 1.5, each, "plain") for each in OURS)
    figures = (Figure("cpu_us", "stream_parse, µs", targets),)
    given = {"chunks": middle, "least_s": 0.1}
    yield Row("stream-parse", "whole", "stream_parse", "values", figures, answer, given, OURS)
    targets = tuple(Target(each, 1.5, each, "stream-sync") for each in OURS)
    figures = (Figure("cpu_us", "complete_stream, µs", targets),)
    given = {**LENGTH, "least_s": 0.1, "method": "complete_stream"}
    title = "complete_stream"
    yield Row("complete-stream", "whole", title, "stream", figures, "chunks", given, OURS)


def _content() -> str:
    """The text of the answer that is not streamed."""
    body = json.loads(whole().head.partition(b"\r\n\r\n")[2])
    text: str = body["choices"][0]["message"]["content"]
    return text


def rows() -> dict[str, Row]:
    """All rows by name."""
    kinds = (_streams(), _calls(), _paced(), _crowd(), _start(), _linear(), _whole())
    return {row.name: row for kind in kinds for row in kind}
