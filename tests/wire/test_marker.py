"""LM Studio's marker: taken out however it is cut, and nothing else is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.wire.marker import BEGINNING, Unmarker

MARKER = f"{BEGINNING}f4e9a8d2c6b14d0c__"
PLACES = st.lists(st.integers(0, 120), max_size=8)


def mended(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    unmarker = Unmarker()
    found = [unmarker.mend(0, delta) for delta in deltas]
    return [*found, *unmarker.rest(0)]


def joined(deltas: list[dict[str, Any]], name: str) -> str:
    return "".join(each.get(name) or "" for each in deltas)


def cut(text: str, places: list[int]) -> list[str]:
    every = sorted({0, len(text), *(min(place, len(text)) for place in places)})
    return [text[a:b] for a, b in pairwise(every)]


@given(st.text(max_size=9), st.text(max_size=9), PLACES)
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_marker_is_taken_out_however_it_is_cut(
    name: str, before: str, after: str, places: list[int]
) -> None:
    pieces = cut(f"{before}{MARKER}{after}", places)
    assert joined(mended(*({name: piece} for piece in pieces)), name) == before + after


@given(st.text(min_size=1, max_size=9), st.text(max_size=9), PLACES)
def test_text_before_a_marker_loses_nothing_however_it_is_cut(
    before: str, after: str, places: list[int]
) -> None:
    found = mended(*({"content": piece} for piece in cut(f"{before}{MARKER}{after}", places)))
    assert joined(found, "reasoning_content") + joined(found, "content") == before + after


@given(st.text(alphabet="_LMSTUDIO" + BEGINNING[-8:] + "a1", max_size=30), PLACES)
def test_other_text_stays_as_it_is(text: str, places: list[int]) -> None:
    pieces = cut(BEGINNING[: len(text)] + text, places)
    assert joined(mended(*({"content": piece} for piece in pieces)), "content") == "".join(pieces)


def test_text_that_cannot_be_a_marker_is_handed_on_at_once() -> None:
    unmarker = Unmarker()
    assert unmarker.mend(0, {"content": "a__b"}) == {"content": "a__b"}
    assert unmarker.mend(0, {"content": "c_"}) == {"content": "c"}
    assert unmarker.mend(0, {"content": "d"}) == {"content": "_d"}


def test_text_before_the_marker_of_a_whole_message_is_reasoning() -> None:
    assert mended({"content": f"why{MARKER}so"}) == [{"content": "so", "reasoning_content": "why"}]


def test_text_beside_reasoning_stays_text() -> None:
    found = mended({"content": f"a{MARKER}b", "reasoning": "why"})
    assert found == [{"content": "ab", "reasoning": "why"}]


def test_choices_are_kept_apart() -> None:
    unmarker = Unmarker()
    unmarker.mend(0, {"content": "a__LM"})
    assert unmarker.mend(1, {"content": "_STUDIO"}) == {"content": "_STUDIO"}
    assert [*unmarker.rest(1)] == []
    assert [*unmarker.rest(0)] == [{"content": "__LM"}]


def test_delta_that_is_no_object_is_left_alone() -> None:
    assert Unmarker().mend(0, "x") == "x"
