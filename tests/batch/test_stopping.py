"""What a batch refuses, and when it stops by itself."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from batches import Maps, echo, prompt_of
from interpreters import output_of

from lexilux_like import (
    Chat,
    ChatHistory,
    LexiluxError,
    ValidationError,
)
from lexilux_like.batch import BatchStoppedError
from lexilux_like.testing import (
    RecordedRequest,
    Reply,
    ScriptedServer,
    refuse,
    stream,
)
from lexilux_like.testing.door import Doors

PROMPTS = [f"prompt {n}" for n in range(40)]


def test_help_shows_the_options_of_a_batch_and_of_a_call():
    shown = inspect.signature(Chat.map).parameters
    assert {"items", "concurrency", "journal", "temperature", "max_continues"} < shown.keys()
    assert shown == inspect.signature(Chat.amap).parameters | {"items": shown["items"]}


def test_a_chat_loads_nothing_of_batches():
    code = "import sys\nfrom lexilux_like import Chat\nChat(base_url='http://x/v1', model='m')\n"
    code += "print([name for name in sys.modules if 'batch' in name or 'sqlite' in name])"
    assert output_of(code) == "[]\n"


def test_a_batch_without_a_journal_loads_no_database(echoing: ScriptedServer):
    code = f"""
import sys
from lexilux_like import Chat
with Chat(base_url={echoing.url!r}, model='m', proxies={{}}) as chat:
    print(*[outcome.ok for outcome in chat.map(["x"])])
print([name for name in ("sqlite3", "tqdm", "pyarrow", "pydantic") if name in sys.modules])
"""
    assert output_of(code) == "True\n[]\n"


@pytest.mark.parametrize("error", [400, 401, 404, 429, 500])
def test_a_failure_of_all_items_stops_the_batch(
    maps: Maps, scripted_server: ScriptedServer, error: int
):
    scripted_server.always(refuse(error, "no"))
    batch = maps.open((f"p{n}" for n in range(100_000)), concurrency=2)
    with pytest.raises(BatchStoppedError, match="20 items in a row") as caught:
        batch.rest()
    assert 20 <= caught.value.totals.failed < 22
    assert len(scripted_server.requests) == caught.value.totals.failed
    assert isinstance(caught.value.__cause__, LexiluxError)


def test_all_outcomes_are_handed_out_before_a_batch_stops(
    maps: Maps, scripted_server: ScriptedServer
):
    scripted_server.always(refuse(401, "no"))
    batch = maps.open(PROMPTS, concurrency=1, stop_after=3)
    handed = [batch.next() for _ in range(3)]
    assert all(isinstance(each and each.error, LexiluxError) for each in handed)
    with pytest.raises(BatchStoppedError):
        batch.next()
    assert len(scripted_server.requests) == 3


def test_no_number_of_failures_stops_a_batch_that_shall_not_stop(
    maps: Maps, scripted_server: ScriptedServer
):
    scripted_server.always(refuse(401, "no"))
    assert len(maps(PROMPTS, stop_after=None)) == 40


def test_failures_that_left_a_part_do_not_stop_a_batch(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.always(stream("a part", finish_reason="length"))
    outcomes = maps(PROMPTS[:9], method="complete", max_continues=0, stop_after=3)
    assert [outcome.ok for outcome in outcomes] == [False] * 9


def test_a_success_in_between_starts_the_count_again(maps: Maps, scripted_server: ScriptedServer):
    def every_third(request: RecordedRequest) -> Reply:
        number = int(prompt_of(request).split()[1])
        return echo(request) if number % 3 == 0 else refuse(500, "no")

    scripted_server.always(every_third)
    assert len(maps(PROMPTS, stop_after=3, concurrency=1)) == 40


def test_failures_that_differ_do_not_stop_a_batch(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.always(lambda request: refuse(400, f"not {prompt_of(request)}"))
    assert len(maps(PROMPTS, stop_after=3)) == 40


@pytest.mark.parametrize(
    "items",
    ["one prompt", b"bytes", {"prompt": "x"}, ChatHistory(["x"]), 3, None],
    ids=["str", "bytes", "mapping", "history", "int", "None"],
)
def test_what_is_no_collection_of_items_is_refused_at_once(
    door: Doors, scripted_server: ScriptedServer, items: Any
):
    with pytest.raises(ValidationError, match="items"):
        Maps(door()).open(items)
    assert scripted_server.requests == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"concurency": 3}, TypeError, "did you mean 'concurrency'"),
        ({"concurrency": 0}, ValidationError, "concurrency=0"),
        ({"concurrency": True}, ValidationError, "concurrency=True"),
        ({"stop_after": 0}, ValidationError, "stop_after=0"),
        ({"method": "stream"}, ValidationError, "method='stream'"),
        ({"temperature": 9}, ValidationError, "temperature=9"),
        ({"max_continues": 3}, TypeError, "max_continues"),
        ({"method": "complete", "n": 2}, TypeError, "'n'"),
        ({"method": "call", "response_format": dict[str, int]}, ValidationError, "complete"),
        ({"column": "a", "template": "{a}"}, ValidationError, "not both"),
    ],
)
def test_a_wrong_option_is_refused_at_once(
    maps: Maps, options: dict[str, Any], error: type[Exception], words: str
):
    with pytest.raises(error, match=words):
        maps.open(["x"], **options)


def test_an_async_iterable_is_for_amap(scripted_server: ScriptedServer):
    async def items() -> Any:
        yield "x"

    chat = Chat(base_url=scripted_server.url, model="m", proxies={})
    with pytest.raises(ValidationError, match=r"amap"):
        chat.map(items())
