"""Running one answer's calls: side by side, in order, and never in anybody's way."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from lexilux_like.transport.toolrun import arun_calls, run_calls
from lexilux_like.turns.flow import Ran, RunTools
from lexilux_like.values.errors import ValidationError
from lexilux_like.values.execution import Job
from lexilux_like.values.results import ToolCall
from lexilux_like.values.tools import tools_by_name

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def action(*functions: Callable[..., Any], times: int = 1, **options: Any) -> RunTools:
    known = tools_by_name({each.__name__: each for each in functions})
    calls = [ToolCall(f"c{i}", name) for i, name in enumerate(list(known) * times)]
    return RunTools([Job(call, known) for call in calls], **{"at_once": 16, **options})


def in_threads(given: RunTools) -> Ran:
    return run_calls(given)


def in_tasks(given: RunTools) -> Ran:
    return asyncio.run(arun_calls(given))


both = pytest.mark.parametrize("run", [in_threads, in_tasks])


def values(ran: Ran) -> list[Any]:
    assert ran.error is None
    return [each.value for each in ran.outcomes]


def thread() -> int:
    return threading.get_ident()


class Gauge:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = self.most = 0

    def enter(self) -> None:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.02)
        with self.lock:
            self.inside -= 1


@both
def test_outcomes_come_in_the_order_of_the_calls(run):
    late = threading.Event()

    def first() -> str:
        assert late.wait(5)
        return "first"

    def second() -> str:
        late.set()
        return "second"

    assert values(run(action(first, second))) == ["first", "second"]


@both
@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (2, 2)])
def test_no_more_run_at_once_than_allowed(run, at_once, most):
    gauge = Gauge()

    def work() -> None:
        gauge.enter()

    run(action(work, times=6, at_once=at_once))
    assert gauge.most == most


@both
def test_context_variables_are_copied(run):
    def who() -> str:
        seen = WHO.get()
        WHO.set("somebody else")
        return seen

    token = WHO.set("me")
    try:
        assert values(run(action(who, times=3))) == ["me"] * 3
        assert WHO.get() == "me"
    finally:
        WHO.reset(token)


@both
def test_each_outcome_has_its_own_time(run):
    def quick() -> None: ...

    def slow() -> None:
        time.sleep(0.1)

    ran = run(action(quick, slow))
    assert ran.outcomes[0].seconds < 0.1 <= ran.outcomes[1].seconds


@both
def test_what_a_tool_raises_is_a_part_of_its_outcome(run):
    def broken() -> None:
        raise StopIteration("over")

    ran = run(action(broken, times=2))
    assert ran.error is None
    assert [each.content for each in ran.outcomes] == ['{"error":"StopIteration: over"}'] * 2
    assert isinstance(ran.outcomes[0].error, StopIteration)


@both
@pytest.mark.parametrize("times", [1, 4])
def test_what_a_tool_raises_ends_it_all_where_it_is_to(run, times):
    problem = RuntimeError("mine")

    def broken() -> None:
        raise problem

    ran = run(action(broken, times=times, raises=True))
    assert ran.outcomes == ()
    assert ran.error is problem


@both
def test_what_waits_is_not_begun_after_a_failure_that_ends_it_all(run):
    begun: list[int] = []

    def broken() -> None:
        raise RuntimeError

    def count() -> None:
        begun.append(1)
        time.sleep(0.05)

    ran = run(action(broken, *[count], times=6, raises=True, at_once=1))
    assert isinstance(ran.error, RuntimeError)
    assert begun == []


@both
def test_what_approve_raises_ends_it_before_anything_runs(run):
    problem, begun = ConnectionError("mine"), []

    def count() -> None:
        begun.append(1)

    def approve(call: ToolCall) -> bool:
        if call.id == "c1":
            raise problem
        return True

    ran = run(action(count, times=2, approve=approve))
    assert ran == Ran((), problem)
    assert begun == []


@both
def test_denied_calls_keep_their_place(run):
    def work() -> str:
        return "done"

    ran = run(action(work, times=3, approve=lambda call: call.id != "c1" or "no"))
    assert [each.value for each in ran.outcomes] == ["done", None, "done"]
    assert [each.denied for each in ran.outcomes] == [False, True, False]
    assert ran.outcomes[1].content == '{"error":"no"}'


@both
def test_nothing_runs_where_nothing_is_allowed(run):
    def work() -> None: ...

    ran = run(action(work, times=2, approve=lambda _call: False))
    assert [each.denied for each in ran.outcomes] == [True, True]


class TestThreads:
    def test_one_call_runs_on_this_thread(self):
        assert values(run_calls(action(thread))) == [threading.get_ident()]

    def test_several_run_on_others(self):
        seen = values(run_calls(action(thread, times=2)))
        assert threading.get_ident() not in seen

    def test_no_thread_stays_behind(self):
        def work() -> None:
            time.sleep(0.01)

        before = threading.active_count()
        run_calls(action(work, times=4))
        assert threading.active_count() == before

    def test_something_to_await_is_reported(self):
        async def later() -> None: ...

        def hand_on() -> Any:
            return later()

        (outcome,) = run_calls(action(hand_on)).outcomes
        assert isinstance(outcome.error, ValidationError)
        assert "use the async methods" in outcome.content

    def test_an_async_answer_of_approve_is_refused(self):
        async def approve(_call: ToolCall) -> bool:
            return True

        def hand_on(call: ToolCall) -> Any:
            return approve(call)

        ran = run_calls(action(thread, approve=hand_on))
        assert isinstance(ran.error, ValidationError)

    def test_a_keyboard_interrupt_does_not_wait_for_tools(self):
        release, ended = threading.Event(), threading.Event()

        def stuck() -> None:
            release.wait(20)
            ended.set()

        def interrupt() -> None:
            os.kill(os.getpid(), signal.SIGINT)

        # A job in the background of a shell is born with the signal ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                run_calls(action(stuck, interrupt))
            assert not ended.is_set()
        finally:
            signal.signal(signal.SIGINT, before)
            release.set()

    def test_an_exit_passes(self):
        def leave() -> None:
            raise SystemExit(3)

        for times in (1, 2):
            with pytest.raises(SystemExit):
                run_calls(action(leave, times=times))


class TestTasks:
    def test_plain_functions_never_run_on_the_loop(self):
        seen = values(in_tasks(action(thread)))
        assert seen != [threading.get_ident()]

    def test_coroutine_functions_run_on_the_loop(self):
        async def here() -> int:
            await asyncio.sleep(0)
            return threading.get_ident()

        assert values(in_tasks(action(here))) == [threading.get_ident()]

    def test_what_a_plain_function_returns_to_await_is_awaited(self):
        async def later() -> str:
            await asyncio.sleep(0)
            return "later"

        def hand_on() -> Any:
            return later()

        assert values(in_tasks(action(hand_on))) == ["later"]

    def test_the_loop_goes_on_while_tools_run(self):
        release = threading.Event()

        def wait() -> bool:
            return release.wait(5)

        async def main() -> Ran:
            task = asyncio.create_task(arun_calls(action(wait)))
            await asyncio.sleep(0.02)
            release.set()
            return await task

        assert values(asyncio.run(main())) == [True]

    def test_a_failure_that_ends_it_all_cancels_the_others(self):
        ended: list[str] = []

        async def broken() -> None:
            await asyncio.sleep(0)
            raise RuntimeError("mine")

        async def endless() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")

        ran = in_tasks(action(endless, broken, raises=True))
        assert isinstance(ran.error, RuntimeError)
        assert ended == ["cancelled"]

    def test_cancelling_does_not_wait_for_threads(self):
        release, begun, ended = threading.Event(), threading.Event(), threading.Event()

        def stuck() -> None:
            begun.set()
            release.wait(20)
            ended.set()

        async def main() -> None:
            task = asyncio.create_task(arun_calls(action(stuck)))
            assert await asyncio.to_thread(begun.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not ended.is_set()

        try:
            asyncio.run(main())
        finally:
            release.set()

    def test_an_async_approve_is_awaited(self):
        async def approve(call: ToolCall) -> bool:
            await asyncio.sleep(0)
            return call.id == "c0"

        ran = in_tasks(action(thread, times=2, approve=approve))
        assert [each.denied for each in ran.outcomes] == [False, True]
