"""Reasoning: how each family of servers is asked for it, and `<think>` blocks in its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..values.errors import ValidationError
from ..values.options import Reasoning
from ..values.results import Json
from .document import is_object
from .profile import Profile


def is_asked(reasoning: Reasoning | None) -> bool:
    """Whether the caller wants reasoning."""
    if isinstance(reasoning, Mapping):
        return reasoning.get("enabled") is not False and reasoning.get("effort") != "none"
    return bool(reasoning)


def reasoning_fields(profile: Profile, reasoning: Reasoning | None) -> Json:
    """The payload fields that ask a provider for reasoning, or for none.

    Args:
        profile: Its row.
        reasoning: True, False, a mapping with `effort`, `max_tokens` and `enabled`, or None
            to say nothing.

    Raises:
        ValidationError: The server has no field for it.
    """
    if reasoning is None:
        return {}
    spelling = profile.reasoning
    if not isinstance(reasoning, Mapping):
        return spelling.on if reasoning else spelling.off
    if reasoning.get("enabled") is False:
        return spelling.off
    fields = {name: value for name, value in reasoning.items() if name != "enabled"}
    payload: Json = {}
    _merge(payload, spelling.beside if fields else spelling.on)
    for name, value in fields.items():
        path = {"effort": spelling.effort, "max_tokens": spelling.budget}.get(
            name, spelling.others and f"{spelling.others}.{name}"
        )
        if path is None:
            raise ValidationError(
                f"reasoning={dict(reasoning)!r}: no field for {name!r} is known for provider"
                f" {profile.name!r}; pass it as that server spells it, in extra="
            )
        group, _, last = path.rpartition(".")
        _merge(payload, {group: {last: value}} if group else {last: value})
    return payload


def _merge(payload: Json, fields: Json) -> None:
    for name, value in fields.items():
        known = payload.get(name)
        payload[name] = {**known, **value} if is_object(known) and is_object(value) else value


class ThinkSplitter:
    """Splits streamed text that begins with `<think>...</think>` into reasoning and text.

    White space before the block and line breaks after it belong to neither. Text that
    does not begin with the tag passes through as it is.
    """

    __slots__ = ("_held", "_state")

    OPEN, CLOSE = "<think>", "</think>"
    MOST_SPACE = 1_000

    def __init__(self) -> None:
        self._held: str = ""
        self._state: Literal["before", "inside", "after", "text"] = "before"

    def feed(self, text: str) -> tuple[str, str]:
        """Take the next piece in; returns what is known of it: reasoning, text."""
        if self._state == "text":
            return "", text
        text = self._held + text
        self._held = reasoning = ""
        if self._state == "before":
            begun = text.lstrip()
            if begun.startswith(self.OPEN):
                self._state, text = "inside", begun[len(self.OPEN) :]
            elif self.OPEN.startswith(begun) and len(text) < self.MOST_SPACE:
                self._held = text
                return "", ""
            else:
                self._state = "text"
        if self._state == "inside":
            reasoning, closed, text = text.partition(self.CLOSE)
            if not closed:
                known = len(reasoning) - _begun(self.CLOSE, reasoning)
                self._held = reasoning[known:]
                return reasoning[:known], ""
            self._state = "after"
        if self._state == "after":
            text = text.lstrip("\r\n")
            self._state = "text" if text else "after"
        return reasoning, text

    def rest(self) -> tuple[str, str]:
        """What is still held back at the end: reasoning, text."""
        held, self._held = self._held, ""
        return (held, "") if self._state == "inside" else ("", held)


def _begun(tag: str, text: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    most = min(len(tag) - 1, len(text))
    return next((n for n in range(most, 0, -1) if text.endswith(tag[:n])), 0)
