"""What models put behind an answer: the sentinel that they were asked for, and courtesies."""

from __future__ import annotations

import re

from .cut import is_unique

_CHATTER = re.compile(
    r"\b(?:let me know|feel free|hope (?:this|that|it)|would you like|happy to|anything else"
    r"|if you(?:'d| would| need| have)|as requested|that(?:'s| is) (?:all|the)|end of|note that i"
    r"|complete[sd]?\b.{0,30}(?:response|answer|message|document)"
    r"|i(?:'ve| have) (?:now )?(?:completed|finished)"
    r"|bei fragen|ich hoffe|gern(?:e)? weiter|espero que|n'hésitez pas|j'espère|hazme saber)\b"
    r"|希望这|希望对|如果你|如果您|如需|请告诉我|请随时|お役に立|お知らせください|ご質問",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"\n\s*\n")
BARE_FENCE = re.compile(r"\n?[ \t]*(?:```|~~~)[ \t]*\s*\Z")
_MARK = re.compile(r"\W*(?:END(?:-[0-9]+)?)?\W*")
"""Nothing, or a sentinel in whatever dress."""
BEGIN = 24
"""So many characters tell that an answer begins once more."""


def unsigned(text: str, sentinel: str, *, cut_again: bool) -> tuple[str, str, str]:
    """The text before the sentinel, the sentinel, and what stands behind it.

    At the end of a reply that was not cut, what resembles the sentinel counts as well.
    """
    before, signature, behind = text.partition(sentinel)
    if signature:
        for dress in ("**", "`"):
            if before.endswith(dress) and behind.startswith(dress):
                before, behind = before[: -len(dress)], behind[len(dress) :]
        return before, signature, behind
    word = sentinel.strip("[]")
    alike = re.search(rf"(?:[\[<({{*]+|\n)[ \t]*{word}[\]>)}}*]*\s*\Z", text)
    if alike is None or cut_again:
        return text, "", ""
    return text[: alike.start()], alike[0], ""


def begun(sentinel: str, text: str) -> int:
    """How many characters at the end of a text are the sentinel's first ones."""
    return next((n for n in range(len(sentinel), 0, -1) if text.endswith(sentinel[:n])), 0)


def is_chatter(text: str) -> bool:
    """Whether the last paragraph is addressed to the user rather than part of an answer."""
    last = _PARAGRAPH.split(text.strip())[-1]
    return len(last) < 400 and _CHATTER.search(last) is not None


def is_nothing(text: str, behind: str) -> bool:
    """Whether what stands behind an answer may be left out: a courtesy, or it all again."""
    behind = BARE_FENCE.sub("", behind).strip()
    start = text.lstrip()[:BEGIN]
    again = behind.startswith(start) and is_unique(text, start)
    chatter = all(map(is_chatter, _PARAGRAPH.split(behind)))
    return _MARK.fullmatch(behind) is not None or chatter or again
