"""Replay: which requests are answered, in which order, and what is said to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lexilux_like import NotFoundError, ValidationError
from lexilux_like.testing import (
    Recorder,
    Replay,
    ScriptedServer,
    answer,
    refuse,
)
from lexilux_like.testing.door import Doors

Ask = Callable[..., httpx.Response]


@pytest.fixture
def replay(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path, ask: Ask
) -> Iterator[Replay]:
    """Has `{"q": 1}` twice, with the answers one and two, and `{"q": 2, "r": 3}`."""
    scripted_server.play(answer("one"), answer("other"), answer("two"))
    for body in ({"q": 1}, {"q": 2, "r": 3}, {"q": 1}):
        ask(recorder, body)
    with Replay(path) as replay:
        yield replay


def said(response: httpx.Response) -> str:
    text: str = response.json()["choices"][0]["message"]["content"]
    return text


def test_equal_requests_are_answered_in_order(replay: Replay, ask: Ask) -> None:
    assert [said(ask(replay, {"q": 1})) for _ in range(2)] == ["one", "two"]
    assert replay.unmatched == []


def test_order_of_members_and_headers_and_query_do_not_count(replay: Replay, ask: Ask) -> None:
    assert said(ask(replay, {"r": 3, "q": 2}, "?x=1", authorization="Bearer other")) == "other"


@pytest.mark.parametrize(
    ("method", "where", "body"),
    [("PUT", "", {"q": 1}), ("POST", "/x", {"q": 1}), ("POST", "", {"q": "1"})],
)
def test_method_path_and_body_count(replay: Replay, method: str, where: str, body: Any) -> None:
    address = f"{replay.url}/chat/completions{where}"
    response = httpx.request(method, address, json=body, trust_env=False)
    assert response.status_code == 404


def test_unknown_request_is_told_the_nearest(replay: Replay, ask: Ask) -> None:
    response = ask(replay, {"q": 2, "r": 4})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (404, "not_recorded")
    assert response.headers["x-should-retry"] == "false"
    assert error["message"] == (
        "nothing in chat.jsonl answers this request; the nearest is line 2:\n"
        "--- recorded\n"
        "+++ asked\n"
        "@@ -3,3 +3,3 @@\n"
        '  "q": 2,\n'
        '- "r": 3\n'
        '+ "r": 4\n'
        " }\n"
        "record anew, with pytest: --lexilux-record=all"
    )
    assert replay.unmatched == [error["message"]]


def test_request_that_is_asked_too_often_is_told(replay: Replay, ask: Ask) -> None:
    ask(replay, {"q": 2, "r": 3})
    response = ask(replay, {"q": 2, "r": 3})
    assert response.status_code == 404
    assert "chat.jsonl has this request 1 times" in response.json()["error"]["message"]
    assert len(replay.unmatched) == 1


def test_unknown_request_is_not_retried(door: Doors, replay: Replay) -> None:
    with pytest.raises(NotFoundError, match="the nearest is line"):
        door(base_url=replay.url, max_retries=2).call("Hi")
    assert len(replay.requests) == 1


def test_faults_may_come_before_what_is_recorded(replay: Replay, ask: Ask) -> None:
    replay.play(refuse(429))
    assert [ask(replay, {"q": 1}).status_code for _ in range(2)] == [429, 200]


def test_empty_file_answers_nothing(path: Path, ask: Ask) -> None:
    path.parent.mkdir()
    path.write_text("\n")
    with Replay(path) as replay:
        assert "has no exchanges" in ask(replay, {}).json()["error"]["message"]


def test_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(ValidationError, match=r"nothing is recorded in .*chat\.jsonl"):
        Replay(path)


@pytest.mark.parametrize("line", ["no", "{}", "[]", '{"request": {}, "response": {}}', "7"])
def test_line_that_is_no_exchange_is_named(path: Path, line: str) -> None:
    path.parent.mkdir()
    path.write_text(f"\n{line}\n")
    with pytest.raises(ValidationError, match=r"line 2 of .*chat\.jsonl.* is not a recorded"):
        Replay(path)
