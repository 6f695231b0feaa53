"""Checked by mypy and pyright, never run: the testing kit as its users type it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_type

from lexilux_like.testing import (
    RecordedRequest,
    Recorder,
    Replay,
    Reply,
    ScriptedServer,
    SimulatedModel,
    answer,
    cut,
    fail,
    stream,
    trickle,
    truncate,
)

assert_type(cut(answer("hi"), at_byte=3), Reply)
assert_type(truncate(trickle(stream("hi"), delay_s=0.1), tokens=1), Reply)
assert_type(fail(stream("hi"), "object", after=1), Reply)
assert_type(cut(SimulatedModel("hi"), at_byte=3, clean=True), Callable[[RecordedRequest], Reply])
cut(answer("hi"))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # ty: ignore[no-matching-overload]
cut(answer("hi"), at_bite=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # ty: ignore[no-matching-overload]
with ScriptedServer(answer("hi"), SimulatedModel("hi"), lambda request: answer(request.path)) as s:
    s.always(fail(SimulatedModel("hi")))
    with Recorder(s.url, "a.jsonl", scrub=lambda body: body) as recorder:
        assert_type(recorder, Recorder)
    with Replay("a.jsonl", timed=True) as replay:
        assert_type(replay.unmatched, list[str])
