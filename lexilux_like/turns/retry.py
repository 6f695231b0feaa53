"""Trying a turn again: tenacity's policy, the server's hints, and a budget."""

from __future__ import annotations

from typing import cast

import tenacity

from ..values.errors import LexiluxError
from ..values.request import ChatRequest
from ..values.results import ChatResult
from .flow import Flow, Sleep
from .turn import Turn

LONGEST_HINT_S = 60.0
"""A server that asks for a longer wait is not retried: the error says how long it asked for."""

_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=8, min=0.25)
"""Full jitter: 0.25 s to 0.5, 1, 2, 4, 8, 8, ... s."""


class RetryBudget:
    """Keeps one client from hammering a dead server, whatever `max_retries` says.

    It holds 500 tokens; a retry takes 5, or 10 after a time-out, and a call that
    succeeds without one gives 1 back. The figures are those of the AWS SDKs' standard
    mode (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
    """

    def __init__(self, capacity: int = 500) -> None:
        self.capacity = capacity
        self.tokens = capacity

    def spend(self, error: BaseException | None) -> bool:
        """Take the price of one retry; False where there is not enough left."""
        price = 10 if isinstance(error, TimeoutError) else 5
        if self.tokens < price:
            return False
        self.tokens -= price
        return True

    def refund(self) -> None:
        """A call went well."""
        if self.tokens < self.capacity:
            self.tokens += 1


class Attempts:
    """How often one call may still be tried again: its retries and resumes together.

    Args:
        most: At most so many.
        budget: The client's; each attempt is paid from it.
    """

    def __init__(self, most: int, budget: RetryBudget) -> None:
        self.left = most
        self.budget = budget

    def take(self, error: BaseException | None) -> bool:
        """One more attempt after `error`; False where none is left."""
        if self.left < 1 or not self.budget.spend(error):
            return False
        self.left -= 1
        return True


def backoff_s(attempt: int, error: LexiluxError) -> float:
    """Seconds to wait before going on after `error`: what the server asked for, else the backoff.

    Args:
        attempt: Which failure of the call it was, from 1.
        error: What happened.
    """
    if error.retry_after is not None:
        return error.retry_after
    state = tenacity.RetryCallState(tenacity.Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    return _backoff(state)


def retried(turn: Turn, attempts: Attempts) -> Turn:
    """Ask again while the error says it is retryable, as often as `attempts` allow.

    The policy runs only after a first failure, because setting it up costs more than
    all the rest of a good call's decisions.
    """

    def hardened(request: ChatRequest) -> Flow[ChatResult]:
        try:
            result = yield from turn(request)
        except LexiluxError as error:
            if attempts.left < 1 or not _worth_retrying(error):
                raise
            failure = error
        else:
            attempts.budget.refund()
            return result
        return (yield from _again(turn, request, failure, _policy(attempts)))

    return hardened


def _again(
    turn: Turn, request: ChatRequest, failure: LexiluxError, policy: tenacity.Retrying
) -> Flow[ChatResult]:
    """Do as the policy says, from the first failure on."""
    policy.begin()
    state = tenacity.RetryCallState(policy, fn=None, args=(), kwargs={})
    state.set_exception((type(failure), failure, failure.__traceback__))
    while True:
        action = policy.iter(state)
        if isinstance(action, tenacity.DoSleep):
            state.prepare_for_next_attempt()
            try:
                yield Sleep(float(action))
            except LexiluxError:  # it does not fit the deadline: the real failure says more
                raise failure from None
        elif isinstance(action, tenacity.DoAttempt):
            try:
                state.set_result((yield from turn(request)))
            except LexiluxError as error:
                failure = error
                failure.add_note(f"attempt {state.attempt_number} of this call")
                state.set_exception((type(error), error, error.__traceback__))
        else:
            return cast("ChatResult", action)


def _policy(attempts: Attempts) -> tenacity.Retrying:
    def enough(state: tenacity.RetryCallState) -> bool:
        return not attempts.take(_failure(state))

    return tenacity.Retrying(
        stop=enough,
        wait=_seconds_to_wait,
        retry=tenacity.retry_if_exception(_worth_retrying),
        reraise=True,
    )


def _worth_retrying(error: BaseException) -> bool:
    return (
        isinstance(error, LexiluxError)
        and error.retryable
        and (error.retry_after is None or error.retry_after <= LONGEST_HINT_S)
    )


def _seconds_to_wait(state: tenacity.RetryCallState) -> float:
    """What the server asked for, else the backoff."""
    failure = _failure(state)
    asked = failure.retry_after if isinstance(failure, LexiluxError) else None
    return _backoff(state) if asked is None else asked


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
