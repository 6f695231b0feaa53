"""Reasoning: how each family of servers is asked for it, and `<think>` blocks in its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from ..values.errors import ValidationError
from ..values.options import Reasoning
from ..values.results import Json
from .document import is_object
from .profile import THINK, Profile, Spelling, Tags


def is_asked(reasoning: Reasoning | None) -> bool:
    """Whether the caller wants reasoning."""
    if reasoning is None:
        return False
    if isinstance(reasoning, Mapping):
        return reasoning.get("enabled") is not False and reasoning.get("effort") != "none"
    return bool(reasoning)


def reasoning_fields(profile: Profile, reasoning: Reasoning | None, model: str = "") -> Json:
    """The payload fields that ask a provider for reasoning, or for none.

    Args:
        profile: Its row.
        reasoning: True, False, a mapping with `effort`, `max_tokens` and `enabled`, or None
            to say nothing.
        model: Some are asked in another way than the rest.

    Raises:
        ValidationError: The server has no field for it.
    """
    if reasoning is None:
        return {}
    spelling = spelling_of(profile, model)
    asked = dict(reasoning) if isinstance(reasoning, Mapping) else {"enabled": bool(reasoning)}
    fields = {name: value for name, value in asked.items() if name != "enabled"}
    if asked.get("enabled") is False or fields.get("effort") == "none":
        return _known(spelling.off, profile, reasoning, "to ask for none")
    if not fields:
        return _known(spelling.on, profile, reasoning, "to ask for it without saying how much")
    payload: Json = {}
    for name, value in fields.items():
        path, beside = {
            "effort": (spelling.effort, spelling.with_effort),
            "max_tokens": (spelling.budget, spelling.with_budget),
        }.get(name, (spelling.others and f"{spelling.others}.{name}", {}))
        known = path and _merged(beside, _nested(path, value))
        payload = _merged(payload, _known(known or None, profile, reasoning, f"for {name!r}"))
    return payload


def spelling_of(profile: Profile, model: str) -> Spelling:
    """How a model is asked, if not as the rest of its provider."""
    for pattern, spelling in profile.reasoning_of:
        if re.search(pattern, model, re.IGNORECASE):
            return spelling
    return profile.reasoning


def _known(fields: Json | None, profile: Profile, reasoning: Reasoning, what: str) -> Json:
    if fields is None:
        asked = dict(reasoning) if isinstance(reasoning, Mapping) else reasoning
        raise ValidationError(
            f"reasoning={asked!r}: no field {what} is known for provider {profile.name!r} and this"
            " model; pass it as that server spells it, in extra="
        )
    return fields


def _nested(path: str, value: Any) -> Json:
    """The object that holds `value` at a path: `"a.b"`."""
    first, _, rest = path.partition(".")
    return {first: _nested(rest, value) if rest else value}


def _merged(one: Json, other: Json) -> Json:
    """Both, objects in them too; where they differ, the other's."""
    merged = {**one, **other}
    for name in one.keys() & other.keys():
        if is_object(one[name]) and is_object(other[name]):
            merged[name] = _merged(one[name], other[name])
    return merged


class ThinkSplitter:
    """Splits streamed text that begins with `<think>...</think>` into reasoning and text.

    White space before the block and line breaks after it belong to neither. Text that
    does not begin with the tag passes through as it is.

    Args:
        tags: What stands around the reasoning.
    """

    __slots__ = ("_close", "_held", "_open", "_state")

    MOST_SPACE = 1_000

    def __init__(self, tags: Tags = THINK) -> None:
        self._open, self._close = tags
        self._held: str = ""
        self._state: Literal["before", "inside", "after", "text"] = "before"

    @property
    def over(self) -> bool:
        """Whether all that follows is text."""
        return self._state == "text"

    def feed(self, text: str) -> tuple[str, str]:
        """Take the next piece in; returns what is known of it: reasoning, text."""
        if self._state == "text":
            return "", text
        text = self._held + text
        self._held = reasoning = ""
        if self._state == "before":
            begun = text.lstrip()
            if begun.startswith(self._open):
                self._state, text = "inside", begun[len(self._open) :]
            elif self._open.startswith(begun) and len(text) < self.MOST_SPACE:
                self._held = text
                return "", ""
            else:
                self._state = "text"
        if self._state == "inside":
            reasoning, closed, text = text.partition(self._close)
            if not closed:
                known = len(reasoning) - _begun(self._close, reasoning)
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
