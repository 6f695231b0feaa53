"""What a chunk costs, in calls of Python functions, which are the same on every machine."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import lexilux_like
from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.transport.drive import iterate
from lexilux_like.turns.calls import Calls
from lexilux_like.turns.flow import Action, Open, Read, Stepper
from lexilux_like.turns.retry import RetryBudget
from lexilux_like.turns.rules import LEARNED, Server
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.registry import find_profile

URL = "http://127.0.0.1:1/v1"
PACKAGE = str(Path(lexilux_like.__file__).parent)
REQUEST = ChatRequest("m", [{"role": "user", "content": "Hi"}])


class Replies:
    """A world without a network: what it is asked for is there."""

    def __init__(self, reads: list[bytes]) -> None:
        self.reads = iter(reads)

    def perform(self, action: Action) -> Any:
        if isinstance(action, Read):
            return next(self.reads)
        if isinstance(action, Open):
            return Response(200, {})
        return None


def calls_of_a_stream(chunks: int, *, at_once: int, **options: Any) -> int:
    """Calls in the package while a stream of so many chunks is read."""
    texts = [sse(chunk({"content": f"word {i} "})) for i in range(chunks)]
    reads = [b"".join(texts[i : i + at_once]) for i in range(0, chunks, at_once)]
    profile = find_profile(URL)
    calls = Calls(OpenAIDialect(URL, profile), Server(URL, profile, LEARNED), RetryBudget())
    live = options.pop("live", False)
    flow = (
        calls.complete(REQUEST, options, live=True) if live else calls.stream(REQUEST, {**options})
    )
    world: Any = Replies([*reads, sse(chunk({}, finish_reason="stop")) + DONE])
    counted = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    sys.setprofile(count)
    try:
        handed_out = sum(bool(each.delta) for each in iterate(Stepper(flow, lambda: 0.0), world))
    finally:
        sys.setprofile(None)
    assert live or handed_out == chunks
    return counted


@pytest.mark.parametrize(
    ("at_once", "live", "most"),
    [(1, False, 12.5), (20, False, 6.5), (20, True, 12.5)],
    ids=["one by one", "twenty in a read", "complete_stream"],
)
def test_calls_per_chunk(at_once: int, live: bool, most: float):
    few, many = (calls_of_a_stream(20 * n, at_once=at_once, live=live) for n in (10, 60))
    per_chunk = (many - few) / 1_000
    assert per_chunk <= most, per_chunk


def test_a_long_stream_costs_no_more_per_chunk_than_a_short_one():
    short, long = (calls_of_a_stream(n, at_once=1) for n in (1_000, 4_000))
    assert long <= 4 * short
