"""A rate limit that processes share through a real Redis server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid

import pytest

from lexilux_like import (
    Chat,
    LexiluxConnectionError,
    RedisRateLimiter,
    ValidationError,
)
from lexilux_like.testing import ScriptedServer, answer
from lexilux_like.testing.door import Doors

redis = pytest.importorskip("redis", reason="redis is not installed: it is in the extra redis")

NOWHERE = "redis://127.0.0.1:1/0"
CHILD = """
import sys, threading, time, asyncio
from lexilux_like import Chat, RedisRateLimiter
url, redis_url, name, rate, period, until, door = sys.argv[1:]
limit = RedisRateLimiter(redis_url, float(rate), float(period), name=name)
chat = Chat(base_url=url, model="m", proxies={}, rate_limit=limit)
chat._sync_engine()

def ask():
    while time.time() < float(until):
        chat("Hello")

async def one():
    while time.time() < float(until):
        await chat.acall("Hello")

async def several():
    await asyncio.gather(*(one() for _ in range(8)))

if door == "async":
    asyncio.run(several())
else:
    crowd = [threading.Thread(target=ask) for _ in range(4)]
    for thread in crowd: thread.start()
    for thread in crowd: thread.join()
"""


@pytest.fixture
def name() -> str:
    """A limit of the test's own."""
    return uuid.uuid4().hex


def most_in_a_window(instants: list[float], period: float) -> int:
    return max(sum(start <= each < start + period for each in instants) for start in instants)


def test_no_window_of_the_server_is_too_full_and_hardly_any_is_not_full(
    scripted_server: ScriptedServer, redis_url: str, name: str
) -> None:
    scripted_server.always(answer("Hi"))
    rate, period, seconds = 15, 1.0, 5.0
    until = time.time() + seconds
    values = [scripted_server.url, redis_url, name, str(rate), str(period), str(until)]
    crowd = [
        subprocess.Popen([sys.executable, "-c", CHILD, *values, door])
        for door in ("sync", "async", "sync")
    ]
    assert [child.wait(20) for child in crowd] == [0, 0, 0]
    instants = [each.at for each in scripted_server.requests]
    # The server's log has when a request had come, which is a moment after its turn.
    assert most_in_a_window(instants, period * 0.9) <= rate
    measured = [each for each in instants if each < instants[0] + 3 * period]
    assert len(measured) >= 0.95 * 3 * rate


def test_threads_wait_their_turn(redis_url: str, name: str) -> None:
    limiter = RedisRateLimiter(redis_url, 5, 0.3, name=name)
    waits = [limiter.acquire() for _ in range(11)]
    assert max(waits[:5]) < 0.1
    assert 0.5 < sum(waits) < 1.2


def test_tasks_wait_their_turn_also_in_a_second_loop(redis_url: str, name: str) -> None:
    limiter = RedisRateLimiter(redis_url, 2, 0.2, name=name)

    async def several() -> list[float]:
        return await asyncio.gather(*(limiter.aacquire() for _ in range(4)))

    began = time.monotonic()
    asyncio.run(several())
    asyncio.run(several())
    assert 0.55 < time.monotonic() - began < 2


def test_two_names_are_two_limits(redis_url: str, name: str) -> None:
    for each in (name, name + "2"):
        assert RedisRateLimiter(redis_url, 1, 30, name=each).acquire() < 1


def test_one_name_is_one_limit(redis_url: str, name: str) -> None:
    limiters = [RedisRateLimiter(redis_url, 1, 0.3, name=name) for _ in range(2)]
    assert limiters[0].acquire() < 0.1
    assert limiters[1].acquire() > 0.2


def test_a_cancelled_wait_gives_its_turn_back(redis_url: str, name: str) -> None:
    limiter = RedisRateLimiter(redis_url, 1, 0.6, name=name)

    async def give_up() -> None:
        await limiter.aacquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limiter.aacquire(), 0.1)
        await asyncio.sleep(0.1)

    asyncio.run(give_up())
    assert limiter.acquire() < 0.6


def test_an_interrupted_thread_gives_its_turn_back(
    redis_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = RedisRateLimiter(redis_url, 1, 0.6, name=name)
    limiter.acquire()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            limiter.acquire()
    assert limiter.acquire() < 0.65


def test_the_keys_are_forgotten_when_they_say_nothing_any_more(redis_url: str, name: str) -> None:
    limiter = RedisRateLimiter(redis_url, 2, 0.1, name=name)
    limiter.acquire()
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys(f"*{name}*")
        assert 0 < client.pttl(key) < 2000


def test_a_client_of_ones_own_serves_both_doors(
    redis_url: str, name: str, door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(answer("Hi"))
    with redis.Redis.from_url(redis_url) as client:
        chat = door(rate_limit=RedisRateLimiter(client, 10, 0.2, name=name))
        assert chat.call("Hello").text == "Hi"


def test_an_async_client_serves_async_methods_only(redis_url: str, name: str) -> None:
    async def run() -> None:
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            limiter = RedisRateLimiter(client, 1, 0.2, name=name)
            await limiter.aacquire()
            assert await limiter.aacquire() > 0.1
            with pytest.raises(ValidationError, match="URL"):
                limiter.acquire()

    asyncio.run(run())


def test_without_redis_nothing_is_sent(door: Doors, scripted_server: ScriptedServer) -> None:
    chat = door(rate_limit=RedisRateLimiter(NOWHERE, 10, name="account"))
    with pytest.raises(LexiluxConnectionError, match=r"'account'.*Nothing was sent"):
        chat.call("Hello")
    assert scripted_server.requests == []


def test_a_url_that_makes_no_sense_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError, match="redis://") as caught:
        RedisRateLimiter("http://user:hunter2@host", 10)
    assert "hunter2" not in str(caught.value)


def test_repr_shows_no_address() -> None:
    limiter = RedisRateLimiter("redis://:hunter2@127.0.0.1:1", 10, 60, name="account")
    assert repr(limiter) == "RedisRateLimiter(max_rate=10, time_period=60, name='account')"


@pytest.mark.parametrize(("rate", "period"), [(0, 1.0), (float("nan"), 1.0), (1, 0), (1, -1)])
def test_a_rate_that_makes_no_sense_is_refused(rate: float, period: float) -> None:
    with pytest.raises(ValidationError, match="rate_limit"):
        RedisRateLimiter(NOWHERE, rate, period)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"lexilux_like\[redis\]"):
        RedisRateLimiter(NOWHERE, 10)


def test_a_limiter_of_ones_own_is_taken(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("Hi"))

    class Mine:
        asked = 0

        def acquire(self) -> float:
            self.asked += 1
            return 0.0

        async def aacquire(self) -> float:
            return self.acquire()

    mine = Mine()
    door(rate_limit=mine).call("Hello")
    assert mine.asked == 1


@pytest.mark.parametrize("limit", [5, "5/s", [1, 2, 3]])
def test_what_is_no_limiter_is_refused(limit: object) -> None:
    with pytest.raises(ValidationError, match="rate_limit is"):
        Chat(base_url="http://127.0.0.1:1/v1", rate_limit=limit)
