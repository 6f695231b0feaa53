"""When the next request to a model may go, on a made-up clock."""

from __future__ import annotations

import math

import pytest

from lexilux_like.transport.pace import FIRST_AT_ONCE, LONGEST_WAIT_S, Head, Pace, Permit
from lexilux_like.wire.limits import Expected, Reading

ASKED = Expected("m", 10.0, 90.0)


def requests_left(remaining: float, reset_s: float = 60.0) -> Reading:
    return Reading("requests", "requests", remaining, 100.0, reset_s)


def tokens_left(remaining: float, reset_s: float = 60.0) -> Reading:
    return Reading("tokens", "tokens", remaining, 1000.0, reset_s)


def answered(pace: Pace, *readings: Reading, now: float = 0.0, whole: bool = True) -> Permit:
    permit = pace.start(ASKED, now)
    pace.hear(permit, Head(200, readings, whole=whole), now)
    return permit


def test_the_first_few_go_at_once_and_the_others_wait_for_an_answer() -> None:
    pace = Pace()
    permits = []
    while pace.wait_s(ASKED, 0.0) == 0.0:
        permits.append(pace.start(ASKED, 0.0))
    assert len(permits) == FIRST_AT_ONCE
    assert pace.wait_s(ASKED, 0.0) == math.inf
    pace.hear(permits[0], Head(200), 0.1)
    assert pace.wait_s(ASKED, 0.1) == 0.0
    for _ in range(100):
        pace.start(ASKED, 0.1)
    assert pace.wait_s(ASKED, 0.1) == 0.0


def test_with_token_limits_the_others_wait_until_a_cost_is_known() -> None:
    pace = Pace()
    permits = [pace.start(ASKED, 0.0) for _ in range(FIRST_AT_ONCE + 1)]
    pace.hear(permits[0], Head(200, [tokens_left(900)]), 0.1)
    assert pace.wait_s(ASKED, 0.1) == math.inf
    pace.settle(permits[0], 20, 30)
    assert pace.wait_s(ASKED, 0.1) == 0.0


def test_servers_that_never_tell_a_cost_do_not_hold_anybody_up() -> None:
    pace = Pace()
    for _ in range(FIRST_AT_ONCE + 1):
        pace.close(answered(pace, tokens_left(900)))
    for _ in range(FIRST_AT_ONCE + 1):
        assert pace.wait_s(ASKED, 0.0) == 0.0
        pace.start(Expected("m", 1.0, None), 0.0)


def test_a_request_that_was_not_sent_makes_room() -> None:
    pace = Pace()
    permits = [pace.start(ASKED, 0.0) for _ in range(FIRST_AT_ONCE)]
    pace.cancel(permits[0])
    assert pace.wait_s(ASKED, 0.0) == 0.0


def test_a_request_that_failed_makes_room() -> None:
    pace = Pace()
    permits = [pace.start(ASKED, 0.0) for _ in range(FIRST_AT_ONCE)]
    pace.close(permits[0])
    pace.close(permits[0])
    assert pace.wait_s(ASKED, 0.0) == 0.0
    assert pace.without_head == FIRST_AT_ONCE - 1


def test_the_scarcest_limit_counts() -> None:
    pace = Pace()
    pace.settle(answered(pace, requests_left(50), tokens_left(10, 30.0)), 10, 90)
    assert pace.wait_s(ASKED, 1.0) == pytest.approx(29.0, abs=0.1)


def test_a_wait_that_is_too_long_is_left_to_the_server() -> None:
    pace = Pace()
    answered(pace, requests_left(0, LONGEST_WAIT_S + 10))
    assert pace.wait_s(ASKED, 0.0) == 0.0


def test_with_nothing_under_way_nobody_waits_for_an_answer() -> None:
    pace = Pace()
    answered(pace, Reading("requests", "requests", 0.0))
    assert pace.wait_s(ASKED, 0.0) == 0.0
    pace.start(ASKED, 0.0)
    assert pace.wait_s(ASKED, 0.0) == math.inf


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_refusal_stops_everybody_until_then(status: int) -> None:
    pace = Pace()
    pace.hear(pace.start(ASKED, 0.0), Head(status, retry_after=10.0), 0.0)
    assert 10.0 <= pace.wait_s(ASKED, 0.0) <= 10.25
    assert pace.wait_s(ASKED, 10.3) == 0.0


def test_retry_after_on_a_good_answer_stops_nobody() -> None:
    pace = Pace()
    pace.hear(pace.start(ASKED, 0.0), Head(200, retry_after=30.0), 0.0)  # Hugging Face sends it
    assert pace.wait_s(ASKED, 0.0) == 0.0


def test_two_refusals_do_not_add_up() -> None:
    pace = Pace()
    for permit in [pace.start(ASKED, 0.0), pace.start(ASKED, 0.0)]:
        pace.hear(permit, Head(429, retry_after=10.0), 0.0)
    assert pace.wait_s(ASKED, 0.0) <= 10.25


def test_a_very_long_retry_after_is_left_to_the_server() -> None:
    pace = Pace()
    pace.hear(pace.start(ASKED, 0.0), Head(429, retry_after=3600.0), 0.0)
    assert pace.wait_s(ASKED, 0.0) == 0.0


def test_after_a_refusal_one_goes_and_then_twice_as_many() -> None:
    pace = Pace()
    pace.hear(pace.start(ASKED, 0.0), Head(429), 0.0)
    for most in (1, 2, 4, 8):
        permits = []
        while pace.wait_s(ASKED, 1.0) == 0.0:
            permits.append(pace.start(ASKED, 1.0))
        assert len(permits) == most
        pace.hear(permits[0], Head(200), 1.0)
        for permit in permits[1:]:
            pace.close(permit)


def test_a_cost_is_expected_as_the_answers_before_it() -> None:
    pace = Pace()
    assert pace.costs(ASKED) == {"requests": 1.0, "tokens": 100.0, "input": 10.0, "output": 90.0}
    pace.settle(answered(pace), 20, 40)
    assert pace.costs(ASKED) == {"requests": 1.0, "tokens": 60.0, "input": 20.0, "output": 40.0}
    assert pace.costs(Expected("m", 10.0, 5.0))["output"] == 5.0
    assert pace.costs(Expected("m", 10.0, None))["output"] == 40.0


def test_what_an_answer_did_not_cost_is_free_again() -> None:
    pace = Pace()
    permit = answered(pace, tokens_left(1000), whole=False)
    assert pace.quotas["tokens"][1].level == 900
    pace.settle(permit, 10, 20)
    assert pace.quotas["tokens"][1].level == 970


def test_what_a_reading_had_in_is_not_counted_twice() -> None:
    pace = Pace()
    permit = answered(pace, tokens_left(970))
    pace.settle(permit, 10, 20)
    pace.close(permit)
    assert pace.quotas["tokens"][1].level == 970


def test_who_is_under_way_when_the_first_cost_is_learned_is_priced_anew() -> None:
    pace = Pace()
    pace.start(Expected("m", 1.0, None), 0.0)
    permit = pace.start(Expected("m", 1.0, None), 0.0)
    pace.hear(permit, Head(200, [tokens_left(950)]), 0.0)
    assert pace.quotas["tokens"][1].level == 949
    pace.settle(permit, 20, 30)
    assert pace.quotas["tokens"][1].level == 900
