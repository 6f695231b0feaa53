"""When a turn is tried again, and how long it waits first. No clock runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.turns.flow import Flow, Now, Sleep
from lexilux_like.turns.journey import Journey
from lexilux_like.turns.retry import Attempts, RetryBudget, retried
from lexilux_like.turns.turn import Turn, timed
from lexilux_like.values.errors import (
    AuthenticationError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult

REQUEST = ChatRequest("m", [{"role": "user", "content": "Hi"}])
GOOD = ChatResult(text="good", status="complete")


def failing(*failures: LexiluxError) -> tuple[Turn, list[int]]:
    """A turn that fails so many times, then answers; and a list that grows with each attempt."""
    attempts: list[int] = []
    left: Iterator[LexiluxError] = iter(failures)

    def turn(_: ChatRequest) -> Flow[ChatResult]:
        attempts.append(len(attempts) + 1)
        for failure in left:
            raise failure
        return GOOD
        yield Now()  # makes it a flow

    return turn, attempts


def play(flow: Flow[ChatResult], sleep: Callable[[float], None]) -> ChatResult:
    """Run a flow in a world in which sleeping takes no time."""
    reply: Any = None
    failure: LexiluxError | None = None
    while True:
        try:
            effect = flow.throw(failure) if failure else flow.send(reply)
        except StopIteration as end:
            result: ChatResult = end.value
            return result
        failure = None
        assert isinstance(effect, Sleep)
        try:
            sleep(effect.seconds)
        except LexiluxError as error:
            failure = error


def slept(*failures: LexiluxError, max_retries: int = 3) -> list[float]:
    """The waits of a call that succeeds in the end."""
    waits: list[float] = []
    turn, _ = failing(*failures)
    flow = retried(turn, Attempts(max_retries, RetryBudget()))(REQUEST)
    assert play(flow, waits.append) is GOOD
    return waits


def test_a_good_answer_is_asked_for_once() -> None:
    assert slept() == []


def test_the_servers_hint_is_waited_for_to_the_letter() -> None:
    assert slept(RateLimitError("slow", retry_after=42.5)) == [42.5]


def test_a_hint_of_zero_is_a_hint() -> None:
    assert slept(RateLimitError("slow", retry_after=0.0)) == [0.0]


def test_a_hint_of_more_than_a_minute_is_not_waited_for() -> None:
    turn, attempts = failing(RateLimitError("slow", retry_after=61))
    with pytest.raises(RateLimitError) as caught:
        play(retried(turn, Attempts(3, RetryBudget()))(REQUEST), pytest.fail)
    assert (attempts, caught.value.retry_after) == ([1], 61)


def test_the_first_wait_is_a_quarter_to_half_a_second() -> None:
    waits = [slept(ServerError("down"))[0] for _ in range(50)]
    assert all(0.25 <= wait <= 0.5 for wait in waits)
    assert len(set(waits)) > 1, "no jitter"


def test_no_wait_is_longer_than_eight_seconds() -> None:
    waits = slept(*[ServerError("down")] * 12, max_retries=12)
    assert all(0.25 <= wait <= 8 for wait in waits)
    assert max(waits) > 1, "no growth"


@given(max_retries=st.integers(0, 6), failures=st.integers(0, 10))
def test_there_are_never_more_attempts_than_one_and_max_retries(
    max_retries: int, failures: int
) -> None:
    turn, attempts = failing(*[LexiluxConnectionError("down") for _ in range(failures)])
    flow = retried(turn, Attempts(max_retries, RetryBudget()))(REQUEST)
    if failures <= max_retries:
        assert play(flow, lambda _: None) is GOOD
    else:
        with pytest.raises(LexiluxConnectionError):
            play(flow, lambda _: None)
    assert len(attempts) == min(failures, max_retries) + 1


@pytest.mark.parametrize("error", [AuthenticationError("no"), QuotaExceededError("broke")])
def test_a_failure_that_will_not_pass_is_not_tried_again(error: LexiluxError) -> None:
    turn, attempts = failing(error)
    with pytest.raises(type(error)):
        play(retried(turn, Attempts(3, RetryBudget()))(REQUEST), pytest.fail)
    assert attempts == [1]


def test_a_different_failure_that_will_not_pass_ends_the_retries() -> None:
    turn, attempts = failing(ServerError("down"), AuthenticationError("no"))
    with pytest.raises(AuthenticationError):
        play(retried(turn, Attempts(5, RetryBudget()))(REQUEST), lambda _: None)
    assert attempts == [1, 2]


def test_the_last_failure_is_raised_and_says_which_attempt_it_was() -> None:
    turn, _ = failing(ServerError("first"), ServerError("second"))
    with pytest.raises(ServerError, match="second") as caught:
        play(retried(turn, Attempts(1, RetryBudget()))(REQUEST), lambda _: None)
    assert caught.value.__notes__ == ["attempt 2 of this call"]


def test_a_sleep_that_does_not_fit_the_deadline_raises_the_real_failure() -> None:
    def refuse(_: float) -> None:
        raise LexiluxTimeoutError("late", timeout="deadline_s")

    turn, attempts = failing(ServerError("down", retry_after=30))
    with pytest.raises(ServerError, match="down"):
        play(retried(turn, Attempts(3, RetryBudget()))(REQUEST), refuse)
    assert attempts == [1]


def test_a_dead_server_empties_the_budget_and_is_left_alone() -> None:
    budget = RetryBudget(capacity=12)
    turn, attempts = failing(*[ServerError("down") for _ in range(10)])
    with pytest.raises(ServerError):
        play(retried(turn, Attempts(9, budget))(REQUEST), lambda _: None)
    assert (len(attempts), budget.tokens) == (3, 2)


def test_a_retried_timeout_costs_double() -> None:
    budget = RetryBudget(capacity=30)
    turn, _ = failing(LexiluxTimeoutError("slow"))
    play(retried(turn, Attempts(1, budget))(REQUEST), lambda _: None)
    assert budget.tokens == 20


def test_good_calls_fill_the_budget_up_to_its_capacity() -> None:
    budget = RetryBudget(capacity=10)
    budget.tokens = 9
    turn, _ = failing()
    for _ in range(3):
        play(retried(turn, Attempts(1, budget))(REQUEST), lambda _: None)
    assert budget.tokens == 10


def test_total_time_runs_from_the_first_attempt_to_the_end() -> None:
    turn, _ = failing()
    flow = timed(turn, Journey())(REQUEST)
    assert isinstance(next(flow), Now)
    assert isinstance(flow.send(100.0), Now)
    with pytest.raises(StopIteration) as end:
        flow.send(103.5)
    assert end.value.value.timing.total_s == 3.5
