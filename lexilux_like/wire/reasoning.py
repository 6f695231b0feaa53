"""Reasoning: how each family of servers is asked for it, and `<think>` blocks in its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from ..values.errors import ValidationError
from ..values.options import Reasoning
from ..values.results import Json
from .document import is_object


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one family is asked. Paths are fields of the payload, `"thinking.budget_tokens"`."""

    on: Json
    """For True."""
    off: Json
    """For False."""
    effort: str | None = None
    """The path of an effort, `"low"` to `"high"`; None where there is no such field."""
    budget: str | None = None
    """The path of the most tokens to reason with."""
    beside: Json = field(default_factory=dict[str, Any])
    """What an effort or a budget needs beside it."""
    others: str | None = None
    """The object that takes any other field."""


EFFORT = Spelling({"reasoning_effort": "medium"}, {"reasoning_effort": "none"}, "reasoning_effort")
THINKING = Spelling(
    {"thinking": {"type": "enabled"}},
    {"thinking": {"type": "disabled"}},
    "reasoning_effort",
    "thinking.budget_tokens",
    {"thinking": {"type": "enabled"}},
)
MINIMAX = Spelling(
    {"thinking": {"type": "adaptive"}, "reasoning_split": True}, {"thinking": {"type": "disabled"}}
)
LOCAL = Spelling(
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"chat_template_kwargs": {"enable_thinking": False}},
    "reasoning_effort",
    "thinking_token_budget",  # vLLM
)
"""Engines on hosts that are not known: llama.cpp, vLLM, SGLang."""

HOSTS: dict[str, Spelling] = {
    "api.openai.com": EFFORT,
    "openai.azure.com": EFFORT,
    "api.x.ai": EFFORT,
    "api.groq.com": EFFORT,
    "api.cerebras.ai": EFFORT,
    "api.perplexity.ai": EFFORT,
    "generativelanguage.googleapis.com": EFFORT,
    "localhost:11434": EFFORT,  # Ollama
    "127.0.0.1:11434": EFFORT,
    "api.mistral.ai": Spelling(
        {"reasoning_effort": "high"}, {"reasoning_effort": "none"}, "reasoning_effort"
    ),
    "api.deepseek.com": THINKING,
    "api.moonshot.ai": THINKING,
    "api.moonshot.cn": THINKING,
    "api.z.ai": THINKING,
    "open.bigmodel.cn": THINKING,
    "api.fireworks.ai": THINKING,
    "aliyuncs.com": Spelling(
        {"enable_thinking": True},
        {"enable_thinking": False},
        budget="thinking_budget",
        beside={"enable_thinking": True},
    ),
    "api.minimax.io": MINIMAX,
    "api.minimaxi.com": MINIMAX,
    "openrouter.ai": Spelling(
        {"reasoning": {"enabled": True}},
        {"reasoning": {"enabled": False}},
        "reasoning.effort",
        "reasoning.max_tokens",
        others="reasoning",
    ),
}
"""Ends of host names, with or without a port, and how the family behind them is asked."""


def is_asked(reasoning: Reasoning | None) -> bool:
    """Whether the caller wants reasoning."""
    if isinstance(reasoning, Mapping):
        return reasoning.get("enabled") is not False and reasoning.get("effort") != "none"
    return bool(reasoning)


def reasoning_fields(base_url: str, reasoning: Reasoning | None) -> Json:
    """The payload fields that ask the server at `base_url` for reasoning, or for none.

    Args:
        base_url: Where the request goes; its host chooses the spelling.
        reasoning: True, False, a mapping with `effort`, `max_tokens` and `enabled`, or None
            to say nothing.

    Raises:
        ValidationError: The server has no field for it.
    """
    if reasoning is None:
        return {}
    spelling = _spelling(base_url)
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
                f"reasoning={dict(reasoning)!r}: no field for {name!r} is known for {base_url!r};"
                " pass it as that server spells it, in extra="
            )
        group, _, last = path.rpartition(".")
        _merge(payload, {group: {last: value}} if group else {last: value})
    return payload


def _spelling(base_url: str) -> Spelling:
    place = urlsplit(base_url)
    for name in (place.hostname or "", place.netloc.rpartition("@")[2]):
        for end, spelling in HOSTS.items():
            if name == end or name.endswith(f".{end}"):
                return spelling
    return LOCAL


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
