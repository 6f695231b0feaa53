"""Where a prompt comes from: the arguments, and stdin as the prompt or as what it is about."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence

from ..values.errors import ValidationError


def read_prompt(words: Sequence[str], *, no_stdin: bool = False) -> str:
    """The words of the command line, with what a pipe or a file on stdin brings before them.

    Raises:
        ValidationError: There is neither, or stdin is not UTF-8.
    """
    asked = " ".join(words).strip()
    piped = "" if no_stdin or not _is_piped() else _read()
    if asked and piped:
        return f"{piped}\n\n{asked}"
    if not (asked or piped):
        raise ValidationError("no prompt: write it behind the command, or pipe it in")
    return asked or piped


def _is_piped() -> bool:
    """Whether stdin is a pipe or a file: neither a terminal nor /dev/null, as under cron."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed, or None under pythonw
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _read() -> str:
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValidationError(f"stdin is not UTF-8 text: {error.reason} at {error.start}") from None
