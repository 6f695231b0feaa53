"""Where a cut answer goes back to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.testing.simulated.documents import KINDS, document
from lexilux_like.turns.cut import TAIL, cut_back, is_safe, is_unique

TEXTS = [document(kind, 1, 700) for kind in KINDS]


@given(st.sampled_from(TEXTS), st.data())
def test_the_place_is_never_before_what_was_seen(text: str, data: st.DataObject) -> None:
    came = text[: data.draw(st.integers(1, len(text)))]
    released = data.draw(st.integers(0, len(came)))
    cut = cut_back(came, released=released)
    if cut is not None:
        assert cut.at >= released
        assert cut.kept + cut.tail == came
        assert cut.kept.strip()
        assert cut.kept.rstrip().endswith(cut.anchor)


@given(st.sampled_from(TEXTS), st.data())
def test_the_tail_is_long_enough_and_unique_where_that_can_be(
    text: str, data: st.DataObject
) -> None:
    came = text[: data.draw(st.integers(3 * TAIL, len(text)))]
    cut = cut_back(came)
    assert cut is not None
    assert len(cut.tail) >= TAIL
    assert not cut.tail[0].isspace()
    if is_unique(came, came[1:]):
        assert is_unique(came, cut.tail)


@given(st.sampled_from(TEXTS), st.data())
def test_a_second_choice_is_further_back(text: str, data: st.DataObject) -> None:
    came = text[: data.draw(st.integers(1, len(text)))]
    first = cut_back(came)
    if first is not None:
        second = cut_back(came, before=first.at)
        assert second is None or second.at < first.at


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('"a\\n"', [3]),
        ('"\\u00e9"', [2, 3, 4, 5, 6]),
        ('"\\ud83d\\ude00"', [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("[12.50]", [2, 3, 4, 5]),
        ("[-3]", [2]),
        ("cafe\u0301!", [4]),
        ("(👩\u200d👧)", [2, 3]),
        ("(🇯🇵)", [2]),
        ("(👍🏽)", [2]),
        ("one two", [3]),
    ],
)
def test_no_place_is_inside_an_escape_a_number_a_grapheme_or_before_a_space(
    text: str, inside: list[int]
) -> None:
    assert not [at for at in inside if is_safe(text, at)]
    assert is_safe(text, len(text) - 1) or text == "one two"


def test_a_json_answer_goes_back_to_where_an_element_begins() -> None:
    came = '[{"id": 1, "name": "Ada Lovelace"}, {"id": 2, "name": "Grace Hopp'
    cut = cut_back(came, is_json=True)
    assert cut is not None
    assert cut.tail == '{"id": 2, "name": "Grace Hopp'


def test_a_text_goes_back_to_a_line() -> None:
    lines = "\n".join(f"- point number {n}: something else to say" for n in range(30))
    cut = cut_back(lines)
    assert cut is not None
    assert cut.tail.startswith("- point number")


def test_too_little_text_is_not_gone_back_in() -> None:
    assert cut_back("Hello, wor") is None


def test_the_anchor_grows_until_it_is_unique() -> None:
    came = "start " + "the same words again and again " * 12 + "but then an end comes to it, of so"
    cut = cut_back(came, released=len(came) - 60)
    assert cut is not None
    assert is_unique(came, came[cut.anchor_at : cut.at])
