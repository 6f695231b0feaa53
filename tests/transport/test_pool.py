"""The default engine's connections: one to each request at a time, used again, then given up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import anyio
import pytest

from lexilux_like import Chat
from lexilux_like.testing import (
    Cut,
    Pause,
    Raw,
    Reply,
    ScriptedServer,
    Stall,
    answer,
    raw_reply,
    stream,
)
from lexilux_like.transport import pool


def test_requests_one_after_the_other_share_a_connection(scripted_server: ScriptedServer):
    scripted_server.play(*[answer("hi")] * 3)
    with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
        for _ in range(3):
            chat("x")
        assert len(engine_of(chat)._connections) == 1


def test_idle_connections_are_given_up_by_a_later_request(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "KEEPALIVE_S", 0.1)
    scripted_server.play(*[answer("hi")] * 5)

    async def main() -> tuple[int, int]:
        async with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
            await asyncio.gather(*(chat.acall("x") for _ in range(4)))
            (engine,) = chat._engines.values()
            many = len(connections_of(engine))
            await asyncio.sleep(0.15)
            await chat.acall("x")
            return many, len(connections_of(engine))

    assert asyncio.run(main()) == (4, 1)


def test_idle_connections_of_threads_are_given_up_too(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "KEEPALIVE_S", 0.05)
    scripted_server.play(*[answer("hi")] * 2)
    with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
        chat("x")
        (first,) = engine_of(chat)._connections
        time.sleep(0.1)
        chat("x")
        assert engine_of(chat)._connections.isdisjoint({first})
        assert first.is_closed()


def test_a_connection_that_cannot_be_used_again_is_not_kept(scripted_server: ScriptedServer):
    scripted_server.play(stream(*"abc"))
    with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
        with chat.stream("x") as chunks:
            next(chunks)
        assert not engine_of(chat)._connections
        assert not engine_of(chat)._idle


def test_connections_that_their_server_gave_up_are_all_dropped(scripted_server: ScriptedServer):
    late = Raw(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
    closing = raw_reply(Raw(plain(answer("a"))), Pause(0.02), late, Cut())
    scripted_server.play(closing, closing, closing, answer("b"))

    async def main() -> tuple[str, int]:
        async with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
            await asyncio.gather(*(chat.acall("x") for _ in range(3)))
            await asyncio.sleep(0.1)
            text = (await chat.acall("x")).text
            (engine,) = chat._engines.values()
            return text, len(connections_of(engine))

    assert asyncio.run(main()) == ("b", 1)


def test_a_stream_left_in_a_cancelled_scope_leaves_no_connection(scripted_server: ScriptedServer):
    scripted_server.play(stream("a", end=Stall(5)))

    async def main() -> int:
        async with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
            with anyio.CancelScope() as scope:
                async with chat.astream("x") as chunks:
                    await anext(chunks)
                    scope.cancel()
            (engine,) = chat._engines.values()
            return len(connections_of(engine))

    assert asyncio.run(main()) == 0


def plain(reply: Reply) -> bytes:
    """A whole answer as bytes of HTTP."""
    body = reply.body or b""
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def engine_of(chat: Chat) -> Any:
    return chat._engine


def connections_of(engine: Any) -> Any:
    return engine._connections
