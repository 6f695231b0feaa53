"""What a played model does when it is asked, and what it was asked."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Ending: TypeAlias = Literal["whole", "length", "stall", "break"]
"""How an answer ends: by the model's own will; at the token limit; never, because nothing more
comes; or with the connection."""

STALL_S = 2.0
"""Seconds of silence before a stalled model hangs up: more than the contracts ever wait for."""

UNTIL_S = 2.0
"""Most seconds that a model waits for an event before it hangs up."""

ECHO_GAP_S = 0.01
"""Seconds between two words of an echo."""


@dataclass(frozen=True, slots=True)
class Until:
    """In place of a piece of text: say nothing until the event is set, for at most `UNTIL_S`."""

    event: threading.Event


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    name: str
    arguments: str = "{}"
    """Sent as it stands: JSON, a part of it, or nothing at all."""
    id: str = "call_1"

    @property
    def value(self) -> Any:
        """The arguments as JSON, None where they are none; nothing at all is no arguments."""
        try:
            return json.loads(self.arguments or "{}")
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Counted:
    """The tokens that a model reports."""

    input: int = 10
    output: int = 4
    cached: int = 3
    """A part of `input`."""


@dataclass(frozen=True, slots=True)
class Says:
    """Answers; `Says()` is an answer with nothing in it."""

    pieces: tuple[str | Until, ...] = ()
    """The text, as it comes in a stream."""
    reasoning: tuple[str, ...] = ()
    """What it thinks before."""
    calls: tuple[Call, ...] = ()
    ending: Ending = "whole"
    counted: Counted = Counted()
    gap_s: float = 0.0
    """Seconds of silence between two pieces."""

    @property
    def text(self) -> str:
        """The pieces, joined."""
        return "".join(self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The pieces, without what the model waits for between them."""
        return tuple(piece for piece in self.pieces if isinstance(piece, str))


@dataclass(frozen=True, slots=True)
class Refuses:
    """Answers with an HTTP error; outside HTTP, fails."""

    status: int
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Echoes:
    """Says the last user message, word by word, slowly enough for two answers to meet."""

    def says(self, prompt: str) -> Says:
        """The answer to a prompt."""
        return Says(tuple(re.findall(r"\S+\s*", prompt)), gap_s=ECHO_GAP_S)


Behaviour: TypeAlias = Says | Refuses | Echoes


@dataclass(frozen=True, slots=True)
class Turn:
    """A message as the model got it, in whatever spelling it came."""

    role: str
    """`"system"`, `"user"`, `"assistant"` or `"tool"`."""
    text: str = ""
    images: tuple[str, ...] = ()
    """Base64 without its `data:` prefix, or URLs."""
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    """In a tool's message: which call it answers."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as the model got it."""

    turns: tuple[Turn, ...]
    """With the system prompt in front, where there is one."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Each with `name`, `description` and `parameters`."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else was asked for, in the words of the API it came by."""
    at: float = field(default_factory=time.monotonic, compare=False)
    """When, by `time.monotonic()`."""

    @property
    def system(self) -> str:
        """The texts of the system turns."""
        return "\n".join(turn.text for turn in self.turns if turn.role == "system")

    @property
    def conversation(self) -> list[Turn]:
        """The turns that are no system prompts."""
        return [turn for turn in self.turns if turn.role != "system"]

    @property
    def prompt(self) -> str:
        """The text of the last user turn."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")
