"""What is left of one rate limit, as far as can be known from outside. No clock, no waiting."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..wire.limits import Reading

ROUND_PERIODS = (1.0, 60.0, 3600.0, 86_400.0)
"""Seconds; a period that is measured to be nearly one of these is it."""
COARSE = 5
"""With less than this used, whole numbers are too coarse to tell one kind from the other."""
SURE = 3
"""So many readings that contradict it change a mind that was quite made up."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The moment at which a request went out, as one limit saw it."""

    at: float
    finished: float
    """What requests had cost by then whose answers were there."""
    cost: float


@dataclass(slots=True)
class Window:
    """When all is there again: between two instants, because a reading has no exact one."""

    earliest: float
    latest: float
    finished: float
    """What had been finished when it was sent whose answer told it."""
    finished_by_then: float | None = None
    """What had been finished at `earliest`."""


@dataclass(slots=True)
class Quota:
    """One limit. `level` is never more than what the server has, if nobody else uses the account.

    Each reading was true at some moment between its request and its answer. So what is left now
    is at least that, less every request that was not finished when the reading's own was sent;
    and at most that, with what has flowed back since. A level that is not between the two is wrong,
    and begins anew at the lower one.
    """

    level: float = math.inf
    limit: float = math.inf
    rate: float = 0.0
    """What flows back in a second; 0 where all comes at once, or nobody knows."""
    refills: int = 0
    """Above 0: bit by bit; below 0: all at once; 0: not known yet."""
    window: Window | None = None
    started: float = 0.0
    """What all requests so far have cost, or will."""
    finished: float = 0.0
    """What those have cost whose answers are there."""
    _at: float = -math.inf
    _exact: float = math.inf
    """How inexact `rate` is, relatively."""
    _first: tuple[Reading, float, float] | None = field(default=None, repr=False)

    def wait_s(self, cost: float, now: float) -> float:
        """Seconds until a request may go; 0 at once, infinite where only an answer can tell.

        What costs more than the limit goes when everything is there.
        """
        self.advance(now)
        missing = min(cost, self.limit) - self.level
        if missing <= 0:
            return 0.0
        waits = [missing / self.rate] if self.rate else []
        if self.window is not None:
            waits.append(self.window.latest - now)
        return max(0.0, min(waits, default=math.inf))

    def start(self, cost: float, now: float) -> Sent:
        """A request goes out."""
        self.advance(now)
        self.started += cost
        self.level -= cost
        return Sent(now, self.finished, cost)

    def take_back(self, cost: float) -> None:
        """A request did not go out after all."""
        self.started -= cost
        self.level += cost

    def correct(self, more: float, *, finished: bool, counted: bool) -> None:
        """A request did cost this much more than was thought, or less.

        Args:
            more: How much.
            finished: Whether its answer is there.
            counted: Whether a reading had it in already.
        """
        self.started += more
        if finished:
            self.finished += more
        if not counted:
            self.level -= more

    def finish(self, cost: float) -> None:
        """An answer is there, and with it all that it costs."""
        self.finished += cost

    def advance(self, now: float) -> None:
        """Let time pass."""
        if self.rate and now > self._at:
            self.level = min(self.limit, self.level + self.rate * (now - self._at))
        self._at = max(self._at, now)
        window = self.window
        if window is None:
            return
        if window.finished_by_then is None and now >= window.earliest:
            window.finished_by_then = self.finished
        if now >= window.latest:
            self.window = None
            at_once = self.refills < 0 and window.finished_by_then is not None
            counted = window.finished_by_then if at_once else window.finished
            self.level = max(self.level, self.limit - (self.started - (counted or 0.0)))

    def read(self, reading: Reading, sent: Sent, now: float, *, counted: bool) -> None:
        """A head has come, and says what is left.

        Args:
            reading: What it says.
            sent: When its request was sent.
            now: When it came.
            counted: Whether its own request is surely counted in it; tokens of a stream are not.
        """
        self.advance(now)
        if reading.limit is not None:
            self.limit = reading.limit
        else:  # it was at least this before its own request
            seen = self.limit if self.limit < math.inf else 0.0
            self.limit = max(seen, reading.remaining + sent.cost)
        self._judge(reading, sent.at, now)
        known = sent.finished + (sent.cost if counted else 0.0)
        least = reading.remaining - (self.started - known)
        most = reading.remaining + 1.0 + self.rate * (now - sent.at)
        if not least <= self.level <= most:  # as at first, or where others use the account too
            self.level = least
        reset_s = reading.reset_s if reading.reset_s is not None else reading.period_s
        if reset_s is not None:
            self._look_ahead(reset_s, reading.grain_s, sent.at, now, known)

    def _look_ahead(
        self, reset_s: float, slack: float, sent: float, now: float, known: float
    ) -> None:
        earliest, latest = sent + reset_s - slack, now + reset_s + slack
        old = self.window
        if old is not None and self.refills < 0 and earliest < old.latest and old.earliest < latest:
            old.earliest, old.latest = max(earliest, old.earliest), min(latest, old.latest)
            old.finished = max(known, old.finished)
        elif old is None or known >= old.finished:
            self.window = Window(earliest, latest, known)
            self.advance(now)

    # Which kind of limit is it? Where it flows back bit by bit, the time until all is there
    # goes with what is used; where a window ends, that time passes like any other.

    def _judge(self, reading: Reading, sent: float, now: float) -> None:
        if reading.refills is not None:
            self.refills = SURE if reading.refills else -SURE
        if reading.limit is None:
            return
        used = reading.limit - reading.remaining
        if reading.refills and reading.period_s:
            self.rate = reading.limit / reading.period_s
            return
        if not reading.reset_s or used < 1:
            return
        self._vote(reading, sent, now)
        if self.refills <= 0:
            self.rate, self._exact = 0.0, math.inf
            return
        inexact = 1 / used + reading.grain_s / reading.reset_s
        if inexact <= self._exact or self.rate == 0:
            self._exact = inexact
            self.rate = _rate(reading.limit, used, reading.reset_s, inexact)

    def _vote(self, reading: Reading, sent: float, now: float) -> None:
        first = self._first
        if first is None:
            self._first = (reading, sent, now)
            return
        before, sent_before, came_before = first
        assert before.limit
        assert before.reset_s
        assert reading.limit
        assert reading.reset_s
        used_before, used = before.limit - before.remaining, reading.limit - reading.remaining
        if_refills = before.reset_s * used / used_before
        if_window = before.reset_s - (now - came_before)
        inexact = 2 * reading.grain_s + (now - sent) + (came_before - sent_before)
        rounded = if_refills * (1 / used + 1 / used_before)
        too_coarse = used_before < COARSE < used + 1
        if too_coarse or now - came_before > before.reset_s:  # or too long ago
            self._first = (reading, sent, now)
        elif abs(if_refills - if_window) > 2 * (inexact + rounded):
            self._first = (reading, sent, now)
            if abs(reading.reset_s - if_window) <= inexact:
                self.refills = max(-SURE, self.refills - 1)
            elif abs(reading.reset_s - if_refills) <= inexact + rounded:
                self.refills = min(SURE, self.refills + 1)


def _rate(limit: float, used: float, reset_s: float, inexact: float) -> float:
    """What flows back in a second, from how long it takes until all of it has."""
    period = reset_s * limit / used
    near = (each for each in ROUND_PERIODS if abs(period - each) <= each * (inexact + 0.01))
    return limit / next(near, period)
