"""Recorded traffic of real providers, replayed over sockets in every variant of the wire."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from corpus import body_of, differences, error_differences, records

from lexilux_like import APIError, LexiluxError
from lexilux_like.testing import Cut, Reply, ScriptedServer, Send
from lexilux_like.testing.door import Door, Doors

FRAMING = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}
SMALL = 600
"""Bytes of a body that is worth a write for each of them."""


def events_of(body: bytes) -> list[bytes]:
    """The events of a stream, each with the blank line that ends it."""
    return [e for e in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)", body) if e]


def chunked(pieces: Iterable[bytes], *more: Any, **headers: str) -> Reply:
    return Reply(200, headers, steps=[*map(Send, pieces), *more], framing="chunked")


def each_line(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the data lines that hold JSON."""
    return re.sub(rb"(?m)^data: ?(\{.*)$", lambda m: change(m[1]), body)


def split_characters(body: bytes) -> list[bytes]:
    """Cut the body inside each character of several bytes."""
    cuts = [0, *(m.start() + 1 for m in re.finditer(rb"[\xc2-\xf4](?=[\x80-\xbf])", body))]
    return [body[a:b] for a, b in zip(cuts, [*cuts[1:], len(body)], strict=True)]


STREAMS: dict[str, Callable[[bytes], Reply]] = {
    "as recorded": lambda b: chunked(events_of(b)),
    "in one write": lambda b: chunked([b]),
    "CRLF": lambda b: chunked(events_of(re.sub(rb"\r\n|\n", b"\r\n", b))),
    "CR": lambda b: chunked([re.sub(rb"\r\n|\n", b"\r", b)]),
    "gzip": lambda b: chunked([gzip.compress(b)], **{"content-encoding": "gzip"}),
    "comments": lambda b: chunked(p for e in events_of(b) for p in (b": keep-alive\n\n", e)),
    "split characters": lambda b: chunked(split_characters(b)),
    "no space": lambda b: chunked([re.sub(rb"(?m)^data: ", b"data:", b)]),
    "BOM": lambda b: chunked([b"\xef\xbb\xbf" + b]),
    "multi-line data": lambda b: chunked(
        [each_line(b, lambda line: b"data: {\ndata: " + line[1:])]
    ),
    "U+2028": lambda b: chunked(
        [each_line(b, lambda line: b'data: {"_": "\xe2\x80\xa8\xc2\x85", ' + line[1:])]
    ),
    "cut after the last event": lambda b: chunked([b], Cut()),
    "a byte a write": lambda b: chunked(
        [b[i : i + 1] for i in range(len(b))] if len(b) < SMALL else [b]
    ),
}
WHOLE: dict[str, Callable[[bytes], Reply]] = {
    "as recorded": lambda b: Reply(200, {}, b),
    "gzip": lambda b: Reply(200, {"content-encoding": "gzip"}, gzip.compress(b)),
    "white space first": lambda b: chunked([b"\n", b"   \r\n", b]),
    "split characters": lambda b: chunked(split_characters(b)),
    "a byte a write": lambda b: chunked(
        [b[i : i + 1] for i in range(len(b))] if len(b) < SMALL else [b]
    ),
}


def as_record(reply: Reply, record: dict[str, Any]) -> Reply:
    """`reply` under the record's status and headers."""
    recorded = {n: v for n, v in record["response_headers"].items() if n not in FRAMING}
    return Reply(
        record["status"],
        {**recorded, **reply.headers},
        reply.body,
        reply.steps,
        reply.framing,
    )


def compare(door: Door, record: dict[str, Any]) -> object:
    """How the answer differs from what is expected; empty where it does not."""
    try:
        if record["stream"]:
            return differences(record, door.stream("x").result)
        return differences(record, door.call("x"))
    except APIError as error:
        if record["expected"]["outcome"] == "ok":
            return repr(error)
        return error_differences(record, error)
    except LexiluxError as error:
        return repr(error)


def replay(
    door: Doors,
    server: ScriptedServer,
    chosen: Iterable[dict[str, Any]],
    variant: Callable[..., Any],
) -> None:
    asked = door(api_key="none of the recorded ones")
    wrong: dict[str, object] = {}
    count = 0
    for record in chosen:
        count += 1
        server.play(as_record(variant(body_of(record)), record))
        if found := compare(asked, record):
            wrong[record["id"]] = found
        server.requests.clear()
    assert wrong == {}
    assert count > 300


@pytest.mark.timeout(240)
@pytest.mark.parametrize("variant", STREAMS)
def test_recorded_streams_come_through_without_a_loss(
    door: Doors, scripted_server: ScriptedServer, variant: str
) -> None:
    streams = [r for r in records() if r["stream"] and r["status"] < 400]
    replay(door, scripted_server, streams, STREAMS[variant])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("variant", WHOLE)
def test_recorded_bodies_and_errors_come_through_without_a_loss(
    door: Doors, scripted_server: ScriptedServer, variant: str
) -> None:
    bodies = [r for r in records() if not r["stream"] or r["status"] >= 400]
    replay(door, scripted_server, bodies, WHOLE[variant])
