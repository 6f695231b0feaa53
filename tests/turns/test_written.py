"""Calls that a model wrote out: which texts are calls, and that no cut into pieces changes that."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.turns.written import Written, WrittenCalls

NAMES = ["weather", "clock"]
ROME = '{"name": "weather", "arguments": {"city": "Rome"}}'
NOON = '{"name": "clock", "parameters": {}}'
WEATHER = Written("weather", '{"city": "Rome"}')
CLOCK = Written("clock", "{}")
TAGGED = f"<tool_call>\n{ROME}\n</tool_call>"


class Read(NamedTuple):
    text: str
    calls: list[Written]
    cut: Written | None = None


def read(*pieces: str, finished: bool = True) -> Read:
    written = WrittenCalls(NAMES)
    shown = "".join(map(written.feed, pieces)) + written.end(finished=finished)
    assert shown == written.shown
    assert not written.holds
    return Read(shown, written.calls, written.cut)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (TAGGED, [WEATHER]),
        (f"<tool_call>{ROME}", [WEATHER]),
        (f"\n{TAGGED}", [WEATHER]),
        (f"{TAGGED}\n<tool_call>\n{NOON}\n</tool_call>\n", [WEATHER, CLOCK]),
        (f"<tool_call>\n{ROME}\n{NOON}\n</tool_call>", [WEATHER, CLOCK]),
        (f"[TOOL_CALLS][{ROME}, {NOON}]", [WEATHER, CLOCK]),
        (f"[TOOL_CALLS] {ROME}", [WEATHER]),
        (f"<|python_tag|>{NOON}", [CLOCK]),
        (f"<|python_tag|>{NOON}; {ROME}", [CLOCK, WEATHER]),
        (ROME, [WEATHER]),
        (f"\n\n{NOON}\n", [CLOCK]),
        ('{"type": "function", "name": "clock", "parameters": {"x": 1}}', [("clock", '{"x": 1}')]),
        ('<tool_call>{"name": "clock"}</tool_call>', [CLOCK]),
        ('<tool_call>{"name": "clock", "arguments": null}</tool_call>', [CLOCK]),
        ('<tool_call>{"name": "clock", "arguments": "{}"}</tool_call>', [CLOCK]),
        ('<tool_call>{"arguments": {"a": "é"}, "name": "clock"}', [("clock", '{"a": "é"}')]),
        ('<tool_call>{"name": "clock", "arguments": {"a": "\\ud800"}}',
         [("clock", '{"a": "\\ud800"}')]),
    ],
)  # fmt: skip
def test_each_form_is_read(text: str, calls: list[Written]):
    assert read(text) == Read("", calls)
    assert read(*text) == Read("", calls)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words.",
        " ",
        "Qwen writes <tool_call> before a call.",
        "<tool_call>",
        "<tool_call> soon",
        "<tool_cal",
        '<tool_call>{"name": "nobody", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "weather", "arguments": {"city": }}</tool_call>',
        "<tool_call>weather(city)</tool_call>",
        '<tool_call>"weather"</tool_call>',
        "[TOOL_CALLS][]",
        f'[TOOL_CALLS][{ROME}, {{"name": "nobody"}}]',
        '{"name": "Ann", "age": 3}',
        '{"name": "weather", "age": 3}',
        '{"name": "weather"}',
        '{"name": "weather", "arguments": {}, "age": 3}',
        '{"name": 5, "arguments": {}}',
        '{"name": ["weather"], "arguments": {}}',
        '{"city": "Rome"}',
        "{}",
        "{not json",
        f"{ROME} is how I would call it.",
        f"So: {ROME}",
        f"[{ROME}]",
    ],
)
def test_all_else_is_text(text: str):
    assert read(text) == Read(text, [])
    assert read(*text) == Read(text, [])


def test_text_before_and_behind_a_call_is_text():
    assert read(f"Let me see.\n{TAGGED}") == Read("Let me see.\n", [WEATHER])
    assert read(f"{TAGGED} That was it.") == Read(" That was it.", [WEATHER])
    assert read(f"a {TAGGED} b {TAGGED}\n\n") == Read("a  b ", [WEATHER, WEATHER])


def test_a_marker_that_begins_no_call_does_not_hide_one_behind_it():
    assert read(f"<tool_call> is: {TAGGED}") == Read("<tool_call> is: ", [WEATHER])
    assert read(f"{TAGGED} <tool_call> {TAGGED}") == Read(" <tool_call> ", [WEATHER, WEATHER])


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (TAGGED[:52], Written("weather", '{"city"')),
        ('<tool_call>{"name": "weather"', Written("weather", "")),
        (f"[TOOL_CALLS][{ROME}", Written("weather", '{"city": "Rome"}}')),
        (ROME[:-1], Written("weather", '{"city": "Rome"}')),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_call_that_is_cut_is_never_whole_nor_text(text: str, cut: Written, finished: bool):
    assert read(text, finished=finished) == Read("", [], cut)


@pytest.mark.parametrize("text", ["<tool_call>", '<tool_call>\n{"na', "[TOOL_CALLS]["])
def test_one_that_is_cut_before_its_name_counts_where_the_answer_was_cut(text: str):
    assert read(text, finished=False) == Read("", [], Written("", ""))
    assert read(text, finished=True) == Read(text, [])


def test_a_cut_call_behind_a_whole_one_leaves_both():
    assert read(f'{TAGGED}<tool_call>{{"name": "clock", "ar', finished=False) == Read(
        "", [WEATHER], Written("clock", "")
    )


def test_text_is_handed_out_as_soon_as_it_can_be_no_call():
    written = WrittenCalls(NAMES)
    assert [written.feed(each) for each in ("Let", " me <", "b> see", "<tool_", "call>", ROME)] == [
        "Let", " me ", "<b> see", "", "", "",
    ]  # fmt: skip
    assert written.holds


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (['{"', 'city": "', "Rome"], ["", '{"city": "', "Rome"]),
        (['{"name": "', "Ann", '", "age'], ["", "", '{"name": "Ann", "age']),
        (["{", "}", " so"], ["", "{}", " so"]),
        ([ROME, "\n", "is", " how"], ["", "", f"{ROME}\nis", " how"]),
        (["<tool_call>", "{", "what"], ["", "", "<tool_call>{what"]),
    ],
)
def test_an_object_that_is_no_call_is_not_held_to_its_end(pieces: list[str], shown: list[str]):
    written = WrittenCalls(NAMES)
    assert list(map(written.feed, pieces)) == shown


def test_a_long_name_is_not_waited_for():
    written = WrittenCalls(NAMES)
    assert written.feed('{"name": "' + "x" * 400)


def test_what_is_held_is_text_where_the_answer_has_calls_of_its_own():
    written = WrittenCalls(NAMES)
    assert written.feed(f"a{TAGGED}") == "a"
    assert written.release() == TAGGED
    assert written.feed(TAGGED) == TAGGED
    assert (written.end(finished=True), written.calls) == ("", [])


PARTS = st.sampled_from(
    [
        *(
            "<tool_call>",
            "</tool_call>",
            "[TOOL_CALLS]",
            "<|python_tag|>",
            "[",
            "]",
            ";",
            ",",
            "\n",
        ),
        *("{", "}", '"', " ", "words", ROME, NOON, TAGGED, '{"name": "Ann"', '{"name": "weather"'),
        *(f"[{ROME}, {NOON}]", json.dumps({"type": "x"}), "<", "<tool", "\\"),
    ]
)


@given(st.lists(PARTS, max_size=8).map("".join), st.data(), st.booleans())
def test_no_cut_into_pieces_changes_anything(text: str, data: st.DataObject, finished: bool):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    whole = read(text, finished=finished)
    assert read(*pieces, finished=finished) == whole
    assert read(*text, finished=finished) == whole


@given(st.lists(PARTS, max_size=8).map("".join))
def test_without_calls_no_character_is_lost(text: str):
    found = read(text)
    if not found.calls and not found.cut:
        assert found.text == text
