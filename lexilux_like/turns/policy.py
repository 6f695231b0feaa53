"""When and how often a turn is tried again: tenacity's policy, and the server's hints."""

from __future__ import annotations

from functools import partial
from typing import cast

import tenacity

from ..values.errors import LexiluxError
from ..values.events import Retrying
from ..values.request import ChatRequest
from ..values.results import ChatResult
from .flow import Flow, Sleep
from .retry import Attempts, worth_retrying
from .turn import Turn

_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=8, min=0.25)
"""Full jitter: 0.25 s to 0.5, 1, 2, 4, 8, 8, ... s."""


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


def again(
    turn: Turn, request: ChatRequest, failure: LexiluxError, attempts: Attempts
) -> Flow[ChatResult]:
    """Do as the policy says, from the first failure on."""
    policy = _policy(attempts)
    policy.begin()
    state = tenacity.RetryCallState(policy, fn=None, args=(), kwargs={})
    state.set_exception((type(failure), failure, failure.__traceback__))
    while True:
        action = policy.iter(state)
        if isinstance(action, tenacity.DoSleep):
            state.prepare_for_next_attempt()
            wait_s = float(action)
            news = partial(Retrying, error=failure, attempt=state.attempt_number, wait_s=wait_s)
            try:
                yield Sleep(wait_s, news)
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
        retry=tenacity.retry_if_exception(worth_retrying),
        reraise=True,
    )


def _seconds_to_wait(state: tenacity.RetryCallState) -> float:
    """What the server asked for, else the backoff."""
    failure = _failure(state)
    asked = failure.retry_after if isinstance(failure, LexiluxError) else None
    return _backoff(state) if asked is None else asked


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
