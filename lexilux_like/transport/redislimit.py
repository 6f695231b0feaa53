"""Admission for many processes and machines: the turns are kept by a Redis server."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from ..values.errors import LexiluxConnectionError, ValidationError
from .fork import in_children
from .ratelimit import checked_rate

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    Client: TypeAlias = redis.Redis | redis.asyncio.Redis

SOCKET_TIMEOUT_S = 5.0
"""Of clients that are made from a URL: how long Redis may take to answer."""
AHEAD = 64
"""At most so many turns are booked in advance by the threads of a process, and by each event
loop: what a killed process has booked is lost to all."""
MARGIN = 0.02
"""How much longer the window is than asked for: requests take their time to arrive."""

SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, period, back = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local function text(number) return string.format('%.0f', number) end
local function keep(key, until_then)
  redis.call('PEXPIRE', key, text((until_then - now + period) / 1000 + 1000))
end
if back ~= '' then
  redis.call('ZADD', KEYS[2], back, ARGV[4])
  keep(KEYS[2], tonumber(back))
  return {back, text(now)}
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. text(now))
local free = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if free[1] then
  redis.call('ZREM', KEYS[2], free[1])
  return {text(tonumber(free[2])), text(now)}
end
local turn = now
if redis.call('LLEN', KEYS[1]) >= most then
  turn = math.max(now, tonumber(redis.call('LINDEX', KEYS[1], -most)) + period)
end
redis.call('RPUSH', KEYS[1], text(turn))
redis.call('LTRIM', KEYS[1], -most, -1)
keep(KEYS[1], turn)
return {text(turn), text(now)}
"""
"""Books the next turn, or gives one back; instants are microseconds of the server's clock."""


class RedisRateLimiter:
    """`RateLimiter` for all processes and machines that give the same server, name and rate.

    No window of `time_period` seconds has more than `max_rate` turns, by the clock of the Redis
    server; windows are 2 percent longer than asked for, as requests take their time to arrive.
    Turns are given in the order of asking. Where Redis does not answer nothing is sent.

    Args:
        server: A URL (`redis://`, `rediss://`, `unix://`), or a client of your own, which you
            close. A `redis.Redis` serves the sync and the async methods, in threads; a
            `redis.asyncio.Redis` serves the async methods of its event loop.
        max_rate: Requests, at least 1.
        time_period: Seconds, more than 0.
        name: Who shares the limit: the account, for example.

    Raises:
        ValidationError: One of them is out of bounds.
        ImportError: redis is not installed: `pip install "lexilux_like[redis]"`.
    """

    def __init__(
        self,
        server: str | Client,
        max_rate: float,
        time_period: float = 60.0,
        *,
        name: str = "default",
    ) -> None:
        self.max_rate, self.time_period = checked_rate(max_rate, time_period)
        self.name = name
        self._given = server
        self._keys = [f"lexilux_like:{{{name}}}:{what}" for what in ("turns", "free")]
        self._rate = (self.max_rate, round(self.time_period * (1 + MARGIN) * 1_000_000))
        self._after_fork()
        in_children(self._after_fork)

    def _after_fork(self) -> None:
        """Connections are not shared with a forked child."""
        self._book, self._awaits = _scripts(self._given)
        self._ahead = threading.Semaphore(AHEAD)
        self._lock = threading.Lock()
        self._aheads: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )
        self._leaving: set[asyncio.Future[Any]] = set()

    def acquire(self) -> float:
        """Block until one more request is within the rate; returns the seconds waited.

        Raises:
            LexiluxConnectionError: Redis did not answer. Nothing was sent.
            ValidationError: The client is async.
        """
        if self._awaits:
            raise ValidationError("an async Redis client serves async methods only: give a URL")
        began = time.monotonic()
        with self._ahead:
            turn, wait_s = self._booked(self._ask)
            try:
                time.sleep(wait_s)
            except BaseException:
                self._ask(turn)
                raise
        return time.monotonic() - began

    async def aacquire(self) -> float:
        """`acquire`, async."""
        began = time.monotonic()
        async with self._ahead_here():
            booking = asyncio.ensure_future(self._aask())
            try:
                _, wait_s = _turn(await asyncio.shield(booking))
                await asyncio.sleep(wait_s)
            except asyncio.CancelledError:
                self._leave(booking)
                raise
            except Exception as error:
                raise self._away(error) from error
        return time.monotonic() - began

    def _booked(self, ask: Callable[[], Any]) -> tuple[str, float]:
        try:
            return _turn(ask())
        except Exception as error:
            raise self._away(error) from error

    def _ask(self, back: str = "") -> Any:
        return self._book(keys=self._keys, args=[*self._rate, back, uuid.uuid4().hex])

    async def _aask(self, back: str = "") -> Any:
        if not self._awaits:
            return await asyncio.to_thread(self._ask, back)
        reply: Awaitable[Any] = self._ask(back)
        return await reply

    def _leave(self, booking: asyncio.Future[Any]) -> None:
        """Give the turn back as soon as it is known, behind the back of who was cancelled."""

        async def give_back() -> None:
            try:
                turn, _ = _turn(await booking)
                await self._aask(turn)
            except Exception:  # noqa: BLE001, S110 - the turn is lost, which costs one request
                pass

        task = asyncio.ensure_future(give_back())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _ahead_here(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._aheads:
                self._aheads[loop] = asyncio.Semaphore(AHEAD)
            return self._aheads[loop]

    def _away(self, error: Exception) -> LexiluxConnectionError:
        return LexiluxConnectionError(
            f"the rate limit {self.name!r} could not be asked for: Redis failed with"
            f" {type(error).__name__}. Nothing was sent; check that the server is up"
        )

    def __repr__(self) -> str:
        rate = f"max_rate={self.max_rate}, time_period={self.time_period:g}"
        return f"RedisRateLimiter({rate}, name={self.name!r})"


def _turn(reply: Any) -> tuple[str, float]:
    """A booked turn as Redis spells it, and the seconds until it."""
    turn, now = (int(each) for each in reply)
    return str(turn), max(0.0, (turn - now) / 1_000_000)


def _scripts(server: str | Client) -> tuple[Callable[..., Any], bool]:
    """The script, and whether its replies are to be awaited."""
    try:
        import redis  # noqa: PLC0415 - an optional extra
        from redis.asyncio import Redis as AsyncRedis  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            'a RedisRateLimiter needs redis: pip install "lexilux_like[redis]"'
        ) from error
    if isinstance(server, str):
        limits: dict[str, Any] = {
            "socket_timeout": SOCKET_TIMEOUT_S,
            "socket_connect_timeout": SOCKET_TIMEOUT_S,
        }
        try:
            made: Any = redis.Redis  # its keywords have no types
            server = made.from_url(server, **limits)
        except ValueError as error:
            raise ValidationError(
                "the Redis URL begins with redis://, rediss:// or unix://"
            ) from error
    client: Any = server
    return client.register_script(SCRIPT), isinstance(server, AsyncRedis)
