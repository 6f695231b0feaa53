"""One answer out of several replies: what is handed out stays, whatever the pieces."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.testing.simulated.documents import KINDS, document
from lexilux_like.turns import hold
from lexilux_like.turns.cut import Cut, cut_back
from lexilux_like.turns.draft import Draft
from lexilux_like.turns.farewell import is_chatter
from lexilux_like.turns.hold import HELD, MOST_HELD

TEXTS = [document(kind, 1, 600) for kind in KINDS]


def played(draft: Draft, pieces: list[str]) -> str:
    return "".join(draft.feed(piece) for piece in pieces)


@st.composite
def split(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=40)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.sampled_from(TEXTS), st.data())
def test_what_is_handed_out_and_the_rest_are_the_text(text: str, data: st.DataObject) -> None:
    draft = Draft(expects_json=False, live=True)
    draft.begin(None)
    shown = played(draft, data.draw(split(text)))
    assert text.startswith(shown)
    assert draft.handed_out == shown
    assert shown + draft.rest() == text


def test_a_text_without_a_boundary_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def nowhere(_text: str, at: int) -> bool:
        asked.append(at)
        return False

    monkeypatch.setattr(hold, "is_safe", nowhere)
    draft = Draft(expects_json=False, live=True)
    draft.begin(None)
    assert played(draft, ["0123abcd"] * 200) == ""
    assert len(asked) == len(set(asked)) > 1_000


def test_what_was_handed_out_takes_little_more_memory_than_its_text() -> None:
    text = "".join(f"word {number} " for number in range(100_000))
    draft = Draft(expects_json=False, live=True)
    draft.begin(None)
    tracemalloc.start()
    for start in range(0, len(text), 6):
        draft.feed(text[start : start + 6])
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 2 * len(text)


@pytest.mark.parametrize("live", [False, True])
def test_what_has_come_is_known_at_any_moment(live: bool) -> None:
    draft = Draft(expects_json=True, live=live)
    draft.begin(None)
    for piece in ("Sure:\n", '{"a', '": ', "1"):
        draft.feed(piece)
    assert (draft.text, draft.received) == ('{"a": 1', 'Sure:\n{"a": 1')
    assert draft.ends - {0} == {3, 6, 7}
    draft.feed("}\n```")
    assert draft.json_done
    assert draft.received == 'Sure:\n{"a": 1}\n```'


@given(st.sampled_from(TEXTS))
def test_a_stream_holds_back_little(text: str) -> None:
    draft = Draft(expects_json=False, live=True)
    draft.begin(None)
    came = shown = 0
    for character in text:
        came, shown = came + 1, shown + len(draft.feed(character))
        assert came - shown <= MOST_HELD
    if "tick tock" not in text:
        assert came - shown < 6 * HELD


def test_nothing_is_handed_out_that_is_not_live() -> None:
    draft = Draft(expects_json=False, live=False)
    draft.begin(None)
    assert played(draft, ["word "] * 100) == ""
    assert draft.released == 0


@given(st.sampled_from(TEXTS), st.data())
def test_a_reply_joins_the_same_however_it_is_split(text: str, data: st.DataObject) -> None:
    draft = Draft(expects_json=False, live=True)
    draft.begin(None)
    came = text[: data.draw(st.integers(len(text) // 3, len(text) - 1))]
    shown = draft.feed(came)
    cut = cut_back(came, released=draft.released, is_json=draft.is_json)
    if cut is None:
        return
    draft.begin(cut)
    shown += played(draft, data.draw(split(text[cut.at :])))
    joined = draft.end(cut_again=False)
    shown += draft.rest()
    assert text.startswith(shown) if joined == "none" else shown == text


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"a": [1, 2]}', '{"a": [1, 2]}'),
        ('Sure, here you are:\n```json\n{"a": [1, 2]}\n```\nI hope this helps!', '{"a": [1, 2]}'),
        ('\n\n[{"a": "}"}] trailing words', '[{"a": "}"}]'),
    ],
)
def test_what_stands_around_a_json_value_is_left_out(reply: str, value: str, live: bool) -> None:
    draft = Draft(expects_json=True, live=live)
    draft.begin(None)
    shown = played(draft, list(reply))
    assert draft.json_done
    assert draft.text == value
    assert not live or shown + draft.rest() == value


def test_json_that_cannot_become_any_is_known() -> None:
    draft = Draft(expects_json=True, live=False)
    draft.begin(None)
    draft.feed('{"a": 1, }')
    assert draft.json_broken
    assert not draft.json_done


def test_an_answer_that_begins_like_json_is_json_as_long_as_it_can_be() -> None:
    draft = Draft(expects_json=False, live=False)
    draft.begin(None)
    draft.feed("[1] is a footnote")
    assert not draft.is_json
    draft.begin(None)
    draft.feed('[1, {"a"')
    assert draft.is_json


WHOLE = "The kettle was cold. Nobody had asked for tea that day, and so it stayed."
CAME = WHOLE[:50]


def continued(reply: str, *, cut_again: bool = False, sentinel: str | None = "[[END]]") -> Draft:
    draft = Draft(expects_json=False, live=False)
    draft.begin(None)
    draft.feed(CAME)
    draft.begin(Cut(CAME, 21, 0), sentinel=sentinel)
    draft.feed(reply)
    draft.end(cut_again=cut_again)
    return draft


@pytest.mark.parametrize(
    "end", ["[[END]]", "\n[[END]]", "**[[END]]**", "\n\n`[[END]]`", "[END]", "\n<<END>>", "\n\nEND"]
)
def test_a_sentinel_is_taken_off_however_it_is_dressed(end: str) -> None:
    draft = continued(WHOLE[21:] + end)
    assert draft.text == WHOLE
    assert draft.signed


def test_a_sentinel_in_the_middle_is_not_believed() -> None:
    draft = continued(f"{WHOLE[21:60]}[[END]]{WHOLE[60:]}[[END]]")
    assert draft.text == CAME
    assert not draft.signed


def test_a_courtesy_behind_the_sentinel_is_left_out() -> None:
    draft = continued(f"{WHOLE[21:]}[[END]]\n\nI hope this helps!")
    assert (draft.text, draft.signed) == (WHOLE, True)


def test_a_courtesy_in_place_of_the_sentinel_is_not_joined() -> None:
    draft = continued(f"{WHOLE[21:]}\n\nLet me know if you need anything else.")
    assert draft.text == CAME


def test_half_a_sentinel_at_a_cut_is_taken_off() -> None:
    assert continued(f"{WHOLE[21:60]}[[EN", cut_again=True).text == WHOLE[:60]


def test_a_fence_around_the_rest_is_taken_off() -> None:
    assert continued(f"```text\n{WHOLE[21:]}\n```").text == WHOLE


def test_the_answers_own_closing_fence_stays() -> None:
    came = "Run this, and nothing else:\n\n```python\nprint('the first line of it')\nprint('the sec"
    draft = Draft(expects_json=False, live=False)
    draft.begin(None)
    draft.feed(came)
    at = came.index("print('the first")
    draft.begin(Cut(came, at, 0))
    draft.feed("```python\nprint('the first line of it')\nprint('the second')\n```")
    draft.end(cut_again=False)
    assert draft.text == f"{came}ond')\n```"


def test_a_reply_that_ends_inside_the_tail_adds_nothing() -> None:
    draft = continued("Nobody had asked", cut_again=True)
    assert (draft.text, draft.short) == (CAME, True)


@pytest.mark.parametrize(
    ("text", "chatter"),
    [
        ("All of it.\n\nI hope this helps!", True),
        ("Alles.\n\nIch hoffe, das hilft!", True),
        ("The kettle was cold.\n\nThe tea was late.", False),
        ("", False),
    ],
)
def test_words_to_the_user_are_told_from_the_answer(text: str, chatter: bool) -> None:
    assert is_chatter(text) is chatter


def test_another_document_takes_the_place_of_the_cut_one_where_nothing_was_handed_out() -> None:
    title = "The first of many titles that a document may have, and " * 2
    came = f'{{"title": "{title}", "items": [{{"id": 1, "name": "Alma"}}, {{"id": 2, "na'
    other = {"title": "The second", "items": [{"id": 1, "name": "B"}]}
    for live, expected in ((False, json.dumps(other)), (True, came)):
        draft = Draft(expects_json=True, live=live)
        draft.begin(None)
        draft.feed(came)
        cut = cut_back(came, released=draft.released, is_json=True)
        assert cut is not None
        draft.begin(cut)
        draft.feed(json.dumps(other))
        joined = draft.end(cut_again=False)
        assert joined == ("none" if live else "restarted")
        assert draft.text == expected


@pytest.mark.parametrize("live", [False, True])
def test_a_text_that_begins_like_json_is_gone_on_from_as_a_text(live: bool) -> None:
    whole = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13] are the notes, and this is the text."
    draft = Draft(expects_json=False, live=live)
    draft.begin(None)
    draft.feed(whole[:40])
    cut = cut_back(whole[:40], released=draft.released, is_json=draft.is_json)
    assert cut is not None
    draft.begin(cut)
    draft.feed(whole[cut.at :])
    assert draft.end(cut_again=False) == "none"
    assert not draft.is_json
    cut = cut_back(draft.text, released=draft.released)
    assert cut is not None
    draft.begin(cut)
    draft.feed(whole[cut.at :])
    assert draft.end(cut_again=False) == "repeated"
    assert draft.text == whole
