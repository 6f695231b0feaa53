"""Recorded traffic of real providers, replayed over sockets in every variant of the wire."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from corpus import (
    STREAM_VARIANTS,
    Record,
    at_once,
    bodies,
    cut_inside_characters,
    one_byte_per_read,
    report,
    streams,
    with_white_space,
)

from lexilux_like import ChatResult
from lexilux_like.testing import Cut, Reply, ScriptedServer, Send
from lexilux_like.testing.door import Doors

FRAMING = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}
SHORT_STREAM, SHORT_BODY = 2_000, 600
"""Bytes of a record that is worth a write for each of them."""


def chunked(pieces: Iterable[bytes], *more: Any, **headers: str) -> Reply:
    return Reply(200, headers, steps=[*map(Send, pieces), *more], framing="chunked")


def compressed(body: bytes) -> Reply:
    return chunked([gzip.compress(body)], **{"content-encoding": "gzip"})


def cut_after_the_last_event(body: bytes) -> Reply:
    return chunked([body], Cut())


def one_byte_a_write(body: bytes) -> Reply:
    return chunked(one_byte_per_read(body))


def with_a_length(body: bytes) -> Reply:
    return Reply(200, {}, body)


def as_record(reply: Reply, record: Record) -> Reply:
    """`reply` under the record's status and headers."""
    recorded = {n: v for n, v in record["response_headers"].items() if n not in FRAMING}
    headers = {**recorded, **reply.headers}
    return Reply(record["status"], headers, reply.body, reply.steps, reply.framing)


def replay(
    door: Doors, server: ScriptedServer, variant: Callable[[bytes], Any]
) -> Callable[[Record], ChatResult]:
    """Ask for a record, played in a variant: a `Reply`, or the pieces of a chunked body."""
    asked = door(api_key="none of the recorded ones")

    def ask(record: Record) -> ChatResult:
        played = variant(record["body"].encode())
        reply = played if isinstance(played, Reply) else chunked(played)
        server.requests.clear()
        server.play(as_record(reply, record))
        return asked.stream("x").result if record["stream"] else asked.call("x")

    return ask


def names(variant: object) -> str:
    return str(getattr(variant, "__name__", variant))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "variant",
    [*STREAM_VARIANTS, compressed, cut_after_the_last_event],
    ids=names,
)
def test_recorded_streams_come_through_without_a_loss(
    door: Doors, scripted_server: ScriptedServer, variant: Callable[[bytes], Any]
) -> None:
    assert len(streams()) > 300
    assert report(streams(), replay(door, scripted_server, variant)) == {}


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "variant",
    [
        with_a_length,
        at_once,
        compressed,
        with_white_space,
        cut_inside_characters,
    ],
    ids=names,
)
def test_recorded_bodies_and_errors_come_through_without_a_loss(
    door: Doors, scripted_server: ScriptedServer, variant: Callable[[bytes], Any]
) -> None:
    assert len(bodies()) > 1_300
    assert report(bodies(), replay(door, scripted_server, variant)) == {}


@pytest.mark.timeout(240)
def test_short_records_come_through_one_byte_a_write(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    short = [each for each in streams() if len(each["body"]) < SHORT_STREAM]
    assert len(short) > 50
    short += [each for each in bodies() if len(each["body"]) < SHORT_BODY]
    assert report(short, replay(door, scripted_server, one_byte_a_write)) == {}
