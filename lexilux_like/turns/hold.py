"""What a stream holds back: the end of a text, as long as it may have to be gone on from."""

from __future__ import annotations

from .cut import is_safe

HELD = 24
"""Characters that a stream holds back at least, in steps of as many."""
MOST_HELD = 2_000
"""Where the end of the text repeats itself a stream holds back more, but no more than that."""
RECENT = 8_000
"""So many characters back a repetition is looked for, before text is handed out."""


class Hold:
    """The end of a text. It gives out what stands before a boundary that can be found again.

    Attributes:
        text: What is held back.
    """

    __slots__ = ("_recent", "_searched", "text")

    def __init__(self) -> None:
        self.text = ""
        self._searched = 0  # up to here `text` has no boundary
        self._recent = ""  # the end of what was given out

    @property
    def room(self) -> int:
        """With fewer characters than these there is nothing more to give out."""
        return 2 * HELD - len(self.text)

    def replace(self, text: str) -> None:
        """Hold another text."""
        self.text, self._searched = text, 0

    def release(self) -> str:
        """Give out up to a boundary behind which the text can be gone on from."""
        text = self.text
        latest = len(text) - HELD
        if latest < HELD:
            return ""
        at = _boundary(text, self._searched, latest)
        if not at:
            self._searched = latest
            return ""
        if len(text) < MOST_HELD and self._repeats(text, at):
            return ""
        self.replace(text[at:])
        self._remember(text[:at])
        return text[:at]

    def _repeats(self, text: str, at: int) -> bool:
        """Whether the end of the text stands before `at`, or in what was given out lately."""
        end = text[at:]
        if self._recent.find(end, -RECENT) >= 0:
            return True
        near = self._recent[1 - len(end) :] + text
        return near.find(end) < len(near) - len(end)

    def _remember(self, text: str) -> None:
        """Keep a text that is given out."""
        self._recent += text
        if len(self._recent) > 2 * RECENT:
            self._recent = self._recent[-RECENT:]


def _boundary(text: str, after: int, latest: int) -> int:
    """The last place up to `latest` where a text may end, behind white space if it can be.

    0 where there is none behind `after`.
    """
    for at in range(latest, after, -1):
        if text[at - 1].isspace() and is_safe(text, at):
            return at
    return next((at for at in range(latest, after, -1) if is_safe(text, at)), 0)
