"""The default engine's connections: one to each request at a time, used again, then given up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from lexilux_like import Chat
from lexilux_like.testing import ScriptedServer, answer, stream
from lexilux_like.transport import pool


def test_requests_one_after_the_other_share_a_connection(scripted_server: ScriptedServer):
    scripted_server.play(*[answer("hi")] * 3)
    with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
        for _ in range(3):
            chat("x")
        assert len(engine_of(chat)._pools) == 1


def test_idle_connections_are_given_up_by_a_later_request(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "KEEPALIVE_S", 0.1)
    scripted_server.play(*[answer("hi")] * 5)

    async def main() -> tuple[int, int]:
        async with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
            await asyncio.gather(*(chat.acall("x") for _ in range(4)))
            (engine,) = chat._engines.values()
            many = len(pools_of(engine))
            await asyncio.sleep(0.15)
            await chat.acall("x")
            return many, len(pools_of(engine))

    assert asyncio.run(main()) == (4, 1)


def test_idle_connections_of_threads_are_given_up_too(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "KEEPALIVE_S", 0.05)
    scripted_server.play(*[answer("hi")] * 2)
    with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
        chat("x")
        (first,) = engine_of(chat)._pools
        time.sleep(0.1)
        chat("x")
        assert engine_of(chat)._pools.isdisjoint({first})
        assert first.connections == []


def test_a_pool_without_a_connection_is_not_kept(scripted_server: ScriptedServer):
    scripted_server.play(stream(*"abc"))
    with Chat(base_url=scripted_server.url, model="m", engine="httpx") as chat:
        with chat.stream("x") as chunks:
            next(chunks)
        assert not engine_of(chat)._pools
        assert not engine_of(chat)._idle


def engine_of(chat: Chat) -> Any:
    return chat._engine


def pools_of(engine: Any) -> Any:
    return engine._pools
