"""`chat.map` and `chat.amap`: order, concurrency, laziness, and what holds for every item."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from batches import LONG, Gauge, Maps, echo, in_parts, prompt_of

from lexilux_like import (
    Chat,
    ChatHistory,
    LexiluxError,
    NotFoundError,
)
from lexilux_like.testing import (
    Cut,
    RecordedRequest,
    Reply,
    ScriptedServer,
    answer,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.door import Doors

PROMPTS = [f"prompt {n}" for n in range(40)]


def texts(outcomes: Any) -> list[str]:
    return [outcome.result.text for outcome in outcomes]


def test_outcomes_come_in_the_order_of_the_items(maps: Maps, scripted_server: ScriptedServer):
    def later_is_faster(request: RecordedRequest) -> Reply:
        time.sleep(0.05 if prompt_of(request).endswith("0") else 0)
        return echo(request)

    scripted_server.always(later_is_faster)
    outcomes = maps(PROMPTS)
    assert texts(outcomes) == [prompt.upper() for prompt in PROMPTS]
    assert [outcome.index for outcome in outcomes] == [*range(40)]
    assert [outcome.item for outcome in outcomes] == PROMPTS


def test_unordered_outcomes_come_as_they_are_done(maps: Maps, scripted_server: ScriptedServer):
    release = threading.Event()

    def first_waits(request: RecordedRequest) -> Reply:
        if prompt_of(request) == PROMPTS[0]:
            release.wait(5)
        return echo(request)

    scripted_server.always(first_waits)
    batch = maps.open(PROMPTS[:10], ordered=False, concurrency=2)
    early = [batch.next() for _ in range(9)]
    release.set()
    assert {outcome.index for outcome in early if outcome} == {*range(1, 10)}
    assert [outcome.index for outcome in batch.rest()] == [0]


def test_at_most_concurrency_requests_are_in_flight(maps: Maps, gauge: Gauge):
    maps(PROMPTS, concurrency=5)
    assert gauge.most == 5


def test_one_at_a_time_is_possible(maps: Maps, gauge: Gauge):
    maps(PROMPTS[:5], concurrency=1)
    assert gauge.most == 1


@pytest.mark.parametrize("ordered", [True, False])
def test_an_endless_input_is_taken_as_needed(maps: Maps, echoing: ScriptedServer, ordered: bool):
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in itertools.count(1):
            yield f"p{taken}"

    batch = maps.open(endless(), concurrency=3, ordered=ordered)
    for _ in range(10):
        assert batch.next() is not None
    batch.close()
    assert taken <= 10 + 4 * 3


def test_one_slow_item_holds_a_stated_number_of_finished_ones(
    maps: Maps, scripted_server: ScriptedServer
):
    release = threading.Event()

    def first_waits(request: RecordedRequest) -> Reply:
        if prompt_of(request) == PROMPTS[0]:
            release.wait(5)
        return echo(request)

    scripted_server.always(first_waits)
    batch = maps.open(PROMPTS, concurrency=2)
    timer = threading.Timer(0.2, release.set)
    timer.start()
    assert batch.next() is not None
    timer.join()
    asked_while_it_was_slow = batch.totals.done - 1
    assert asked_while_it_was_slow <= 4 * 2
    assert len(batch.rest()) == 39


class Row(dict[str, Any]):
    """One that can be looked after."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.mark.parametrize("ordered", [True, False])
def test_what_was_handed_out_is_not_kept(maps: Maps, echoing: ScriptedServer, ordered: bool):
    kept: weakref.WeakSet[Row] = weakref.WeakSet()

    def rows() -> Iterator[Row]:
        for prompt in PROMPTS * 5:
            row = Row(prompt=prompt)
            kept.add(row)
            yield row

    batch, most = maps.open(rows(), concurrency=2, ordered=ordered), 0
    while batch.next() is not None:
        most = max(most, len(kept))
    assert most <= 4 * 2 + 4  # and the ones that a thread, the iterator and this test hold


def test_an_error_is_an_outcome_and_the_rest_goes_on(maps: Maps, scripted_server: ScriptedServer):
    def refuses_some(request: RecordedRequest) -> Reply:
        if prompt_of(request).endswith("3"):
            return refuse(404, "no such model")
        return echo(request)

    scripted_server.always(refuses_some)
    batch = maps.open(PROMPTS)
    outcomes = batch.rest()
    failed = [outcome for outcome in outcomes if not outcome.ok]
    assert [outcome.index for outcome in failed] == [3, 13, 23, 33]
    assert all(isinstance(outcome.error, NotFoundError) for outcome in failed)
    assert (batch.totals.ok, batch.totals.failed, batch.totals.done) == (36, 4, 40)


def test_an_error_carries_the_part_that_had_come(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.play(stream("half an ", "answer", end=Cut()))
    scripted_server.always(refuse(500, "down"))
    (outcome,) = maps(["x"], method="complete")
    assert isinstance(outcome.error, LexiluxError)
    assert outcome.error.partial is not None
    assert outcome.error.partial.text == "half an answer"


def test_the_totals_add_up_the_usage(maps: Maps, echoing: ScriptedServer):
    batch = maps.open(PROMPTS)
    batch.rest()
    assert (batch.totals.usage.input_tokens, batch.totals.usage.output_tokens) == (40, 80)


def test_totals_count_what_is_not_whole(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.always(answer("cut", finish_reason="length"))
    batch = maps.open(PROMPTS[:3])
    batch.rest()
    assert (batch.totals.ok, batch.totals.incomplete) == (3, 3)


def test_what_the_input_raises_comes_after_all_outcomes_before_it(
    maps: Maps, echoing: ScriptedServer
):
    def broken() -> Iterator[str]:
        yield from PROMPTS[:3]
        raise RuntimeError("the database is gone")

    batch = maps.open(broken())
    assert texts(batch.next() for _ in range(3)) == ["PROMPT 0", "PROMPT 1", "PROMPT 2"]
    with pytest.raises(RuntimeError, match="the database is gone"):
        batch.next()
    assert batch.next() is None


def test_retries_hold_for_every_item(door: Doors, scripted_server: ScriptedServer):
    scripted_server.play(refuse(429, "slow down", retry_after=0), answer("late"))
    (outcome,) = Maps(door(max_retries=1))(["x"])
    assert outcome.result is not None
    assert outcome.result.text == "late"


def test_the_rate_limit_holds_for_all_items_together(door: Doors, echoing: ScriptedServer):
    began = time.monotonic()
    Maps(door(rate_limit=(5, 0.2)))(PROMPTS[:11])
    assert time.monotonic() - began >= 0.4


def test_a_deadline_is_each_item_s(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.play(Reply(head_delay=2.0))
    scripted_server.always(echo)
    outcomes = maps(PROMPTS[:3], deadline_s=0.2, concurrency=1)
    assert [outcome.ok for outcome in outcomes] == [False, True, True]
    assert isinstance(outcomes[0].error, TimeoutError)


def test_complete_goes_on_where_an_answer_was_cut(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.always(in_parts)
    (outcome,) = maps(["x"], method="complete", expect="json", max_tokens=300)
    assert outcome.result is not None
    assert outcome.result.text == LONG
    assert outcome.result.continues > 0


def test_a_batch_of_histories_is_possible(maps: Maps, echoing: ScriptedServer):
    history = ChatHistory(["earlier"], system="Be brief.")
    (outcome,) = maps([history])
    assert outcome.result is not None
    assert [each["role"] for each in echoing.requests[0].json["messages"]] == ["system", "user"]


def test_amap_hands_out_what_is_done_while_its_input_waits(echoing: ScriptedServer):
    async def conversation() -> list[str]:
        said: asyncio.Queue[str] = asyncio.Queue()
        said.put_nowait("one")

        async def items() -> Any:
            while (prompt := await said.get()) != "FOUR":
                yield prompt

        heard = []
        async with Chat(base_url=echoing.url, model="m", proxies={}) as chat:
            async for outcome in chat.amap(items()):
                assert outcome.result is not None
                heard.append(outcome.result.text)
                said.put_nowait({"ONE": "two", "TWO": "three"}.get(heard[-1], "FOUR"))
        return heard

    assert asyncio.run(asyncio.wait_for(conversation(), 5)) == ["ONE", "TWO", "THREE"]


def test_one_chat_serves_two_batches_at_once(echoing: ScriptedServer):
    with Chat(base_url=echoing.url, model="m", proxies={}) as chat:
        both = zip(chat.map(PROMPTS), chat.map(PROMPTS), strict=True)
        assert all(texts([one]) == texts([other]) for one, other in both)


def test_a_tool_call_is_a_result_and_is_not_run(maps: Maps, scripted_server: ScriptedServer):
    def never() -> str:
        raise AssertionError("it was run")

    calls = [tool_call("never", {})]
    scripted_server.always(answer(None, tool_calls=calls, finish_reason="tool_calls"))
    (outcome,) = maps(["x"], tools=[never])
    assert outcome.result is not None
    assert outcome.result.status == "tool_calls"


def test_what_a_callback_raises_is_that_item_s_error(maps: Maps, scripted_server: ScriptedServer):
    def broken(*_: object) -> None:
        raise KeyError("mine")

    scripted_server.always(in_parts)
    (outcome,) = maps(["x"], method="complete", expect="json", max_tokens=300, on_progress=broken)
    assert isinstance(outcome.error, KeyError)
