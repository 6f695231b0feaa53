"""`chat`: a conversation, typed or piped in, saved after each answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing, suppress

from ..chat import Chat
from ..transport.streaming import StreamingIterator
from ..values.errors import LexiluxError
from ..values.results import StreamingResult
from . import session as sessions
from .ask import show
from .console import is_terminal, note, say
from .exits import ExitCode, tell, verdict
from .options import ChatCommandOptions
from .session import Session
from .settings import Settings, gather
from .slash import COMMANDS, act
from .turns import next_turn

SHOWN_AT_RESUME = 4
"""Messages of a conversation that is gone on with."""


class Talk:
    """A conversation that is going on.

    Args:
        chat: Who is asked.
        session: What was said before.
        settings: What every request says.
        present: Shows an answer while it comes.
        debug: Show where an error came from.
    """

    def __init__(
        self,
        chat: Chat,
        session: Session,
        settings: Settings,
        present: Callable[[StreamingIterator], object],
        *,
        debug: bool = False,
    ) -> None:
        self.session = session
        self.unanswered = ""
        """The last question, where nothing came of it."""
        self._chat = chat
        self._settings = settings
        self._present = present
        self._debug = debug

    def take(self, line: str) -> ExitCode:
        """Do what a line says: a command, or a turn of the conversation.

        Raises:
            EOFError: The conversation is over.
        """
        try:
            asked: str | None = line
            if line.startswith("/") and not line.startswith("//"):
                asked = act(self, line)
            elif line.startswith("//"):
                asked = line[1:]
            return self._ask(asked) if asked else ExitCode.WHOLE
        except LexiluxError as error:
            return tell(error, debug=self._debug)

    def recall(self) -> None:
        """Say which conversation goes on, and what was said last."""
        history = self.session.history
        note(f"{self.session.name}: {len(history)} messages, with {self.session.model}")
        if history:
            note(history[-SHOWN_AT_RESUME:].to_text(), dim=True)

    def _ask(self, question: str) -> ExitCode:
        """Ask, show the answer, and keep what came of it: an error after it had begun, too."""
        session, stopped = self.session, False
        stream = self._chat.stream(
            question,
            history=session.history,
            model=session.model,
            max_tokens=self._settings.max_tokens,
            **self._settings.call,
        )
        failure: LexiluxError | None = None
        with closing(stream):
            try:
                self._present(stream)
            except LexiluxError as error:
                failure = error
            except KeyboardInterrupt:
                stopped = True
        self._keep(question, stream.result)
        if stopped:
            note("[stopped]", dim=True)
            return ExitCode.INTERRUPTED
        return verdict(stream.result) if failure is None else tell(failure, debug=self._debug)

    def _keep(self, question: str, result: StreamingResult) -> None:
        self.unanswered = "" if result.has_content else question
        if not result.has_content:
            return
        self.session.history.add_user(question)
        self.session.append(result.to_chat_result())
        self.session.save()


def talk(name: str | None, options: ChatCommandOptions) -> ExitCode:
    """Hold a conversation until its end; typed where stdin is a terminal, else line by line.

    Raises:
        ValidationError: The settings are wrong, or there is no such conversation.
    """
    if options.get("list"):
        for path in sessions.saved():
            say(f"{path.stem}\n")
        return ExitCode.WHOLE
    resumed = _resumed(name) if options.get("resume") else None
    if resumed is not None and "model" not in options:
        options = {**options, "model": resumed.model}
    settings = gather(options)
    system = settings.call.pop("system", None)  # it is the conversation's own from now on
    session = resumed or sessions.fresh(name, settings.model, system)
    session.model = settings.model
    if "system" in options:
        session.history.set_system(system)
    typed = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    draws = typed and not options.get("plain") and os.environ.get("TERM") != "dumb"
    with settings.open() as chat:
        present = _drawing() if draws else show
        talk = Talk(chat, session, settings, present, debug=options.get("debug", False))
        if resumed is not None:
            talk.recall()
        elif typed:
            note(f"{session.model} at {settings.base_url}; /help lists the commands", dim=True)
        return _typed(talk) if typed else _read(talk)


def _resumed(name: str | None) -> Session:
    return sessions.newest() if name is None else sessions.load(name)


def _drawing() -> Callable[[StreamingIterator], object]:
    from rich.console import Console  # noqa: PLC0415 - only for who sees it

    from .rendering import Drawing  # noqa: PLC0415

    console = Console()
    return lambda stream: Drawing(console).show(stream)


def _typed(talk: Talk) -> ExitCode:
    """Until Ctrl-D or /quit; an error ends a turn, and not the conversation."""
    from .editor import Editor  # noqa: PLC0415 - only for who types

    read = Editor(COMMANDS)
    with suppress(EOFError):
        while True:
            try:
                line = read()
            except KeyboardInterrupt:  # it clears the line
                continue
            if line:
                talk.take(line)
    return ExitCode.WHOLE


def _read(talk: Talk) -> ExitCode:
    """The lines of stdin, until one fails; an incomplete answer shows in the exit code."""
    worst = ExitCode.WHOLE
    with suppress(EOFError):
        while True:
            if not (line := next_turn()):
                continue
            code = talk.take(line)
            if code not in (ExitCode.WHOLE, ExitCode.INCOMPLETE):
                return code
            worst = max(worst, code)
    return worst
