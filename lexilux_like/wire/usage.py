"""Token counts, wherever in a chunk or a body a server puts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..values.results import Json, Usage

NOTHING = Usage()
TOTALS = ("prompt_tokens", "completion_tokens", "total_tokens")
UsageReader: TypeAlias = Callable[[Any], Usage | None]
"""Reads a usage object; None where it counts nothing."""


class Tally:
    """The token counts of one answer. Servers repeat them and count up: the last ones hold."""

    __slots__ = ("_last", "_read", "_shares")

    def __init__(self, read: UsageReader) -> None:
        self._read = read
        self._last = NOTHING
        self._shares: list[Usage] = []

    def take(self, counts: Any, *, alone: bool) -> bool:
        """Take a usage object in; returns whether it counts anything.

        Args:
            counts: The object.
            alone: Whether it came in an event of its own, without choices.
        """
        usage = self._read(counts)
        if usage is None:
            return False
        self._last = usage
        if alone:
            self._shares.append(usage)
        return True

    def total(self, n_choices: int) -> Usage:
        """The counts of the whole answer.

        llama.cpp sends one chunk of counts for each of several choices: those are added up.
        """
        if 1 < n_choices == len(self._shares):
            return sum(self._shares[1:], self._shares[0])
        return self._last


def read_usage(counts: Any) -> Usage | None:
    """A usage object of OpenAI's kind; None where it counts nothing.

    https://platform.openai.com/docs/api-reference/chat/object
    """
    if counts.__class__ is not dict:
        return None
    prompt, completion, total = map(counts.get, TOTALS)
    prompt = prompt if type(prompt) is int else None
    completion = completion if type(completion) is int else None
    total = total if type(total) is int else None
    if prompt is None and completion is None and total is None:
        return None
    return Usage(
        prompt,
        completion,
        total,
        _detail(counts, "prompt_tokens_details", "cached_tokens"),
        _detail(counts, "completion_tokens_details", "reasoning_tokens"),
        counts,
        _detail(counts, "prompt_tokens_details", "cache_write_tokens"),
    )


def _detail(counts: Json, group: str, name: str) -> int | None:
    details: Any = counts.get(group)
    count = details.get(name) if details.__class__ is dict else None
    return count if type(count) is int else None
