"""What is left of a limit is never overestimated, whatever kind of limit it is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexilux_like.transport.quota import Quota
from lexilux_like.wire.limits import Reading


def told(
    remaining: float,
    reset_s: float | None = None,
    *,
    limit: float | None = 10.0,
    refills: bool | None = None,
    period_s: float | None = None,
) -> Reading:
    return Reading(
        "requests", "requests", remaining, limit, reset_s, period_s=period_s, refills=refills
    )


def heard(quota: Quota, reading: Reading, *, sent_at: float, now: float) -> None:
    sent = quota.start(1.0, sent_at)
    quota.finish(1.0)
    quota.read(reading, sent, now, counted=True)


def test_nothing_is_waited_for_before_the_first_reading() -> None:
    assert Quota().wait_s(1e9, 0.0) == 0.0


def test_a_reading_says_what_is_left() -> None:
    quota = Quota()
    heard(quota, told(7.0), sent_at=0.0, now=0.1)
    assert quota.level == 7.0


def test_requests_in_flight_are_taken_off() -> None:
    quota = Quota()
    quota.start(1.0, 0.0)
    sent = quota.start(1.0, 0.0)
    quota.start(1.0, 0.05)
    quota.finish(1.0)
    quota.read(told(7.0), sent, 0.1, counted=True)
    assert quota.level == 5.0


def test_what_was_finished_before_is_known_to_the_server() -> None:
    quota = Quota()
    quota.start(1.0, 0.0)
    quota.finish(1.0)
    heard(quota, told(7.0), sent_at=1.0, now=1.1)
    assert quota.level == 7.0


def test_a_stream_whose_tokens_may_not_be_counted_is_taken_off() -> None:
    quota = Quota()
    sent = quota.start(3.0, 0.0)
    quota.read(told(7.0), sent, 0.1, counted=False)
    assert quota.level == 4.0


def test_the_server_wins_where_others_use_the_account() -> None:
    quota = Quota()
    heard(quota, told(9.0), sent_at=0.0, now=0.1)
    heard(quota, told(2.0), sent_at=1.0, now=1.1)
    assert quota.level == 2.0


def test_all_is_back_after_the_reset() -> None:
    quota = Quota()
    heard(quota, told(0.0, 5.0), sent_at=0.0, now=0.1)
    assert quota.wait_s(1.0, 1.0) == pytest.approx(4.1, abs=0.01)
    assert quota.wait_s(10.0, 5.2) == 0.0
    assert quota.level == 10.0


def test_who_is_under_way_at_the_reset_may_count_after_it() -> None:
    quota = Quota()
    heard(quota, told(2.0, 5.0), sent_at=0.0, now=0.1)
    quota.start(1.0, 4.0)
    quota.start(1.0, 4.0)
    quota.advance(6.0)
    assert quota.level == 8.0


def test_an_unknown_limit_is_what_was_seen_to_be_left() -> None:
    quota = Quota()
    heard(quota, told(4.0, 5.0, limit=None), sent_at=0.0, now=0.1)
    heard(quota, told(0.0, 5.0, limit=None), sent_at=1.0, now=1.1)
    assert quota.limit == 5.0
    assert quota.wait_s(1.0, 1.1) > 0


def test_without_a_reset_only_an_answer_can_tell() -> None:
    quota = Quota()
    heard(quota, told(0.0), sent_at=0.0, now=0.1)
    assert quota.wait_s(1.0, 1000.0) == math.inf


def test_without_a_reset_a_known_period_stands_in() -> None:
    quota = Quota()
    heard(quota, told(0.0, period_s=60.0), sent_at=0.0, now=0.1)
    assert quota.wait_s(1.0, 0.1) == pytest.approx(60.0, abs=0.1)


def test_a_request_larger_than_the_limit_waits_until_all_is_there() -> None:
    quota = Quota()
    heard(quota, told(9.0, 5.0), sent_at=0.0, now=0.1)
    assert 0 < quota.wait_s(50.0, 1.0) < 5
    assert quota.wait_s(50.0, 6.0) == 0.0


def test_a_limit_known_to_refill_does_so_bit_by_bit() -> None:
    quota = Quota()
    heard(quota, told(0.0, 60.0, refills=True, period_s=60.0), sent_at=0.0, now=0.0)
    assert quota.wait_s(1.0, 0.0) == pytest.approx(6.0)
    quota.advance(12.0)
    assert quota.level == pytest.approx(2.0)


def test_what_is_taken_back_may_be_used_again() -> None:
    quota = Quota()
    heard(quota, told(7.0), sent_at=0.0, now=0.1)
    quota.start(2.0, 0.2)
    quota.take_back(2.0)
    assert quota.level == 7.0


@pytest.mark.parametrize(("fixed", "kind"), [(True, -1), (False, 1)])
def test_the_kind_of_a_limit_is_found_out(fixed: bool, kind: int) -> None:
    quota = Quota()
    server = Server(100.0, 10.0, fixed=fixed)
    now = 0.0
    for _ in range(60):
        now += 0.05
        server.take(1.0, now)
        heard(quota, server.reading(now), sent_at=now - 0.001, now=now + 0.001)
    assert math.copysign(1, quota.refills) == kind
    assert quota.refills
    assert quota.rate == (0.0 if fixed else pytest.approx(10.0, rel=0.1))


class Server:
    """A limit, exactly."""

    def __init__(self, limit: float, period_s: float, *, fixed: bool) -> None:
        self.limit, self.period_s, self.fixed = limit, period_s, fixed
        self.used = self.at = 0.0

    def advance(self, now: float) -> None:
        if not self.fixed:
            self.used = max(0.0, self.used - (now - self.at) * self.limit / self.period_s)
            self.at = now
        elif now >= self.at + self.period_s:
            self.at += (now - self.at) // self.period_s * self.period_s
            self.used = 0.0

    def take(self, cost: float, now: float) -> bool:
        self.advance(now)
        fits = self.used + cost <= self.limit + 1e-6
        self.used += cost if fits else 0
        return fits

    def reading(self, now: float) -> Reading:
        self.advance(now)
        left = self.limit - self.used
        reset = self.used * self.period_s / self.limit
        if self.fixed:
            reset = self.at + self.period_s - now
        return Reading("r", "requests", math.floor(left), self.limit, round(reset, 3))


@settings(max_examples=150, deadline=None)
@given(
    fixed=st.booleans(),
    steps=st.lists(st.tuples(st.floats(0, 0.6), st.floats(0.001, 0.3)), min_size=5, max_size=120),
)
def test_no_request_is_sent_too_early(fixed: bool, steps: list[tuple[float, float]]) -> None:
    """One after the other, with any delays: what waits as it is told is never refused."""
    server, quota = Server(10.0, 3.0, fixed=fixed), Quota()
    now = 0.0
    for pause, delay in steps:
        now += pause
        wait = quota.wait_s(1.0, now)
        assert wait < math.inf
        now += wait
        sent = quota.start(1.0, now)
        now += delay / 2
        assert server.take(1.0, now)
        reading = server.reading(now)
        now += delay / 2
        quota.finish(1.0)
        quota.read(reading, sent, now, counted=True)
