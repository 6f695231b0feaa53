"""`batch`: many prompts, one JSON line for each outcome."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict, cast

from ..batch import Method, Outcome, Totals
from ..prices import price_list
from ..values.errors import ValidationError
from .console import note, say
from .envelope import as_json, counts
from .exits import ExitCode
from .options import BatchCommandOptions
from .settings import Settings, gather

STDIN = Path("-")


class Wanted(TypedDict, total=False):
    """How the batch is run, as far as options say it."""

    journal: Path
    concurrency: int
    column: str
    template: str
    ordered: bool
    retry_failed: bool
    progress: bool
    method: Method
    response_format: type[Any]
    max_tokens: int
    cost: bool


def batch(file: Path, options: BatchCommandOptions) -> ExitCode:
    """Write outcomes to stdout as they can be had, and their sum to stderr."""
    settings = gather(options)
    wanted = _wanted(settings, options)
    if file == STDIN and {"column", "template"} & wanted.keys():
        raise ValidationError("--column and --template are for files of rows, not for stdin")
    items = _lines() if file == STDIN else file
    with settings.open() as chat, chat.map(items, **settings.call, **wanted) as outcomes:
        try:
            for outcome in outcomes:
                say(f"{_line(outcome)}\n")
        finally:
            note(_told(outcomes.totals))
    return _code(outcomes.totals)


def _lines() -> Iterator[str]:
    """Each line of stdin that is not empty is a prompt.

    Raises:
        ValidationError: One is not UTF-8.
    """
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise ValidationError(f"line {number} of stdin is not UTF-8") from error
        if text:
            yield text


def _wanted(settings: Settings, options: BatchCommandOptions) -> Wanted:
    """What `chat.map` is told.

    Raises:
        ValidationError: The schema cannot be used.
    """
    names = ("journal", "concurrency", "column", "template")
    given = {name: value for name, value in options.items() if name in names}
    wanted = cast("Wanted", {"ordered": not options.get("unordered"), **given})
    if settings.max_tokens is not None:
        wanted["max_tokens"] = settings.max_tokens
    if options.get("keep_failed"):
        wanted["retry_failed"] = False
    if options.get("cost"):
        wanted["cost"] = True
    if options.get("no_progress"):
        wanted["progress"] = False
    if options.get("complete"):
        wanted["method"] = "complete"
    if path := options.get("schema"):
        from .schema import schema_type  # noqa: PLC0415 - only where there is one

        wanted["response_format"] = schema_type(path)
    return wanted


def _line(outcome: Outcome) -> str:
    fields: dict[str, Any] = {"index": outcome.index, "id": outcome.id, "ok": outcome.ok}
    result, error = outcome.result, outcome.error
    if result is not None:
        fields |= {"status": result.status, "text": result.text, "usage": counts(result.usage)}
        if result.parsed is not None:
            fields["value"] = result.parsed
    if error is not None:
        part = getattr(error, "partial", None)
        message = str(error) or type(error).__name__
        fields |= {"error": type(error).__name__, "message": message}
        fields |= {"partial": part.text if part is not None else None}
    if outcome.cost is not None:
        fields["cost"] = f"{outcome.cost:f}"
    return as_json({**fields, "line": outcome.line, "resumed": outcome.resumed})


def _told(totals: Totals) -> str:
    """The sum, for people: `98 answered (2 not whole), 2 failed, 1,200 tokens in, 3,400 out`."""
    known = [f"{totals.ok:,} answered", f"{totals.failed:,} failed"]
    if totals.incomplete:
        known[0] += f" ({totals.incomplete:,} not whole)"
    if totals.resumed:
        known.append(f"{totals.resumed:,} of them from the journal")
    usage = totals.usage
    if usage.input_tokens is not None and usage.output_tokens is not None:
        known.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    if totals.cost is not None:
        unknown = f" ({totals.unpriced:,} without a known price)" if totals.unpriced else ""
        known.append(f"${totals.cost:f}{unknown} by {price_list()}")
    return ", ".join(known)


def _code(totals: Totals) -> ExitCode:
    return ExitCode.SOME_FAILED if totals.failed or totals.incomplete else ExitCode.WHOLE
