"""The two streams of a command: answers on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_CONTROLS = {
    c: f"\\x{c:02x}" for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\n\t"
} | {0x0D: None}


def prepare() -> None:
    """Let both streams write whatever comes, escaped where their encoding has no letter for it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def is_terminal(stream: TextIO) -> bool:
    """Whether a person sees it at once."""
    return stream.isatty()


def is_colourful(stream: TextIO) -> bool:
    """Whether it may be styled: a terminal, and neither dumb nor under NO_COLOR.

    https://no-color.org
    """
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and is_terminal(stream)


def tame(text: str) -> str:
    r"""`text` without anything that steers a terminal: an escape character is shown as `\x1b`.

    Line breaks and tabs stay, carriage returns go.
    """
    return text.translate(_CONTROLS)


def say(text: str) -> None:
    """Write a piece of an answer to stdout, at once; exactly as it came unless a person sees it."""
    sys.stdout.write(tame(text) if is_terminal(sys.stdout) else text)
    sys.stdout.flush()


def note(text: str, *, end: str = "\n", dim: bool = False) -> None:
    """Write something about an answer to stderr, dimmed where wanted and possible."""
    text = tame(text)
    if dim and is_colourful(sys.stderr):
        text = f"\x1b[2m{text}\x1b[0m"
    sys.stderr.write(f"{text}{end}")
    sys.stderr.flush()
