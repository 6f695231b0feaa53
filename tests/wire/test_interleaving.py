"""Any answer in any dress is heard as it was said; any part of it is never taken for all."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rows import check_chunks
from spoken import (
    PLACES,
    Answer,
    answers,
    check_same,
    dressed,
    dressed_answers,
    is_beginning,
    pieces_of,
)

from lexilux_like.testing import DONE, sse
from lexilux_like.values.errors import ChatStreamInterruptedError
from lexilux_like.values.request import ChatRequest


def request(answer: Answer) -> ChatRequest:
    return ChatRequest("m", [], include_reasoning=True, extra={"n": len(answer.said)})


@given(dressed_answers(), PLACES)
def test_answer_is_heard_as_it_was_said(
    reads, given_: tuple[Answer, bytes], places: Sequence[float]
) -> None:
    answer, body = given_
    played = reads(pieces_of(body, places), request(answer))
    check_same(played.result, answer)
    check_chunks(played.chunks, played.result, shown=True)


@given(dressed_answers())
def test_one_byte_per_read_is_heard_alike(reads, given_: tuple[Answer, bytes]) -> None:
    answer, body = given_
    check_same(reads([body[i : i + 1] for i in range(len(body))], request(answer)).result, answer)


@given(dressed_answers(), st.floats(0, 1), PLACES)
def test_part_of_the_bytes_is_a_beginning_and_never_looks_whole(
    reads, given_: tuple[Answer, bytes], place: float, places: Sequence[float]
) -> None:
    answer, body = given_
    played = reads(pieces_of(body[: int(place * len(body))], places), request(answer))
    so_far = played.answer.so_far()
    assert len(so_far.choices) <= len(answer.said)
    assert all(
        is_beginning(each, answer.said[each.index])
        and (each.raw_finish_reason or each.status in ("unannounced", "unknown"))
        for each in so_far.choices
    )
    assert not any(each.tool_calls and not each.raw_finish_reason for each in so_far.choices)
    if played.error is None:  # every choice has finished: what is missing says no more
        assert [each.text for each in so_far.choices] == [each.text for each in answer.said]
    else:
        assert type(played.error) is ChatStreamInterruptedError
        assert not played.answer.announced


@given(answers(), st.data())
def test_dress_changes_nothing(play, answer: Answer, data: st.DataObject) -> None:
    fields = {"include_reasoning": True, "extra": {"n": len(answer.said)}}
    plain = play(b"".join(sse(event) for event in answer.events) + DONE, **fields)
    other = play(data.draw(dressed(answer)), **fields)
    assert other.result == plain.result
    assert other.chunks == plain.chunks
