"""Who gives a connection back, when, and who may share one `Chat`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import ssl
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from lexilux_like import (
    AsyncStreamingIterator,
    Chat,
    LexiluxConnectionError,
    LexiluxError,
    ValidationError,
)
from lexilux_like.testing import (
    Pause,
    Raw,
    Reply,
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


def chat_for(server: ScriptedServer, **options: object) -> Chat:
    return Chat(**{"base_url": server.url, "api_key": "test-key", "model": "m", **options})


def eventually(claim: Callable[[], bool], timeout: float = 2.0) -> bool:
    end = time.monotonic() + timeout
    while not claim():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def test_calls_share_one_connection(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("a"), stream("b"), answer("c"))
    asked = door()
    assert [asked.call("x").text, asked.stream("x").result.text, asked.call("x").text] == [*"abc"]
    assert scripted_server.connections == 1


def test_stopping_at_the_last_chunk_keeps_the_connection(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("a"), answer("b"))
    asked = door()
    opened = asked.open_stream("x")
    while not (piece := opened.next_chunk()) or not piece.done:
        pass
    opened.close()
    assert asked.call("x").text == "b"
    assert scripted_server.connections == 1


def test_leaving_a_stream_hangs_up(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b", end=Stall(5)), answer("next"))
    asked = door()
    opened = asked.open_stream("x")
    opened.next_chunk()
    opened.close()
    assert scripted_server.wait_for_disconnect()
    assert asked.call("x").text == "next"


def test_a_closed_stream_is_over(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b", end=Stall(5)))
    opened = door().open_stream("x")
    opened.next_chunk()
    opened.close()
    opened.close()
    assert opened.next_chunk() is None
    assert (opened.result.text, opened.result.status) == ("a", "unannounced")


def test_a_stream_that_is_closed_before_its_first_chunk_sends_nothing(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    opened = door().open_stream("x")
    opened.close()
    assert opened.next_chunk() is None
    assert scripted_server.requests == []


def test_an_exception_in_a_with_block_hangs_up(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", end=Stall(5)))

    def consume(chat: Chat) -> None:
        with chat.stream("x") as chunks:
            raise KeyError(next(chunks).delta)

    with chat_for(scripted_server) as chat, pytest.raises(KeyError):
        consume(chat)
    assert scripted_server.wait_for_disconnect()


def test_a_dropped_stream_hangs_up_and_the_chat_goes_on(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", end=Stall(5)), answer("next"))
    with chat_for(scripted_server) as chat:
        chunks = chat.stream("x")
        next(chunks)
        del chunks
        gc.collect()
        assert scripted_server.wait_for_disconnect()
        assert chat("x").text == "next"


def test_a_stream_collected_inside_the_next_request_does_not_deadlock(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.always(stream("a", "b"))
    threshold = gc.get_threshold()
    with chat_for(scripted_server) as chat:
        gc.set_threshold(1, 1, 1)  # the collector runs in the middle of the pool's work
        try:
            for _ in range(20):
                chunks = chat.stream("x")
                next(chunks)
                loop = [chunks]
                loop.append(loop)  # only the collector can free it
                del chunks, loop
        finally:
            gc.set_threshold(*threshold)
        assert "".join(c.delta for c in chat.stream("x")) == "ab"


def test_a_dropped_async_stream_hangs_up(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", end=Stall(5)), answer("next"))

    async def go() -> str:
        async with chat_for(scripted_server) as chat:
            chunks = chat.astream("x")
            await anext(chunks)
            del chunks
            gc.collect()
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            return (await chat.acall("x")).text

    assert asyncio.run(go()) == "next"


def test_leaving_an_async_loop_inside_its_block_hangs_up(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b", end=Stall(5)))

    async def go() -> bool:
        chat = chat_for(scripted_server)
        async with chat.astream("x") as chunks:
            async for _ in chunks:
                break
        return await asyncio.to_thread(scripted_server.wait_for_disconnect)

    assert asyncio.run(go())


@pytest.mark.parametrize("streamed", [False, True])
def test_cancelling_hangs_up_and_the_chat_goes_on(
    scripted_server: ScriptedServer, streamed: bool
) -> None:
    scripted_server.play(
        stream("a", end=Stall(5)) if streamed else raw_reply(Stall(5)), answer("b")
    )

    async def ask(chat: Chat) -> None:
        if not streamed:
            await chat.acall("x")
        async for _ in chat.astream("x"):
            pass

    async def go() -> str:
        async with chat_for(scripted_server) as chat:
            task = asyncio.create_task(ask(chat))
            await asyncio.to_thread(scripted_server.wait_for_requests, 1)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            return (await chat.acall("x")).text

    assert asyncio.run(go()) == "b"


def test_another_thread_can_stop_a_stream_that_waits(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", end=Stall(5)))
    with chat_for(scripted_server) as chat:
        chunks = chat.stream("x")
        next(chunks)
        threading.Timer(0.05, chunks.close).start()
        began = time.monotonic()
        assert list(chunks) == []
        assert time.monotonic() - began < 2
    assert scripted_server.wait_for_disconnect()


@pytest.mark.parametrize("reply", [raw_reply(Stall(5)), events(b": on\n\n", Stall(5))])
def test_a_stream_that_was_stopped_is_not_tried_again(
    scripted_server: ScriptedServer, reply: Reply
) -> None:
    scripted_server.always(reply)

    async def stop(chat: Chat) -> object:
        chunks = chat.astream("x")
        asyncio.get_running_loop().call_later(
            0.05, lambda: closing.append(asyncio.ensure_future(chunks.aclose()))
        )
        return await anext(chunks, "over")

    closing: list[asyncio.Future[None]] = []
    with chat_for(scripted_server, max_retries=3) as chat:
        chunks = chat.stream("x")
        threading.Timer(0.05, chunks.close).start()
        assert next(chunks, "over") == "over"
        assert asyncio.run(asyncio.wait_for(stop(chat), 2)) == "over"
    assert len(scripted_server.requests) == 2


def test_another_thread_can_stop_a_stream_whose_head_has_not_come(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.play(raw_reply(Stall(5)))
    began = time.monotonic()
    with chat_for(scripted_server) as chat:
        chunks = chat.stream("x")
        threading.Timer(0.05, chunks.close).start()
        assert list(chunks) == []
        assert scripted_server.wait_for_disconnect()
        assert time.monotonic() - began < 2


def test_another_task_can_stop_a_stream_whose_head_has_not_come(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.play(raw_reply(Stall(5)))

    async def go() -> list[object]:
        async with chat_for(scripted_server) as chat:
            chunks = chat.astream("x")
            rest = asyncio.create_task(collect(chunks))
            await asyncio.to_thread(scripted_server.wait_for_requests, 1)
            await chunks.aclose()
            read = await rest
            assert await asyncio.to_thread(scripted_server.wait_for_disconnect)
            return read

    async def collect(chunks: AsyncStreamingIterator) -> list[object]:
        return [chunk async for chunk in chunks]

    assert asyncio.run(asyncio.wait_for(go(), 3)) == []


def test_another_task_can_stop_a_stream_that_waits(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", end=Stall(5)))

    async def go() -> list[str]:
        async with chat_for(scripted_server) as chat:
            chunks = chat.astream("x")
            await anext(chunks)
            asyncio.get_running_loop().call_later(
                0.05, lambda: closing.append(asyncio.ensure_future(chunks.aclose()))
            )
            rest = [chunk.delta async for chunk in chunks]
            await closing[0]
            return rest

    closing: list[asyncio.Future[None]] = []
    assert asyncio.run(asyncio.wait_for(go(), 3)) == []


def test_astream_can_be_awaited_first(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b"))

    async def go() -> list[str]:
        async with chat_for(scripted_server) as chat:
            return [c.delta async for c in await chat.astream("x") if c.delta]

    assert asyncio.run(go()) == ["a", "b"]


def test_one_chat_serves_one_event_loop_after_the_other(scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("hi"))
    chat = chat_for(scripted_server)
    assert [asyncio.run(chat.acall("x")).text for _ in range(3)] == ["hi"] * 3


def test_connections_close_with_their_event_loop(scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("hi"))
    chat = chat_for(scripted_server)
    asyncio.run(chat.acall("x"))
    assert eventually(lambda: scripted_server.open_connections == 0)


def test_one_chat_serves_several_event_loops_at_once(scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("hi"))
    chat = chat_for(scripted_server)

    async def several() -> list[str]:
        return [r.text for r in await asyncio.gather(*(chat.acall("x") for _ in range(10)))]

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: asyncio.run(several()), range(4)))
    assert texts == [["hi"] * 10] * 4


def test_one_chat_serves_many_threads(scripted_server: ScriptedServer) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))
    with chat_for(scripted_server) as chat, ThreadPoolExecutor(16) as pool:
        asked = [f"question {i}" for i in range(100)]
        assert list(pool.map(lambda q: chat(q).text, asked)) == asked


def test_a_thousand_calls_at_once_all_succeed(scripted_server: ScriptedServer) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))

    async def go() -> list[str]:
        async with chat_for(scripted_server) as chat:
            calls = (chat.acall(str(i)) for i in range(1000))
            return [result.text for result in await asyncio.gather(*calls)]

    assert asyncio.run(go()) == [str(i) for i in range(1000)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_never_shares_a_connection(scripted_server: ScriptedServer) -> None:
    scripted_server.always(lambda r: answer(r.json["messages"][0]["content"]))
    with chat_for(scripted_server) as chat:
        assert chat("parent").text == "parent"
        child = os.fork()
        if child == 0:
            ok = chat("child").text == "child" and asyncio.run(chat.acall("loop")).text == "loop"
            os._exit(0 if ok else 1)
        assert [chat(f"parent {i}").text for i in range(5)] == [f"parent {i}" for i in range(5)]
        assert os.waitpid(child, 0)[1] == 0
    by_connection: dict[int, set[str]] = {}
    for request in scripted_server.requests:
        who = request.json["messages"][0]["content"].split()[0]
        by_connection.setdefault(request.connection, set()).add(who)
    assert all(len(who) == 1 for who in by_connection.values()), by_connection


def test_an_answer_that_came_too_early_is_not_given_to_the_next_call(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    body = b'{"choices":[{"message":{"content":"%b"},"finish_reason":"stop"}]}'
    one, two = body % b"first", body % b"stale"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    both = head % len(one) + one + head % len(two) + two
    scripted_server.play(raw_reply(Raw(both), Stall(1)))
    scripted_server.always(answer("fresh"))
    asked = door()
    assert asked.call("x").text == "first"
    # Some engines see it at once and take another connection, others when they are asked again.
    with contextlib.suppress(LexiluxConnectionError):
        assert asked.call("x").text == "fresh"
    assert asked.call("x").text == "fresh"
    assert scripted_server.connections == 2


def test_a_server_that_holds_the_socket_open_after_done_does_not_hold_us(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(events(done=True).then(Stall(5)), stream("b"))
    asked = door()
    began = time.monotonic()
    asked.stream("x")
    assert time.monotonic() - began < 1
    assert asked.stream("x").result.text == "b"


def test_data_after_done_count_for_nothing_and_spoil_no_connection(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    late = Pause(0.005), Send(sse(chunk({"content": "late"})))
    scripted_server.play(stream("a").then(*late, *late), answer("b"))
    asked = door()
    assert asked.stream("x").result.text == "a"
    assert asked.call("x").text == "b"
    assert scripted_server.connections == 1


def test_a_closed_chat_says_so(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("hi"))
    asked = door()
    asked.call("x")
    asked.chat.close()
    asked.chat.close()
    with pytest.raises(ValidationError, match="closed"):
        asked.call("x")
    with pytest.raises(ValidationError, match="closed"):
        asked.stream("x")


def test_aclose_closes_this_loops_connections_and_is_idempotent(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.always(answer("hi"))

    async def go() -> None:
        chat = chat_for(scripted_server)
        await chat.acall("x")
        await chat.aclose()
        await chat.aclose()
        with pytest.raises(ValidationError, match="closed"):
            await chat.acall("x")

    asyncio.run(go())
    assert eventually(lambda: scripted_server.open_connections == 0)


def test_nothing_is_connected_before_the_first_request() -> None:
    chat = Chat(base_url="http://127.0.0.1:1/v1", model="m")
    chat.close()


def test_no_server_is_a_connection_error(door: Doors) -> None:
    with pytest.raises(LexiluxConnectionError, match="check base_url") as caught:
        door(base_url="http://127.0.0.1:1/v1").call("x")
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.retryable


def tls_contexts() -> tuple[ssl.SSLContext, trustme.CA]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, authority


@pytest.mark.parametrize("is_async", [False, True])
def test_tls_with_a_certificate_authority_of_ones_own(
    tmp_path_factory: pytest.TempPathFactory, is_async: bool
) -> None:
    context, authority = tls_contexts()
    pem = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    with (
        ScriptedServer(answer("safe"), stream("safe"), tls=context) as server,
        Doors(server.url, is_async=is_async) as door,
    ):
        asked = door(verify=pem)
        assert asked.call("x").text == asked.stream("x").result.text == "safe"


@pytest.mark.parametrize("is_async", [False, True])
def test_an_unknown_certificate_is_refused_and_never_retried(is_async: bool) -> None:
    context, _ = tls_contexts()
    with (
        ScriptedServer(tls=context) as server,
        Doors(server.url, is_async=is_async) as door,
    ):
        with pytest.raises(LexiluxConnectionError, match="verify=") as caught:
            door(max_retries=2).call("x")
        assert not caught.value.retryable
        assert server.requests == []


def test_verify_false_takes_any_certificate() -> None:
    context, _ = tls_contexts()
    with (
        ScriptedServer(answer("hi"), tls=context) as server,
        Doors(server.url, is_async=False) as door,
    ):
        assert door(verify=False).call("x").text == "hi"


def test_an_interrupt_from_the_keyboard_passes_and_hangs_up(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.play(stream("a", end=Stall(5)))
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    with chat_for(scripted_server) as chat:
        chunks = chat.stream("x")
        next(chunks)
        main = threading.main_thread().ident or 0
        timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            next(chunks)
        timer.join()
        assert scripted_server.wait_for_disconnect()


def test_a_chat_that_is_dropped_closes_its_connections_and_warns_of_nothing(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.always(answer("hi"))
    chat = chat_for(scripted_server)
    chat("x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del chat
        gc.collect()
    assert eventually(lambda: scripted_server.open_connections == 0)


def test_a_stream_outlives_the_chat_that_began_it(scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b", gap_s=0.02))
    chunks = chat_for(scripted_server).stream("x")
    gc.collect()
    assert "".join(chunk.delta for chunk in chunks) == "ab"


def test_no_exception_is_left_unraised_by_the_collector(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    scripted_server.play(stream("a", end=Stall(5)))
    chat = chat_for(scripted_server)
    chunks = chat.stream("x")
    next(chunks)
    chat.close()
    del chunks, chat
    gc.collect()
    assert unraised == []


def test_every_failure_is_one_of_ours(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(raw_reply(Raw(b"SSH-2.0-OpenSSH_9.2\r\n")))
    with pytest.raises(LexiluxError):
        door().call("x")
