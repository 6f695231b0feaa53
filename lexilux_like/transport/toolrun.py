"""Running one answer's tool calls side by side: on threads, or as tasks of the event loop."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace

from ..turns.flow import Ran, RunTools
from ..values.errors import ValidationError
from ..values.execution import Elsewhere, Job, Started
from ..values.results import ToolOutcome


def run_calls(action: RunTools) -> Ran:
    """Run what is approved: one call on this thread, several on a thread each.

    What the caller's own code raises comes back in the reply: it is no failure of the network.
    `KeyboardInterrupt` passes at once, and the threads end by themselves.
    """
    try:
        denied = [_verdict(job, _asked(action, job)) for job in action.jobs]
        allowed = [job for job, outcome in zip(action.jobs, denied, strict=True) if not outcome]
        if len(allowed) < 2 or action.at_once == 1:
            outcomes = [_run(job, raises=action.raises) for job in allowed]
        else:
            outcomes = _on_threads(allowed, action)
    except Exception as error:  # noqa: BLE001 - raised again by the flow, as it is
        return Ran((), error)
    return _in_order(denied, outcomes)


async def arun_calls(action: RunTools) -> Ran:
    """`run_calls`, async: coroutine functions are tasks, and the others run on threads."""
    try:
        denied = [_verdict(job, await _awaited(_asked(action, job))) for job in action.jobs]
        allowed = [job for job, outcome in zip(action.jobs, denied, strict=True) if not outcome]
        outcomes = await _as_tasks(allowed, action)
    except ExceptionGroup as failures:  # of the tasks
        return Ran((), failures.exceptions[0])
    except Exception as error:  # noqa: BLE001 - raised again by the flow, as it is
        return Ran((), error)
    return _in_order(denied, outcomes)


def _on_threads(jobs: Sequence[Job], action: RunTools) -> list[ToolOutcome]:
    pool = _pool(jobs, action)
    try:
        futures = [pool.submit(copy_context().run, _run, job, action.raises) for job in jobs]
        wait(futures, return_when=FIRST_EXCEPTION)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


async def _as_tasks(jobs: Sequence[Job], action: RunTools) -> list[ToolOutcome]:
    """Run the jobs.

    Raises:
        ExceptionGroup: One failed and that ends the call; the other tasks were cancelled.
    """
    if not jobs:
        return []
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(action.at_once)
    pool = _pool(jobs, action)

    def elsewhere(start: Callable[[], Started]) -> Awaitable[Started]:
        return loop.run_in_executor(pool, copy_context().run, start)

    is_over = False

    async def run(job: Job) -> ToolOutcome:
        nonlocal is_over
        async with gate:
            if is_over:  # this one was let in before it could be cancelled
                raise asyncio.CancelledError
            try:
                return await _arun(job, elsewhere, raises=action.raises)
            except BaseException:
                is_over = True
                raise

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(job)) for job in jobs]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [task.result() for task in tasks]


def _pool(jobs: Sequence[Job], action: RunTools) -> ThreadPoolExecutor:
    """Its threads start when there is something to run on them."""
    return ThreadPoolExecutor(min(len(jobs), action.at_once), thread_name_prefix="tool")


def _run(job: Job, raises: bool) -> ToolOutcome:  # noqa: FBT001 - threads are given it by position
    began = time.monotonic()
    return _ended(job.run(), began, raises=raises)


async def _arun(job: Job, elsewhere: Elsewhere, *, raises: bool) -> ToolOutcome:
    began = time.monotonic()
    return _ended(await job.arun(elsewhere), began, raises=raises)


def _ended(outcome: ToolOutcome, began: float, *, raises: bool) -> ToolOutcome:
    if raises and outcome.error is not None:
        raise outcome.error
    return replace(outcome, seconds=time.monotonic() - began)


def _asked(action: RunTools, job: Job) -> object:
    """What `approve` says of a call; True where nobody is asked."""
    return True if action.approve is None else action.approve(job.call)


async def _awaited(answer: object) -> object:
    return await answer if inspect.isawaitable(answer) else answer


def _verdict(job: Job, answer: object) -> ToolOutcome | None:
    """The outcome of a call that is not allowed; None for one that is.

    Raises:
        ValidationError: The answer is none: nothing is run that was not clearly allowed.
    """
    if answer is True:
        return None
    if answer is False or isinstance(answer, str):
        return job.denied(answer or "")
    if inspect.iscoroutine(answer):
        answer.close()
    raise ValidationError(
        f"approve answered {answer!r}: it must be True, False, or the reason for a no as a text"
    )


def _in_order(denied: Sequence[ToolOutcome | None], outcomes: Sequence[ToolOutcome]) -> Ran:
    run = iter(outcomes)
    return Ran(tuple(each or next(run) for each in denied), None)
