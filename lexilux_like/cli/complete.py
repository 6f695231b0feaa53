"""`complete`: the whole answer, or nothing on stdout and an exit code that says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from ..values.errors import LexiluxError, ValidationError
from ..values.options import OnProgress
from ..values.results import ChatResult
from .console import note, say
from .envelope import as_json, envelope, spent
from .exits import ExitCode, tell
from .files import write_whole
from .options import CompleteCommandOptions
from .prompt import read_prompt
from .settings import gather


def complete(words: Sequence[str], options: CompleteCommandOptions) -> ExitCode:
    """Ask until the answer is whole, then write it to stdout in one piece."""
    if sum(map(bool, map(options.get, ("schema", "value", "text")))) > 1:
        raise ValidationError("--schema, --value and --text each say what is printed: choose one")
    settings = gather(options)
    wanted = _wanted(options)
    prompt = read_prompt(words, no_stdin=options.get("no_stdin", False))
    so_far: list[ChatResult] = []
    wanted["on_progress"] = lambda _count, _most, result, _all: so_far.append(result)
    with settings.open() as chat:
        try:
            result = chat.complete(
                prompt, max_tokens=settings.max_tokens, **settings.call, **wanted
            )
        except KeyboardInterrupt:
            _keep(so_far[-1] if so_far else None, options.get("partial"))
            raise
        except LexiluxError as error:
            _keep(error.partial, options.get("partial"))
            return tell(error, debug=options.get("debug", False))
    printed = _printed(result, options)
    say(printed if printed.endswith("\n") else f"{printed}\n")
    if options.get("usage"):
        note(spent(result), dim=True)
    return ExitCode.WHOLE


class Wanted(TypedDict, total=False):
    """What the answer must be, and who hears of it before it is whole."""

    max_continues: int
    response_format: type[Any]
    expect: Literal["json"]
    on_progress: OnProgress


def _wanted(options: CompleteCommandOptions) -> Wanted:
    """What the answer must be.

    Raises:
        ValidationError: The schema cannot be used.
    """
    wanted = Wanted()
    if "max_continues" in options:
        wanted["max_continues"] = options["max_continues"] or 0
    if path := options.get("schema"):
        from .schema import schema_type  # noqa: PLC0415 - only where there is one

        wanted["response_format"] = schema_type(path)
    elif options.get("value"):
        wanted["expect"] = "json"
    return wanted


def _printed(result: ChatResult, options: CompleteCommandOptions) -> str:
    """The answer as it was asked for: its envelope, its text, or its JSON value."""
    if options.get("schema"):
        return as_json(result.parsed)
    if options.get("value") or options.get("text"):
        return result.text
    return envelope(result)


def _keep(part: ChatResult | None, path: Path | None) -> None:
    """Put what had come where it was asked to go: a file, or stderr."""
    if part is None or not part.text:
        return
    if path is not None:
        try:
            write_whole(path, part.text)
        except ValidationError as error:
            note(error.message)  # and the part goes to stderr after all
        else:
            note(f"the part that had come is in {path}")
            return
    note(part.text)
