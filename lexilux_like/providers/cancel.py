"""Ending what a task waits for, at once, when somebody sets an event."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")

POLL_S = 0.05
"""How often an event that cannot be waited for is looked at, in seconds."""


class Flag(Protocol):
    """What an event is at least."""

    def is_set(self) -> bool:
        """Whether it has been set."""
        ...


CancelEvent: TypeAlias = asyncio.Event | threading.Event | Flag
"""An `asyncio.Event` is waited for; anything else with `is_set()` is looked at every 0.05 s."""


class StoppedError(Exception):
    """The event was set, or `stop()` was called, while something was waited for."""


class Cancellation:
    """Runs the steps of one stream, one at a time and each in any task, until an event is set.

    One task watches the event, from the first step to `close()`; there is none without an event,
    and no step has a task or a timer of its own.

    Raises:
        TypeError: The event has no `is_set()`.
    """

    def __init__(self, event: CancelEvent | None) -> None:
        if event is not None and not callable(getattr(event, "is_set", None)):
            raise TypeError(f"cancel_event must be an asyncio.Event, not {event!r}")
        self._event = event
        self._end: Exception | None = None
        self._limit: asyncio.Timeout | None = None
        self._watcher: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Look whether it is to end.

        Raises:
            StoppedError: The event is set, or was, or `stop()` was called.
        """
        if self._end is not None:
            raise self._end
        if self._event is not None and self._event.is_set():
            raise StoppedError

    async def run(self, step: Callable[[], Awaitable[T]]) -> T:
        """Await a step; one that is ended sees a cancellation of its task.

        Raises:
            StoppedError: As for `check()`, before the step or while it was waited for.
            asyncio.CancelledError: The task itself was cancelled, which wins.
        """
        self.check()
        if self._event is not None and self._watcher is None:
            watching = _watch(self._event, weakref.ref(self))
            self._watcher = asyncio.get_running_loop().create_task(watching)
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limit = limit
                return await step()
        except TimeoutError:
            if self._end is None:  # of the step itself
                raise
            raise self._end from None
        finally:
            self._limit = None

    def stop(self, why: Exception | None = None) -> None:
        """End the step that is waited for; no other one is begun. Only on the event loop.

        Args:
            why: What is raised in place of `StoppedError`.
        """
        self._end = self._end or why or StoppedError()
        if (limit := self._limit) is not None:
            self._limit = None
            limit.reschedule(0)

    def close(self) -> None:
        """Watch the event no longer."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()

    def __del__(self) -> None:
        if (watcher := getattr(self, "_watcher", None)) is not None:
            with suppress(RuntimeError):  # the loop is closed, and has cancelled it
                watcher.get_loop().call_soon_threadsafe(watcher.cancel)


async def _watch(event: CancelEvent, watched: weakref.ref[Cancellation]) -> None:
    """Wait for the event; what it is for may be collected meanwhile."""
    why = None
    try:
        if isinstance(event, asyncio.Event):
            await event.wait()
        else:
            while not event.is_set():  # noqa: ASYNC110 - it is of another kind
                await asyncio.sleep(POLL_S)
    except Exception as error:  # noqa: BLE001 - whoever waits for the next piece is to hear of it
        why = error
    if (found := watched()) is not None:
        found.stop(why)
