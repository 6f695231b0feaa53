"""Fallbacks: other clients that are asked when one cannot answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..values.errors import (
    APIError,
    ChatIncompleteResponseError,
    InvalidRequestError,
    LexiluxError,
    LexiluxTimeoutError,
    NetworkError,
    ResponseFormatError,
    ValidationError,
)
from ..values.headers import is_secret
from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk
from .flow import Flow, Tell, Track, UseLane, relay
from .turn import Turn


@dataclass(frozen=True, slots=True)
class Lane:
    """One client as the calls of another see it."""

    turn: Turn
    model: str | None = None
    """Its own model; None: the call's."""
    same_provider: bool = True
    """Fields of `extra` mean the same to it."""
    base_url: str = ""

    def ask(self, request: ChatRequest) -> Flow[ChatResult]:
        """Ask it, without what was meant for the first client alone: `extra` and credentials."""
        headers = {name: value for name, value in request.headers.items() if not is_secret(name)}
        return self.turn(
            replace(
                request,
                model=self.model or request.model,
                headers=headers,
                extra=request.extra if self.same_provider else {},
            )
        )


def fallen_back(first: Turn, others: Sequence[Lane]) -> Turn:
    """Ask the first client; where it cannot answer and another may, the others in order.

    Once content was handed out nobody else is asked: the answers would be joined at random. The
    client that answered goes on with the later requests of the same call.
    """
    if not others:
        return first
    at = 0

    def asking(request: ChatRequest) -> Flow[ChatResult]:
        nonlocal at
        shown = False

        def see(effect: ChatStreamChunk | Track) -> Iterable[ChatStreamChunk | Track]:
            nonlocal shown
            shown = shown or type(effect) is ChatStreamChunk
            return (effect,)

        failure: LexiluxError | None = None
        while True:
            try:
                if failure is not None:
                    yield UseLane(at)
                    from ..values.events import FallingBack  # noqa: PLC0415 - rare

                    base_url = others[at - 1].base_url
                    yield Tell(partial(FallingBack, base_url=base_url, error=failure))
                flow = others[at - 1].ask(request) if at else first(request)
                return (yield from relay(flow, see))
            except ValidationError as error:  # it cannot be asked this: nothing was sent
                if failure is None:
                    raise
                failure.add_note(f"fallback {at} could not be asked: {error}")
            except LexiluxError as error:
                failure = error
                if shown or not another_may_answer(error):
                    raise
            if at == len(others):
                raise failure
            at += 1

    return asking


def another_may_answer(error: LexiluxError) -> bool:
    """Whether the failure is this client's own, and not the request's or the whole call's."""
    match error:
        case LexiluxTimeoutError(timeout="deadline_s"):
            return False
        case InvalidRequestError():
            return error.context_exceeded
        case ChatIncompleteResponseError():
            cause = error.__cause__
            failed = isinstance(cause, LexiluxError) and another_may_answer(cause)
            return failed or error.reason == "context_exceeded"
        case _:
            return isinstance(error, APIError | NetworkError | ResponseFormatError)
