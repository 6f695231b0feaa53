"""A thread on which blocking functions of a user run, one after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

_Job: TypeAlias = tuple[Callable[[], Any], "asyncio.Future[_Outcome] | None"]
_Outcome: TypeAlias = tuple[Any, BaseException | None]


class Worker:
    """Runs functions on a thread of its own, in a copy of the context that made it.

    The thread is a daemon, so that a function which never returns keeps neither the event loop nor
    the interpreter from ending. It ends with `close()`, or with this object.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._busy = False
        context = copy_context()
        threading.Thread(
            target=context.run, args=(_work, self._jobs), name="lexilux_like-callback", daemon=True
        ).start()

    async def run(self, function: Callable[[], T]) -> T:
        """Await its value; what it raises is raised. A cancelled wait leaves it running."""
        done: asyncio.Future[_Outcome] = self._loop.create_future()
        self._busy = True
        self._jobs.put((function, done))
        value, error = await done
        self._busy = False
        if error is not None:
            raise error
        found: T = value
        return found

    async def run_last(self, function: Callable[[], object]) -> None:
        """Await it, or, where something was left running, let it run behind that."""
        if self._busy:
            self.leave(function)
        else:
            await self.run(function)

    def leave(self, function: Callable[[], object]) -> None:
        """Let it run when there is time, for nobody."""
        self._jobs.put((function, None))

    def close(self) -> None:
        """End the thread, when it has done what it is doing."""
        self._jobs.put(None)

    def __del__(self) -> None:
        if (jobs := getattr(self, "_jobs", None)) is not None:
            jobs.put(None)


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        function, done = job
        if done is None:
            function()  # nobody waits: what it raises goes to `threading.excepthook`
        else:
            outcome = _outcome(function)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                done.get_loop().call_soon_threadsafe(_settle, done, outcome)
            del outcome
        del job, function, done  # a generator is not to be kept alive while there is no work


def _outcome(function: Callable[[], Any]) -> _Outcome:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - raised where it is waited for
        return None, error


def _settle(done: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not done.done():
        done.set_result(outcome)
