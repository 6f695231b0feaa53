"""Where to go back to in an answer that was cut, so that the seam can be proved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from .jsonscan import JSONScanner

TAIL = 20
"""A tail of so many characters must come back; fewer prove too little."""
LONG_TAIL = 80
"""More are better where nothing has been handed out: a tail whose end comes back is enough."""
REACH = 400
"""How far back a good boundary is looked for first, in characters."""
ANCHOR = 70
"""How much of the text before the tail the model is asked to repeat, in characters; more where
that is not unique."""
LONGEST_ANCHOR = 560

_LINE = re.compile(r"\n\s*(?=\S)")
_SENTENCE = re.compile(r"[.!?](?:[\"')\]]|\*{1,2})?\s+(?=\S)|[。！？；…]\s*(?=\S)")
_WORD = re.compile(r"\s+(?=\S)|[，、：,;](?=\S)")
_ESCAPE = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\(?:u[0-9a-fA-F]{0,3})?|\\u[dD][89abAB][0-9a-fA-F]{2})\Z"
)
_JOINED = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0900-\u0903\u093a-\u094f"
    r"\u0e31\u0e34-\u0e3a"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u200d\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f"
    r"\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
"""Characters that belong to the one before them: accents, joiners, skin tones, halves of flags."""


@dataclass(frozen=True, slots=True)
class Cut:
    """An answer that was cut, and the place that it goes back to.

    The model is shown `text[:at]`; the tail behind it, which it has not seen, must come back.
    """

    text: str
    at: int
    anchor_at: int
    """`text[anchor_at:at]` is what the model is asked to begin with."""
    is_json: bool = False
    released: int = 0
    """The consumer has seen so much, and `at` is not before it."""

    @property
    def kept(self) -> str:
        """What the model is shown."""
        return self.text[: self.at]

    @property
    def tail(self) -> str:
        """What must come back; it never begins with white space."""
        return self.text[self.at :]

    @property
    def anchor(self) -> str:
        """What the model is asked to begin with, without white space at its ends."""
        return self.text[self.anchor_at : self.at].strip()


def cut_back(
    text: str,
    *,
    released: int = 0,
    is_json: bool = False,
    before: int | None = None,
    near: bool = False,
    ends: AbstractSet[int] = frozenset(),
) -> Cut | None:
    """Choose where to go back to; None where too little of the text would be left.

    Args:
        text: All that came.
        released: The consumer has seen so much of it: no further back than that.
        is_json: Elements and members are the best boundaries.
        before: An earlier choice did not work: further back than that.
        near: As near to the end as can be, because replies are short.
        ends: For a prefill: where the pieces ended that the server sent, which are whole tokens.
            A model goes on best from there; in the middle of what it would have written as one
            token it goes on otherwise. https://arxiv.org/abs/2601.23223
    """
    floor = max(released, 1)
    last = len(text) if before is None else before - 1
    at = _token_end(text, floor, min(last, len(text) - TAIL), ends)
    if at is None and not (ends and len(text) < 3 * TAIL):
        tail = TAIL if released or near else max(TAIL, min(LONG_TAIL, len(text) // 3))
        latest = min(last, len(text) - tail)
        at = next(_places(text, floor, latest, is_json=is_json and not near, near=near), None)
    if at is None:
        at = released if released and before is None and text[released:].strip() else None
    if at is None or not text[:at].strip():
        return None
    return Cut(text, at, _anchor_at(text, at), is_json, released)


def _token_end(text: str, floor: int, latest: int, ends: AbstractSet[int]) -> int | None:
    """The last end of a token from `latest` backwards whose tail occurs only once."""
    for end in sorted((each for each in ends if 0 < each <= latest), reverse=True):
        at = next((i for i in range(end, latest + 1) if not text[i].isspace()), 0)
        if at >= floor and not text[end - 1].isspace() and is_unique(text, text[at:]):
            return at
    return None


def _places(text: str, floor: int, latest: int, *, is_json: bool, near: bool) -> Iterator[int]:
    """Places to go back to, the best first, whose tail occurs only once in the text."""
    reach = 2 * TAIL if near else min(REACH, max(3 * TAIL, len(text) * 3 // 10))
    last_resort: int | None = None
    while True:
        earliest = max(floor, len(text) - reach)
        for place in _boundaries(text, earliest, latest, is_json=is_json):
            if is_unique(text, text[place:]):
                yield place
            last_resort = place
        if earliest == floor:
            break
        reach *= 2
    if last_resort is not None:
        yield last_resort


def _boundaries(text: str, earliest: int, latest: int, *, is_json: bool) -> Iterator[int]:
    """Boundaries in a stretch of text: of each kind the last and the first, the best kind first."""
    if latest < earliest:
        return
    if is_json:
        yield from _elements(text, earliest, latest)
    for kind in (_LINE, _SENTENCE, _WORD) if not is_json else (_WORD,):
        start = max(0, earliest - 40)
        found = [m.end() for m in kind.finditer(text, start, latest + 1)]
        found = [each for each in found if earliest <= each <= latest and is_safe(text, each)]
        if found:
            yield found[-1]
            yield found[0]
    safe = _safe_from(text, latest, earliest)
    yield from (at for at in (safe, earliest) if at is not None and not text[at].isspace())


def _elements(text: str, earliest: int, latest: int) -> Iterator[int]:
    scanner = JSONScanner()
    scanner.feed(text)
    found = [(depth, -at) for at, depth in scanner.starts if earliest <= at <= latest]
    if found:
        yield -min(found)[1]
        yield -max(found)[1]


def _safe_from(text: str, at: int, earliest: int) -> int | None:
    """The last place from `at` backwards that is inside nothing and before no white space."""
    return next((i for i in range(at, earliest - 1, -1) if is_safe(text, i)), None)


def is_unique(text: str, part: str) -> bool:
    """Whether a part of a text occurs in it only once, overlaps included."""
    return text.find(part) == text.rfind(part)


def is_safe(text: str, at: int) -> bool:
    """Whether a text may end there: not in an escape, a number, a grapheme, nor before a space."""
    if at >= len(text) or text[at].isspace():
        return False
    one, other = text[at - 1 : at], text[at]
    if one == "\u200d" or not (other.isascii() or _JOINED.match(other) is None):
        return False
    if one.isspace():
        return True
    if one.isdigit() and other == "." and text[at + 1 : at + 2].isdigit():
        return False
    if one.isascii() and other.isascii() and (one.isalnum() or one in ".-+") and other.isalnum():
        return False
    return _ESCAPE.search(text[max(0, at - 12) : at]) is None


def _anchor_at(text: str, at: int) -> int:
    """Where the anchor begins: at a word, and so early that it is unique, if it can be."""
    length = ANCHOR
    while True:
        begin = max(0, at - length)
        if begin:
            found = _WORD.search(text, begin, at)
            begin = found.end() if found and found.end() < at - ANCHOR // 2 else begin
        if not begin or length >= LONGEST_ANCHOR or is_unique(text, text[begin:at]):
            return begin
        length *= 2
