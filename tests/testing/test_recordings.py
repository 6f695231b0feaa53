"""Recorder: what is written, what never is, and what a client sees of it."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from lexilux_like import ChatStreamInterruptedError, ValidationError
from lexilux_like.testing import (
    Cut,
    Pause,
    Recorder,
    Replay,
    Reply,
    ScriptedServer,
    Send,
    Stall,
    answer,
    body_of,
    refuse,
    stream,
    trickle,
)
from lexilux_like.testing.door import Doors

KEY = "sk-very-secret-key"
Ask = Callable[..., httpx.Response]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_recorded_stream_is_replayed_to_the_byte(
    door: Doors, scripted_server: ScriptedServer, recorder: Recorder, path: Path
) -> None:
    scripted_server.play(stream("Grüß", " dich"), answer("Bye"))
    asked = door(base_url=recorder.url)
    first = asked.stream("Hi"), asked.call("Ciao")
    with Replay(path) as replay:
        asked = door(base_url=replay.url)
        again = asked.stream("Hi"), asked.call("Ciao")
    assert [each.result.text for each in (first[0], again[0])] == ["Grüß dich"] * 2
    assert again[0].deltas == ["Grüß", " dich"]
    assert first[1].text == again[1].text == "Bye"
    assert [each["response"]["body"].encode() for each in lines(path)] == [
        body_of(stream("Grüß", " dich")),
        body_of(answer("Bye")),
    ]


def test_request_reaches_the_real_server_as_it_was(
    scripted_server: ScriptedServer, recorder: Recorder, ask: Ask
) -> None:
    scripted_server.play(answer("Hello"))
    ask(recorder, {"model": "m"}, "?api-version=1", authorization=f"Bearer {KEY}", x_mine="1")
    [request] = scripted_server.requests
    assert request.path == "/v1/chat/completions?api-version=1"
    assert request.json == {"model": "m"}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-mine"] == "1"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == f"127.0.0.1:{scripted_server.port}"


@pytest.mark.parametrize("header", ["authorization", "api_key", "x_api_key", "x_goog_api_key"])
def test_key_is_nowhere_in_the_file(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path, ask: Ask, header: str
) -> None:
    told = f"Incorrect API key provided: {KEY}."
    said = refuse(401, told, x_request_id=KEY, set_cookie=f"k={KEY}")
    scripted_server.play(said)
    given = f"Bearer {KEY}" if header == "authorization" else KEY
    response = ask(recorder, {"user": f"I am {KEY}"}, f"?key={KEY}", **{header: given})
    assert response.json()["error"]["message"] == told
    text = path.read_text("utf-8")
    assert KEY not in text
    assert "Incorrect API key provided: ******************." in text
    assert "Bearer" not in text


def test_only_headers_that_clients_act_on_are_kept(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path, ask: Ask
) -> None:
    kept = {
        "retry-after": "1",
        "x-ratelimit-remaining-tokens": "2",
        "anthropic-ratelimit-tokens-reset": "3",
        "x-should-retry": "false",
        "x-request-id": "req_1",
    }
    other = {"set-cookie": "a=b", "openai-organization": "us", "server": "s", "location": "/"}
    scripted_server.play(answer("Hello", headers=kept | other))
    response = ask(recorder, {})
    [exchange] = lines(path)
    assert exchange["response"]["headers"] == {"content-type": "application/json"} | kept
    assert kept.items() <= dict(response.headers).items()
    assert not {*other} & {*response.headers}


def test_line_is_readable_json(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path, ask: Ask
) -> None:
    scripted_server.play(Reply(200, {"content-type": "text/plain"}, "Grüße".encode()))
    ask(recorder, {"b": 1, "a": ["é"]})
    assert path.read_text("utf-8") == (
        '{"request": {"method": "POST", "path": "/chat/completions",'
        ' "body": {"b": 1, "a": ["é"]}},'
        ' "response": {"status": 200, "headers": {"content-type": "text/plain"},'
        ' "body": "Grüße"}}\n'
    )


def test_bytes_that_are_no_text_are_kept(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path, ask: Ask
) -> None:
    scripted_server.play(Reply(body=b"\xff\x00"))
    ask(recorder, {})
    with Replay(path) as replay:
        assert ask(replay, {}).content == b"\xff\x00"


def test_stream_passes_through_as_it_comes(
    scripted_server: ScriptedServer, recorder: Recorder
) -> None:
    scripted_server.play(Reply(steps=[Send(b"a"), Stall(5)], framing="chunked"))
    with httpx.stream("POST", recorder.url, trust_env=False) as response:
        assert next(response.iter_raw()) == b"a"


def test_times_are_kept_where_they_are_wanted(
    scripted_server: ScriptedServer, path: Path, ask: Ask
) -> None:
    scripted_server.play(Reply(steps=[Send(b"ab"), Pause(0.1), Send(b"c")], framing="chunked"))
    with Recorder(scripted_server.url, path, timed=True) as recorder:
        ask(recorder, {})
    [[first, size], [second, _]] = lines(path)[0]["response"]["writes"]
    assert size == 2
    assert 0.09 < second - first < 1
    began = time.monotonic()
    with Replay(path, timed=True) as replay:
        assert ask(replay, {}).content == b"abc"
    assert time.monotonic() - began >= 0.09


def test_replay_does_not_wait_unless_told(
    scripted_server: ScriptedServer, path: Path, ask: Ask
) -> None:
    path.parent.mkdir()
    exchange = {
        "request": {"method": "POST", "path": "/chat/completions", "body": {}},
        "response": {"status": 200, "headers": {}, "body": "abc", "writes": [[0, 1], [9, 2]]},
    }
    path.write_text(json.dumps(exchange))
    began = time.monotonic()
    with Replay(path) as replay:
        assert ask(replay, {}).content == b"abc"
    assert time.monotonic() - began < 5


def test_key_that_is_wiped_keeps_the_times(
    scripted_server: ScriptedServer, path: Path, ask: Ask
) -> None:
    scripted_server.play(trickle(Reply(body=f"no {KEY}!".encode()), bytes_per_write=5))
    with Recorder(scripted_server.url, path, timed=True) as recorder:
        ask(recorder, {}, authorization=f"Bearer {KEY}")
    response = lines(path)[0]["response"]
    assert response["body"] == f"no {'*' * len(KEY)}!"
    assert sum(size for _, size in response["writes"]) == len(response["body"])


def test_broken_stream_is_replayed_broken(
    door: Doors, scripted_server: ScriptedServer, recorder: Recorder, path: Path
) -> None:
    scripted_server.play(stream("Half", end=Cut()))
    with pytest.raises(ChatStreamInterruptedError) as first:
        door(base_url=recorder.url).stream("Hi")
    with Replay(path) as replay, pytest.raises(ChatStreamInterruptedError) as second:
        door(base_url=replay.url).stream("Hi")
    assert first.value.partial.text == second.value.partial.text == "Half"
    assert first.value.clean is second.value.clean is False
    assert lines(path)[0]["response"]["ended"] is False


def test_what_came_is_written_when_the_recorder_closes(
    scripted_server: ScriptedServer, path: Path
) -> None:
    scripted_server.play(Reply(steps=[Send(b"a"), Stall(30)], framing="chunked"))
    with Recorder(scripted_server.url, path) as recorder:
        with httpx.stream("POST", recorder.url, trust_env=False) as response:
            next(response.iter_raw())
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert lines(path)[0]["response"] == {
        "status": 200,
        "headers": {},
        "body": "a",
        "ended": False,
    }


def test_file_is_written_anew(scripted_server: ScriptedServer, path: Path, ask: Ask) -> None:
    path.parent.mkdir()
    path.write_text("old\n")
    scripted_server.always(answer())
    with Recorder(scripted_server.url, path) as recorder:
        assert path.read_text() == "old\n"
        ask(recorder, {"n": 1})
        ask(recorder, {"n": 2})
    assert [line["request"]["body"] for line in lines(path)] == [{"n": 1}, {"n": 2}]


def test_server_that_is_not_there_is_told_of(path: Path, ask: Ask) -> None:
    with ScriptedServer() as gone:
        pass
    with Recorder(gone.url, path) as recorder:
        response = ask(recorder, {})
    assert response.status_code == 502
    assert f"cannot reach '{gone.url}'" in response.json()["error"]["message"]
    assert not path.exists()


def test_https_is_recorded(path: Path, ask: Ask) -> None:
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with (
        ScriptedServer(answer("Hello"), tls=served) as server,
        httpx.Client(verify=trusting, trust_env=False) as client,
        Recorder(server.url, path, client=client) as recorder,
    ):
        assert ask(recorder, {}).status_code == 200
        recorder.close()
        assert not client.is_closed
    assert "Hello" in lines(path)[0]["response"]["body"]


@pytest.mark.parametrize("base_url", ["api.openai.com/v1", "ftp://x/v1", "http://"])
def test_base_url_that_is_none_is_refused(path: Path, base_url: str) -> None:
    with pytest.raises(ValidationError, match="no http or https URL"):
        Recorder(base_url, path)


def test_scrubbed_body_is_kept_and_compared(
    scripted_server: ScriptedServer, path: Path, ask: Ask
) -> None:
    def scrub(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "user": "somebody"}

    scripted_server.play(answer("Hello"))
    with Recorder(scripted_server.url, path, scrub=scrub) as recorder:
        ask(recorder, {"user": "Ada", "n": 1})
    assert scripted_server.requests[0].json["user"] == "Ada"
    assert lines(path)[0]["request"]["body"] == {"user": "somebody", "n": 1}
    with Replay(path, scrub=scrub) as replay:
        assert ask(replay, {"n": 1, "user": "Bob"}).status_code == 200


def test_requests_at_once_are_written_one_by_one(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path
) -> None:
    scripted_server.always(lambda request: answer(request.json["say"] * 20_000))
    asked = [
        threading.Thread(
            target=httpx.post, args=(recorder.url,), kwargs={"json": {"say": say}, "timeout": 9}
        )
        for say in "abcdefgh"
    ]
    for each in asked:
        each.start()
    for each in asked:
        each.join()
    assert sorted(line["request"]["body"]["say"] for line in lines(path)) == [*"abcdefgh"]


def test_body_that_is_no_json_is_kept_as_text(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path
) -> None:
    scripted_server.always(answer())
    for content in (b"", b"plain \xff"):
        httpx.post(recorder.url, content=content, trust_env=False)
    assert [line["request"]["body"] for line in lines(path)] == [None, "plain \\xff"]


def test_status_without_body_is_passed_on(
    scripted_server: ScriptedServer, recorder: Recorder, path: Path
) -> None:
    scripted_server.play(Reply(204))
    assert httpx.post(f"{recorder.url}/x", trust_env=False).status_code == 204
    with Replay(path) as replay:
        assert httpx.post(f"{replay.url}/x", trust_env=False).status_code == 204
