"""Several keys: the next one's turn comes when one is refused or used up, and nobody sees them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sockets import (
    HALF,
    STORY,
    Model,
    instantly,  # noqa: F401 - a fixture for each test
)

from lexilux_like import (
    AuthenticationError,
    Chat,
    FailedAttempt,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from lexilux_like.testing import Reply, ScriptedServer, answer, chunk, events, refuse, sse, stream
from lexilux_like.testing.door import Doors

KEYS = ("key-number-one", "key-number-two", "key-number-three")
QUOTA = refuse(429, "You exceeded your current quota", code="insufficient_quota")
REFUSED = refuse(401, "Incorrect API key provided", code="invalid_api_key")


def sent(server: ScriptedServer) -> list[str]:
    """The keys of the requests, in order."""
    return [each.headers["authorization"].removeprefix("Bearer ") for each in server.requests]


@pytest.mark.parametrize(
    "refusal",
    [REFUSED, QUOTA, refuse(403, "not for you"), refuse(402, "Insufficient Balance")],
    ids=["401", "quota", "403", "402"],
)
@pytest.mark.parametrize("method", ["call", "stream", "complete", "complete_stream"])
def test_the_next_key_is_used_where_one_is_refused(
    refusal: Reply, method: str, door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(refusal, stream("Hi") if method != "call" else answer("Hi"))
    got = getattr(door(api_key=KEYS), method)("x")
    result = got if method in ("call", "complete") else got.result
    assert (result.text, result.key_index) == ("Hi", 1)
    assert sent(scripted_server) == [*KEYS[:2]]


def test_what_failed_is_on_the_result(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(REFUSED, QUOTA, answer("Hi"))
    result = door(api_key=KEYS).call("x")
    url = scripted_server.url
    assert result.failed_attempts == (
        FailedAttempt(url, "m", 0, "AuthenticationError", 401),
        FailedAttempt(url, "m", 1, "QuotaExceededError", 429),
    )
    assert (result.base_url, result.key_index) == (url, 2)


def test_a_key_that_worked_stays_in_use(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(REFUSED, answer("a"), answer("b"))
    asked = door(api_key=KEYS)
    asked.call("x")
    result = asked.call("y")
    assert sent(scripted_server) == [KEYS[0], KEYS[1], KEYS[1]]
    assert (result.key_index, result.failed_attempts) == (1, ())


def test_the_first_key_comes_after_the_last(door: Doors, scripted_server: ScriptedServer) -> None:
    asked = door(api_key=KEYS[:2])
    scripted_server.play(QUOTA, answer("a"), QUOTA, answer("b"))
    asked.call("x")
    assert asked.call("y").key_index == 0
    assert sent(scripted_server) == [KEYS[0], KEYS[1], KEYS[1], KEYS[0]]


def test_each_key_is_tried_once(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(REFUSED)
    with pytest.raises(AuthenticationError) as caught:
        door(api_key=KEYS).call("x")
    assert sent(scripted_server) == [*KEYS]
    assert [each.key_index for each in caught.value.failed_attempts] == [0, 1, 2]


def test_a_plain_429_is_a_matter_of_waiting(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(429, "slow down"), answer("Hi"))
    result = door(api_key=KEYS, max_retries=1).call("x")
    assert sent(scripted_server) == [KEYS[0], KEYS[0]]
    assert [each.error for each in result.failed_attempts] == ["RateLimitError"]


def test_without_retries_a_plain_429_is_raised(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(refuse(429, "slow down"))
    with pytest.raises(RateLimitError):
        door(api_key=KEYS).call("x")
    assert sent(scripted_server) == [KEYS[0]]


def test_another_key_does_not_repair_a_server(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(503, "busy"))
    with pytest.raises(ServerError):
        door(api_key=KEYS).call("x")
    assert len(scripted_server.requests) == 1


def test_a_quota_that_ends_in_mid_stream_is_no_reason_to_begin_again(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    error = sse({"error": {"message": "out of money", "code": "insufficient_quota"}})
    scripted_server.play(events(chunk({"content": "Half"}), error, done=False))
    opened = door(api_key=KEYS).open_stream("x")
    with pytest.raises(QuotaExceededError) as caught:
        opened.drain()
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Half"
    assert len(scripted_server.requests) == 1


def test_an_error_before_any_content_moves_on(door: Doors, scripted_server: ScriptedServer) -> None:
    error = sse({"error": {"message": "out of money", "code": "insufficient_quota"}})
    scripted_server.play(events(error, done=False), stream("Hi"))
    got = door(api_key=KEYS).stream("x")
    assert ("".join(got.deltas), got.result.key_index) == ("Hi", 1)


def test_a_header_of_the_callers_own_wins_over_all_keys(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(REFUSED)
    with pytest.raises(AuthenticationError):
        door(api_key=KEYS, headers={"Authorization": "Bearer mine"}).call("x")
    assert sent(scripted_server) == ["mine"]


def test_no_key_is_shown(
    door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = "; ".join(KEYS)
    scripted_server.play(*[refuse(401, f"bad key: {told}")] * 3)
    asked = door(api_key=KEYS)
    with pytest.raises(AuthenticationError) as caught:
        asked.call("x")
    shown = f"{caught.value!r} {caught.value} {vars(caught.value)} {asked.chat!r} {caplog.text}"
    assert not [key for key in KEYS if key in shown]


def test_one_key_in_a_list_is_a_key(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("Hi"))
    assert door(api_key=KEYS[:1]).call("x").key_index == 0
    assert sent(scripted_server) == [KEYS[0]]


def test_no_keys_are_no_key(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("Hi"))
    door(api_key=[]).call("x")
    assert "authorization" not in scripted_server.requests[0].headers


@pytest.mark.parametrize("keys", [["good", "bad\n"], ["good", " bad"], ["good", 7], ["good", ""]])
def test_each_key_is_checked(keys: list[Any]) -> None:
    with pytest.raises(ValidationError, match="api_key"):
        Chat(base_url="http://127.0.0.1:1/v1", api_key=keys)


def test_a_step_of_a_continued_answer_may_change_the_key(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF, faults=[None, lambda _reply: QUOTA]))
    result = door(api_key=KEYS).complete("Tell me.")
    assert result.text == STORY
    assert sent(scripted_server)[:3] == [KEYS[0], KEYS[0], KEYS[1]]
    assert result.key_index == 1
