"""When the next request to a model may go: its limits, its refusals, what its answers cost."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..wire.limits import Expected, Reading, Unit
from .quota import Quota, Sent

FIRST_AT_ONCE = 4
"""So many requests go before the first answer says what the limits are."""
ENOUGH_AT_ONCE = 1024
"""More than this are not counted after a refusal."""
LONGEST_WAIT_S = 120.0
"""Who would wait longer than this for a limit is sent, so that the server says so."""
JITTER_S = 0.25
"""At most so much is added to a Retry-After, and at most a tenth of it."""
NEWEST = 0.2
"""The weight of the newest answer in what is learned of a model's answers."""
UNITS: tuple[Unit, ...] = ("requests", "tokens", "input", "output")


@dataclass(frozen=True, slots=True)
class Head:
    """What a response head means to the pace."""

    status: int
    readings: Iterable[Reading] = ()
    retry_after: float | None = None
    whole: bool = True
    """Whether the answer was made before its head was sent; a stream's was not."""


@dataclass(slots=True, eq=False)
class Permit:
    """One request that may go."""

    pace: Pace
    expected: Expected
    costs: dict[Unit, float]
    sent: dict[Unit, Sent] = field(default_factory=dict[Unit, Sent])
    headed: bool = False
    closed: bool = False
    counted: bool = False
    """Whether a reading is known to have its tokens in it."""


class Pace:
    """The pace of one model. Pure bookkeeping: `now` is any clock's, and nothing waits here."""

    def __init__(self) -> None:
        self.quotas: dict[str, tuple[Unit, Quota]] = {}
        self.resume_at = -math.inf
        """Nobody goes before this instant: a refusal said so."""
        self.at_once: int | None = FIRST_AT_ONCE
        """At most so many without a head; None where the limits are known, or there are none."""
        self.without_head = 0
        self.input_ratio: float | None = None
        """Tokens of a prompt to what was expected, on the average."""
        self.output: float | None = None
        """Tokens of an answer, on the average."""
        self._ledgers: dict[Unit, Quota] = {unit: Quota() for unit in UNITS}
        self._refused = False
        self._untold = 0
        self._open: set[Permit] = set()

    def costs(self, expected: Expected) -> dict[Unit, float]:
        """What a request will cost, by what former answers have cost."""
        sent = expected.input_tokens * (self.input_ratio or 1.0)
        most = math.inf if expected.max_output is None else expected.max_output
        back = min(most, self.output) if self.output is not None else expected.max_output or 0.0
        return {"requests": 1.0, "tokens": sent + back, "input": sent, "output": back}

    def wait_s(self, expected: Expected, now: float) -> float:
        """Seconds until a request may go; 0 now, infinite where an answer has to come first."""
        if now < self.resume_at:
            return self.resume_at - now
        if self.at_once is not None and self.without_head >= self.at_once:
            return math.inf
        costs = self.costs(expected)
        waits = [quota.wait_s(costs[unit], now) for unit, quota in self.quotas.values()]
        if math.inf in waits and self.without_head:
            return math.inf
        return max((each for each in waits if each <= LONGEST_WAIT_S), default=0.0)

    def start(self, expected: Expected, now: float) -> Permit:
        """A request goes out."""
        permit = Permit(self, expected, self.costs(expected))
        for unit in UNITS:
            cost = permit.costs[unit]
            permit.sent[unit] = self._ledgers[unit].start(cost, now)
        for unit, quota in self.quotas.values():
            quota.start(permit.costs[unit], now)
        self.without_head += 1
        self._open.add(permit)
        return permit

    def cancel(self, permit: Permit) -> None:
        """It was not sent: what was kept for it is free again."""
        if permit.closed:
            return
        for unit, quota in self._all():
            quota.take_back(permit.costs[unit])
        permit.headed = permit.closed = True
        self.without_head -= 1
        self._open.discard(permit)

    def hear(self, permit: Permit, head: Head, now: float) -> None:
        """The head of its response has come."""
        self._behead(permit)
        refused = not 200 <= head.status < 300
        permit.counted = head.whole or refused
        for reading in head.readings:
            unit, quota = self.quotas.get(reading.name) or self._new(reading)
            counted = permit.counted or unit == "requests"
            quota.read(reading, permit.sent[unit], now, counted=counted)
        if head.retry_after is not None and head.status in {429, 503, 529}:
            self._rest(head.retry_after, now)
        if head.status == 429:
            self._refused, self.at_once = True, 1
        elif not refused and self.at_once is not None:
            self._let_more_go()

    def close(self, permit: Permit) -> None:
        """Its response is over, or none came."""
        if permit.closed:
            return
        permit.closed = True
        self._open.discard(permit)
        self._behead(permit)
        self._untold += self.output is None
        for unit, quota in self._all():
            if unit != "requests":
                quota.finish(permit.costs[unit])

    def settle(self, permit: Permit, input_tokens: float, output_tokens: float) -> None:
        """Its answer says what it did cost; what the next ones will is learned from it."""
        first = self.output is None
        if asked := permit.expected.input_tokens:
            self.input_ratio = _learned(self.input_ratio, input_tokens / asked)
        self.output = _learned(self.output, output_tokens)
        if self.at_once is not None and not self._refused:
            self._let_more_go()
        total = float(input_tokens + output_tokens)
        real: dict[Unit, float] = {"tokens": total, "input": input_tokens, "output": output_tokens}
        self._reprice(permit, {"requests": 1.0, **real})
        if first:
            for other in self._open - {permit}:
                self._reprice(other, self.costs(other.expected))

    def _reprice(self, permit: Permit, costs: dict[Unit, float]) -> None:
        for unit, quota in self._all():
            more = costs[unit] - permit.costs[unit]
            quota.correct(more, finished=permit.closed, counted=permit.counted)
        permit.costs = costs
        permit.sent = {unit: replace(each, cost=costs[unit]) for unit, each in permit.sent.items()}

    def _let_more_go(self) -> None:
        """An answer has come while few may go at once."""
        assert self.at_once is not None
        if any(unit != "requests" for unit, _ in self.quotas.values()):
            if self.output is not None or self._untold >= FIRST_AT_ONCE:
                self.at_once = None  # else nobody knows yet what a request costs
        elif self.quotas or not self._refused or self.at_once * 2 > ENOUGH_AT_ONCE:
            self.at_once = None
        else:
            self.at_once *= 2

    def _behead(self, permit: Permit) -> None:
        if permit.headed:
            return
        permit.headed = True
        self.without_head -= 1
        for unit, quota in self._all():
            if unit == "requests":
                quota.finish(1.0)

    def _all(self) -> list[tuple[Unit, Quota]]:
        return [*self._ledgers.items(), *self.quotas.values()]

    def _new(self, reading: Reading) -> tuple[Unit, Quota]:
        ledger = self._ledgers[reading.unit]
        found = reading.unit, Quota(started=ledger.started, finished=ledger.finished)
        self.quotas[reading.name] = found
        return found

    def _rest(self, seconds: float, now: float) -> None:
        if seconds <= LONGEST_WAIT_S:
            jitter = random.uniform(0.0, min(JITTER_S, seconds / 10))  # noqa: S311 - no secret
            self.resume_at = max(self.resume_at, now + seconds + jitter)


def _learned(before: float | None, newest: float) -> float:
    return newest if before is None else before + NEWEST * (newest - before)
