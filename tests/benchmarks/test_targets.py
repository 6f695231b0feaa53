"""What is measured, and how a target is judged."""

from __future__ import annotations

import re

import pytest
from answers import COALESCED, LONG, STREAM, Answer, answers, event, framed
from environments import peers
from trials import GROUPS, Row, Target, rows

ROWS = rows()
ANSWERS = answers()


def body_of(answer: Answer) -> bytes:
    """What the HTTP chunks of an answer hold."""
    data = (answer.head + answer.body * answer.repeat + answer.tail).partition(b"\r\n\r\n")[2]
    parts: list[bytes] = []
    while not data.startswith(b"0\r\n"):
        size, _, rest = data.partition(b"\r\n")
        parts.append(rest[: int(size, 16)])
        assert rest[int(size, 16) :].startswith(b"\r\n")
        data = rest[int(size, 16) + 2 :]
    return b"".join(parts)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row_names_answers_and_clients_that_exist(row: Row) -> None:
    targets = [target for figure in row.figures for target in figure.targets]
    named = {*row.clients, *(each.client for each in targets), *(each.of for each in targets)}
    assert named - {""} <= peers().keys()
    assert {each.of_row for each in targets} - {""} <= ROWS.keys()
    assert row.answer in {*ANSWERS, ""}
    assert row.group in GROUPS


def test_target_is_a_share_of_another_clients_figure() -> None:
    results = {"row": {"ours": {"cpu_us": 10.0}, "theirs": {"cpu_us": 90.0}}}
    assert Target("ours", 1 / 9, "theirs").reached("row", "cpu_us", results)
    assert Target("ours", 1 / 10, "theirs").reached("row", "cpu_us", results) is False


def test_target_is_a_share_of_another_row() -> None:
    results = {"few": {"ours": {"cpu_us": 1.0}}, "many": {"ours": {"cpu_us": 2.0}}}
    assert Target("ours", 2, "ours", "few").reached("many", "cpu_us", results)
    assert Target("ours", 1.5, "ours", "few").reached("many", "cpu_us", results) is False


def test_target_without_a_client_is_a_bound() -> None:
    results = {"row": {"ours": {"streams": 5.0}}}
    assert Target("ours", 5, at_least=True).reached("row", "streams", results)
    assert Target("ours", 6, at_least=True).reached("row", "streams", results) is False
    assert Target("ours", 4).reached("row", "streams", results) is False


def test_target_is_open_where_a_figure_is_missing() -> None:
    results = {"row": {"ours": {"cpu_us": 10.0}}}
    assert Target("ours", 1, "theirs").reached("row", "cpu_us", results) is None
    assert Target("others", 1).reached("row", "cpu_us", results) is None


def test_target_is_open_where_the_floor_misses_it() -> None:
    target = Target("ours", 2, where="floor")
    slow = {"row": {"ours": {"p99_ms": 9.0}, "floor": {"p99_ms": 3.0}}}
    quick = {"row": {"ours": {"p99_ms": 9.0}, "floor": {"p99_ms": 1.0}}}
    assert target.reached("row", "p99_ms", slow) is None
    assert target.reached("row", "p99_ms", quick) is False


@pytest.mark.parametrize("name", ["stream-sync", "coalesced-async", "tools-3000", "plain"])
def test_stream_has_the_text_that_the_row_expects(name: str) -> None:
    row = ROWS[name]
    body = body_of(ANSWERS[row.answer])
    key = rb'"arguments":"' if name.startswith("tools") else rb'"content":"'
    texts = [text for text in re.findall(key + rb'((?:[^"\\]|\\.)*)"', body) if text]
    assert len(texts) == row.given["chunks"]
    text = b"".join(texts).decode().encode().decode("unicode_escape")
    assert len(text) == row.given["characters"]


def test_coalesced_stream_has_the_same_events_in_few_http_chunks() -> None:
    chunks, coalesced = ANSWERS["chunks"], ANSWERS["coalesced"]
    assert body_of(coalesced) == body_of(chunks)
    assert coalesced.body.count(b"\r\n%x\r\n" % COALESCED) >= 10


def test_event_is_about_as_long_as_openais() -> None:
    assert 280 <= len(event({"content": " word"})) <= 340


def test_long_stream_repeats_its_body() -> None:
    long = ANSWERS["long"]
    assert long.repeat * STREAM == LONG
    assert long.body == ANSWERS["chunks"].body


def test_only_the_body_of_a_paced_stream_has_a_stamp() -> None:
    paced = ANSWERS["paced"]
    assert paced.body == framed(event({"content": "0" * 16}))
    assert b"0" * 16 not in paced.head + paced.tail
