"""Which time limit strikes, and when. Instants are made up; nothing waits."""

from __future__ import annotations

import math
import time

import pytest

from lexilux_like.transport.watch import Watch
from lexilux_like.values.errors import LexiluxTimeoutError
from lexilux_like.values.timeouts import Timeouts


class Clock:
    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def struck(watch: Watch) -> tuple[str, float | None]:
    with pytest.raises(LexiluxTimeoutError) as caught:
        watch.check()
    return caught.value.timeout, caught.value.limit_s


def test_without_limits_nothing_strikes(clock: Clock) -> None:
    watch = Watch(Timeouts())
    watch.start(stream=True)
    clock.now += 1e9
    watch.check()
    assert (watch.left(), watch.within(7.0), watch.within(None)) == (math.inf, 7.0, None)


def test_a_socket_call_takes_no_longer_than_what_is_left(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10))
    clock.now += 7
    assert (watch.within(60.0), watch.within(1.0), watch.within(None)) == (3, 1.0, 3)


def test_the_deadline_runs_over_several_requests(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10, read_timeout_s=60))
    for _ in range(2):
        watch.start(stream=False)
        watch.sent(None)
        clock.now += 6
    assert struck(watch) == ("deadline_s", 10)


def test_waiting_for_the_limiter_extends_the_deadline(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10))
    clock.now += 100
    watch.forgive(100)
    assert watch.left() == 10


def test_the_response_head_has_a_total_bound(clock: Clock) -> None:
    watch = Watch(Timeouts(read_timeout_s=5))
    watch.start(stream=False)
    watch.sent(None)
    clock.now += 5.1
    assert struck(watch) == ("read_timeout_s", 5)


def test_the_bound_on_the_head_ends_with_the_head(clock: Clock) -> None:
    watch = Watch(Timeouts(read_timeout_s=5))
    watch.start(stream=False)
    watch.sent(None)
    watch.headed()
    clock.now += 1000
    watch.check()


def test_connecting_has_its_own_limit_until_the_request_is_sent(clock: Clock) -> None:
    watch = Watch(Timeouts(connect_timeout_s=2))
    watch.start(stream=False)
    watch.connecting()
    assert watch.left() == 2
    watch.sent(None)
    assert watch.left() == math.inf


def test_first_content_counts_from_the_request_and_only_for_streams(clock: Clock) -> None:
    limits = Timeouts(first_content_timeout_s=3)
    whole, stream = Watch(limits), Watch(limits)
    whole.start(stream=False)
    stream.start(stream=True)
    clock.now += 3.1
    whole.check()
    assert struck(stream) == ("first_content_timeout_s", 3)


def test_content_starts_the_idle_limit_again(clock: Clock) -> None:
    watch = Watch(Timeouts(first_content_timeout_s=3, idle_timeout_s=1))
    watch.start(stream=True)
    for _ in range(5):
        clock.now += 0.9
        watch.content()
    watch.check()
    clock.now += 1.1
    assert struck(watch) == ("idle_timeout_s", 1)


def test_a_sleep_that_does_not_fit_is_refused(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10))
    watch.refuse_sleep(9.9)
    with pytest.raises(LexiluxTimeoutError) as caught:
        watch.refuse_sleep(10)
    assert (caught.value.timeout, caught.value.retryable) == ("deadline_s", False)


def test_hurry_ends_with_its_block(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10))
    with watch.hurried(0.03):
        assert watch.left() == pytest.approx(0.03)
    assert watch.left() == 10


def test_a_sockets_own_time_out_is_named_when_no_other_limit_has_passed(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10, connect_timeout_s=4))
    error = watch.struck("connect_timeout_s")
    assert (error.timeout, error.limit_s, error.retryable) == ("connect_timeout_s", 4, True)


def test_the_message_says_which_limit_and_what_to_do(clock: Clock) -> None:
    watch = Watch(Timeouts(deadline_s=10))
    clock.now += 11
    assert str(watch.struck("read_timeout_s")) == (
        "the call was not done after 10 s (deadline_s=10); raise it, or pass None for no limit"
    )
