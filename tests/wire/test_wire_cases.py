"""What servers may send beside what was recorded: each row, as bytes."""

from __future__ import annotations

from pieces import HI, STOP
from rows import Row, each_row, facts
from wire_cases import CASES

from lexilux_like.testing import chunk, sse


@each_row(*(each for each in CASES if each.timeless))
def test_case_is_heard_as_expected(row: Row, hear) -> None:
    assert facts(hear(row)) == row.expected


def test_empty_deltas_make_no_chunks(play) -> None:
    played = play(sse(chunk({})) * 5_000 + HI + STOP)
    assert [each.delta for each in played.chunks] == ["Hi", "", ""]
