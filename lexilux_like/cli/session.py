"""Saved conversations: one JSON file each, whole after every turn."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..values.errors import ValidationError
from ..values.history import ChatHistory
from ..values.messages import is_mapping
from ..values.results import ChatResult, Status, Usage
from .config import data_path
from .envelope import counts
from .files import read_text, write_whole

VERSION = 1
"""Of the form of the file."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(slots=True)
class Session:
    """A conversation with its name, the model that it is held with, and what it took."""

    name: str
    model: str = ""
    history: ChatHistory = field(default_factory=ChatHistory)
    endings: dict[int, Status] = field(default_factory=dict[int, Status])
    """Why an answer is not whole, by its place in the history; whole ones are not in it."""
    usage: Usage = field(default_factory=Usage)
    turns: int = 0

    @property
    def path(self) -> Path:
        """Where it is saved."""
        return folder() / f"{self.name}.json"

    def append(self, result: ChatResult) -> None:
        """Add an answer, or what has come of it."""
        self.history.append_result(result)
        if not result.complete:
            self.endings[len(self.history) - 1] = result.status
        self.usage += result.usage
        self.turns += 1

    def undo(self) -> Sequence[Mapping[str, Any]]:
        """Take the last question and its answer away, and return them; what they took stays."""
        removed = self.history.remove_last_round()
        self.endings = {i: each for i, each in self.endings.items() if i < len(self.history)}
        return removed

    def save(self) -> None:
        """Write it to its file, in one step.

        Raises:
            ValidationError: It cannot be written.
        """
        document = {
            "version": VERSION,
            "name": self.name,
            "model": self.model,
            "turns": self.turns,
            "usage": counts(self.usage),
            "endings": {str(place): status for place, status in self.endings.items()},
            "history": json.loads(self.history.to_json()),
        }
        write_whole(self.path, json.dumps(document, ensure_ascii=True, indent=1))


def folder() -> Path:
    """Where conversations are saved."""
    return data_path() / "conversations"


def fresh(name: str | None, model: str, system: str | None) -> Session:
    """A new conversation; named after this moment unless given.

    Raises:
        ValidationError: The name cannot be a file's, or there is one of that name.
    """
    if name is None:
        name = stem = time.strftime("%Y-%m-%d-%H%M%S")
        number = 2
        while (folder() / f"{name}.json").exists():
            name, number = f"{stem}-{number}", number + 1
    session = Session(checked(name), model, ChatHistory(system=system))
    if session.path.exists():
        raise ValidationError(
            f"there is a conversation {name!r}: add --resume to go on with it, or choose another"
            " name"
        )
    return session


def load(name: str) -> Session:
    """A saved conversation.

    Raises:
        ValidationError: There is none of that name, or its file holds something else.
    """
    session = Session(checked(name))
    if not session.path.exists():
        raise ValidationError(f"no conversation {name!r} in {folder()}")
    try:
        document: object = json.loads(read_text(session.path))
        if not is_mapping(document) or document.get("version") != VERSION:
            raise ValidationError(f"it is not of version {VERSION}")
        session.model = str(document["model"])
        session.turns = int(document["turns"])
        session.history = ChatHistory.from_dict(document["history"])
        session.endings = {int(place): status for place, status in document["endings"].items()}
        session.usage = Usage(**document["usage"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValidationError(f"{session.path} is no saved conversation: {error}") from error
    return session


def saved() -> list[Path]:
    """The files of all conversations, the newest first."""
    return sorted(folder().glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)


def newest() -> Session:
    """The conversation that was saved last.

    Raises:
        ValidationError: There is none, or its file holds something else.
    """
    for path in saved():
        return load(path.stem)
    raise ValidationError(f"there is no saved conversation in {folder()}")


def checked(name: str) -> str:
    """`name`, fit to be a file's.

    Raises:
        ValidationError: It is not.
    """
    if not _NAME.fullmatch(name):
        raise ValidationError(f"{name!r} is no name: use letters, digits, '.', '_' and '-'")
    return name
