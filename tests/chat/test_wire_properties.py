"""Random answers in random dress over real sockets, through both doors."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows import check_chunks
from spoken import PLACES, Answer, check_same, dressed_answers, is_beginning, pieces_of

from lexilux_like import ChatStreamInterruptedError, ResponseFormatError
from lexilux_like.testing import Cut, Reply, ScriptedServer, Send
from lexilux_like.testing.door import Doors

FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one server for all examples
)


def in_writes(body: bytes, places: Sequence[float], *more: Cut) -> Reply:
    steps = [*map(Send, pieces_of(body, places)), *more]
    return Reply(200, {"content-type": "text/event-stream"}, steps=steps, framing="chunked")


@FEW
@given(dressed_answers(), PLACES)
def test_answer_is_heard_as_it_was_said(
    door: Doors,
    scripted_server: ScriptedServer,
    given_: tuple[Answer, bytes],
    places: Sequence[float],
) -> None:
    answer, body = given_
    scripted_server.play(in_writes(body, places))
    streamed = door().stream("x", include_reasoning=True, extra={"n": len(answer.said)})
    check_same(streamed.result, answer)
    check_chunks(streamed.chunks, streamed.result, shown=True)


@FEW
@given(dressed_answers(most=1), st.floats(0, 0.9), st.booleans())
def test_part_of_the_bytes_is_a_beginning_and_never_looks_whole(
    door: Doors,
    scripted_server: ScriptedServer,
    given_: tuple[Answer, bytes],
    place: float,
    broken: bool,
) -> None:
    answer, body = given_
    kept = body[: int(place * len(body))]
    if b"finish_reason" in kept:
        kept = kept[: kept.rindex(b"finish_reason")]
    scripted_server.play(in_writes(kept, [0.5], *([Cut()] if broken else [])))
    with pytest.raises((ChatStreamInterruptedError, ResponseFormatError)) as caught:
        door().stream("x")
    part = caught.value.partial
    if isinstance(caught.value, ResponseFormatError):  # nothing came that is of a stream
        assert len(kept) < len(b"\xef\xbb\xbfevent: message\r\n")
        assert not broken
        return
    assert part is not None
    assert caught.value.clean is not broken
    assert is_beginning(part, answer.said[0])
    assert part.status == ("interrupted" if broken else "unannounced")
    assert part.tool_calls == ()
