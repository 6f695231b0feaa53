"""Replies that are made when they are asked for: by a function, by a generator."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from lexilux_like.testing import (
    Reply,
    ScriptedServer,
    Send,
    answer,
)


@pytest.fixture
def client(scripted_server: ScriptedServer) -> Iterator[httpx.Client]:
    # Loading the certificates that plain HTTP does not need takes 30 ms a test.
    with httpx.Client(base_url=scripted_server.url, trust_env=False, verify=False) as client:
        yield client


def test_reply_may_be_made_from_the_request(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.always(lambda request: answer(request.json["say"]))
    response = client.post("/x", json={"say": "echo"})
    assert response.json()["choices"][0]["message"]["content"] == "echo"


def test_function_that_raises_is_told_to_the_client(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.always(lambda request: answer(request.json["say"]))
    response = client.post("/x", json={})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (500, "reply_failed")
    assert "KeyError('say')" in error["message"]
    assert f"{__file__}:" in error["message"]


def test_generator_is_played_as_it_yields(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    event = threading.Event()

    def steps() -> Iterator[Send]:
        yield Send(b"a")
        assert event.wait(2)
        yield Send(b"b")

    scripted_server.play(Reply(steps=steps(), framing="chunked"))
    with client.stream("GET", "/x") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"a"
        event.set()
        assert next(pieces) == b"b"


def test_generator_is_closed_when_the_peer_has_gone(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    closed = threading.Event()

    def steps() -> Iterator[Send]:
        try:
            while True:
                yield Send(b"x" * 100_000)
        finally:
            closed.set()

    made = steps()  # which must not wait for the collector
    scripted_server.play(Reply(steps=made, framing="chunked"))
    with client.stream("GET", "/x") as response:
        next(response.iter_raw())
    assert closed.wait(2)
