"""Reading on an event loop, byte for byte, off one end of a socket pair."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

import pytest

from lexilux_like.transport import fast_async
from lexilux_like.transport.fast_async import Exchange, Line, Lines
from lexilux_like.transport.fast_errors import ReadTimeout
from lexilux_like.transport.fast_sync import Origin
from lexilux_like.transport.watch import Watch
from lexilux_like.values.timeouts import Timeouts

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@asynccontextmanager
async def asked(lines: Lines, watch: Watch) -> AsyncIterator[tuple[socket.socket, Exchange]]:
    """The server's end of a connection, and a response whose head has come over it."""
    ours, theirs = socket.socketpair()
    with theirs:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lines._line, sock=ours)
        exchange = Exchange(lines, line, watch)
        theirs.sendall(HEAD)
        await exchange.ask(b"GET / HTTP/1.1\r\n\r\n", b"", bodiless=False)
        yield theirs, exchange
        await exchange.aclose()
        await line.lost()


def origin() -> Lines:
    return Lines(Origin("127.0.0.1", 1, None))


def test_connections_that_share_a_buffer_keep_their_bytes_apart() -> None:
    async def go() -> tuple[bytes, bytes]:
        lines = origin()
        async with (
            asked(lines, Watch(Timeouts())) as (a, one),
            asked(lines, Watch(Timeouts())) as (b, other),
        ):
            a.sendall(b"3\r\nabc\r\n")
            b.sendall(b"3\r\nxyz\r\n")
            await asyncio.sleep(0.02)
            return await one.read(), await other.read()

    assert asyncio.run(go()) == (b"abc", b"xyz")


def silence_after(first_s: float, second_s: float) -> float:
    """Seconds that a second read waits for its limit, after a first one with another limit."""

    async def go() -> float:
        watch = Watch(Timeouts())
        async with asked(origin(), watch) as (server, exchange):
            loop = asyncio.get_running_loop()
            loop.call_soon(server.sendall, b"1\r\na\r\n")
            with watch.hurried(first_s):
                await exchange.read()
            began = time.monotonic()
            with watch.hurried(second_s), pytest.raises(ReadTimeout):
                await exchange.read()
            return time.monotonic() - began

    return asyncio.run(go())


def test_a_limit_that_is_nearer_than_the_last_one_strikes_in_time() -> None:
    assert 0.05 <= silence_after(3, 0.05) < 1


def test_a_limit_that_is_farther_than_the_last_one_does_not_strike_early() -> None:
    assert 0.2 <= silence_after(0.05, 0.2) < 1


def calls_of(reads: int) -> Counter[str]:
    """Python calls in the engine, by name, while so many pieces are waited for and read."""
    counted: Counter[str] = Counter()
    engine = fast_async.__file__.removesuffix("async.py")

    def count(frame: FrameType, event: str, _argument: object) -> None:
        counted[frame.f_code.co_name] += event == "call" and (
            frame.f_code.co_filename.startswith(engine)
        )

    async def go() -> None:
        async with asked(origin(), Watch(Timeouts(read_timeout_s=60))) as (server, exchange):
            loop = asyncio.get_running_loop()
            sys.setprofile(count)
            for _ in range(reads):
                loop.call_soon(server.sendall, b"1\r\na\r\n")
                assert await exchange.read() == b"a"
            sys.setprofile(None)

    asyncio.run(go())
    return counted


def test_a_read_that_waits_takes_few_calls() -> None:
    few, many = calls_of(10), calls_of(110)
    assert (many - few).total() / 100 <= 9


def test_one_timer_serves_many_reads() -> None:
    assert calls_of(50)[Line._tick_in.__name__] <= 1
