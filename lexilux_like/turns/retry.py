"""Whether a turn is tried again: what an error says of it, a budget, and who asks the policy."""

from __future__ import annotations

from ..values.errors import LexiluxError
from ..values.request import ChatRequest
from ..values.results import ChatResult
from .flow import Flow
from .turn import Turn

LONGEST_HINT_S = 60.0
"""A server that asks for a longer wait is not retried: the error says how long it asked for."""


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


def retried(turn: Turn, attempts: Attempts) -> Turn:
    """Ask again while the error says it is retryable, as often as `attempts` allow.

    The policy is loaded and runs only after a first failure: setting it up costs more than all
    the rest of a good call's decisions.
    """

    def hardened(request: ChatRequest) -> Flow[ChatResult]:
        try:
            result = yield from turn(request)
        except LexiluxError as error:
            if attempts.left < 1 or not worth_retrying(error):
                raise
            failure = error
        else:
            attempts.budget.refund()
            return result
        from .policy import again  # noqa: PLC0415 - tenacity, which a good call does without

        return (yield from again(turn, request, failure, attempts))

    return hardened


def worth_retrying(error: BaseException) -> bool:
    """Whether it may pass, and in a time that is worth waiting for."""
    return (
        isinstance(error, LexiluxError)
        and error.retryable
        and (error.retry_after is None or error.retry_after <= LONGEST_HINT_S)
    )
