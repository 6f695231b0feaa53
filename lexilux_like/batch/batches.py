"""The two drivers of a batch, on threads and on tasks. Keep them line for line alike."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sized
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import Any, Self

from ..prices import check_installed
from .inputs import Entry, aentries, check_items, entries, is_table
from .options import AsyncItems, Items, MapOptions, Plan, planned
from .outcomes import Outcome, Totals
from .progress import check_progress
from .run import Ask, Job, Run

CLOSE_S = 1.0
"""Most seconds that leaving a sync batch waits for its threads. One that waits for a rate limit or
before a retry ends by itself, and sends nothing more."""
JOIN_S = 0.01
THREAD = "lexilux_like-batch"
"""What the names of its threads begin with."""
POLL_S = 1.0
"""Windows does not break off a wait without an end when Ctrl-C is pressed."""


class Batch(Iterator[Outcome]):
    """Outcomes as they can be had; a context manager.

    Nothing is opened or asked before the first outcome is wanted. Leaving the loop, an exception
    in it, `close()`, the end of a `with` block and the garbage collector all give up what is being
    asked; what has been answered is in the journal. Not to be shared by threads.
    """

    def __init__(self, items: Items, options: MapOptions, *, ask: Ask, model: str | None) -> None:
        self._plan = _plan(items, options, model, awaits=False)
        self._items = items
        self._ask = ask
        self._entries: Generator[Entry, None, None] | None = None
        self._run: Run | None = None
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._crew: list[threading.Thread] = []
        self._changed = threading.Event()
        self._closed = False

    @property
    def totals(self) -> Totals:
        """The outcomes so far, also those that were not handed out yet."""
        return self._run.totals if self._run is not None else Totals()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        try:
            outcome = None if self._closed else self._next()
        except BaseException:
            self.close()
            raise
        if outcome is None:
            self.close()
            raise StopIteration
        return outcome

    def _next(self) -> Outcome | None:
        """The next outcome; None at the end."""
        run = self._begun()
        while True:
            self._changed.clear()
            took = run.wants_item and self._take(run)
            if (outcome := run.pop()) is not None:
                return outcome
            if run.over:
                run.check()
                return None
            if not took:
                self._changed.wait(POLL_S)

    def _begun(self) -> Run:
        if self._run is None:
            self._run = Run(self._plan, self._ask, _total(self._items))
            self._entries = entries(self._items)
        return self._run

    def _take(self, run: Run) -> bool:
        """Take one more item, and have it asked."""
        assert self._entries is not None
        try:
            entry = next(self._entries)
        except StopIteration:
            run.ended()
        except Exception as error:  # noqa: BLE001 - raised when all is handed out
            run.ended(error)
        else:
            if (job := run.take(entry)) is not None:
                self._jobs.put(job)
                self._hire(run)
        return True

    def _hire(self, run: Run) -> None:
        """One thread for each of the first jobs, up to `concurrency`."""
        if len(self._crew) < self._plan.concurrency:
            context = copy_context()
            args = (_work, run, self._jobs, self._changed)
            name = f"{THREAD}-{len(self._crew)}"
            thread = threading.Thread(target=context.run, args=args, name=name, daemon=True)
            run.hired()
            thread.start()
            self._crew.append(thread)

    def close(self) -> None:
        """Give up what is not answered. Safe to call twice; takes at most about a second."""
        self._dismiss()
        end = time.monotonic() + CLOSE_S
        while self._run and any(map(threading.Thread.is_alive, self._crew)):
            self._run.hang_up()  # again: a connection may just have been made
            if time.monotonic() > end:
                break
            next(filter(threading.Thread.is_alive, self._crew), self._crew[0]).join(JOIN_S)
        if self._run is not None:
            self._run.close()
        if self._entries is not None:
            self._entries.close()

    def _dismiss(self) -> None:
        """Give up what is being asked. Takes no lock: the garbage collector may call it."""
        if not self._closed:
            self._closed = True
            if self._run is not None:
                self._run.hang_up()
            for _ in self._crew:
                self._jobs.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self._dismiss()  # the last thread closes the run
            if self._run is not None and not self._crew:
                self._run.close()


def _work(run: Run, jobs: SimpleQueue[Job | None], changed: threading.Event) -> None:
    """What each thread of a batch does until it is dismissed."""
    try:
        while (job := jobs.get()) is not None:
            _do(run, job)
            del job  # while this thread waits, the item may be forgotten
            changed.set()
    finally:
        run.left()


def _do(run: Run, job: Job) -> None:
    try:
        try:
            call = run.call(job)
            result = None if call is None else call.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's outcome
            run.settle(job, error=error)
        else:
            run.settle(job, result=result)
    except BaseException as error:  # noqa: BLE001 - raised by whoever waits for outcomes
        run.broken(job, error)


class AsyncBatch(AsyncIterator[Outcome]):
    """`Batch`, async; awaiting it gives itself.

    Items are read by a task of its own, so that outcomes are handed out while it waits for one.
    """

    def __init__(
        self, items: AsyncItems, options: MapOptions, *, ask: Ask, model: str | None
    ) -> None:
        self._plan = _plan(items, options, model, awaits=True)
        self._items = items
        self._ask = ask
        self._entries: AsyncGenerator[Entry, None] | None = None
        self._entry: asyncio.Task[Entry] | None = None
        self._run: Run | None = None
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._crew: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def totals(self) -> Totals:
        """The outcomes so far, also those that were not handed out yet."""
        return self._run.totals if self._run is not None else Totals()

    def __aiter__(self) -> Self:
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    async def __anext__(self) -> Outcome:
        try:
            outcome = None if self._closed else await self._next()
        except BaseException:
            await self.aclose()
            raise
        if outcome is None:
            await self.aclose()
            raise StopAsyncIteration
        return outcome

    async def _next(self) -> Outcome | None:
        """The next outcome; None at the end."""
        run = self._begun()
        while True:
            self._changed.clear()
            took = run.wants_item and self._take(run)
            if (outcome := run.pop()) is not None:
                return outcome
            if run.over:
                run.check()
                return None
            if not took:
                await self._changed.wait()

    def _begun(self) -> Run:
        if self._run is None:
            self._run = Run(self._plan, self._ask, _total(self._items))
            self._entries = aentries(self._items)
        return self._run

    def _take(self, run: Run) -> bool:
        """Take one more item if it is there, and have it asked."""
        assert self._entries is not None
        if self._entry is None:
            self._entry = asyncio.ensure_future(anext(self._entries))
            self._entry.add_done_callback(partial(_wake, self._changed))
        if not self._entry.done():
            return False
        task, self._entry = self._entry, None
        try:
            entry = task.result()
        except StopAsyncIteration:
            run.ended()
        except Exception as error:  # noqa: BLE001 - raised when all is handed out
            run.ended(error)
        else:
            if (job := run.take(entry)) is not None:
                self._jobs.put_nowait(job)
                self._hire(run)
        return True

    def _hire(self, run: Run) -> None:
        """One task for each of the first jobs, up to `concurrency`."""
        if len(self._crew) < self._plan.concurrency:
            run.hired()
            self._crew.append(asyncio.create_task(_awork(run, self._jobs, self._changed)))

    async def aclose(self) -> None:
        """Give up what is not answered. Safe to call twice."""
        left = self._dismiss()
        if left:
            await asyncio.wait(left)
        if self._run is not None:
            self._run.close()
        if self._entries is not None:
            await self._entries.aclose()

    def _dismiss(self) -> list[asyncio.Task[Any]]:
        """Give up what is being asked; returns the tasks that are ending."""
        self._closed = True
        if self._run is not None:
            self._run.hang_up()
        left = [each for each in (*self._crew, self._entry) if each is not None and not each.done()]
        for task in left:
            task.cancel()
        return left

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if getattr(self, "_closed", True) or self._run is None:
            return
        self._run.hang_up()
        left = [each for each in (*self._crew, self._entry) if each is not None and not each.done()]
        if not left:
            self._run.close()
        with suppress(RuntimeError):  # the loop is closed, and its tasks are gone
            for task in left:  # the last one closes the run
                task.get_loop().call_soon_threadsafe(task.cancel)


async def _awork(run: Run, jobs: asyncio.Queue[Job], changed: asyncio.Event) -> None:
    """What each task of a batch does until it is cancelled."""
    try:
        while True:
            job = await jobs.get()
            await _ado(run, job)
            del job  # while this task waits, the item may be forgotten
            changed.set()
    finally:
        run.left()


async def _ado(run: Run, job: Job) -> None:
    try:
        try:
            call = run.call(job)
            result = None if call is None else await call.arun()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's outcome
            run.settle(job, error=error)
        else:
            run.settle(job, result=result)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - raised by whoever waits for outcomes
        run.broken(job, error)


def _wake(changed: asyncio.Event, task: asyncio.Task[Entry]) -> None:
    if not task.cancelled():
        task.exception()  # seen, also where nobody asks for outcomes any more
    changed.set()


def _plan(items: object, options: MapOptions, model: str | None, *, awaits: bool) -> Plan:
    """The options, checked together with what they are for."""
    plan = planned(options, model=model)
    check_items(items, awaits=awaits)
    check_progress(wanted=plan.progress)
    if plan.cost:
        check_installed()
    if is_table(items) and plan.template is None and plan.column is None:
        return replace(plan, column="prompt")
    return plan


def _total(items: object) -> int | None:
    return len(items) if isinstance(items, Sized) else None
