"""How a command ends: its exit code, and what it says of an error."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from enum import IntEnum

from ..values.errors import (
    ChatIncompleteResponseError,
    LexiluxError,
    OutputValidationError,
    ValidationError,
)
from ..values.results import ChatResult, Status
from .console import note


class ExitCode(IntEnum):
    """What the caller's shell is told; `docs/guides/command-line.md` has the same list."""

    WHOLE = 0
    """All that was asked for has come."""
    FAILED = 1
    """The server or the network failed, and nothing of an answer had come."""
    USAGE = 2
    """The command or its settings are wrong; nothing was sent."""
    INCOMPLETE = 3
    """An answer came, but not all of it, or it does not fit its schema."""
    SOME_FAILED = 4
    """Some items of a batch have no answer, or not a whole one."""
    INTERRUPTED = 130
    """Ctrl-C."""
    PIPE_CLOSED = 141
    """Who read the output has left, as `head` does."""


_WORDS: dict[Status, str] = {
    "truncated": "the token limit cut the answer off",
    "context_exceeded": "the answer ran out of the model's context window",
    "filtered": "the provider's content filter stopped the answer",
    "refused": "the model refused",
    "interrupted": "the answer broke off",
    "unannounced": "the answer ended without an announcement",
    "unknown": "the server did not say why the answer ended",
}
_CUT = ("truncated", "interrupted", "unannounced")


def verdict(result: ChatResult) -> ExitCode:
    """The exit code of an answer; on stderr stands why, where it is not whole."""
    if result.complete:
        return ExitCode.WHOLE
    advice = "; `lexilux-like complete` asks for the rest" if result.status in _CUT else ""
    refusal = f": {result.refusal}" if result.refusal else ""
    note(f"incomplete: {_WORDS.get(result.status, result.status)}{refusal}{advice}")
    return ExitCode.INCOMPLETE


def code_of(error: LexiluxError) -> ExitCode:
    """The exit code of an error."""
    if isinstance(error, ValidationError):
        return ExitCode.USAGE
    part = error.partial is not None and error.partial.has_content
    if part or isinstance(error, ChatIncompleteResponseError | OutputValidationError):
        return ExitCode.INCOMPLETE
    return ExitCode.FAILED


def tell(error: LexiluxError, *, debug: bool = False) -> ExitCode:
    """Say on stderr what went wrong; with `debug` where, too. Returns the exit code."""
    if debug:
        note("".join(traceback.format_exception(error)).rstrip())
    note(f"error: {error.message}")
    return code_of(error)


def leave_pipe() -> ExitCode:
    """Forget what is still to be written to a pipe that nobody reads."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
            continue
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return ExitCode.PIPE_CLOSED
