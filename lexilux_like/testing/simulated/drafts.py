"""What a model sees when it is asked to go on, and the reply that it drafts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ...turns.asking import BEGIN
from .documents import is_json

ANCHOR_LINE = f"{BEGIN}\n"
"""What stands before the anchor, with which a prompt ends."""
SENTINEL = re.compile(r"\[\[END(?:-\d+)?\]\]")


@dataclass(frozen=True)
class Turn:
    """What a model sees when it is asked to go on."""

    document: str
    """What it is writing: the document, or a variation that it has begun."""
    at: int
    """How much of it stands in the conversation."""
    prompt: str = ""
    """What it was asked, empty where it is simply to go on."""
    number: int = 1
    """Counts the requests; 0 is the first."""
    seed: int = 0
    constrained: bool = False
    """Whether the request has a response_format."""
    ended: bool = False
    """Whether it has come to the end of its text before."""
    cut: int = 0
    """Most characters of an answer to the first request."""
    growth: float = 1.0
    """How many times the first request's max_tokens this one's is."""

    @property
    def budget(self) -> int:
        """Most characters of an answer that is begun afresh."""
        return int(self.cut * self.growth)

    @property
    def so_far(self) -> str:
        """What stands in the conversation."""
        return self.document[: self.at]

    @property
    def rest(self) -> str:
        """What it has not said yet."""
        return self.document[self.at :]

    @property
    def anchor(self) -> str:
        """What it was asked to begin with, or nothing."""
        return self.prompt.rpartition(ANCHOR_LINE)[2] if ANCHOR_LINE in self.prompt else ""

    @property
    def sentinel(self) -> str:
        """What it was asked to end with, or nothing."""
        found = SENTINEL.search(self.prompt)
        return found[0] if found else ""

    @cached_property
    def json(self) -> bool:
        """Whether the document is JSON."""
        return is_json(self.document)

    @cached_property
    def chance(self) -> random.Random:
        """For what is left to chance in this turn."""
        return random.Random(f"{self.seed}/{self.number}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply in the making: `lead`, as much of `body` as the limit lets through, `tail`."""

    lead: str = ""
    """What is said or repeated before the new text; it is free."""
    body: str = ""
    """The new text, which the limit counts."""
    tail: str = ""
    """What follows when the body is whole."""
    cut_tail: str = ""
    """What follows when it is not."""
    limit: int | None = None
    """Most characters of `body`; None for all."""
    finish: str | None = "stop"
    """The finish word when the body is whole."""
    cut_finish: str | None = "length"
    """The finish word when it is not."""
    reasoning: str = ""
    version: str | None = None
    """The whole text that is being written, where it is another than the turn's document."""
    counted: bool = True
    """Whether usage is reported."""
    error: str = ""
    """With which the request is refused, in place of a reply."""

    @property
    def whole(self) -> bool:
        """Whether the limit lets all of the body through."""
        return self.limit is None or len(self.body) <= self.limit

    @property
    def text(self) -> str:
        """What the reply says."""
        end = self.tail if self.whole else self.cut_tail
        return self.lead + self.body[: self.limit] + end


Trait = Callable[[Turn, Draft], Draft]
Where = Callable[[str], int]
"""Where a passage begins at the end of a text."""
