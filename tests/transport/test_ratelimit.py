"""No window of the period has more requests than the rate, whoever asks."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lexilux_like import Chat, ChatStreamChunk
from lexilux_like.testing import ScriptedServer
from lexilux_like.transport.ratelimit import RateLimiter
from lexilux_like.values.errors import ValidationError


def most_in_a_window(instants: list[float], period: float) -> int:
    """The largest number of instants in any half-open window of that length."""
    instants = sorted(instants)
    return max(sum(start <= each < start + period for each in instants) for start in instants)


class Window(RuleBasedStateMachine):
    """Turns reserved and given back at random on a made-up clock."""

    def __init__(self) -> None:
        super().__init__()
        self.limiter = RateLimiter(3, 10.0)
        self.now = 1000.0
        self.taken: list[float] = []

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def someone_asks(self) -> None:
        turn = self.limiter.reserve(self.now)
        assert turn >= self.now
        self.taken.append(turn)

    @precondition(lambda self: any(turn > self.now for turn in self.taken))
    @rule(data=st.data())
    def someone_gives_up(self, data: st.DataObject) -> None:
        waiting = [turn for turn in self.taken if turn > self.now]
        turn = data.draw(st.sampled_from(waiting))
        self.taken.remove(turn)
        self.limiter.give_back(turn)

    @invariant()
    def no_window_is_too_full(self) -> None:
        assert not self.taken or most_in_a_window(self.taken, 10.0) <= 3


TestWindow = Window.TestCase
TestWindow.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_turn_that_was_given_back_goes_to_the_next_who_asks() -> None:
    limiter = RateLimiter(1, 10.0)
    assert limiter.reserve(0.0) == 0.0
    waiting = limiter.reserve(0.0)
    limiter.give_back(waiting)
    assert limiter.reserve(1.0) == waiting == 10.0


def test_threads_and_two_event_loops_share_one_window() -> None:
    limiter, period = RateLimiter(4, 0.2), 0.2
    instants: list[float] = []

    def in_thread() -> None:
        for _ in range(3):
            limiter.acquire()
            instants.append(time.monotonic())

    async def one() -> None:
        await limiter.aacquire()
        instants.append(time.monotonic())

    async def several() -> None:
        await asyncio.gather(*(one() for _ in range(3)))

    threads = [threading.Thread(target=in_thread) for _ in range(2)]
    threads += [threading.Thread(target=lambda: asyncio.run(several())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(instants) == 12
    # An instant is read a moment after its turn, so allow for that moment.
    assert most_in_a_window(instants, period - 0.02) <= 4


def test_waiting_says_how_long_it_was() -> None:
    limiter = RateLimiter(1, 0.05)
    assert limiter.acquire() < 0.04
    assert 0.03 < limiter.acquire() < 0.5


def test_a_cancelled_wait_gives_its_turn_back() -> None:
    limiter = RateLimiter(1, 30.0)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limiter.aacquire(), 0.02)

    limiter.acquire()
    asyncio.run(give_up())
    assert limiter.reserve(time.monotonic()) - time.monotonic() < 30


def test_an_interrupted_thread_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = RateLimiter(1, 30.0)
    limiter.acquire()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire()
    assert limiter.reserve(time.monotonic()) - time.monotonic() < 30


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 0.5, "10"])
def test_a_rate_that_makes_no_sense_is_refused(rate: float) -> None:
    with pytest.raises(ValidationError, match="max_rate"):
        RateLimiter(rate, 1.0)


@pytest.mark.parametrize("period", [0, -1, float("nan"), float("inf"), None])
def test_a_period_that_makes_no_sense_is_refused(period: float) -> None:
    with pytest.raises(ValidationError, match="time_period"):
        RateLimiter(1, period)


def test_repr_says_the_rate() -> None:
    assert repr(RateLimiter(10, 60)) == "RateLimiter(max_rate=10, time_period=60)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_lock_that_its_parent_held() -> None:
    limiter = RateLimiter(10, 1.0)
    with limiter._lock:
        child = os.fork()
        if child == 0:
            limiter.acquire()
            os._exit(0)
        for _ in range(100):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.02)
        else:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
    assert status == 0


class Closing(RateLimiter):
    """Closes a stream while that waits for its turn."""

    stream: Any

    def acquire(self) -> float:
        self.stream.close()
        return super().acquire()

    async def aacquire(self) -> float:
        await self.stream.aclose()
        return await super().aacquire()


def test_a_stream_that_is_closed_before_its_turn_sends_nothing(
    scripted_server: ScriptedServer,
) -> None:
    limiter = Closing(1)
    with Chat(base_url=scripted_server.url, model="m", rate_limit=limiter) as chat:
        limiter.stream = chat.stream("x")
        assert list(limiter.stream) == []
    assert scripted_server.requests == []


def test_an_async_stream_that_is_closed_before_its_turn_sends_nothing(
    scripted_server: ScriptedServer,
) -> None:
    limiter = Closing(1)

    async def go() -> list[ChatStreamChunk]:
        async with Chat(base_url=scripted_server.url, model="m", rate_limit=limiter) as chat:
            limiter.stream = chat.astream("x")
            return [chunk async for chunk in limiter.stream]

    assert asyncio.run(go()) == []
    assert scripted_server.requests == []
