"""The options of the commands, declared once, and what makes a command of a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypedDict, get_args, get_type_hints

import typer

from ..values.errors import LexiluxError
from .console import note, prepare
from .exits import ExitCode, leave_pipe, tell

P = ParamSpec("P")


class DebugOption(TypedDict, total=False):
    """What every command takes."""

    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]


class EndpointOptions(DebugOption, total=False):
    """Who is asked."""

    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="The root of the API.")
    ]
    provider: Annotated[
        str | None,
        typer.Option("--provider", "-p", metavar="NAME", help="See `lexilux-like providers`."),
    ]
    model: Annotated[str | None, typer.Option("--model", "-m", metavar="NAME")]
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-P", metavar="NAME", help="A profile of the config file."),
    ]
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="To connect, and between two reads."),
    ]
    retries: Annotated[
        int | None,
        typer.Option(
            "--retries", metavar="N", help="After failures that may pass; 2 unless given."
        ),
    ]


class AnswerOptions(EndpointOptions, total=False):
    """What is asked of the model."""

    system: Annotated[str | None, typer.Option("--system", "-s", metavar="TEXT")]
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", metavar="N")]
    temperature: Annotated[float | None, typer.Option("--temperature", "-t", metavar="0..2")]
    effort: Annotated[
        str | None, typer.Option("--effort", metavar="WORD", help="Reason: low, medium or high.")
    ]


class PromptOptions(AnswerOptions, total=False):
    """Where the prompt comes from."""

    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", help="Do not read stdin, even where it is a pipe.")
    ]
    usage: Annotated[bool, typer.Option("--usage", "-u", help="Tokens and time, on stderr.")]


class AskOptions(PromptOptions, total=False):
    """What `ask` takes."""

    reasoning: Annotated[
        bool, typer.Option("--reasoning", "-r", help="Show the reasoning, on stderr.")
    ]
    json: Annotated[
        bool, typer.Option("--json", help="Text, status, usage and more as one JSON object.")
    ]


class CompleteCommandOptions(PromptOptions, total=False):
    """What `complete` takes."""

    schema: Annotated[
        Path | None,
        typer.Option("--schema", metavar="FILE", help="A JSON schema that the answer must fit."),
    ]
    value: Annotated[
        bool, typer.Option("--value", help="The answer is one JSON value; print it alone.")
    ]
    text: Annotated[bool, typer.Option("--text", help="Print the text alone.")]
    partial: Annotated[
        Path | None,
        typer.Option("--partial", metavar="FILE", help="Where an incomplete answer goes."),
    ]
    max_continues: Annotated[
        int | None,
        typer.Option("--max-continues", metavar="N", help="Most requests for the rest; 5."),
    ]


class ChatCommandOptions(AnswerOptions, total=False):
    """What `chat` takes."""

    resume: Annotated[
        bool, typer.Option("--resume", "-r", help="Go on with NAME, or with the newest one.")
    ]
    list: Annotated[bool, typer.Option("--list", help="List the saved conversations.")]
    plain: Annotated[bool, typer.Option("--plain", help="Show the Markdown as it was written.")]


class BatchCommandOptions(AnswerOptions, total=False):
    """What `batch` takes."""

    journal: Annotated[
        Path | None,
        typer.Option("--journal", "-j", metavar="FILE", help="Keep outcomes, and go on from them."),
    ]
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", metavar="N", help="At once; 16.")
    ]
    column: Annotated[
        str | None, typer.Option("--column", metavar="NAME", help="The column with the prompts.")
    ]
    template: Annotated[
        str | None, typer.Option("--template", metavar="TEXT", help="As 'Translate: {text}'.")
    ]
    schema: Annotated[
        Path | None,
        typer.Option("--schema", metavar="FILE", help="A JSON schema that each answer must fit."),
    ]
    complete: Annotated[
        bool, typer.Option("--complete", help="Ask for the rest of answers that were cut off.")
    ]
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Outcomes as they are done, not in order.")
    ]
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Do not ask again what the journal has as failed.")
    ]
    cost: Annotated[
        bool, typer.Option("--cost", help="US dollars, by genai-prices (the extra prices).")
    ]
    no_progress: Annotated[bool, typer.Option("--no-progress", help="No progress bar.")]


class JsonOption(DebugOption, total=False):
    """What `providers` takes."""

    json: Annotated[bool, typer.Option("--json")]


class DoctorOptions(EndpointOptions, total=False):
    """What `doctor` takes."""

    json: Annotated[bool, typer.Option("--json")]


def command(function: Callable[P, ExitCode]) -> Callable[P, None]:
    """A typer command of a function that returns its exit code.

    Its `**options: Unpack[SomeOptions]` are spelled out for typer; those that were not given are
    not passed. An error of the package becomes a line on stderr and an exit code.
    """

    @functools.wraps(function)
    def run(*args: P.args, **given: P.kwargs) -> None:
        prepare()
        debug = bool(given.get("debug", False))
        # By hand, and not `given.update`: the checkers hold its values to be the function's own.
        for name in [name for name, value in given.items() if value is None]:
            del given[name]
        try:
            code = function(*args, **given)
        except LexiluxError as error:
            code = tell(error, debug=debug)
        except KeyboardInterrupt:
            note("stopped")
            code = ExitCode.INTERRUPTED
        except BrokenPipeError:
            code = leave_pipe()
        raise typer.Exit(code)

    run.__dict__["__signature__"] = _spelled_out(function)
    return run


def _spelled_out(function: Callable[..., Any]) -> inspect.Signature:
    written = inspect.signature(function, eval_str=True)
    *named, rest = written.parameters.values()
    (kind,) = get_args(rest.annotation)
    hints = get_type_hints(kind, include_extras=True)
    keywords = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if get_args(hint)[0] is bool else None,
            annotation=hint,
        )
        for name, hint in hints.items()
    ]
    return written.replace(parameters=[*named, *keywords])
