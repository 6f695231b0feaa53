"""Telling what a call does: to hooks, and to `logging`."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import Any

from ..turns.flow import Flow, News, Stepper, Track, relay
from ..values.errors import LexiluxError
from ..values.events import (
    HOOK_OF,
    CallEnded,
    CallStarted,
    ChunkReceived,
    Continuing,
    Event,
    FallingBack,
    Hooks,
    Outcome,
    RequestSent,
    ResponseReceived,
    Retrying,
    checked_hooks,
)
from ..values.headers import is_secret
from ..values.results import ChatResult, ChatStreamChunk
from ..wire.failure import request_id
from ..wire.http import Request
from .drive import presentable
from .endpoint import Endpoint

HIDDEN = "[redacted]"

Censor = Callable[[str], str]
Hook = Callable[[Any], object]

_log = logging.getLogger("lexilux_like")
_hooks_log = logging.getLogger("lexilux_like.hooks")


class Audience:
    """Who is told what by the calls of one client.

    Args:
        hooks: In the order in which they are told.
    """

    def __init__(self, hooks: Sequence[Hooks]) -> None:
        self._hooks: dict[type[Event], list[Hook]] = {
            kind: [hook for each in hooks if (hook := getattr(each, name)) is not None]
            for kind, name in HOOK_OF.items()
        }
        self._failed: list[Hook] = []
        if self._hooks[CallEnded] and _watch_collector not in gc.callbacks:
            gc.callbacks.append(_watch_collector)
            atexit.register(tell_late)

    def of(self, kind: Any) -> list[Hook]:
        """Who wants to be told that something happened; `logging` last."""
        hooks = self._hooks[kind]
        if (logged := _LOGGED.get(kind)) and _log.isEnabledFor(logged[0]):
            return [*hooks, logged[1]]
        return hooks

    def tell(self, hooks: Sequence[Hook], event: Event) -> None:
        """Call the hooks; what one raises is logged the first time."""
        for hook in hooks:
            try:
                hook(event)
            except Exception:  # noqa: BLE001 - a hook never harms the call
                if not any(each is hook for each in self._failed):
                    self._failed.append(hook)
                    name = HOOK_OF[type(event)]
                    _hooks_log.exception("%s=%r failed; said once for each hook", name, hook)


_NO_HOOKS = Audience(())


def audience(hooks: object) -> Audience:
    """Who is told, by one or several `Hooks`.

    Raises:
        ValidationError: There is something else among them.
    """
    return Audience(checked_hooks(hooks))


class Observer:
    """What one call tells.

    Args:
        audience: The client's; None where only `logging` listens.
    """

    def __init__(self, audience: Audience | None) -> None:
        self.call_id = os.urandom(8).hex()
        self._audience = audience or _NO_HOOKS
        self._context = copy_context()
        self._started_at: float | None = None
        self._to_end = [True]
        """Whoever takes it out tells the end: it is said once, whatever the threads do."""
        self._number = 0
        self._sent_at = 0.0
        self._url = ""

    def tell(self, news: News, censor: Censor) -> None:
        """What a flow or a world says; an error in it is as its caller would get it.

        The start is told in a copy of the context in which the call was made: of a stream that
        may be another one than that in which it is read.
        """
        if _late:
            tell_late()
        if starts := news.func is CallStarted:
            self._started_at = time.monotonic()
        if not (hooks := self._audience.of(news.func)) or not self._to_end:
            return
        if isinstance(error := news.keywords.get("error"), LexiluxError):
            presentable(error, censor)
        event = news(call_id=self.call_id, time=time.time())
        if starts:
            self._context.run(self._audience.tell, hooks, event)
        else:
            self._audience.tell(hooks, event)

    def sending(self, request: Request, endpoint: Endpoint, accept: str, censor: Censor) -> None:
        """A request goes out."""
        self._number += 1
        target = endpoint.target
        self._url = censor(f"{target.scheme}://{target.netloc}{endpoint.path(request)}")
        if self._audience.of(RequestSent):
            fields = endpoint.header_fields(request, accept=accept)
            news = partial(
                RequestSent,
                number=self._number,
                url=self._url,
                headers=_shown({n.decode(): v.decode() for n, v in fields}, censor),
                body=request.body,
            )
            self.tell(news, censor)
        self._sent_at = time.monotonic()

    def answered(self, status: int, headers: Mapping[str, str], censor: Censor) -> None:
        """The head of its response came."""
        if self._audience.of(ResponseReceived):
            known = request_id(headers)
            news = partial(
                ResponseReceived,
                number=self._number,
                url=self._url,
                status=status,
                headers=_shown(headers, censor),
                request_id=known and censor(known),
                seconds=time.monotonic() - self._sent_at,
            )
            self.tell(news, censor)

    def watched(self, flow: Flow[ChatResult]) -> Flow[ChatResult]:
        """The flow, telling of each chunk that it hands on."""
        if not self._audience.of(ChunkReceived):
            return flow

        def see(effect: ChatStreamChunk | Track) -> tuple[ChatStreamChunk | Track]:
            if type(effect) is ChatStreamChunk:
                self.tell(partial(ChunkReceived, chunk=effect), str)
            return (effect,)

        return relay(flow, see)

    def ended(
        self,
        step: Stepper[Any],
        error: BaseException | None = None,
        *,
        otherwise: Outcome = "closed",
    ) -> None:
        """Tell the end, unless it was told, or the call never started.

        Args:
            step: The call's flow.
            error: What the caller gets; of no account where the flow came to its end.
            otherwise: How it ended if neither the flow nor an error says it.
        """
        if self._started_at is None:
            return
        try:
            self._to_end.pop()
        except IndexError:
            return
        news = _end(step, error, otherwise)
        hooks = self._audience.of(CallEnded)
        if not hooks:
            return
        seconds = time.monotonic() - self._started_at
        event = news(call_id=self.call_id, time=time.time(), seconds=seconds)
        if _collecting == get_ident():
            _late.append(partial(self._audience.tell, hooks, event))
        else:
            self._audience.tell(hooks, event)


def _end(step: Stepper[Any], error: BaseException | None, otherwise: Outcome) -> News:
    """How the call ended, and with what."""
    result: ChatResult | None = None
    outcome: Outcome = otherwise
    if step.done:
        outcome, error = "answered", None
        result = step.value if isinstance(step.value, ChatResult) else None
    elif error is not None:
        outcome = "failed" if isinstance(error, Exception) else "cancelled"
        result = error.partial if isinstance(error, LexiluxError) else None
    if result is None and step.progress is not None:
        so_far = step.progress.so_far()
        outcome = "answered" if so_far.done and error is None else outcome
        result = so_far
    first = result.timing.first_content_s if result is not None else None
    return partial(CallEnded, outcome=outcome, result=result, error=error, first_content_s=first)


def _shown(headers: Mapping[str, str], censor: Censor) -> dict[str, str]:
    """Header fields without secrets; what is left of a rate limit's tokens is none."""
    return {
        name: HIDDEN if is_secret(name) and "ratelimit" not in name else censor(value)
        for name, value in headers.items()
    }


# Logging: hooks like others, told last.


def _log_request(event: RequestSent) -> None:
    line = "call %s: request %d: %s %s, %d bytes"
    _log.debug(line, event.call_id, event.number, event.method, event.url, len(event.body))


def _log_response(event: ResponseReceived) -> None:
    line = "call %s: response %d: %d from %s after %.3f s, request id %s"
    facts = event.number, event.status, event.url, event.seconds, event.request_id
    _log.debug(line, event.call_id, *facts)


def _log_retry(event: Retrying) -> None:
    line = "call %s: attempt %d in %.2f s, after %s: %s"
    error = type(event.error).__name__, event.error
    _log.info(line, event.call_id, event.attempt, event.wait_s, *error)


def _log_continuation(event: Continuing) -> None:
    line = "call %s: continuation %d, because the answer is %s"
    _log.info(line, event.call_id, event.number, event.reason)


def _log_fallback(event: FallingBack) -> None:
    line = "call %s: falling back to %s, after %s: %s"
    error = type(event.error).__name__, event.error
    _log.info(line, event.call_id, event.base_url, *error)


_LOGGED: Mapping[Any, tuple[int, Hook]] = {
    RequestSent: (logging.DEBUG, _log_request),
    ResponseReceived: (logging.DEBUG, _log_response),
    Retrying: (logging.INFO, _log_retry),
    Continuing: (logging.INFO, _log_continuation),
    FallingBack: (logging.INFO, _log_fallback),
}


# The garbage collector may run while this very thread holds a lock that a hook wants: the end of
# a stream that it finds is told when it is done, by whoever comes next.

_collecting: int | None = None
_late: deque[Callable[[], None]] = deque()


def _watch_collector(phase: str, _info: Mapping[str, int]) -> None:
    global _collecting  # noqa: PLW0603 - there is one collector in a process
    _collecting = get_ident() if phase == "start" else None


def tell_late() -> None:
    """Tell what the garbage collector has found out."""
    while _late and _collecting != get_ident():
        try:
            _late.popleft()()
        except IndexError:  # another thread was quicker
            return
