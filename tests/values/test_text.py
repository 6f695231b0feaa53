"""Text from a server, made safe to print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.text import MESSAGE_LIMIT, printable


@pytest.mark.parametrize("text", ["", "Hello, world", "naïve café", "日本語", "a\\nb", "👩‍🚀"[:1]])
def test_printable_text_is_left_alone(text: str):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("one\ntwo\r", r"one\ntwo\r"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\x00", r"\x00"),
        ("\ud83d", r"\ud83d"),
        ("\u2028", r"\u2028"),
    ],
)
def test_what_could_steer_a_terminal_or_a_log_is_escaped(text: str, shown: str):
    assert printable(text) == shown


def test_a_long_text_is_cut_and_its_length_is_told():
    assert printable("x" * 30, limit=10) == "xxxxxxxxxx... (30 characters in all)"


def test_a_text_of_just_the_limit_is_whole():
    assert printable("x" * MESSAGE_LIMIT) == "x" * MESSAGE_LIMIT


@given(st.text(st.characters()))
def test_the_outcome_is_always_printable(text: str):
    assert printable(text).isprintable()
