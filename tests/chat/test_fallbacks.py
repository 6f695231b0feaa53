"""Fallbacks: another client answers where this one cannot, and the result says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from sockets import (
    HALF,
    STORY,
    Model,
    instantly,  # noqa: F401 - a fixture for each test
)

from lexilux_like import (
    AuthenticationError,
    Chat,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    FailedAttempt,
    InvalidRequestError,
    LexiluxConnectionError,
    LexiluxTimeoutError,
    ServerError,
    ValidationError,
)
from lexilux_like.testing import (
    Cut,
    Reply,
    ScriptedServer,
    Stall,
    answer,
    chunk,
    events,
    json_reply,
    refuse,
    stream,
)
from lexilux_like.testing.door import Door, Doors

BUSY = refuse(503, "busy")
TOO_LONG = refuse(
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000"
    " tokens.",
    code="context_length_exceeded",
    type="invalid_request_error",
)
PAGE = Reply(200, {"content-type": "text/html"}, b"<html><title>Login</title></html>")
GIVEN_UP = [
    BUSY,
    refuse(500, "broken"),
    refuse(529, "overloaded"),
    refuse(429, "slow down"),
    refuse(429, "no money", code="insufficient_quota"),
    refuse(401, "bad key"),
    refuse(403, "not here"),
    refuse(404, "no such model"),
    TOO_LONG,
    PAGE,
    Reply(framing="close", head=False, steps=[Cut()]),
]
EACH_METHOD = pytest.mark.parametrize("method", ["call", "stream", "complete", "complete_stream"])


@pytest.fixture
def second_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def other(second_server: ScriptedServer) -> Iterator[Chat]:
    """A client for the second server."""
    url = second_server.url
    with Chat(base_url=url, api_key="other-key", model="other", proxies={}) as chat:
        yield chat


def ask(door: Door, method: str, *args: Any, **options: Any) -> Any:
    got = getattr(door, method)(*(args or ("x",)), **options)
    return got if method in ("call", "complete") else got.result


def reply_for(method: str, text: str) -> Reply:
    return answer(text) if method == "call" else stream(text)


def body_of(server: ScriptedServer, place: int = -1) -> dict[str, Any]:
    return json.loads(server.requests[place].body)


@EACH_METHOD
@pytest.mark.parametrize("failure", GIVEN_UP, ids=lambda reply: f"{reply.status}")
def test_another_client_answers_where_this_one_cannot(
    method: str,
    failure: Reply,
    door: Doors,
    scripted_server: ScriptedServer,
    second_server: ScriptedServer,
    other: Chat,
) -> None:
    scripted_server.always(failure)
    second_server.play(reply_for(method, "Hi from there"))
    result = ask(door(fallbacks=[other]), method)
    assert result.text == "Hi from there"
    assert result.base_url == second_server.url
    assert result.failed_attempts[0].base_url == scripted_server.url


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_wrong_request_is_wrong_everywhere(
    status: int, door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer,
    other: Chat,
) -> None:  # fmt: skip
    scripted_server.play(refuse(status, "temperature must be a number"))
    with pytest.raises(InvalidRequestError):
        door(fallbacks=[other]).call("x")
    assert second_server.requests == []


def test_nobody_listens(door: Doors, second_server: ScriptedServer, other: Chat) -> None:
    second_server.play(answer("Hi"))
    asked = door(base_url="http://127.0.0.1:9/v1", fallbacks=[other])
    result = asked.call("x")
    assert [each.error for each in result.failed_attempts] == ["LexiluxConnectionError"]


def test_what_failed_is_on_the_result(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY, refuse(500, "broken"))
    second_server.play(answer("Hi"))
    result = door(fallbacks=[other], max_retries=1).call("x")
    url = scripted_server.url
    assert result.failed_attempts == (
        FailedAttempt(url, "m", 0, "ServerError", 503),
        FailedAttempt(url, "m", 0, "ServerError", 500),
    )


def test_the_first_one_that_answers_is_the_last_one_asked(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(answer("Hi"))
    result = door(fallbacks=[other]).call("x")
    assert (result.base_url, result.failed_attempts) == (scripted_server.url, ())
    assert second_server.requests == []


def test_each_call_begins_with_the_first_client(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY, answer("back again"))
    second_server.play(answer("Hi"))
    asked = door(fallbacks=[other])
    assert [asked.call("x").text, asked.call("y").text] == ["Hi", "back again"]


def test_each_client_has_its_own_model_and_key(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    second_server.play(answer("Hi"))
    door(fallbacks=[other]).call("x", model="mine", temperature=0.5)
    assert body_of(scripted_server)["model"] == "mine"
    sent = second_server.requests[0]
    assert (body_of(second_server)["model"], sent.headers["authorization"]) == (
        "other",
        "Bearer other-key",
    )
    assert body_of(second_server)["temperature"] == 0.5


def test_a_client_without_a_model_is_asked_for_the_calls(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer
) -> None:
    scripted_server.play(BUSY)
    second_server.play(answer("Hi"))
    with Chat(base_url=second_server.url, proxies={}) as plain:
        door(fallbacks=[plain]).call("x", model="mine")
    assert body_of(second_server)["model"] == "mine"


def test_credentials_of_a_call_stay_with_the_first_client(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    second_server.play(answer("Hi"))
    headers = {"Authorization": "Bearer secret-of-the-first", "X-Api-Key": "abc", "X-Trace": "t1"}
    door(fallbacks=[other]).call("x", headers=headers)
    sent = second_server.requests[0].headers
    assert sent["authorization"] == "Bearer other-key"
    assert "x-api-key" not in sent
    assert sent["x-trace"] == "t1"


@pytest.mark.parametrize(("provider", "kept"), [("local", True), ("vllm", False)])
def test_extra_fields_reach_a_client_of_the_same_provider_only(
    provider: str,
    kept: bool,
    door: Doors,
    scripted_server: ScriptedServer,
    second_server: ScriptedServer,
) -> None:
    scripted_server.play(BUSY)
    second_server.play(answer("Hi"))
    url = second_server.url
    with Chat(base_url=url, proxies={}, provider=None if kept else provider) as fallback:
        door(fallbacks=[fallback]).call("x", extra={"top_k": 5})
    assert ("top_k" in body_of(second_server)) is kept


def test_fallbacks_of_a_fallback_are_asked_too(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    second_server.play(answer("Hi"))
    dead = Chat(base_url="http://127.0.0.1:9/v1", proxies={}, fallbacks=[other])
    with dead:
        result = door(fallbacks=[dead, other]).call("x")
    assert result.text == "Hi"
    assert [each.error for each in result.failed_attempts] == [
        "ServerError",
        "LexiluxConnectionError",
    ]


def test_fallbacks_are_listed_once_each_before_its_own(other: Chat) -> None:
    url = "http://127.0.0.1:9/v1"
    second = Chat(base_url=url, proxies={}, fallbacks=[other])
    first = Chat(base_url=url, proxies={}, fallbacks=[second, other, second])
    assert first.fallbacks == (second, other)
    assert Chat(base_url=url, fallbacks=[second]).fallbacks == (second, other)


def test_a_fallback_begins_with_its_own_first_key(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.always(refuse(401, "bad key"))
    second_server.play(answer("Hi"))
    result = door(api_key=["one-key", "two-key"], fallbacks=[other]).call("x")
    assert second_server.requests[0].headers["authorization"] == "Bearer other-key"
    assert [each.key_index for each in result.failed_attempts] == [0, 1]
    assert result.key_index == 0


def test_an_answer_that_is_only_too_long_is_not_asked_for_elsewhere(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(stream("Half of it", finish_reason="length"))
    with pytest.raises(ChatIncompleteResponseError, match="not whole"):
        door(fallbacks=[other]).complete("x", max_continues=0)
    assert second_server.requests == []


def test_the_last_failure_is_raised_and_names_the_others(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    second_server.play(refuse(401, "bad key other-key"))
    with pytest.raises(AuthenticationError) as caught:
        door(fallbacks=[other]).call("x")
    assert "other-key" not in str(caught.value)
    assert [(each.error, each.status_code) for each in caught.value.failed_attempts] == [
        ("ServerError", 503),
        ("AuthenticationError", 401),
    ]


def test_secrets_of_every_client_that_was_asked_are_kept(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    second_server.play(refuse(500, "test-key and other-key"))
    with pytest.raises(ServerError) as caught:
        door(fallbacks=[other]).call("x")
    assert "[redacted] and [redacted]" in str(caught.value)


@pytest.mark.parametrize("method", ["stream", "complete_stream"])
def test_nobody_else_is_asked_once_content_was_handed_out(
    method: str,
    door: Doors,
    scripted_server: ScriptedServer,
    second_server: ScriptedServer,
    other: Chat,
) -> None:
    text = "A beginning that is long enough to be handed out at once, and then nothing more. "
    scripted_server.always(events(chunk({"content": text}), Cut(), done=False))
    opened = door(fallbacks=[other]).open_stream("x", method=method, resume="off")
    seen = ""
    with pytest.raises(ChatStreamInterruptedError):  # noqa: PT012 - it breaks on the way
        while (got := opened.next_chunk()) is not None:
            seen += got.delta
    assert seen
    assert second_server.requests == []


def test_a_complete_answer_starts_over_elsewhere(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    """Nothing was handed out yet, so nothing is lost and nothing comes twice."""
    scripted_server.play(events(chunk({"content": "Half"}), Cut(), done=False))
    scripted_server.always(BUSY)
    second_server.always(Model(cut=HALF))
    result = door(fallbacks=[other]).complete("Tell me.")
    assert result.text == STORY
    assert result.base_url == second_server.url


def test_the_deadline_is_the_calls(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(Reply(steps=[Stall(5)], head_delay=0.25))
    with pytest.raises(LexiluxTimeoutError) as caught:
        door(fallbacks=[other]).call("x", deadline_s=0.15)
    assert caught.value.timeout == "deadline_s"
    assert len(caught.value.failed_attempts) == 1
    assert second_server.requests == []


def test_the_deadline_holds_on_with_the_fallback(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(Reply(503, body=b"{}", head_delay=0.1))
    second_server.play(Reply(head_delay=0.25))
    with pytest.raises(LexiluxTimeoutError) as caught:
        door(fallbacks=[other], deadline_s=0.2).call("x")
    assert (caught.value.timeout, caught.value.limit_s) == ("deadline_s", 0.2)
    assert len(second_server.requests) == 1


def test_a_fallback_has_its_own_time_limits(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer
) -> None:
    scripted_server.play(BUSY)
    second_server.play(Reply(steps=[Stall(5)]))
    with (
        Chat(base_url=second_server.url, proxies={}, read_timeout_s=0.1) as hasty,
        pytest.raises(LexiluxTimeoutError) as caught,
    ):
        door(fallbacks=[hasty]).call("x")
    assert (caught.value.timeout, caught.value.limit_s) == ("read_timeout_s", 0.1)


def test_a_fallback_retries_as_often_as_it_likes(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer
) -> None:
    scripted_server.play(BUSY)
    second_server.play(BUSY, BUSY, answer("Hi"))
    with Chat(base_url=second_server.url, proxies={}, max_retries=2) as patient:
        assert door(fallbacks=[patient]).call("x").text == "Hi"
    assert len(scripted_server.requests) == 1


def test_a_fallback_that_cannot_be_asked_this_is_passed_over(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    second_server.play(answer("Hi"))
    strict = Chat(base_url="http://127.0.0.1:9/v1", provider="openai", proxies={})
    with strict:
        asked = door(fallbacks=[strict, other])
        result = asked.call("x", reasoning={"max_tokens": 9})
    assert result.text == "Hi"
    assert [each.base_url for each in result.failed_attempts] == [scripted_server.url]


def test_where_no_fallback_can_be_asked_the_first_failure_stands(
    door: Doors, scripted_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(BUSY)
    other.close()
    with pytest.raises(ServerError) as caught:
        door(fallbacks=[other]).call("x")
    if door.is_async:  # close() is for the sync connections
        return
    assert "fallback 1 could not be asked" in "".join(caught.value.__notes__)


class City(BaseModel):
    name: str


def test_a_value_of_a_type_may_come_from_elsewhere(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.always(BUSY)
    second_server.play(stream('{"name": "Oslo"}'))
    assert door(fallbacks=[other]).parse("x", City) == City(name="Oslo")


def test_the_other_answers_json_reply(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    scripted_server.play(json_reply({"hello": "world"}))
    second_server.play(answer("Hi"))
    result = door(fallbacks=[other]).call("x")
    assert [each.error for each in result.failed_attempts] == ["ResponseFormatError"]


@pytest.mark.parametrize("wrong", [["http://x/v1"], [None], [object()]])
def test_a_fallback_is_a_chat(wrong: list[Any]) -> None:
    with pytest.raises(ValidationError, match="fallbacks must be Chat objects"):
        Chat(base_url="http://127.0.0.1:9/v1", fallbacks=wrong)


def test_closing_leaves_the_fallbacks_open(
    scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat
) -> None:
    second_server.play(answer("Hi"))
    Chat(base_url=scripted_server.url, fallbacks=[other]).close()
    assert other("x").text == "Hi"


def test_a_failure_without_fallbacks_is_plain(door: Doors) -> None:
    with pytest.raises(LexiluxConnectionError) as caught:
        door(base_url="http://127.0.0.1:9/v1").call("x")
    assert len(caught.value.failed_attempts) == 1
