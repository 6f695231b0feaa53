"""Text that a server chose, made safe to print."""

from __future__ import annotations

MESSAGE_LIMIT = 2_000
"""Most characters of server text in one error message."""


def printable(text: str, limit: int = MESSAGE_LIMIT) -> str:
    r"""`text` with every control, format and surrogate character escaped, cut after `limit`.

    Terminal escapes, line breaks that forge log records and characters that turn
    the writing direction are shown as `\x1b`, `\n`, `\u202e`.
    """
    if len(text) > limit:
        text = f"{text[:limit]}... ({len(text)} characters in all)"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
