"""What becomes of a batch that its caller leaves."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import Maps, eventually

from lexilux_like import Chat, ChatResult, ValidationError
from lexilux_like.batch import open_journal
from lexilux_like.batch.batches import THREAD
from lexilux_like.batch.inputs import Entry
from lexilux_like.batch.options import planned
from lexilux_like.batch.run import Run
from lexilux_like.testing import (
    Reply,
    ScriptedServer,
    Stall,
    answer,
)

FIRST = replace(answer("first"), head_delay=0.1)
"""Late enough for the others to be asked, too."""
PROMPTS = [f"prompt {n}" for n in range(40)]


def threads() -> set[threading.Thread]:
    """Those of batches."""
    return {each for each in threading.enumerate() if each.name.startswith(THREAD)}


def test_nothing_is_asked_before_the_first_outcome_is_wanted(maps: Maps, echoing: ScriptedServer):
    batch = maps.open(PROMPTS)
    time.sleep(0.05)
    batch.close()
    assert echoing.requests == []


def test_a_closed_batch_is_at_its_end(maps: Maps, echoing: ScriptedServer):
    batch = maps.open(PROMPTS)
    batch.next()
    batch.close()
    assert batch.next() is None
    batch.close()


def test_leaving_cancels_what_is_queued_and_in_flight(maps: Maps, scripted_server: ScriptedServer):
    before = threads()
    scripted_server.play(FIRST)
    scripted_server.always(Reply(head_delay=5.0))
    batch = maps.open(PROMPTS, concurrency=4, ordered=False)
    assert batch.next() is not None
    assert scripted_server.wait_for_requests(4)
    began = time.monotonic()
    batch.close()
    assert time.monotonic() - began < 1
    assert eventually(lambda: scripted_server.open_connections == 0)
    assert len(scripted_server.requests) <= 1 + 4
    assert threads() <= before


def test_a_break_leaves_no_thread_behind(scripted_server: ScriptedServer):
    before = threads()
    scripted_server.play(FIRST)
    scripted_server.always(Reply(steps=[Stall()]))
    with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
        for _ in chat.map(PROMPTS, concurrency=4, ordered=False):
            break
        gc.collect()
        assert eventually(lambda: threads() <= before)


def test_a_break_leaves_no_task_behind(scripted_server: ScriptedServer):
    scripted_server.play(FIRST)
    scripted_server.always(Reply(steps=[Stall()]))

    async def left() -> set[asyncio.Task[Any]]:
        chat = Chat(base_url=scripted_server.url, model="m", proxies={})
        async for _ in chat.amap(PROMPTS, concurrency=4, ordered=False):
            break
        gc.collect()
        for _ in range(20):
            await asyncio.sleep(0.01)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await chat.aclose()
        return others

    assert asyncio.run(left()) == set()


def test_an_exception_in_the_loop_ends_the_batch(scripted_server: ScriptedServer):
    scripted_server.play(FIRST)
    scripted_server.always(Reply(steps=[Stall()]))
    chat = Chat(base_url=scripted_server.url, model="m", proxies={})
    batch = chat.map(PROMPTS, concurrency=4, ordered=False)
    with pytest.raises(RuntimeError, match="mine"), batch:
        _fail(next(batch))
    chat.close()
    assert eventually(lambda: scripted_server.open_connections == 0)


def _fail(outcome: object) -> None:
    raise RuntimeError(f"mine, not of {outcome}")


def test_a_break_lets_the_journal_go(scripted_server: ScriptedServer, journal_path: Path):
    scripted_server.play(FIRST)
    scripted_server.always(Reply(steps=[Stall()]))
    with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
        for _ in chat.map(PROMPTS, concurrency=4, ordered=False, journal=journal_path):
            break
        assert eventually(lambda: is_free(journal_path))


def test_an_async_break_lets_the_journal_go(scripted_server: ScriptedServer, journal_path: Path):
    scripted_server.play(FIRST)
    scripted_server.always(Reply(steps=[Stall()]))

    async def freed() -> bool:
        async with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
            batch = chat.amap(PROMPTS, concurrency=4, ordered=False, journal=journal_path)
            async for _ in batch:
                break
            del batch
            for _ in range(20):
                await asyncio.sleep(0.01)
            return is_free(journal_path)

    assert asyncio.run(freed())


def is_free(path: Path) -> bool:
    try:
        open_journal(path).close()
    except ValidationError:
        return False
    return True


def test_an_answer_that_comes_while_a_batch_is_closed_is_kept(
    scripted_server: ScriptedServer, journal_path: Path
):
    plan = planned({"journal": journal_path}, model="m")
    run = Run(plan, Never(), None)
    job = run.take(Entry("x"))
    assert job is not None
    run.hang_up()
    run.settle(job, result=ChatResult(text="late"))
    run.close()
    outcome = Run(plan, Never(), None)
    assert outcome.take(Entry("x")) is None
    outcome.close()


class Never:
    """Asks nobody."""

    def __call__(self, *_: object) -> Any:
        raise AssertionError("it was asked")
