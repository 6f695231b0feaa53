"""The bookkeeping of a batch: what is asked, what is back, what may be handed out. No waiting."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..prices import cost
from ..values.errors import (
    AuthenticationError,
    LexiluxConnectionError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from ..values.messages import MessagesLike
from ..values.results import ChatResult, StreamingResult
from .codec import outcome_from_json, outcome_to_json
from .inputs import Entry
from .items import fingerprint, identity, numbered, question
from .journal import Journal, open_journal
from .options import Method, Plan
from .outcomes import ZERO, BatchStoppedError, Outcome, Totals
from .progress import Progress

LOOK_AHEAD = 4
"""Times `concurrency`: most items that have been taken and not handed out."""

_OF_ALL = (
    AuthenticationError,
    LexiluxConnectionError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
"""Failures that say nothing of the item: alike whatever their messages are."""


class Call(Protocol):
    """One call of a client, not made yet."""

    def run(self) -> ChatResult:
        """Make it, blocking."""
        ...

    async def arun(self) -> ChatResult:
        """Make it on the running loop."""
        ...

    def hang_up(self) -> None:
        """End `run` soon, from another thread."""


class Ask(Protocol):
    """What a batch knows of a client."""

    def __call__(self, method: Method, messages: MessagesLike, options: Mapping[str, Any]) -> Call:
        """The call of a method; a wrong option is raised here."""
        ...


@dataclass(slots=True)
class Job:
    """An item that is to be asked."""

    outcome: Outcome
    """Without result and error yet."""
    messages: MessagesLike
    options: Mapping[str, Any]
    key: bytes | None = None
    """Of the journal; None where there is none."""
    call: Call | None = None


class Run:
    """One run of a batch. Safe for threads.

    Args:
        plan: How it is run.
        ask: Makes the calls.
        total: How many items there are, where that is known.

    Raises:
        ValidationError: The journal is in use, or is none.
        OSError: It cannot be opened.
    """

    def __init__(self, plan: Plan, ask: Ask, total: int | None) -> None:
        self.plan = plan
        self.totals = Totals(cost=ZERO if plan.cost else None)
        self.closed = False
        self._ask = ask
        self._lock = threading.Lock()
        self._journal = _opened(plan)
        self._progress = Progress(wanted=plan.progress, total=total)
        self._taken = self._done = self._handed = self._workers = 0
        self._jobs: dict[int, Job] = {}
        self._finished: dict[int, Outcome | None] = {}
        self._ended = False
        self._stopped = ""
        self._failure: BaseException | None = None
        self._alike: tuple[object, int] = (None, 0)

    @property
    def wants_item(self) -> bool:
        """Whether another item may be taken."""
        has_room = self._taken - self._handed < LOOK_AHEAD * self.plan.concurrency
        return has_room and not self._ended

    @property
    def over(self) -> bool:
        """Whether all that was taken is handed out, and nothing more will be."""
        return self._ended and self._handed == self._taken

    def take(self, entry: Entry) -> Job | None:
        """Take an item; returns what is to be asked, or None where its outcome is known."""
        with self._lock:
            outcome = Outcome(index=self._taken, item=entry.item, line=entry.line)
            self._taken += 1
            with suppress(ValidationError):  # which comes again at once
                outcome = replace(outcome, id=identity(entry.item))
            try:
                job = self._read(entry, outcome)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's outcome
                self._finish(replace(outcome, error=error))
                return None
            if (known := self._known(job)) is not None:
                self._finish(known)
                return None
            self._jobs[outcome.index] = job
            return job

    def ended(self, error: BaseException | None = None) -> None:
        """There are no more items; `error`, where that is why, is raised at the end."""
        with self._lock:
            self._ended = True
            self._failure = self._failure or error

    def call(self, job: Job) -> Call | None:
        """The call of a job, which `hang_up` ends from now on; None where it is not wanted."""
        with self._lock:
            if self.closed or self._stopped:
                del self._jobs[job.outcome.index]
                self._place(job.outcome.index, None)
                return None
        job.call = self._ask(self.plan.method, job.messages, job.options)
        if self.closed:  # by now; later than this `hang_up` finds the call
            job.call.hang_up()
        return job.call

    def settle(
        self, job: Job, *, result: ChatResult | None = None, error: Exception | None = None
    ) -> None:
        """A job is done, and its outcome is in the journal when this returns."""
        with self._lock:
            if job.outcome.index not in self._jobs or (self.closed and result is None):
                return  # it was given up
            if isinstance(result, StreamingResult):  # which a journal could not give back
                result = result.to_chat_result()
            outcome = replace(job.outcome, result=result, error=error)
            if job.key is not None and self._journal is not None:
                try:
                    self._journal.write(job.key, outcome_to_json(outcome))
                except Exception as failure:  # noqa: BLE001 - raised when all is handed out
                    self._journal_failed(failure)
            del self._jobs[outcome.index]
            self._finish(outcome)

    def broken(self, job: Job, error: BaseException) -> None:
        """A job ended by what is nobody's outcome: it ends the batch, and is raised."""
        with self._lock:
            if self._jobs.pop(job.outcome.index, None) is not None:
                self._place(job.outcome.index, None)
            self._ended = True
            self._failure = self._failure or error

    def pop(self) -> Outcome | None:
        """The next outcome to be handed out, if it is there."""
        with self._lock:
            while self._handed in self._finished:
                outcome = self._finished.pop(self._handed)
                self._handed += 1
                if outcome is not None:
                    return outcome
            return None

    def check(self) -> None:
        """Raise what ended the run, once, if that was not the end of its items."""
        failure, self._failure = self._failure, None
        if failure is None:
            return
        if not self._stopped:
            raise failure
        raise BatchStoppedError(
            f"{self._stopped}: {type(failure).__name__}: {failure}", totals=self.totals
        ) from failure

    def hired(self) -> None:
        """One more works for this run."""
        with self._lock:
            self._workers += 1

    def left(self) -> None:
        """One less does; the last one closes what was given up."""
        with self._lock:
            self._workers -= 1
            is_last = self.closed and not self._workers
        if is_last:
            self.close()

    def hang_up(self) -> None:
        """Give up what is being asked. Takes no lock: the garbage collector may call it."""
        self.closed = True
        for job in list(self._jobs.values()):
            if job.call is not None:
                with suppress(Exception):  # its thread is at its end anyway
                    job.call.hang_up()

    def close(self) -> None:
        """Give up what is being asked, and close the journal. Safe to call twice."""
        self.hang_up()
        with self._lock:
            self._progress.close()
            journal, self._journal = self._journal, None
            if journal is not None:
                journal.end()
                if journal is not self.plan.journal:
                    journal.close()

    def _read(self, entry: Entry, outcome: Outcome) -> Job:
        """The job that an entry stands for; raises what is wrong with it."""
        if entry.error is not None:
            raise entry.error
        asked = question(entry.item, self.plan)
        job = Job(replace(outcome, id=asked.id), asked.messages, asked.options)
        if self._journal is not None:
            job.key = fingerprint(asked, self.plan)
        return job

    def _known(self, job: Job) -> Outcome | None:
        """The outcome in the journal, if it has one that counts."""
        if self._journal is None or job.key is None:
            return None
        try:
            job.key = numbered(job.key, self._journal.count(job.key))
            record = self._journal.find(job.key)
        except Exception as failure:  # noqa: BLE001 - raised when all is handed out
            self._journal_failed(failure)
            return None
        if record is None or not (record.get("ok") or not self.plan.retry_failed):
            return None
        return outcome_from_json(record, job.outcome, job.options)

    def _finish(self, outcome: Outcome) -> None:
        if self.plan.cost and (received := outcome.received) is not None:
            outcome = replace(outcome, cost=cost(received))
        self._place(outcome.index, outcome)
        self.totals = self.totals.plus(outcome)
        self._watch(outcome)
        self._progress.show(self.totals)

    def _place(self, index: int, outcome: Outcome | None) -> None:
        """Put it where it is handed out: at its own place, or behind those that are done."""
        self._finished[index if self.plan.ordered else self._done] = outcome
        self._done += 1

    def _watch(self, outcome: Outcome) -> None:
        """Stop where one item after the other fails in the same way."""
        kind = None if outcome.resumed else _kind(outcome.error)
        last, count = self._alike
        count = count + 1 if kind is not None and kind == last else int(kind is not None)
        self._alike = (kind, count)
        if count == self.plan.stop_after and outcome.error is not None:
            self._stop(outcome.error, f"{count} items in a row failed in the same way")

    def _journal_failed(self, failure: Exception) -> None:
        self._stop(failure, "the journal failed")

    def _stop(self, failure: Exception, why: str) -> None:
        """Ask nothing more; what is being asked is handed out before the failure is raised."""
        if not self._stopped:
            self._ended, self._stopped, self._failure = True, why, failure


def _opened(plan: Plan) -> Journal | None:
    """The journal of a plan, begun."""
    if plan.journal is None:
        return None
    journal = plan.journal if isinstance(plan.journal, Journal) else open_journal(plan.journal)
    journal.begin()
    return journal


def _kind(error: Exception | None) -> object:
    """What failures that are alike have in common; None for one that left a part of an answer."""
    if error is None or getattr(error, "partial", None) is not None:
        return None
    return type(error) if isinstance(error, _OF_ALL) else (type(error), str(error))
