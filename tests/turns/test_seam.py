"""Joining two parts: exactly, or not at all, whatever a reply begins with."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lexilux_like.testing.simulated.documents import KINDS, document
from lexilux_like.turns.cut import TAIL, Cut, cut_back, is_unique
from lexilux_like.turns.seam import find_seam, goes_on_directly, own_words, restarts

TEXTS = [document(kind, seed, 500) for kind in KINDS for seed in (1, 2)]
JSON_TEXTS = [
    document(kind, 1, 500)
    for kind in ("json_pretty", "json_min", "json_ascii", "json_records", "json_nested")
]


@st.composite
def cuts(draw: st.DrawFn, texts: list[str] = TEXTS) -> tuple[str, Cut]:
    """A whole text, and the beginning of it that came, cut back."""
    text = draw(st.sampled_from(texts))
    came = text[: draw(st.integers(1, len(text)))]
    released = draw(st.integers(0, max(0, len(came) - TAIL))) if draw(st.booleans()) else 0
    cut = cut_back(came, released=released, is_json=text[0] in "{[")
    assume(cut is not None)
    assert cut is not None
    return text, cut


def joined(cut: Cut, reply: str) -> str | None:
    seam = find_seam(cut, reply, over=True)
    return None if seam is None else cut.text[: seam.begin] + reply[seam.end :]


@given(cuts())
def test_going_straight_on_is_exact(case: tuple[str, Cut]) -> None:
    text, cut = case
    assert joined(cut, text[cut.at :]) in (text, None)
    if is_unique(cut.text, cut.tail):
        assert joined(cut, text[cut.at :]) == text


@given(cuts(), st.integers(1, 80))
def test_overlap_of_any_length_is_never_doubled(case: tuple[str, Cut], overlap: int) -> None:
    text, cut = case
    assert joined(cut, text[max(0, cut.at - overlap) :]) in (text, None)


@given(cuts())
def test_a_restart_with_the_same_words_is_exact(case: tuple[str, Cut]) -> None:
    text, cut = case
    assert joined(cut, text) in (text, None)


LEADS = [
    " ",
    "\n",
    "\n\n",
    "...",
    "… ",
    "Sure, here is the rest:\n",
    "Of course!\n\nContinuing:\n\n",
    "好的，以下是剩余内容：\n\n",  # noqa: RUF001 - Chinese punctuation
]


@given(cuts(), st.sampled_from(LEADS), st.booleans())
def test_what_introduces_a_reply_is_left_out(
    case: tuple[str, Cut], lead: str, anchored: bool
) -> None:
    text, cut = case
    begin = cut.anchor_at if anchored else cut.at
    assert joined(cut, lead + text[begin:]) in (text, None)


@given(cuts(), st.sampled_from(TEXTS))
def test_another_text_is_never_joined_on_as_if_it_were_the_rest(
    case: tuple[str, Cut], other: str
) -> None:
    text, cut = case
    assume(other[:200] not in text and text[:200] not in other)
    result = joined(cut, other)
    assert result is None or result.endswith(other[-20:])
    if result is not None:  # only where the other text says what was to come back
        assert cut.tail[:12] in other or cut.anchor in other


@given(cuts(), st.sampled_from(LEADS), st.integers(0, 60))
def test_what_is_decided_early_is_what_the_whole_reply_says(
    case: tuple[str, Cut], lead: str, overlap: int
) -> None:
    text, cut = case
    reply = lead + text[max(0, cut.at - overlap) :]
    final = find_seam(cut, reply, over=True)
    for length in range(0, len(reply), 7):
        early = find_seam(cut, reply[:length], over=False)
        assert early is None or early == final


@given(cuts(JSON_TEXTS), st.sampled_from([None, 1, 4]))
def test_json_that_is_indented_otherwise_is_the_same_value(
    case: tuple[str, Cut], indent: int | None
) -> None:
    text, cut = case
    value = json.loads(text)
    result = joined(cut, json.dumps(value, indent=indent, ensure_ascii=not text.isascii()))
    if result is not None:
        assert json.loads(result) == value


def cut_at(came: str, at: int, *, is_json: bool = False) -> Cut:
    return Cut(came, at, max(0, at - 40), is_json)


PROSE = "The kettle was cold. Nobody had asked for tea in the long grey afternoon, and so"


def test_the_tail_proves_the_place() -> None:
    cut = cut_at(PROSE, 21)
    assert joined(
        cut, "Nobody had asked for tea in the long grey afternoon, and so it stayed."
    ) == (f"{PROSE} it stayed.")


def test_a_tail_that_does_not_come_back_proves_nothing() -> None:
    assert joined(cut_at(PROSE, 21), "it stayed cold until the evening came.") is None


def test_an_anchor_carries_other_words() -> None:
    cut = cut_at(f"In the kitchen {PROSE}", 36)
    reply = "In the kitchen The kettle was cold. Nobody had wanted any, and it stayed so."
    assert joined(cut, reply) == reply


def test_an_anchor_does_not_carry_a_jump() -> None:
    cut = cut_at(f"In the kitchen {PROSE}", 36)
    reply = "In the kitchen The kettle was cold. It stayed cold until the evening."
    assert joined(cut, reply) is None


def test_a_gap_in_what_is_known_is_filled_from_it() -> None:
    cut = cut_at(PROSE, 21)
    reply = "in the long grey afternoon, and so it stayed."
    assert joined(cut, reply) == f"{PROSE} it stayed."


@pytest.mark.parametrize("reply", ["ha ha ha!", "ha ha ha ha ha!", "ha ha!"])
def test_an_endless_repetition_is_not_guessed_at(reply: str) -> None:
    came = "ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha "
    assert joined(cut_at(came, 24), "ha ha ha ha ha ha ha ha " + reply) is None


def test_two_equal_rows_are_told_apart_by_the_anchor() -> None:
    row = "17,Ada,Antwerp,orchard,154.05\n"
    came = "id,name,place,item,price\n" + row * 3
    cut = Cut(came, len(came) - len(row), 0)
    assert joined(cut, came + "18,Bo,Bergen,lamp,3.20\n") == came + "18,Bo,Bergen,lamp,3.20\n"


@pytest.mark.parametrize(
    ("came", "rest"),
    [
        ('{"a": "x\\u00', 'e9", "b": 1}'),
        ('{"a": "\\ud83d', '\\ude00", "b": 1}'),
        ('{"name": "Ada Lovelace", "count": 12', "34}"),
        ('{"name": "Ada Lovelace", "open": tr', "ue}"),
        ('{"name": "Ada \\"the\\" Lovelace\\', '\\", "n": 1}'),
        ('{"name": "👩\u200d', '👧"}'),
    ],
)
def test_a_cut_inside_an_escape_a_number_a_word_or_a_grapheme_is_exact(
    came: str, rest: str
) -> None:
    cut = cut_at(came, 1, is_json=True)
    assert joined(cut, came[1:] + rest) == came + rest


def test_a_join_that_is_no_json_any_more_is_refused() -> None:
    came = '[{"id": 1, "name": "Ada Lovelace"}, {"id": 2, "name": "Grace'
    cut = cut_at(came, 36, is_json=True)
    assert joined(cut, '{"id": 2, "name": "Grace Hopper"}] and that is all, ]') is not None
    assert joined(cut, '{"id": 2, "name": "Grace" Hopper"}]') is None


def test_a_record_that_begins_like_the_next_one_is_not_taken_for_it() -> None:
    came = '[{"id": 4, "n": "Greta", "x": 1}, {"id": 5, "n": "Greta", "x'
    cut = cut_at(came, 34, is_json=True)
    reply = '{"id": 5, "n": "Greta", "x": 9}, {"id": 5, "n": "Greta", "x": 2}]'
    assert joined(cut, reply) is None


def test_a_gap_that_a_reworded_record_seems_to_leave_is_not_filled() -> None:
    came = '[{"id": 1, "name": "Tomoko", "n": 4},{"id": 2, "n": 8},{"id": 3, "name": "Hir'
    cut = Cut(came, 37, 1, is_json=True)
    reply = came[1:37] + '{"id": 3, "name": "Hiro", "n": 8},{"id": 3, "name": "Hirotoshi", "n": 9}]'
    assert joined(cut, reply) is None


def test_what_goes_on_directly_is_a_prefill_that_works() -> None:
    cut = cut_at(PROSE, 21)
    assert goes_on_directly(cut, cut.tail + " it stayed.")
    assert goes_on_directly(cut, " " + cut.tail)
    assert not goes_on_directly(cut, PROSE + " it stayed.")


def test_a_restart_is_known_by_its_beginning() -> None:
    cut = cut_at(PROSE, 21)
    assert restarts(cut, PROSE)
    assert restarts(cut, f"```\n{PROSE}")
    assert not restarts(cut, cut.tail)


@pytest.mark.parametrize(
    ("reply", "released", "expected"),
    [
        ("Other words.", 0, "The kettle was cold. Other words."),
        ("\nOther words.", 0, "The kettle was cold.\nOther words."),
        ("\nOther words.", 21, "The kettle was cold. Other words."),
    ],
)
def test_white_space_between_own_words_is_neither_lost_nor_doubled(
    reply: str, released: int, expected: str
) -> None:
    cut = Cut(PROSE, 21, 0, released=released)
    seam = own_words(cut, reply)
    assert PROSE[: seam.begin] + reply[seam.end :] == expected
