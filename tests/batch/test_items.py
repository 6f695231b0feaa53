"""What an item may be, from any iterable or from a file."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batches import Maps
from pydantic import BaseModel

from lexilux_like import ValidationError
from lexilux_like.testing import ScriptedServer, stream

MESSAGES = [{"role": "user", "content": "hi"}]


class Person(BaseModel):
    name: str


def open_files() -> set[str]:
    return {os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()}


def lines(path: Path, *items: Any) -> Path:
    path.write_text("".join(f"{json.dumps(item)}\n" for item in items), "utf-8")
    return path


@pytest.mark.parametrize(
    "item",
    [
        "hi",
        {"role": "user", "content": "hi"},
        MESSAGES,
        ("hi",),
        {"prompt": "hi"},
        {"messages": MESSAGES},
        {"prompt": "hi", "id": 7},
        {"custom_id": "a", "body": {"messages": MESSAGES}},
    ],
)
def test_every_form_of_an_item_asks_the_same(maps: Maps, echoing: ScriptedServer, item: Any):
    (outcome,) = maps([item])
    assert outcome.item is item
    assert outcome.result is not None
    assert outcome.result.text == "HI"
    assert echoing.requests[0].json == {"model": "m", "messages": MESSAGES}


@pytest.mark.parametrize(
    ("item", "own"),
    [
        ({"prompt": "x", "id": "a"}, "a"),
        ({"prompt": "x", "id": 7}, "7"),
        ({"prompt": "x", "id": ""}, None),
        ({"custom_id": "b", "body": {"messages": MESSAGES}}, "b"),
        ("x", None),
    ],
)
def test_an_outcome_has_the_item_s_own_id(
    maps: Maps, echoing: ScriptedServer, item: Any, own: str | None
):
    assert [outcome.id for outcome in maps([item])] == [own]


def test_options_of_an_item_win_over_those_of_the_batch(maps: Maps, echoing: ScriptedServer):
    maps([{"prompt": "x", "temperature": 1, "model": "other"}], temperature=0, max_tokens=5)
    sent = echoing.requests[0].json
    assert (sent["temperature"], sent["model"], sent["max_tokens"]) == (1, "other", 5)


def test_a_batch_line_s_body_is_sent_as_it_is(maps: Maps, echoing: ScriptedServer):
    body = {"model": "n", "messages": MESSAGES, "temperature": 0.5, "top_k": 3, "stream": True}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    maps([line])
    assert echoing.requests[0].json == {
        "model": "n",
        "messages": MESSAGES,
        "temperature": 0.5,
        "top_k": 3,
    }


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (3, "an item is a prompt"),
        (None, "an item is a prompt"),
        ({"question": "x"}, "this one has 'question'"),
        ({"prompt": "x", "messages": MESSAGES}, "this one has"),
        ({"prompt": None}, "None"),
        ({"prompt": "x", "temprature": 1}, "did you mean 'temperature'"),
        ({"prompt": "x", "max_continues": 1}, "max_continues"),
        ({"prompt": "x", "temperature": 9}, "temperature=9"),
        ({"prompt": "x", "id": ["a"]}, "'id' must be a text"),
        ({"custom_id": "a", "body": {"input": "x"}}, "'messages'"),
        ({"custom_id": "a", "url": "/v1/embeddings", "body": {"messages": MESSAGES}}, "embed"),
        ([], "empty"),
    ],
)
def test_a_bad_item_is_an_error_of_its_own(
    maps: Maps, echoing: ScriptedServer, item: Any, words: str
):
    first, bad, last = maps(["a", item, "b"])
    assert first.ok
    assert last.ok
    assert isinstance(bad.error, ValidationError)
    assert words in str(bad.error)
    assert len(echoing.requests) == 2


def test_a_bad_item_still_has_its_id(maps: Maps, echoing: ScriptedServer):
    (outcome,) = maps([{"prompt": "x", "id": "seven", "temprature": 1}])
    assert outcome.id == "seven"


def test_a_type_gives_values(maps: Maps, scripted_server: ScriptedServer):
    scripted_server.always(stream('{"name": "Ann"}'))
    (outcome,) = maps(["who?"], response_format=Person)
    assert outcome.result is not None
    assert outcome.result.parsed == Person(name="Ann")


def test_an_answer_that_does_not_fit_its_type_is_an_error(
    maps: Maps, scripted_server: ScriptedServer
):
    scripted_server.always(stream('{"nom": "Ann"}'))
    (outcome,) = maps(["who?"], response_format=Person, max_reasks=0)
    assert type(outcome.error).__name__ == "OutputValidationError"


def test_rows_become_prompts_by_a_template(maps: Maps, echoing: ScriptedServer):
    rows = [{"id": "a", "text": "Haus", "to": "en"}, {"id": "b", "text": "eau", "to": "de"}]
    outcomes = maps(rows, template="{to}: {text}")
    assert [each.result.text for each in outcomes if each.result] == ["EN: HAUS", "DE: EAU"]
    assert [each.id for each in outcomes] == ["a", "b"]


def test_a_column_is_the_prompt_and_the_rest_of_a_row_is_not_sent(
    maps: Maps, echoing: ScriptedServer
):
    maps([{"question": "hi", "temperature": "hot"}], column="question")
    assert echoing.requests[0].json == {"model": "m", "messages": MESSAGES}


@pytest.mark.parametrize("options", [{"column": "quest"}, {"template": "{quest}"}])
def test_a_missing_column_is_named_with_those_that_are_there(
    maps: Maps, echoing: ScriptedServer, options: Mapping[str, Any]
):
    (outcome,) = maps([{"question": "hi"}], **options)
    assert "no column 'quest'; the columns are 'question'" in str(outcome.error)


def test_a_prompt_among_rows_is_an_error(maps: Maps, echoing: ScriptedServer):
    (outcome,) = maps(["hi"], column="question")
    assert "for rows" in str(outcome.error)


def test_a_jsonl_file_has_an_item_in_each_line(maps: Maps, echoing: ScriptedServer, tmp_path: Path):
    path = lines(tmp_path / "in.jsonl", "one", {"prompt": "two", "id": 2}, MESSAGES)
    outcomes = maps(path)
    assert [each.result.text for each in outcomes if each.result] == ["ONE", "TWO", "HI"]
    assert [each.line for each in outcomes] == [1, 2, 3]


def test_a_line_that_is_no_json_is_an_error_with_its_number(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path
):
    path = tmp_path / "in.ndjson"
    path.write_bytes(b'\xef\xbb\xbf"a"\n\n{"prompt": \n"b\xff"\n"c"')
    outcomes = maps(path)
    assert [(each.ok, each.line) for each in outcomes] == [
        *((True, 1), (False, 3)),
        *((False, 4), (True, 5)),
    ]
    assert "in.ndjson" in str(outcomes[1].error)
    assert "line 3" in str(outcomes[1].error)


@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_a_csv_file_has_prompts_in_its_prompt_column(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path, suffix: str, delimiter: str
):
    path = tmp_path / f"in.{suffix}"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["id", "prompt"], ["a", "one\nline"], ["b", "two"]])
    outcomes = maps(path)
    assert [each.result.text for each in outcomes if each.result] == ["ONE\nLINE", "TWO"]
    assert [(each.id, each.line) for each in outcomes] == [("a", 3), ("b", 4)]


def test_a_csv_row_with_too_many_fields_is_an_error_of_its_own(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path
):
    path = tmp_path / "in.csv"
    path.write_text("prompt\none\ntwo,three\nfour\n")
    outcomes = maps(path)
    assert [each.ok for each in outcomes] == [True, False, True]
    assert "line 3" in str(outcomes[1].error)


def test_a_csv_file_that_cannot_be_read_on_ends_in_an_error(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path
):
    path = tmp_path / "in.csv"
    path.write_text('prompt\none\n"never closed\n')
    outcomes = maps(path)
    assert [each.ok for each in outcomes] == [True, False]
    assert "what follows line 2" in str(outcomes[1].error)


def test_a_parquet_file_has_rows(maps: Maps, echoing: ScriptedServer, tmp_path: Path):
    path = tmp_path / "in.parquet"
    table = pa.table({"id": [1, 2], "prompt": ["one", "two"]})
    pq.write_table(table, path)
    outcomes = maps(path)
    assert [each.result.text for each in outcomes if each.result] == ["ONE", "TWO"]
    assert [(each.id, each.line) for each in outcomes] == [("1", 1), ("2", 2)]


def test_a_parquet_file_that_is_none_is_an_error(
    maps: Maps, echoing: ScriptedServer, tmp_path: Path
):
    path = tmp_path / "in.parquet"
    path.write_bytes(b"PAR1 no")
    (outcome,) = maps(path)
    assert "in.parquet" in str(outcome.error)


@pytest.mark.parametrize("name", ["in.txt", "missing.jsonl"])
def test_a_file_that_cannot_be_opened_is_refused_at_once(maps: Maps, tmp_path: Path, name: str):
    (tmp_path / "in.txt").write_text("x")
    with pytest.raises(ValidationError, match=name.split(".", maxsplit=1)[0]):
        maps.open(tmp_path / name)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux")
def test_a_file_is_closed_with_its_batch(maps: Maps, echoing: ScriptedServer, tmp_path: Path):
    path = lines(tmp_path / "in.jsonl", *(f"p{n}" for n in range(100)))
    batch = maps.open(path, concurrency=1)
    batch.next()
    batch.close()
    assert os.fspath(path) not in open_files()
