"""One turn of a conversation: a line, or several lines in `\"\"\"`."""

from __future__ import annotations

import sys

QUOTES = '"""'
"""Around a turn of several lines."""


def next_turn() -> str:
    """The next turn from the lines of stdin; empty where the line is.

    Raises:
        EOFError: There are no more.
    """
    text = sys.stdin.readline()
    if not text:
        raise EOFError
    while is_open(text) and (more := sys.stdin.readline()):
        text += more
    return unquoted(text)


def is_open(text: str) -> bool:
    """Whether `text` begins with `\"\"\"` and goes on."""
    whole = text.strip()
    closed = len(whole) >= 2 * len(QUOTES) and whole.endswith(QUOTES)
    return whole.startswith(QUOTES) and not closed


def unquoted(text: str) -> str:
    """What was typed, without the quotes around it and the blanks at its ends."""
    whole = text.strip()
    if not whole.startswith(QUOTES):
        return whole
    return whole.removeprefix(QUOTES).removesuffix(QUOTES).strip()
