"""The commands inside a conversation: `/help` and its kin."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..values.errors import ValidationError
from .console import note
from .files import read_text, write_whole
from .session import checked, folder, fresh, load, saved

if TYPE_CHECKING:
    from .talk import Talk

Act: TypeAlias = Callable[["Talk", str], str | None]
"""What a command does with the words behind it; returns what is to be asked now, if anything."""


def act(talk: Talk, line: str) -> str | None:
    """Do what a line that begins with `/` says; returns what is to be asked now, if anything.

    Raises:
        ValidationError: There is no such command, or it cannot be done.
        EOFError: The conversation is over.
    """
    name, _, rest = line.partition(" ")
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else "/help lists them"
        raise ValidationError(f"no command {name!r}; {hint} (a turn that begins so: //...)")
    return COMMANDS[name](talk, rest.strip())


def _help(_talk: Talk, _rest: str) -> None:
    """List the commands."""
    for name, each in COMMANDS.items():
        note(f"  {name:9} {(each.__doc__ or '').partition('.')[0]}")
    note(
        '  Alt+Enter begins a new line, so does Enter after an opening """. Ctrl-C stops an answer.'
    )


def _new(talk: Talk, rest: str) -> None:
    """Begin another conversation: /new [NAME]."""
    talk.session = fresh(rest or None, talk.session.model, talk.session.history.system)
    note(f"a new conversation: {talk.session.name}")


def _retry(talk: Talk, _rest: str) -> str:
    """Ask the last question again; its answer goes."""
    removed = talk.session.undo()
    question = removed[0].get("content") if removed else talk.unanswered
    if not isinstance(question, str) or not question:
        raise ValidationError("there is nothing to ask again")
    return question


def _undo(talk: Talk, _rest: str) -> None:
    """Take the last question and its answer away."""
    if not talk.session.undo():
        raise ValidationError("there is nothing to take away")
    talk.session.save()
    note(f"taken away; {len(talk.session.history)} messages are left")


def _system(talk: Talk, rest: str) -> None:
    """Set the system prompt, or show it: /system [TEXT], /system - for none."""
    if rest:
        talk.session.history.set_system(None if rest == "-" else rest)
    note(f"system prompt: {talk.session.history.system or 'none'}")


def _model(talk: Talk, rest: str) -> None:
    """Ask another model from now on, or show which one: /model [NAME]."""
    talk.session.model = rest or talk.session.model
    note(f"model: {talk.session.model}")


def _save(talk: Talk, rest: str) -> None:
    """Save under another name, or write a page to read: /save [NAME | FILE.md | FILE.html]."""
    history = talk.session.history
    if rest.endswith((".md", ".html")):
        page = history.to_markdown() if rest.endswith(".md") else history.to_html()
        write_whole(Path(rest).expanduser(), page)
        note(f"written: {rest}")
        return
    if rest and rest != talk.session.name:
        if (folder() / f"{checked(rest)}.json").exists():
            raise ValidationError(f"there is a conversation {rest!r} already")
        talk.session.name = rest
    talk.session.save()
    note(f"saved: {talk.session.path}")


def _load(talk: Talk, rest: str) -> None:
    """Go on with another conversation: /load NAME."""
    if not rest:
        _list(talk, rest)
        raise ValidationError("/load NAME: which one?")
    talk.session = load(rest)
    talk.recall()


def _list(_talk: Talk, _rest: str) -> None:
    """List the saved conversations, the newest first."""
    for path in saved():
        note(f"  {path.stem}")


def _history(talk: Talk, _rest: str) -> None:
    """Show the conversation so far."""
    note(talk.session.history.to_text())


def _file(_talk: Talk, rest: str) -> str:
    """Ask about a text file: /file PATH [QUESTION]."""
    path, _, question = rest.partition(" ")
    if not path:
        raise ValidationError("/file PATH [QUESTION]: which file?")
    return f"{read_text(Path(path).expanduser())}\n\n{question}".strip()


def _usage(talk: Talk, _rest: str) -> None:
    """Show the tokens that the conversation took."""
    usage = talk.session.usage
    counts = (usage.input_tokens, usage.output_tokens)
    known = ["not told" if count is None else f"{count:,}" for count in counts]
    note(f"{talk.session.turns} answers, {known[0]} tokens in, {known[1]} out")


def _quit(_talk: Talk, _rest: str) -> None:
    """Leave; so does Ctrl-D."""
    raise EOFError


COMMANDS: dict[str, Act] = {
    "/help": _help,
    "/new": _new,
    "/retry": _retry,
    "/undo": _undo,
    "/system": _system,
    "/model": _model,
    "/file": _file,
    "/save": _save,
    "/load": _load,
    "/list": _list,
    "/history": _history,
    "/usage": _usage,
    "/quit": _quit,
    "/exit": _quit,
}
