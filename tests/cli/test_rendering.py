"""Markdown that is drawn while it comes: what is printed for good, and what may still change."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown

from lexilux_like.cli.rendering import Drawing, Drawn, finished

PAGE = """\
# Title

A paragraph with **bold**
words.

- one
- two

  still two

1. first
2. second

```python
def f():

    return 1
```

| a | b |
|---|---|
| 1 | 2 |

The end.
"""
PIECES = [
    "# A\n",
    "text\n",
    "\n",
    "- one\n",
    "- two\n",
    "```\n",
    "code\n",
    "> quote\n",
    "---\n",
    "1. x\n",
]


def top_level(text: str) -> list[tuple[str, str]]:
    """The blocks of a text, each with its source."""
    tokens = MarkdownIt().enable(["table", "strikethrough"]).parse(text)
    lines = text.splitlines(keepends=True)
    blocks = [t for t in tokens if t.level == 0 and t.nesting >= 0 and t.map]
    return [(t.type, "".join(lines[t.map[0] : t.map[1]]).strip()) for t in blocks]


@given(some.lists(some.sampled_from(PIECES), max_size=12), some.integers(0, 12))
def test_what_is_finished_is_never_changed_by_what_comes(pieces: list[str], cut: int) -> None:
    so_far, whole = "".join(pieces[:cut]), "".join(pieces)
    end = finished(so_far)
    done = top_level(so_far[:end])
    assert top_level(whole)[: len(done)] == done


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("", ""),
        ("# Title\n", ""),
        ("# Title\n\nText", "# Title\n\n"),
        ("- one\n\n- two\n", ""),
        ("one\n\n```\ncode\n\nmore", "one\n\n"),
        ("one\n\ntwo\n\nthree", "one\n\ntwo\n\n"),
    ],
)
def test_all_but_the_last_block_is_finished(text: str, done: str) -> None:
    assert text[: finished(text)] == done


def chunks(text: str, size: int) -> Iterator[Any]:
    for start in range(0, len(text), size):
        yield SimpleNamespace(delta=text[start : start + size])


def shown(stream: Any, *, height: int = 24) -> str:
    """What is on the screen at the end, as text."""
    out = io.StringIO()
    console = Console(file=out, width=60, height=height, force_terminal=False)
    Drawing(console).show(stream)
    return out.getvalue()


def drawn(text: str) -> str:
    out = io.StringIO()
    Console(file=out, width=60, force_terminal=False).print(Markdown(text))
    return out.getvalue()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_page_in_pieces_is_the_page_drawn_at_once(size: int) -> None:
    def lines(text: str) -> list[str]:
        return [line.rstrip() for line in text.splitlines() if line.strip()]

    assert lines(shown(chunks(PAGE, size))) == lines(drawn(PAGE))


def test_between_blocks_is_one_empty_line_and_around_them_none() -> None:
    page = "One.\n\n- two\n\nThree.\n\n> four\n\nFive."
    lines = [line.strip() for line in shown(chunks(page, 3)).splitlines()]
    assert lines == ["One.", "", "• two", "", "Three.", "", "▌ four", "", "Five."]


def test_what_had_come_stays_when_it_breaks_off() -> None:
    def breaking() -> Iterator[Any]:
        yield from chunks("One paragraph.\n\nHalf of ano", 5)
        raise KeyboardInterrupt

    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        Drawing(Console(file=out, width=60)).show(breaking())  # type: ignore[arg-type]
    assert "One paragraph." in out.getvalue()
    assert "Half of ano" in out.getvalue()


def test_no_more_is_drawn_again_than_fits_on_the_screen() -> None:
    out = io.StringIO()
    console = Console(file=out, width=60, height=10)
    console.print(Drawn("".join(f"- item {n}\n" for n in range(50)), tail=True))
    lines = out.getvalue().splitlines()
    assert len(lines) < 10
    assert "item 49" in lines[-1]
