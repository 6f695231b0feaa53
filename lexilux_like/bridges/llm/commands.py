"""`llm lexilux`: add models to the file, and see what there is."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import llm

if TYPE_CHECKING:
    from ...transport.listing import Listing
    from .entries import ModelEntry


@click.group(name="lexilux")
def lexilux() -> None:
    """Models whose answers are whole, or an error: any OpenAI-compatible server, and Anthropic."""


def _placed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where a model is."""
    for option in (
        click.option("--api-key-name", metavar="NAME", help="Which of `llm keys` to send."),
        click.option("--api-base", metavar="URL", help="The root: http://127.0.0.1:8080/v1"),
        click.option("-p", "--provider", help="A provider by name, such as openrouter."),
    ):
        command = option(command)
    return command


@lexilux.command()
@click.argument("model_id")
@_placed
@click.option("--model-name", metavar="NAME", help="Its name at the server, if it is another.")
@click.option("-a", "--alias", "aliases", multiple=True, help="Another name for it; repeatable.")
@click.option("--vision", is_flag=True, help="It takes images.")
@click.option("--audio", is_flag=True, help="It takes WAV and MP3.")
@click.option("--pdf", is_flag=True, help="It takes PDF files.")
@click.option("--check/--no-check", default=True, help="Ask the server whether it has the model.")
def add(model_id: str, *, check: bool, **options: Any) -> None:
    """Add a model, which `llm -m MODEL_ID` then asks."""
    from .entries import append_entry, checked_entry  # noqa: PLC0415 - only who adds needs it

    given = {name: value for name, value in options.items() if value}
    given |= {"aliases": list(given["aliases"])} if "aliases" in given else {}
    fields = {"model_id": model_id, **given}
    entry = checked_entry(fields, "this model")
    if clash := {model_id, *entry.aliases} & llm.get_model_aliases().keys():
        raise click.ClickException(f"llm has {min(clash)!r} already: choose another name")
    if check:
        click.echo(_checked(entry), err=True)
    append_entry(_file(), fields)
    click.echo(f'Added to {_file()}. Try it: llm -m {model_id} "Hello"', err=True)


@lexilux.command(name="list")
def list_added() -> None:
    """Show the models that were added."""
    from .entries import read_entries  # noqa: PLC0415 - see add

    for entry in read_entries(_file()):
        aliases = f" ({', '.join(entry.aliases)})" if entry.aliases else ""
        key = f", key {entry.needs_key!r}" if entry.needs_key else ""
        click.echo(f"{entry.model_id}{aliases}: {entry.name_at_server} at {entry.base_url}{key}")


@lexilux.command()
@_placed
def models(**options: Any) -> None:
    """List what a server offers."""
    from .entries import checked_entry  # noqa: PLC0415 - see add

    given = {name: value for name, value in options.items() if value}
    listing = _listing(checked_entry({"model_id": "any", **given}, "this server"))
    if listing.names is None:
        raise click.ClickException(listing.problem)
    click.echo("".join(f"{name}\n" for name in listing.names), nl=False)


@lexilux.command(name="path")
def show_path() -> None:
    """Show where the file is that has the models."""
    click.echo(_file())


def _file() -> Path:
    from . import MODELS_FILE  # noqa: PLC0415 - the hooks import this module

    return Path(llm.user_dir()) / MODELS_FILE


def _listing(entry: ModelEntry) -> Listing:
    """The models of a server, asked with the key that `llm` keeps; without one nobody is."""
    from ...transport.listing import Listing, list_models  # noqa: PLC0415 - see add

    key = None
    if entry.needs_key is not None:
        key = llm.get_key(alias=entry.needs_key, env=entry.key_env_var)
        if key is None:
            return Listing(problem=f"there is no key yet: llm keys set {entry.needs_key}")
    return list_models(entry.base_url, entry.profile, api_key=key, headers=entry.headers)


def _checked(entry: ModelEntry) -> str:
    """What the server says of a model, in words.

    Raises:
        click.ClickException: It lists its models, and this one is not among them.
    """
    listing = _listing(entry)
    if (names := listing.names) is None:
        return f"Not checked whether the server has it: {listing.problem}"
    if entry.name_at_server in names:
        return "The server has it."
    near = difflib.get_close_matches(entry.name_at_server, names, n=3, cutoff=0.4) or names[:3]
    raise click.ClickException(
        f"the server does not list {entry.name_at_server!r}; it has {', '.join(near) or 'none'}"
        f"{', ...' if len(near) < len(names) else ''}. Give its name with --model-name, or add it"
        " unseen with --no-check"
    )
