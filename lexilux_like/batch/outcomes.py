"""What becomes of an item, and of all of them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ..values.errors import LexiluxError
from ..values.results import ChatResult, Usage

NOTHING = Usage()
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one item: a result, or the error that a call would have raised."""

    index: int
    """The item's place in the input, counted from 0."""
    item: Any
    """As it was given; None for a line of a file that could not be read."""
    id: str | None = None
    """The item's own id, where it has one."""
    line: int | None = None
    """The line of the file that it stands in (of a Parquet file the row), counted from 1."""
    result: ChatResult | None = None
    """The answer, which may be truncated where `method` is `"call"`: `result.status` says so."""
    error: Exception | None = None
    """Why there is no result: a `LexiluxError`, or what a callback of yours raised. `partial` of a
    `LexiluxError` is what had come of the answer."""
    resumed: bool = False
    """Whether it came from the journal: nothing was asked."""
    cost: Decimal | None = None
    """US dollars, with `cost=True`; None where its price is not known, or nothing is charged for.
    What is `resumed` was paid for in an earlier run."""

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.result is not None

    @property
    def usage(self) -> Usage:
        """Tokens of the result, or of the part of it that had come."""
        known = self.received
        return NOTHING if known is None else known.usage

    @property
    def received(self) -> ChatResult | None:
        """The result, or the part of it that had come when it failed."""
        known = self.result or getattr(self.error, "partial", None)
        return known if isinstance(known, ChatResult) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The outcomes so far, also those that were not handed out yet."""

    ok: int = 0
    """Items with a result."""
    failed: int = 0
    """Items with an error."""
    incomplete: int = 0
    """How many of the results are not whole: `not result.complete`."""
    resumed: int = 0
    """How many of all outcomes came from the journal."""
    usage: Usage = NOTHING
    """Tokens of what was asked in this run, failures included as far as they are known."""
    resumed_usage: Usage = NOTHING
    """Tokens of what came from the journal, spent in earlier runs."""
    cost: Decimal | None = None
    """US dollars that `usage` cost, with `cost=True`, without what is `unpriced`."""
    unpriced: int = 0
    """With `cost=True`: how many answers, or parts of one, of this run have no known price."""

    @property
    def done(self) -> int:
        """Items with an outcome."""
        return self.ok + self.failed

    def plus(self, outcome: Outcome) -> Totals:
        """With one outcome more."""
        result, resumed = outcome.result, outcome.resumed
        priced = self.cost is not None and not resumed
        unpriced = priced and outcome.cost is None and outcome.received is not None
        return replace(
            self,
            ok=self.ok + outcome.ok,
            failed=self.failed + (not outcome.ok),
            incomplete=self.incomplete + (result is not None and not result.complete),
            resumed=self.resumed + resumed,
            usage=self.usage if resumed else self.usage + outcome.usage,
            resumed_usage=self.resumed_usage + outcome.usage if resumed else self.resumed_usage,
            cost=_sum(self.cost, outcome.cost) if priced else self.cost,
            unpriced=self.unpriced + unpriced,
        )


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal:
    return (one or ZERO) + (other or ZERO)


class BatchStoppedError(LexiluxError):
    """A batch ended before its input did; what had been asked was answered and handed out first.

    `__cause__` is what stopped it: the failure that so many items in a row had, or the journal's.

    Attributes:
        totals: The outcomes up to then.
    """

    code = "batch_stopped"

    def __init__(self, message: str = "", *, totals: Totals | None = None) -> None:
        super().__init__(message)
        self.totals = totals or Totals()
