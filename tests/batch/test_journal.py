"""The journal: what it keeps, what a second run takes from it, and what it refuses."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from batches import Maps, echo, eventually, prompt_of
from pydantic import BaseModel

from lexilux_like import ChatIncompleteResponseError, RateLimitError, ValidationError
from lexilux_like.batch import BatchStoppedError, open_journal
from lexilux_like.testing import RecordedRequest, Reply, ScriptedServer, refuse, stream
from lexilux_like.testing.door import Doors

PROMPTS = [f"prompt {n}" for n in range(12)]


class Person(BaseModel):
    name: str


def flags(outcomes: Any) -> list[bool]:
    return [outcome.resumed for outcome in outcomes]


def test_a_second_run_asks_nothing_again(maps: Maps, echoing: ScriptedServer, journal_path: Path):
    first = maps(PROMPTS, journal=journal_path)
    batch = maps.open(PROMPTS, journal=journal_path)
    second = batch.rest()
    assert [each.result for each in second] == [each.result for each in first]
    assert all(flags(second))
    assert len(echoing.requests) == 12
    assert (batch.totals.resumed, batch.totals.usage.input_tokens) == (12, None)
    assert batch.totals.resumed_usage.input_tokens == 12


def test_only_what_is_new_is_asked(maps: Maps, echoing: ScriptedServer, journal_path: Path):
    maps(PROMPTS[:5], journal=journal_path)
    outcomes = maps([*reversed(PROMPTS)], journal=journal_path)
    assert flags(outcomes) == [False] * 7 + [True] * 5
    assert len(echoing.requests) == 12


def test_equal_items_are_each_asked_once(maps: Maps, echoing: ScriptedServer, journal_path: Path):
    maps(["same"] * 3, journal=journal_path)
    assert flags(maps(["same"] * 5, journal=journal_path)) == [True] * 3 + [False] * 2
    assert len(echoing.requests) == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"temperature": 1},
        {"model": "n"},
        {"system": "Be brief."},
        {"extra": {"top_k": 1}},
        {"method": "complete"},
        {"reasoning": True},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_decides_the_answer_asks_again(
    door: Doors, echoing: ScriptedServer, journal_path: Path, changed: dict[str, Any]
):
    maps = Maps(door())
    maps(["x"], journal=journal_path)
    assert flags(maps(["x"], journal=journal_path, **changed)) == [False]
    assert flags(maps(["x"], journal=journal_path)) == [True]


@pytest.mark.parametrize(
    "changed",
    [{"headers": {"x-trace": "1"}}, {"timeout_s": 9.0}, {"concurrency": 3}, {"deadline_s": 9.0}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_does_not_decide_the_answer_asks_nothing(
    maps: Maps, echoing: ScriptedServer, journal_path: Path, changed: dict[str, Any]
):
    maps(["x"], journal=journal_path)
    assert flags(maps(["x"], journal=journal_path, **changed)) == [True]


def test_a_changed_item_with_the_same_id_is_asked_again(
    maps: Maps, echoing: ScriptedServer, journal_path: Path
):
    maps([{"id": "a", "prompt": "old"}], journal=journal_path)
    (outcome,) = maps([{"id": "a", "prompt": "new"}], journal=journal_path)
    assert outcome.result is not None
    assert (outcome.result.text, outcome.resumed) == ("NEW", False)


def test_equal_prompts_with_different_ids_are_different_items(
    maps: Maps, echoing: ScriptedServer, journal_path: Path
):
    maps([{"id": "a", "prompt": "x"}], journal=journal_path)
    assert flags(maps([{"id": "b", "prompt": "x"}], journal=journal_path)) == [False]


def test_failed_items_are_asked_again(
    maps: Maps, scripted_server: ScriptedServer, journal_path: Path
):
    scripted_server.play(refuse(429, "slow down"))
    maps(["x"], journal=journal_path)
    scripted_server.always(echo)
    (outcome,) = maps(["x"], journal=journal_path)
    assert (outcome.ok, outcome.resumed) == (True, False)
    assert flags(maps(["x"], journal=journal_path)) == [True]


def test_failed_items_can_be_left_as_they_are(
    maps: Maps, scripted_server: ScriptedServer, journal_path: Path
):
    scripted_server.play(refuse(429, "slow down", retry_after=7))
    (first,) = maps(["x"], journal=journal_path)
    (outcome,) = maps(["x"], journal=journal_path, retry_failed=False)
    assert isinstance(outcome.error, RateLimitError)
    assert outcome.resumed
    assert str(outcome.error) == str(first.error)
    assert (outcome.error.status_code, outcome.error.retry_after) == (429, 7)
    assert len(scripted_server.requests) == 1


def test_the_part_of_an_answer_that_failed_is_kept(
    maps: Maps, scripted_server: ScriptedServer, journal_path: Path
):
    scripted_server.always(stream("a part of it", finish_reason="length"))
    maps(["x"], journal=journal_path, method="complete", max_continues=0)
    (outcome,) = maps(
        ["x"], journal=journal_path, method="complete", max_continues=0, retry_failed=False
    )
    assert isinstance(outcome.error, ChatIncompleteResponseError)
    assert outcome.error.final_result is not None
    assert outcome.error.final_result.text == "a part of it"
    assert outcome.error.reason == "max_continues"


def test_a_value_comes_back_as_its_type(
    maps: Maps, scripted_server: ScriptedServer, journal_path: Path
):
    scripted_server.always(stream('{"name": "Ann"}'))
    maps(["who?"], journal=journal_path, response_format=Person)
    (outcome,) = maps(["who?"], journal=journal_path, response_format=Person)
    assert outcome.resumed
    assert outcome.result is not None
    assert outcome.result.parsed == Person(name="Ann")


def test_what_came_and_was_not_handed_out_is_in_the_journal(
    maps: Maps, scripted_server: ScriptedServer, journal_path: Path
):
    def first_comes_last(request: RecordedRequest) -> Reply:
        if prompt_of(request) == PROMPTS[0]:
            eventually(lambda: batch.totals.done == 11)
        return echo(request)

    scripted_server.always(first_comes_last)
    batch = maps.open(PROMPTS, journal=journal_path, concurrency=3)
    batch.next()
    batch.close()
    assert all(flags(maps(PROMPTS, journal=journal_path)))
    assert len(scripted_server.requests) == 12


def test_neither_key_nor_headers_are_in_a_journal(
    door: Doors, scripted_server: ScriptedServer, journal_path: Path
):
    scripted_server.play(refuse(401, "the key sk-secret-1 is wrong"))
    scripted_server.always(echo)
    items = [{"prompt": f"p{n}", "headers": {"x-token": "hush"}} for n in range(3)]
    Maps(door(api_key="sk-secret-1"))(items, journal=journal_path, headers={"x-other": "psst"})
    kept = b"".join(each.read_bytes() for each in journal_path.parent.iterdir())
    assert sum(each in kept for each in (b"P0", b"P1", b"P2")) == 2
    assert not [each for each in (b"sk-secret", b"hush", b"psst") if each in kept]


def test_a_second_run_on_one_journal_is_refused(
    maps: Maps, echoing: ScriptedServer, journal_path: Path
):
    first = maps.open(PROMPTS, journal=journal_path)
    first.next()
    second = maps.open(PROMPTS, journal=journal_path)
    with pytest.raises(ValidationError, match="in use by another run"):
        second.next()
    assert len(first.rest()) == 11
    assert len(maps(PROMPTS, journal=journal_path)) == 12


def test_an_open_journal_serves_one_run_after_the_other(
    maps: Maps, echoing: ScriptedServer, journal_path: Path
):
    with open_journal(journal_path) as journal:
        maps(PROMPTS, journal=journal)
        running = maps.open(PROMPTS, journal=journal)
        running.next()
        other = maps.open(PROMPTS, journal=journal)
        with pytest.raises(ValidationError, match="in use"):
            other.next()
        outcomes = running.rest()
        assert all(flags(outcomes))
        texts = [each.result.text for each in outcomes if each.result]
        assert texts == [prompt.upper() for prompt in PROMPTS[1:]]


def test_a_shared_journal_is_open_to_others(tmp_path: Path, maps: Maps, echoing: ScriptedServer):
    path = tmp_path / "shared.sqlite"
    with open_journal(path, shared=True) as one, open_journal(path, shared=True) as other:
        maps(PROMPTS[:6], journal=one)
        maps(PROMPTS[6:], journal=other)
        assert all(flags(maps(PROMPTS, journal=one)))


@pytest.mark.parametrize("name", ["data.jsonl", "data.db"])
def test_a_file_that_is_no_journal_is_left_as_it_was(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path, name: str
):
    path = tmp_path / name
    if name == "data.db":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE mine (x)")
        database.close()
    else:
        path.write_bytes(b'{"prompt": "mine"}\n{"prompt": "torn')
    before = path.read_bytes()
    with pytest.raises(ValidationError, match="not a journal"):
        maps(["x"], journal=path)
    assert path.read_bytes() == before
    assert echoing.requests == []


def test_a_journal_of_another_suffix_is_refused(maps: Maps, tmp_path: Path):
    with pytest.raises(ValidationError, match=r"\.jsonl, "):
        maps(["x"], journal=tmp_path / "answers.txt")


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_line_is_cut_off(maps: Maps, echoing: ScriptedServer, tmp_path: Path, cut: int):
    path = tmp_path / "answers.jsonl"
    maps(PROMPTS[:3], journal=path, concurrency=1)
    os.truncate(path, path.stat().st_size - cut)
    assert flags(maps(PROMPTS[:3], journal=path)) == [True, True, False]
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 4


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_torn_first_line_is_written_anew(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path, size: int
):
    path = tmp_path / "answers.jsonl"
    maps(PROMPTS[:1], journal=path)
    os.truncate(path, size)
    assert flags(maps(PROMPTS[:1], journal=path)) == [False]
    assert flags(maps(PROMPTS[:1], journal=path)) == [True]


def test_a_line_that_lost_power_is_passed_over(maps: Maps, echoing: ScriptedServer, tmp_path: Path):
    path = tmp_path / "answers.jsonl"
    maps(PROMPTS[:3], journal=path, concurrency=1)
    header, first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + first + b"\0" * 50 + b"\n" + second[:48] + b"\n" + third)
    assert flags(maps(PROMPTS[:3], journal=path)) == [True, False, True]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_journal_that_cannot_be_written_stops_the_batch(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path
):
    with open_journal(tmp_path / "answers.jsonl") as journal:
        full = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115 - closed with the journal
        journal._file.close()  # type: ignore[attr-defined]
        journal._file = full  # type: ignore[attr-defined]
        batch = maps.open(PROMPTS, journal=journal, concurrency=1)
        first = batch.next()
        assert first is not None
        assert first.ok
        with pytest.raises(BatchStoppedError, match="journal failed"):
            batch.rest()
        assert len(echoing.requests) <= 2
        journal.sync = lambda: None  # type: ignore[method-assign]


def test_an_outcome_is_in_the_journal_before_it_is_handed_out(
    maps: Maps, scripted_server: ScriptedServer, tmp_path: Path
):
    release = threading.Event()

    def second_waits(request: RecordedRequest) -> Reply:
        if prompt_of(request) == "b":
            release.wait(5)
        return echo(request)

    scripted_server.always(second_waits)
    path = tmp_path / "answers.jsonl"
    batch = maps.open(["a", "b"], journal=path)
    batch.next()
    kept = path.read_text()
    release.set()
    batch.close()
    assert '"text":"A"' in kept
