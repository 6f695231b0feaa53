"""The commands, as typer sees them; each loads its own room when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Unpack, cast

import typer

from .exits import ExitCode
from .options import (
    AskOptions,
    BatchCommandOptions,
    ChatCommandOptions,
    CompleteCommandOptions,
    DebugOption,
    DoctorOptions,
    JsonOption,
    command,
)

app = typer.Typer(
    name="lexilux-like",
    help="Ask any OpenAI-compatible server, and know whether the answer is whole.",
    epilog=(
        "Exit codes: 0 whole, 1 server or network, 2 usage, 3 incomplete, 4 some of a batch failed,"
        " 130 interrupted."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,  # help that can be piped and searched
    pretty_exceptions_enable=False,  # it shows local variables, among which is the key
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(help="Keys in this machine's keyring.", no_args_is_help=True)
app.add_typer(keys, name="key")

Words = Annotated[list[str] | None, typer.Argument(metavar="[PROMPT]...", show_default=False)]


def run() -> int:
    """Run the command of `sys.argv`."""
    return cast("int", app(standalone_mode=True))


@app.callback(invoke_without_command=True)
def top(
    *,
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    """Ask any OpenAI-compatible server, and know whether the answer is whole."""
    if version:
        from lexilux_like import __version__  # noqa: PLC0415

        typer.echo(__version__)
        raise typer.Exit


@app.command()
@command
def ask(words: Words = None, **options: Unpack[AskOptions]) -> ExitCode:
    """Ask once, and see the answer as it comes.

    What is piped in stands before the prompt, or is the prompt.
    """
    from .ask import ask  # noqa: PLC0415

    return ask(words or (), options)


@app.command()
@command
def complete(words: Words = None, **options: Unpack[CompleteCommandOptions]) -> ExitCode:
    """Ask until the answer is whole.

    On stdout comes JSON, or nothing where the answer is not whole: then the exit code is 3.
    """
    from .complete import complete  # noqa: PLC0415

    return complete(words or (), options)


@app.command()
@command
def chat(
    name: Annotated[
        str | None, typer.Argument(help="What to save it as; the time unless given.")
    ] = None,
    **options: Unpack[ChatCommandOptions],
) -> ExitCode:
    """Talk with the model.

    The conversation is saved after each answer.
    """
    from .talk import talk  # noqa: PLC0415

    return talk(name, options)


@app.command()
@command
def batch(
    file: Annotated[
        Path,
        typer.Argument(help=".jsonl, .csv, .tsv or .parquet; - takes each line of stdin."),
    ],
    **options: Unpack[BatchCommandOptions],
) -> ExitCode:
    """Ask many prompts, one JSON line for each."""
    from .batch import batch  # noqa: PLC0415

    return batch(file, options)


@app.command()
@command
def providers(
    name: Annotated[
        str | None, typer.Argument(help="One provider, with all that is known.")
    ] = None,
    **options: Unpack[JsonOption],
) -> ExitCode:
    """List the providers that are known."""
    from .listing import providers  # noqa: PLC0415

    return providers(name, as_json=options.get("json", False))


@app.command()
@command
def doctor(**options: Unpack[DoctorOptions]) -> ExitCode:
    """Say what works at a server.

    It is asked a few small things, nine requests at most.
    """
    from .doctor import doctor  # noqa: PLC0415

    return doctor(options)


@app.command()
@command
def demo(**options: Unpack[DebugOption]) -> ExitCode:  # noqa: ARG001 - every command takes them
    """Show a real engine on this machine.

    It needs no key, no account and no download.
    """
    from .demo import demo  # noqa: PLC0415

    return demo()


Name = Annotated[str, typer.Argument(help="The name of a provider or of a profile.")]


@keys.command("set")
@command
def key_set(name: Name, **options: Unpack[DebugOption]) -> ExitCode:  # noqa: ARG001
    """Store a key: typed unseen, or read from stdin."""
    from .keys import read_key, store  # noqa: PLC0415

    store(name, read_key(name))
    return ExitCode.WHOLE


@keys.command("delete")
@command
def key_delete(name: Name, **options: Unpack[DebugOption]) -> ExitCode:  # noqa: ARG001
    """Take a key out of the keyring."""
    from .keys import delete  # noqa: PLC0415

    delete(name)
    return ExitCode.WHOLE


@keys.command("list")
@command
def key_list(**options: Unpack[DebugOption]) -> ExitCode:  # noqa: ARG001
    """List the names of the stored keys, and nothing of the keys."""
    from .keys import stored_names  # noqa: PLC0415

    for name in stored_names():
        typer.echo(name)
    return ExitCode.WHOLE
