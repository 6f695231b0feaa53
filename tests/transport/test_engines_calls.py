"""What every engine keeps around a response: time, TLS, cancelling, sharing, replacing."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trustme

from lexilux_like import Chat, LexiluxConnectionError, LexiluxTimeoutError, NetworkError
from lexilux_like.testing import (
    Cut,
    Pause,
    Raw,
    Reset,
    ScriptedServer,
    Send,
    Stall,
    answer,
    chunk,
    events,
    raw_reply,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors
from lexilux_like.testing.script import End
from lexilux_like.transport.endpoint import Endpoint
from lexilux_like.transport.engine import Opened
from lexilux_like.transport.fast import FastEngine
from lexilux_like.transport.route import Route
from lexilux_like.transport.selection import EngineName
from lexilux_like.transport.watch import Watch
from lexilux_like.values.timeouts import Timeouts

COMMENT = b": on\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
DRIP = [step for _ in range(60) for step in (Raw(b"x-a: b\r\n"), Pause(0.03))]


@pytest.fixture
def chat(scripted_server: ScriptedServer, engine: EngineName) -> Iterator[Chat]:
    with Chat(base_url=scripted_server.url, model="m", engine=engine, proxies={}) as made:
        yield made


SLOW: dict[str, tuple[Any, dict[str, float]]] = {
    "silence before the head": (raw_reply(Stall(5)), {"read_timeout_s": 0.1}),
    "a head that drips": (raw_reply(Raw(HEAD), *DRIP), {"read_timeout_s": 0.15}),
    "silence in the body": (stream("a", end=Stall(5)), {"read_timeout_s": 0.1}),
    "comments before content": (
        events(*[COMMENT] * 60, gap_s=0.03),
        {"first_content_timeout_s": 0.15},
    ),
    "comments after content": (
        events(chunk({"content": "a"}), *[COMMENT] * 60, gap_s=0.03),
        {"idle_timeout_s": 0.15},
    ),
    "content without end": (stream(*["a"] * 60, gap_s=0.03), {"deadline_s": 0.15}),
    "a deadline in the head": (raw_reply(Raw(HEAD), *DRIP), {"deadline_s": 0.1}),
}


@pytest.mark.parametrize("case", SLOW)
def test_each_limit_strikes_alone_and_says_its_name(
    every_door: Doors, scripted_server: ScriptedServer, case: str
) -> None:
    reply, limits = SLOW[case]
    [(name, limit)] = limits.items()
    scripted_server.play(reply)
    began = time.monotonic()
    with pytest.raises(LexiluxTimeoutError) as caught:
        every_door(**({"timeout_s": None} | limits)).stream("x")
    assert limit * 0.9 < time.monotonic() - began < limit + 1
    assert (caught.value.timeout, caught.value.limit_s) == (name, limit)
    assert scripted_server.wait_for_disconnect()


def test_a_tls_handshake_that_hangs_strikes_the_connect_timeout(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    silent = scripted_server.url.replace("http://", "https://")
    with pytest.raises(LexiluxTimeoutError) as caught:
        every_door(base_url=silent, timeout_s=None, connect_timeout_s=0.1).call("x")
    assert caught.value.timeout == "connect_timeout_s"


def test_without_limits_a_slow_answer_is_waited_for(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("a", "b", gap_s=0.05))
    assert every_door(timeout_s=None).stream("x").result.text == "ab"


# TLS.


@pytest.fixture
def secure(every_door: Doors) -> Iterator[tuple[Doors, ScriptedServer, trustme.CA]]:
    """Doors to a server with a certificate for 127.0.0.1."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ScriptedServer(tls=context) as server:
        every_door.base_url = server.url
        yield every_door, server, authority


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_tls_serves_calls_and_streams_on_one_connection(
    secure: tuple[Doors, ScriptedServer, trustme.CA],
) -> None:
    doors, server, authority = secure
    server.play(answer("a"), stream(*["bc"] * 3000), answer("d"))
    asked = doors(verify=trusting(authority))
    assert asked.call("x").text == "a"
    assert asked.stream("x").result.text == "bc" * 3000
    assert asked.call("x" * 300_000).text == "d"
    assert server.connections == 1


def test_an_unknown_authority_is_refused(secure: tuple[Doors, ScriptedServer, trustme.CA]) -> None:
    doors, server, _ = secure
    with pytest.raises(LexiluxConnectionError, match="certificate was not accepted") as caught:
        doors(verify=trusting(trustme.CA())).call("x")
    assert not caught.value.retryable
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused(
    secure: tuple[Doors, ScriptedServer, trustme.CA],
) -> None:
    doors, server, authority = secure
    with pytest.raises(LexiluxConnectionError, match="certificate was not accepted"):
        doors(
            base_url=server.url.replace("127.0.0.1", "localhost"), verify=trusting(authority)
        ).call("x")


def test_verify_false_takes_any_certificate(
    secure: tuple[Doors, ScriptedServer, trustme.CA],
) -> None:
    doors, server, _ = secure
    server.play(answer("a"))
    assert doors(verify=False).call("x").text == "a"


def test_the_server_is_told_which_host_is_meant(every_door: Doors) -> None:
    authority, named = trustme.CA(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.sni_callback = lambda _sock, name, _context: named.append(name)
    with ScriptedServer(answer("a"), tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert every_door(base_url=url, verify=trusting(authority)).call("x").text == "a"
    assert named == ["localhost"]


def test_a_stream_over_tls_that_is_left_hangs_up(
    secure: tuple[Doors, ScriptedServer, trustme.CA],
) -> None:
    doors, server, authority = secure
    server.play(stream("a", end=Stall(5)))
    opened = doors(verify=trusting(authority)).open_stream("x")
    opened.next_chunk()
    opened.close()
    assert server.wait_for_disconnect()


# Kept connections.


def test_an_idle_connection_is_not_used_for_ever(
    every_door: Doors, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lexilux_like.transport.fast_shelf.KEEPALIVE_S", 0.02)
    monkeypatch.setattr("lexilux_like.transport.pool.KEEPALIVE_S", 0.02)
    scripted_server.always(answer("a"))
    asked = every_door()
    asked.call("x")
    time.sleep(0.05)
    asked.call("x")
    assert scripted_server.connections == 2


@pytest.mark.parametrize("end", [Cut(), Reset()])
def test_a_kept_connection_that_closes_while_it_is_asked_is_replaced(
    every_door: Doors, scripted_server: ScriptedServer, end: End
) -> None:
    scripted_server.play(answer("a"), raw_reply(end), answer("b"))
    asked = every_door(max_retries=0)
    assert [asked.call("x").text for _ in range(2)] == ["a", "b"]


def test_a_kept_connection_that_closed_meanwhile_is_not_asked(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    body = answer("a").body or b""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    scripted_server.play(raw_reply(Raw(head + body), Cut()), answer("b"))
    asked = every_door(max_retries=0)
    assert asked.call("x").text == "a"
    time.sleep(0.05)
    assert asked.call("x").text == "b"
    assert len(scripted_server.requests) == 2


def test_a_body_that_goes_on_after_done_is_not_waited_for(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(events(sse(chunk({}, finish_reason="stop"))).then(Stall(5)), answer("b"))
    asked = every_door()
    began = time.monotonic()
    asked.stream("x")
    assert time.monotonic() - began < 0.5
    assert asked.call("x").text == "b"
    assert scripted_server.connections == 2


def test_a_body_of_which_there_is_always_more_is_not_waited_for() -> None:
    late = time.monotonic() + 1

    def read() -> bytes:
        assert time.monotonic() < late
        return COMMENT

    endpoint = Endpoint("http://127.0.0.1:1/v1", api_key=None, headers=None)
    engine = FastEngine(Route(endpoint, proxies={}, verify=True))
    engine.drain(Opened(200, {}, read, engine.close, None), Watch(Timeouts()))


def test_a_body_that_ends_soon_after_done_leaves_its_connection(
    every_door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("a").then(Pause(0.005), Send(COMMENT)), answer("b"))
    asked = every_door()
    assert asked.stream("x").result.text == "a"
    assert asked.call("x").text == "b"
    assert scripted_server.connections == 1


# Stopping.


@pytest.mark.parametrize("streamed", [False, True])
def test_cancelling_hangs_up(chat: Chat, scripted_server: ScriptedServer, streamed: bool) -> None:
    scripted_server.play(stream("a", end=Stall(5)) if streamed else raw_reply(Stall(5)))

    async def ask() -> None:
        async for _ in chat.astream("x"):
            pass

    async def go() -> bool:
        task = asyncio.create_task(ask())
        await asyncio.to_thread(scripted_server.wait_for_requests, 1)
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())


@pytest.mark.parametrize("reply", [raw_reply(Stall(5)), stream("a", end=Stall(5))])
def test_another_thread_stops_a_stream(
    chat: Chat, scripted_server: ScriptedServer, reply: Any
) -> None:
    scripted_server.play(reply)
    chunks = chat.stream("x")
    threading.Timer(0.05, chunks.close).start()
    began = time.monotonic()
    assert [each.delta for each in chunks if each.delta] in ([], ["a"])
    assert time.monotonic() - began < 2
    assert scripted_server.wait_for_disconnect()


@pytest.mark.parametrize("engine", ["fast"], indirect=True)  # httpcore's reader may sleep on
@pytest.mark.parametrize("reply", [raw_reply(Stall(5)), stream("a", end=Stall(5))])
def test_closing_the_chat_ends_what_another_thread_reads(
    chat: Chat, scripted_server: ScriptedServer, reply: Any
) -> None:
    scripted_server.play(reply)
    threading.Timer(0.05, chat.close).start()
    began = time.monotonic()
    with pytest.raises(NetworkError, match="closed"):
        list(chat.stream("x"))
    assert time.monotonic() - began < 2


def test_a_stream_stopped_on_a_kept_connection_is_not_asked_again(
    scripted_server: ScriptedServer, engine: EngineName
) -> None:
    scripted_server.play(answer("a"), raw_reply(Stall(5)), raw_reply(Stall(5)))
    with Chat(base_url=scripted_server.url, model="m", engine=engine, proxies={}) as chat:
        chat("x")
        chunks = chat.stream("x")
        threading.Timer(0.05, chunks.close).start()
        began = time.monotonic()
        assert list(chunks) == []
        assert time.monotonic() - began < 2
    assert len(scripted_server.requests) == 2


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads here")
def test_an_interrupt_hangs_up(chat: Chat, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("loaded"), raw_reply(Stall(5)))
    chat("x")  # loads what a first call loads, which may take longer than the timer
    main = threading.main_thread().ident or 0
    timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        chat("x")
    timer.join()
    assert scripted_server.wait_for_disconnect()


def test_streams_left_to_the_collector_neither_block_nor_leak(
    chat: Chat, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(stream("a", "b"))
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(10):
            ring: list[Any] = [chat.stream("x")]
            next(ring[0])
            ring.append(ring)
            del ring
    finally:
        gc.set_threshold(*threshold)
    assert "".join(each.delta for each in chat.stream("x")) == "ab"


# Sharing.


def test_many_threads_share_a_chat(chat: Chat, scripted_server: ScriptedServer) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))
    asked = [f"question {i}" for i in range(200)]
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(lambda question: chat(question).text, asked)) == asked


def test_event_loops_share_a_chat(chat: Chat, scripted_server: ScriptedServer) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))

    async def several(start: int) -> list[str]:
        calls = (chat.acall(f"{start + i}") for i in range(10))
        return [result.text for result in await asyncio.gather(*calls)]

    with ThreadPoolExecutor(3) as pool:
        texts = list(pool.map(lambda start: asyncio.run(several(start)), [0, 10, 20]))
    assert sum(texts, asyncio.run(several(30))) == [str(i) for i in [*range(30, 40), *range(30)]]


def test_a_thousand_calls_at_once_succeed(chat: Chat, scripted_server: ScriptedServer) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))

    async def go() -> list[str]:
        calls = (chat.acall(str(i), timeout_s=20) for i in range(1000))
        return [result.text for result in await asyncio.gather(*calls)]

    assert asyncio.run(go()) == [str(i) for i in range(1000)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(
    chat: Chat, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))
    chat("parent")
    child = os.fork()
    if child == 0:
        os._exit(0 if chat("child").text == "child" else 1)
    assert [chat(f"parent {i}").text for i in range(5)] == [f"parent {i}" for i in range(5)]
    assert os.waitpid(child, 0)[1] == 0
    by_connection: dict[int, set[str]] = {}
    for request in scripted_server.requests:
        who = request.json["messages"][0]["content"].split()[0]
        by_connection.setdefault(request.connection, set()).add(who)
    assert all(len(who) == 1 for who in by_connection.values())
