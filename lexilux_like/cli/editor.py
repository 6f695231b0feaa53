"""Where turns are typed on a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from .config import state_path
from .turns import is_open, unquoted


class Editor:
    """A line editor: Enter sends, Alt+Enter or an open `\"\"\"` begins a new line.

    Lines are remembered from one run to the next, in a file that nobody else may read.

    Args:
        commands: What Tab completes after `/`.
    """

    def __init__(self, commands: Iterable[str]) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=FileHistory(str(_private(state_path() / "typed"))),
            completer=_Commands(commands),
            complete_while_typing=False,
            key_bindings=_bindings(),
            multiline=True,
            prompt_continuation="  ",
        )

    def __call__(self) -> str:
        """The next turn.

        Raises:
            EOFError: Ctrl-D.
            KeyboardInterrupt: Ctrl-C.
        """
        return unquoted(self._session.prompt("> "))


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        if is_open(event.current_buffer.text):
            event.current_buffer.insert_text("\n")
        else:
            event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


class _Commands(Completer):
    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - prompt_toolkit passes it
    ) -> Iterable[Completion]:
        """The commands that begin as what is typed does."""
        typed = document.text_before_cursor
        for name in self._names:
            if typed.startswith("/") and name.startswith(typed):
                yield Completion(name, start_position=-len(typed))


def _private(path: Path) -> Path:
    """The file, made where it is missing; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    return path
