"""The partial value against `json.loads`, at every place where its text can be cut."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.turns.partial import MISSING, PartialJSON

STRINGS = st.builds(json.dumps, st.text(max_size=6), ensure_ascii=st.booleans()) | st.sampled_from(
    [r'"\/"', r'"\ud83d\ude00"', r'"\uD800"', r'"a\\\"b"', '"[{,:}]"', r'"\\"']
)
SCALARS = STRINGS | st.sampled_from(
    ["0", "-0", "7", "-120", "0.50", "1e5", "-3.25E-10", "1.0", "9" * 40, "true", "false", "null"]
)
SPACES = st.sampled_from(["", "", " ", "\n\t", "\r\n"])


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=4))
    between = draw(SPACES) + "," + draw(SPACES)
    if draw(st.booleans()):
        return f"[{draw(SPACES)}{between.join(items)}{draw(SPACES)}]"
    keys = draw(st.lists(STRINGS, unique_by=json.loads, min_size=len(items), max_size=len(items)))
    colon = draw(SPACES) + ":" + draw(SPACES)
    members = [f"{key}{colon}{item}" for key, item in zip(keys, items, strict=True)]
    return f"{{{draw(SPACES)}{between.join(members)}{draw(SPACES)}}}"


TEXTS = st.recursive(SCALARS, containers, max_leaves=10).flatmap(
    lambda text: SPACES.map(lambda space: space + text + "\n")
)


@st.composite
def cut(draw: st.DrawFn) -> list[str]:
    text = draw(TEXTS)
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=len(text))))
    return [text[i:j] for i, j in itertools.pairwise([0, *places, len(text)])]


def fed(*pieces: str) -> PartialJSON:
    partial = PartialJSON()
    for piece in pieces:
        partial.feed(piece)
    return partial


def closers(text: str) -> str:
    """What closes the containers that are open at the end of a text that no string is open in."""
    open_now = []
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at] == '"':
            at = decoder.raw_decode(text, at)[1]
            continue
        if text[at] in "[{":
            open_now.append("]" if text[at] == "[" else "}")
        elif text[at] in "]}":
            open_now.pop()
        at += 1
    return "".join(reversed(open_now))


def finished(text: str) -> Any:
    """What has finished: the longest part that loads once closed, cut inside no number."""
    for end in range(len(text), 0, -1):
        if text[end - 1].isdigit() and (end == len(text) or text[end] in "0123456789.eE"):
            continue
        try:
            return json.loads(text[:end] + closers(text[:end]))
        except ValueError:
            continue
    return MISSING


@given(TEXTS, st.data())
def test_the_value_holds_what_has_finished_and_nothing_else(text, data):
    part = text[: data.draw(st.integers(0, len(text)))]
    assert repr(fed(part).value) == repr(finished(part))


@given(cut())
def test_at_the_end_it_is_what_json_loads_makes(pieces):
    partial = fed(*pieces)
    assert partial.done
    assert repr(partial.value) == repr(json.loads("".join(pieces)))


@given(cut())
def test_cuts_change_nothing(pieces):
    for i in range(len(pieces)):
        so_far = pieces[: i + 1]
        assert repr(fed(*so_far).value) == repr(fed("".join(so_far)).value)


def kept(earlier: Any, later: Any) -> bool:
    """Whether all of a value is in a later one, at its place."""
    if isinstance(earlier, dict):
        return type(later) is dict and all(
            key in later and kept(value, later[key]) for key, value in earlier.items()
        )
    if isinstance(earlier, list):
        return type(later) is list and len(earlier) <= len(later) and all(map(kept, earlier, later))
    return earlier is MISSING or repr(earlier) == repr(later)


@given(TEXTS)
def test_later_values_only_add(text):
    partial = PartialJSON()
    before = partial.value
    for char in text:
        partial.feed(char)
        assert kept(before, partial.value)
        before = partial.value


@given(cut())
def test_values_handed_out_never_change(pieces):
    partial = PartialJSON()
    values = []
    for piece in pieces:
        partial.feed(piece)
        values.append((partial.value, copy.deepcopy(partial.value)))
    assert all(repr(value) == repr(then) for value, then in values)


@given(cut(), st.data())
def test_values_that_were_kept_never_change_whatever_was_dropped(pieces, data):
    partial = PartialJSON()
    kept_values = []
    for piece in pieces:
        partial.feed(piece)
        value = partial.value
        if data.draw(st.booleans()):
            inner = value[-1] if isinstance(value, list) and value else value
            kept_values.append((inner, copy.deepcopy(inner)))
        if data.draw(st.booleans()):
            kept_values.append((value, copy.deepcopy(value)))
        if data.draw(st.booleans()):
            kept_values.clear()
        del value
    assert all(repr(value) == repr(then) for value, then in kept_values)
    assert repr(partial.value) == repr(json.loads("".join(pieces)))


@given(cut())
def test_feed_tells_whenever_the_value_has_grown(pieces):
    partial = PartialJSON()
    before = repr(MISSING)
    for piece in pieces:
        more = partial.feed(piece)
        assert more or repr(partial.value) == before
        before = repr(partial.value)


@pytest.mark.parametrize("piece", ["tr", "1", '"a', " ", ""])
def test_feed_tells_that_nothing_has_finished(piece):
    assert not fed("[").feed(piece)


def test_a_key_alone_finishes_nothing():
    assert not fed("{").feed('"key" :')


@pytest.mark.parametrize("piece", ["true", "1,", '"a"', "[", "{", '"a", tr'])
def test_feed_tells_that_something_has_finished_or_opened(piece):
    assert fed("[").feed(piece)


def test_closing_counts_as_finishing():
    partial = fed("[[1")
    assert partial.feed("]")
    assert not partial.done
    assert partial.feed("]")
    assert partial.done


def test_before_anything_came_the_value_is_missing():
    assert fed().value is fed("  ").value is fed('"abc').value is fed("12").value is MISSING


def test_missing_is_falsy_and_keeps_its_identity():
    assert not MISSING
    assert repr(MISSING) == "MISSING"
    assert copy.deepcopy(MISSING) is pickle.loads(pickle.dumps(MISSING)) is MISSING


def test_null_is_a_value():
    partial = fed("null")
    assert (partial.done, partial.value) == (True, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{", {}),
        ('{"a": [', {"a": []}),
        ('{"a": 1', {}),
        ('{"a": 1,', {"a": 1}),
        ('{"a": "x", "b"', {"a": "x"}),
        ('[1, 2, {"a": tru', [1, 2, {}]),
        ('[{"a": {"b": []}}, [', [{"a": {"b": []}}, []]),
        (r'["\ud83d', []),
        ('{"": {"": 1 ', {"": {"": 1}}),
    ],
)
def test_open_containers_show_their_finished_parts(text, value):
    assert fed(text).value == fed(*text).value == value


def test_of_a_key_that_comes_twice_the_last_wins():
    text = '{"a": [1, 2], "b": 0, "a": {"c": 3}}'
    assert fed(*text).value == json.loads(text)


def test_a_number_alone_is_done_once_space_follows():
    partial = fed("12", "3")
    assert not partial.done
    assert partial.feed(" ")
    assert (partial.done, partial.value) == (True, 123)


def test_what_follows_the_value_does_not_matter():
    partial = fed('{"a": 1}\n```')
    assert (partial.done, partial.broken, partial.value) == (True, None, {"a": 1})
    assert not partial.feed("[1]")


@pytest.mark.parametrize(
    ("text", "broken", "value"),
    [
        ("[1, 2, x", 7, [1, 2]),
        ("[1, 2x", 5, [1]),
        ('["a", "b\x00"]', 8, ["a"]),
        ('{"a": 1, "b": 1.}', 16, {"a": 1}),
        ("[1}", 2, [1]),
        ("x", 0, MISSING),
    ],
)
def test_broken_text_keeps_what_had_finished(text, broken, value):
    for partial in (fed(text), fed(*text)):
        assert (partial.broken, partial.done, partial.value) == (broken, False, value)
        assert not partial.feed("]")
        assert partial.value == value


@pytest.mark.parametrize("cut_at", [4, 500, 9_000])
def test_an_integer_that_python_refuses_breaks_where_it_begins(cut_at):
    text = f"[1, {'7' * 5_000}, 2]"
    partial = fed(text[:cut_at], text[cut_at:])
    assert not partial.feed(", 3]")
    assert (partial.broken, partial.done, partial.value) == (4, False, [1])


def test_finished_parts_are_shared_between_values():
    partial = fed('[{"a": 1}, ')
    before = partial.value
    partial.feed("[")
    assert partial.value[0] is before[0]


def test_an_array_that_was_dropped_is_brought_up_to_date_and_not_copied():
    partial = fed("[1, ")
    dropped, held = partial.value, partial.value
    place = id(dropped)
    del dropped
    unrelated = [[] for _ in range(100)]  # one of these would take the place of a freed list
    partial.feed("2, ")
    assert id(partial.value) == place
    assert (held, len(unrelated)) == ([1], 100)


def test_an_array_that_is_in_use_is_copied():
    partial = fed("[1, ")
    first, second = partial.value, partial.value
    partial.feed("2, ")
    assert partial.value == [1, 2]
    assert first == second == [1]


def test_a_huge_integer_shows_what_had_finished_before_it():
    partial = PartialJSON()
    assert partial.feed(f'[1, {{"a": {"7" * 5_000}, ')
    assert (partial.value, partial.broken) == ([1, {}], 10)


def test_a_hundred_thousand_brackets_do_not_recurse():
    partial = fed("[" * 100_000)
    value, depth = partial.value, 1
    while value:
        value, depth = value[0], depth + 1
    assert depth == 100_000
