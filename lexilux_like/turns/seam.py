"""Joining two parts of an answer exactly, or not at all. Pure string work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

from ..values.results import Join
from .cut import TAIL, Cut, is_unique
from .jsonscan import JSONScanner

PROOF = 12
"""Fewer repeated characters prove no place."""
FIRST_WORD = 4
"""Behind the anchor so many characters of the tail are enough, before the reply rewords it."""
TRIMMINGS, MOST_LINES = 300, 3
"""Most characters and lines of an introduction."""

_FENCE = re.compile(r"\s*(?:```|~~~)[\w+.-]*[ \t]*(?:\n|\Z)")
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_MARKS = " \t\r\n\"'`>“”«»*_…."
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*"?', re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s"{}\[\]:,]+|[{}\[\]:,]|\s+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seam:
    """The joined answer is `cut.text[:begin] + reply[end:]`."""

    begin: int
    end: int
    how: Join
    fenced: bool = False
    """The reply opened a code fence, which may have to be closed outside the answer."""
    short: bool = False
    """The reply ended before it had repeated all of the tail."""


def find_seam(cut: Cut, reply: str, *, over: bool) -> Seam | None:
    """Where `reply`, an answer to "send me the rest", joins the answer that was cut.

    Args:
        cut: What the model was shown, and what must come back.
        reply: What it answered, so far.
        over: Whether that is all of it. Before that only what cannot change is told.

    Returns:
        The seam, or None where nothing proves one (yet).
    """
    seam = _repeated(cut, reply, over=over)
    recurs = cut.is_json and reply.count(cut.tail) > 1
    if seam is None and over and cut.at and not recurs:
        seam = _reworded(cut, reply)
    if seam is not None and cut.is_json and _breaks(cut.text[: seam.begin] + reply[seam.end :]):
        return None
    return seam


def goes_on_directly(cut: Cut, reply: str) -> bool:
    """Whether a reply begins with the tail and with nothing before it: a prefill that works."""
    tail = cut.tail
    return len(tail) >= PROOF and reply.lstrip().startswith(tail)


def restarts(cut: Cut, reply: str) -> bool:
    """Whether a reply begins as the answer began."""
    begun = cut.text.lstrip()[: 2 * TAIL]
    return len(begun) >= TAIL and untrimmed(reply).startswith(begun[:TAIL])


def _repeated(cut: Cut, reply: str, *, over: bool) -> Seam | None:
    """The tail has come back: whatever follows it is new.

    Where the tail occurs more than once in the answer, so may the place it stands for: then
    it has to stand behind the anchor, or there must be only one explanation of all the reply.
    """
    unique = is_unique(cut.text, cut.tail)
    if not unique:
        after = _after_anchor(cut, reply)
        if after:
            begin = _after_space(reply, after[0])
            if match := _pattern(cut, cut.at, len(cut.text)).match(reply, begin):
                return Seam(len(cut.text), match.end(1), "repeated", after[1])
        if not over:
            return None
    found: list[Seam] = []
    for match in _pattern(cut, cut.at, len(cut.text)).finditer(reply):
        trimmings = _trimmings(reply[: match.start()], cut.kept, is_json=cut.is_json)
        if trimmings is not None:
            fenced = _opens_fence(trimmings)
            found.append(Seam(len(cut.text), match.end(1), "repeated", fenced))
            if unique:
                break
    if len(found) != 1 or (cut.is_json and _may_recur(cut, reply, found[0].end, over=over)):
        return None
    return found[0]


def _may_recur(cut: Cut, reply: str, end: int, *, over: bool) -> bool:
    """Whether the tail comes back once more right behind itself, or that is not known yet.

    Records look alike: a model that repeats the last one with another number may write the
    beginning of the next one by it.
    """
    window = 2 * len(cut.tail) + 2 * TAIL
    if not over and len(reply) < end + window:
        return True
    return cut.tail in reply[end : end + window]


def _reworded(cut: Cut, reply: str) -> Seam | None:
    """Parts of what is known have come back, and other words between them or behind them."""
    found = _after_anchor(cut, reply)
    if found is None:
        return _begin_of_tail(cut, reply) or _end_of_tail(cut, reply, 0, least=2 * PROOF)
    end, fenced = found
    seam = _end_of_tail(cut, reply, end, least=PROOF)
    if seam is not None or not may_follow(cut, reply[end:]):
        return seam
    return Seam(cut.at, _after_space(reply, end), "reworded", fenced)


def own_words(cut: Cut, reply: str) -> Seam:
    """The seam of a reply that goes on from a prefill, in words of its own.

    The white space before them is the reply's, if it has any and ours has not been seen yet.
    """
    words, bare = _after_space(reply, 0), len(cut.kept.rstrip())
    if words and bare >= cut.released:
        return Seam(bare, 0, "prefill")
    return Seam(cut.at, words if bare < cut.at else 0, "prefill")


def _after_space(text: str, at: int) -> int:
    return next((i for i in range(at, len(text)) if not text[i].isspace()), len(text))


def _after_anchor(cut: Cut, reply: str) -> tuple[int, bool] | None:
    """The end of the anchor in a reply, and whether a fence of its own stands before it."""
    anchor, before_it = cut.anchor, cut.text[: cut.anchor_at]
    if len(anchor) < 2 * PROOF or not is_unique(cut.text, anchor):
        return None
    for match in _pattern(cut, cut.anchor_at, cut.at).finditer(reply):
        trimmings = _trimmings(reply[: match.start()], before_it, is_json=cut.is_json)
        if trimmings is not None:
            return match.end(1), _opens_fence(trimmings)
    return None


def _end_of_tail(cut: Cut, reply: str, start: int, *, least: int) -> Seam | None:
    """A reply that leaves something out of the tail, and has the rest of it: that is known."""
    begin = _after_space(reply, start)
    for length in range(len(cut.tail) - 1, least - 1, -1):
        end = cut.tail[-length:]
        if reply.startswith(end, begin) and is_unique(cut.text, end):
            once = is_unique(reply, end)  # else a record like it may have been meant
            return Seam(len(cut.text), begin + length, "repeated") if once else None
    return None


def _begin_of_tail(cut: Cut, reply: str) -> Seam | None:
    """The tail's beginning has come back: the reply goes on from there in its own words."""
    tail = cut.tail
    most = next((n for n in range(len(tail), PROOF - 1, -1) if tail[:n] in reply), 0)
    if not most or not is_unique(cut.text, tail[:most]):
        return None
    at = reply.find(tail[:most])
    rest = _without_overlap(reply[:at], cut.kept, is_json=cut.is_json)
    if _bare(rest, is_json=cut.is_json):
        return None
    return Seam(cut.at, at, "reworded", _opens_fence(rest))


def may_follow(cut: Cut, rest: str) -> bool:
    """Whether what stands behind the anchor begins as the tail begins.

    A model that rewords mostly keeps the first word; one that leaves something out does not.
    """
    pairs = zip(rest.lstrip(), cut.tail, strict=False)
    space = cut.text[len(cut.kept.rstrip()) : cut.at]
    if ("\n" in space) != ("\n" in rest[: _after_space(rest, 0)]):
        return False
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike >= FIRST_WORD and (not cut.is_json or is_unique(cut.text, cut.tail[:alike]))


def _pattern(cut: Cut, start: int, stop: int) -> re.Pattern[str]:
    """Finds a part of the answer, trimmed, wherever it begins, as group 1.

    In JSON any white space between its tokens will do, where it is not there as it was.
    """
    text = cut.text[start:stop] if stop == len(cut.text) else cut.text[start:stop].strip()
    if not cut.is_json:
        return re.compile(f"(?=({re.escape(text)}))")
    scanner = JSONScanner()
    scanner.feed(cut.text[: start + cut.text[start:stop].find(text)])
    begun = _STRING_END.match(text) if scanner.in_string else None
    tokens = [begun[0]] if begun else []
    tokens += _TOKEN.findall(text[len(tokens[0]) if tokens else 0 :])
    spaced = r"\s*".join(re.escape(each) for each in tokens if not each.isspace())
    space = r"\s*" if tokens[-1].isspace() else ""
    return re.compile(f"(?=({re.escape(text)}|{spaced}{space}))")


def _trimmings(before: str, kept: str, *, is_json: bool) -> str | None:
    """What a reply has before the tail besides overlap with the answer; None if it is content."""
    for rest in (_without_overlap(before, kept, is_json=is_json), before):
        if _is_trimmings(rest, kept, is_json=is_json):
            return rest
    return None


def _without_overlap(before: str, kept: str, *, is_json: bool) -> str:
    """`before` without the longest end of it that is also an end of `kept`.

    White space at the ends does not count, nor, in JSON, any other.
    """
    end = before.rstrip(_MARKS)
    places = [i for i, each in enumerate(end) if not (is_json and each.isspace())]
    mine = "".join(end.split()) if is_json else end
    theirs = ("".join(kept.split()) if is_json else kept).rstrip(_MARKS)
    low, high = 0, min(len(mine), len(theirs))
    while low < high:
        middle = (low + high + 1) // 2
        if theirs.endswith(mine[len(mine) - middle :]):
            low = middle
        else:
            high = middle - 1
    return before[: places[-low]] if low else before


def _is_trimmings(before: str, kept: str, *, is_json: bool) -> bool:
    """Whether text is an introduction, a fence or dots, and nothing of the answer's own."""
    text = _bare(before, is_json=is_json)
    announces = before.rstrip(" \t").endswith("\n") or text.endswith((":", "："))
    lines = sum(1 for line in text.splitlines() if line.strip())
    if not text:
        return True
    if not announces or len(text) > TRIMMINGS or lines > MOST_LINES:
        return False
    if is_json and any(mark in text for mark in "{}[]"):
        return False
    return not any(text[i : i + PROOF] in kept for i in range(max(1, len(text) - PROOF + 1)))


def _bare(text: str, *, is_json: bool) -> str:
    """Text without code fences, and without marks at its ends."""
    return _FENCE.sub("", text).strip(_MARKS if is_json else _MARKS + "[]()")


def untrimmed(reply: str) -> str:
    """A reply without a fence that it begins with."""
    fence = _FENCE.match(reply)
    return reply[fence.end() :].lstrip() if fence else reply.lstrip()


def _opens_fence(trimmings: str) -> bool:
    return _FENCE.search(trimmings) is not None


def in_fence(text: str) -> bool:
    """Whether a code fence stands open at the end of a text."""
    return len(_FENCE_LINE.findall(text)) % 2 == 1


def _breaks(text: str) -> bool:
    scanner = JSONScanner()
    scanner.feed(text)
    return scanner.broken is not None
