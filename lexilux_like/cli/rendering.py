"""Answers on a terminal: Markdown that is drawn while it is written, without flicker.

What is finished is printed once and for good, block by block. Only the block that is being
written is drawn again and again, and of that only as much as fits on the screen.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from ..transport.streaming import StreamingIterator
from .console import tame

DRAWN_PER_S = 12
_FREE_LINES = 2  # below the block, so that drawing it never scrolls

_parser = MarkdownIt().enable(["table", "strikethrough"])


def finished(text: str) -> int:
    """How many characters of `text` are blocks that no further character can change.

    That is all before its last block: a list may get another item, a paragraph another line.
    """
    starts = [t.map[0] for t in _parser.parse(text) if t.level == 0 and t.nesting >= 0 and t.map]
    lines = text.splitlines(keepends=True)[: starts[-1]] if starts else []
    return sum(map(len, lines))


class Drawing:
    """One answer on the screen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pending = ""
        self._printed = False

    def show(self, stream: StreamingIterator) -> None:
        """Draw the answer as it comes; what had come stays, however it ends."""
        live = Live(
            console=self._console,
            get_renderable=lambda: Drawn(self._pending, tail=True),
            refresh_per_second=DRAWN_PER_S,
            transient=True,
            vertical_overflow="crop",
        )
        try:
            with live:
                for chunk in stream:
                    self._take(chunk.delta)
        finally:
            self._print(self._pending)

    def _take(self, piece: str) -> None:
        self._pending += tame(piece)
        if "\n" in piece and (end := finished(self._pending)):
            done, self._pending = self._pending[:end], self._pending[end:]
            self._print(done)

    def _print(self, text: str) -> None:
        if text.strip():
            if self._printed:
                self._console.print()
            self._console.print(Drawn(text))
            self._printed = True


class Drawn:
    """A piece of Markdown without blank lines around it, and with one at most between blocks.

    Args:
        text: The Markdown.
        tail: Whether only the last lines are wanted, as many as the screen has room for.
    """

    def __init__(self, text: str, *, tail: bool = False) -> None:
        self._text = text
        self._tail = tail

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines: list[list[Segment]] = []
        for line in console.render_lines(Markdown(self._text), options, pad=False):
            if not _is_blank(line) or (lines and not _is_blank(lines[-1])):
                lines.append(line)
        if lines and _is_blank(lines[-1]):
            lines.pop()
        most = max(1, console.height - _FREE_LINES)
        for line in lines[-most:] if self._tail else lines:
            yield from line
            yield Segment.line()


def _is_blank(line: list[Segment]) -> bool:
    """Whether there is nothing to see; the empty lines of code have their background."""
    plain = all(each.style is None or each.style.bgcolor is None for each in line)
    return plain and not "".join(each.text for each in line).strip()
