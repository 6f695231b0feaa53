"""Against a provider with real limits: no refusal, and hardly anything left unused."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable

import pytest
from limited import TOKENS, Bucket, Provider

from lexilux_like import (
    Chat,
    LexiluxConnectionError,
    LexiluxTimeoutError,
    Pacer,
    RateLimitError,
    ValidationError,
)
from lexilux_like.testing import ScriptedServer, answer, late, refuse
from lexilux_like.testing.door import Doors
from lexilux_like.transport.watch import UNLIMITED
from lexilux_like.wire.limits import Expected

SECONDS = 1.7
ASKED = Expected("m", 10.0, None)


def limits(kind: str) -> tuple[Bucket, Bucket | None]:
    """50 requests a second, or tokens for 50."""
    fixed = kind.endswith("window")
    if kind.startswith("tokens"):
        return Bucket(500, 1.0, fixed), Bucket(50 * TOKENS, 1.0, fixed)
    return Bucket(50, 1.0, fixed), None


def hammer(chat: Chat, until: float, *, threads: int, tasks: int, streamed: bool = False) -> None:
    """Ask without a pause, from threads and from tasks of one loop; any error is raised."""
    failures: list[BaseException] = []

    def asking() -> None:
        try:
            while time.monotonic() < until:
                if streamed:
                    for _ in chat.stream("Say hello to Alice."):
                        pass
                else:
                    chat("Say hello to Alice.")
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)

    async def one() -> None:
        while time.monotonic() < until:
            await chat.acall("Say hello to Alice.")

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(tasks)))

    crowd = [threading.Thread(target=asking) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    if tasks:
        asyncio.run(many())
    for thread in crowd:
        thread.join(20)
    if failures:
        raise failures[0]


@pytest.mark.parametrize("kind", ["requests", "requests in a window", "tokens", "tokens, window"])
@pytest.mark.parametrize(
    ("threads", "tasks"), [(16, 0), (0, 24), (8, 12)], ids=["threads", "tasks", "both"]
)
def test_nothing_is_refused_and_95_percent_are_used(
    scripted_server: ScriptedServer, kind: str, threads: int, tasks: int
) -> None:
    requests, tokens = limits(kind)
    provider = Provider(requests, tokens)
    scripted_server.always(provider)
    chat = Chat(base_url=scripted_server.url, model="m", proxies={}, pacing=True)
    until = time.monotonic() + SECONDS
    hammer(chat, until, threads=threads, tasks=tasks)
    chat.close()
    began, done = provider.accepted[0], sum(each <= until for each in provider.accepted)
    allowed = requests.allowed(began, until)
    if tokens is not None:
        allowed = min(allowed, tokens.allowed(began, until) / TOKENS)
    assert provider.refused == []
    assert done >= 0.95 * allowed


def test_streams_are_paced_too(scripted_server: ScriptedServer) -> None:
    requests, tokens = limits("tokens")
    provider = Provider(requests, tokens)
    scripted_server.always(provider)
    chat = Chat(base_url=scripted_server.url, model="m", proxies={}, pacing=True)
    until = time.monotonic() + 1.3
    hammer(chat, until, threads=8, tasks=0, streamed=True)
    chat.close()
    assert provider.refused == []
    assert tokens is not None
    assert len(provider.accepted) * TOKENS >= 0.95 * tokens.allowed(provider.accepted[0], until)


def test_two_clients_of_one_account_share_a_pacer(scripted_server: ScriptedServer) -> None:
    provider = Provider(Bucket(20, 1.0))
    scripted_server.always(provider)
    pacer = Pacer()
    options = {"base_url": scripted_server.url, "model": "m", "proxies": {}, "pacing": pacer}
    chats = [Chat(**options) for _ in range(2)]
    until = time.monotonic() + 1.2
    crowd = [
        threading.Thread(target=hammer, args=(chat, until), kwargs={"threads": 4, "tasks": 0})
        for chat in chats
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(20)
    for chat in chats:
        chat.close()
    assert provider.refused == []


def test_without_pacing_there_are_refusals(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(Provider(Bucket(3, 30.0)))
    chat = door()
    for _ in range(3):
        chat.call("Hello")
    with pytest.raises(RateLimitError):
        chat.call("Hello")


def test_the_wait_is_not_counted_against_time_limits(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Provider(Bucket(2, 0.5, fixed=True)))
    chat = door(pacing=True, timeout_s=0.2, first_content_timeout_s=0.2, deadline_s=0.2)
    for _ in range(3):
        chat.call("Hello")
    chat.stream("Hello")


def test_a_time_limit_still_strikes(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(late(answer("Hi"), seconds=0.25))
    chat = door(pacing=True, read_timeout_s=0.1)
    with pytest.raises(LexiluxTimeoutError):
        chat.call("Hello")


def test_one_refusal_stops_everybody_once(scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(429, "slow down", retry_after_ms=300))
    scripted_server.always(answer("Hi"))
    chat = Chat(base_url=scripted_server.url, model="m", proxies={}, pacing=True, max_retries=1)
    began = time.monotonic()
    chat("first")
    crowd = [threading.Thread(target=chat, args=("others",)) for _ in range(5)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(5)
    chat.close()
    later = [each.at - began for each in scripted_server.requests[1:]]
    assert len(later) == 6
    assert min(later) >= 0.3
    assert max(later) < 0.9


def test_a_connection_that_cannot_be_made_gives_its_place_back() -> None:
    chat = Chat(base_url="http://127.0.0.1:1/v1", model="m", proxies={}, pacing=True)
    for _ in range(8):  # more than may go at once
        with pytest.raises(LexiluxConnectionError):
            chat("Hello")
    chat.close()


def test_abandoned_streams_give_their_places_back(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Provider(Bucket(100, 1.0), Bucket(1000 * TOKENS, 1.0)))
    chat = door(pacing=True)
    for _ in range(8):
        opened = chat.open_stream("Hello")
        opened.next_chunk()
        del opened
    pace = chat.chat._pacer._lines["m"].pace
    assert chat.is_async or not pace._open  # the loop has to run to close its own
    chat.call("Hello")
    assert not pace._open
    assert pace.without_head == 0


def waiting(pacer: Pacer, count: int) -> bool:
    """Whether so many wait within a second."""
    for _ in range(200):
        if sum(not each.gone for each in pacer._lines["m"].waiting) == count:
            return True
        time.sleep(0.005)
    return False


def crowded() -> Pacer:
    """A pacer whose first few are under way, so that the next one has to wait."""
    pacer = Pacer()
    for _ in range(4):
        pacer.acquire(ASKED, UNLIMITED)
    return pacer


def test_who_asked_first_goes_first() -> None:
    pacer, order = Pacer(), []
    first = [pacer.acquire(ASKED, UNLIMITED) for _ in range(4)]

    def asking(number: int) -> None:
        permit = pacer.acquire(ASKED, UNLIMITED)
        order.append(number)
        pacer.close(permit)

    crowd = [threading.Thread(target=asking, args=(number,)) for number in range(8)]
    for count, thread in enumerate(crowd, 1):
        thread.start()
        assert waiting(pacer, count)
    pacer.close(first[0])
    for thread in crowd:
        thread.join(5)
    assert order == sorted(order)


def test_a_cancelled_task_does_not_hold_up_who_asked_later() -> None:
    pacer = crowded()

    async def run() -> None:
        gone = asyncio.create_task(pacer.aacquire(ASKED, UNLIMITED))
        await asyncio.sleep(0)
        stays = asyncio.create_task(pacer.aacquire(ASKED, UNLIMITED))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        pacer.close(next(iter(pacer._lines["m"].pace._open)))
        await asyncio.wait_for(stays, 0.3)
        assert gone.cancelled()

    asyncio.run(run())


def test_a_permit_that_came_with_the_cancellation_is_given_back() -> None:
    pacer = crowded()

    async def run() -> None:
        task = asyncio.create_task(pacer.aacquire(ASKED, UNLIMITED))
        await asyncio.sleep(0.01)
        pacer.close(next(iter(pacer._lines["m"].pace._open)))
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())
    assert pacer._lines["m"].pace.without_head == 3


def test_a_loop_that_was_closed_holds_nobody_up() -> None:
    pacer = crowded()
    loop = asyncio.new_event_loop()
    coroutine = pacer.aacquire(ASKED, UNLIMITED)
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    pacer.close(next(iter(pacer._lines["m"].pace._open)))
    assert pacer.acquire(ASKED, UNLIMITED).pace.without_head == 4
    task._log_destroy_pending = False
    coroutine.close()


def test_models_do_not_wait_for_each_other() -> None:
    pacer = crowded()
    assert pacer.acquire(Expected("other", 1.0, None), UNLIMITED)


def test_the_garbage_collector_may_close_while_the_lock_is_held() -> None:
    pacer = crowded()
    permit = next(iter(pacer._lines["m"].pace._open))
    with pacer._held():
        pacer.close(permit)
    assert permit.closed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_begins_anew() -> None:
    pacer = crowded()
    with pacer._lock:
        child = os.fork()
        if child == 0:
            pacer.acquire(ASKED, UNLIMITED)
            os._exit(0)
        _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.mark.parametrize("pacing", ["yes", 2, [1]])
def test_pacing_that_makes_no_sense_is_refused(pacing: object) -> None:
    make: Callable[..., Chat] = Chat
    with pytest.raises(ValidationError, match="Pacer"):
        make(base_url="http://127.0.0.1:1/v1", pacing=pacing)
