"""Limits: the headers of a 429, and answers that a token limit cuts off."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from lexilux_like import RateLimitError, ValidationError
from lexilux_like.testing import (
    Allowance,
    Reply,
    ScriptedServer,
    Send,
    answer,
    events,
    rate_headers,
    rate_limited,
    stream,
    tool_call,
    truncate,
)
from lexilux_like.testing.chunks import event_of
from lexilux_like.testing.door import Doors

NONE_LEFT = Allowance(limit=60, remaining=0, reset_s=360)


def test_rate_headers_of_openai_reach_a_client(scripted_server: ScriptedServer) -> None:
    scripted_server.play(
        rate_limited(
            "Wait.",
            retry_after_s=0.25,
            requests=NONE_LEFT,
            tokens=Allowance(limit=1000, remaining=9, reset_s=0.02),
        )
    )
    response = httpx.get(scripted_server.url, trust_env=False)
    assert response.status_code == 429
    assert response.json()["error"]["message"] == "Wait."
    assert {n: v for n, v in response.headers.items() if n.startswith(("x-", "retry"))} == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "9",
        "x-ratelimit-reset-tokens": "20ms",
        "retry-after": "1",
        "retry-after-ms": "250",
    }


def test_rate_headers_of_anthropic_are_instants(scripted_server: ScriptedServer) -> None:
    scripted_server.play(rate_limited(retry_after_s=2, requests=NONE_LEFT, spelling="anthropic"))
    response = httpx.get(scripted_server.url, trust_env=False)
    assert response.json()["error"]["type"] == "rate_limit_error"
    assert response.headers["anthropic-ratelimit-requests-limit"] == "60"
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "0"
    reset = datetime.fromisoformat(response.headers["anthropic-ratelimit-requests-reset"])
    assert 350 < (reset - datetime.now(UTC)).total_seconds() <= 360
    assert response.headers["retry-after"] == "2"
    assert "retry-after-ms" not in response.headers


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.12, "120ms"),
        (1, "1s"),
        (7.66, "7.66s"),
        (61, "1m1s"),
        (3600, "1h0m0s"),
        (3661.5, "1h1m1.5s"),
    ],
)
def test_resets_are_durations(seconds: float, text: str) -> None:
    headers = rate_headers(tokens=Allowance(1, 1, seconds))
    assert headers["x-ratelimit-reset-tokens"] == text


def test_nothing_is_told_unless_given() -> None:
    assert rate_headers() == {}
    assert [*rate_limited().headers] == ["content-type"]


def test_client_waits_as_long_as_it_is_told(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(rate_limited(retry_after_s=0.1), answer("Hello"))
    assert door(max_retries=1).call("Hi").text == "Hello"
    first, second = scripted_server.requests
    assert 0.1 <= second.at - first.at < 0.9


def test_client_without_retries_hears_of_it(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(rate_limited("Wait.", retry_after_s=3))
    with pytest.raises(RateLimitError, match="Wait") as caught:
        door().call("Hi")
    assert caught.value.retry_after == 3


def chunks(reply: Reply) -> list[Any]:
    return [value for step in reply.steps if (value := event_of(step)) is not None]


@pytest.mark.parametrize("tokens", [0, 1, 2, 3])
def test_stream_is_cut_after_so_many_pieces(
    door: Doors, scripted_server: ScriptedServer, tokens: int
) -> None:
    scripted_server.play(truncate(stream("a", "b", "c", "d"), tokens=tokens))
    streamed = door().stream("Hi")
    assert streamed.result.text == "abcd"[:tokens]
    assert streamed.result.status == "truncated"
    assert streamed.result.usage.output_tokens == tokens


def test_cut_stream_sends_no_chunk_for_what_is_cut() -> None:
    whole, cut = stream("a", "b", "c"), truncate(stream("a", "b", "c"), tokens=1)
    assert len(chunks(cut)) == len(chunks(whole)) - 2
    assert [*cut.steps][-1] == Send(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("tokens", "text"), [(0, ""), (1, "One"), (2, "One fox."), (3, "One fox.\n\nTwo")]
)
def test_whole_answer_is_cut_after_so_many_words(
    door: Doors, scripted_server: ScriptedServer, tokens: int, text: str
) -> None:
    scripted_server.play(truncate(answer("One fox.\n\nTwo hens."), tokens=tokens))
    result = door().call("Hi")
    assert (result.text, result.status) == (text, "truncated")
    assert result.usage.output_tokens == tokens
    assert result.usage.total_tokens == 1 + tokens


@pytest.mark.parametrize("reply", [answer("One fox."), stream("One", " fox.")])
def test_answer_that_fits_stays_as_it_is(reply: Reply) -> None:
    assert (truncate(reply, tokens=2).body, chunks(truncate(reply, tokens=2))) == (
        reply.body,
        chunks(reply),
    )


def test_text_beside_the_finish_reason_is_cut() -> None:
    last = {"index": 0, "delta": {"content": "b"}, "finish_reason": "stop"}
    first = {"index": 0, "delta": {"content": "a"}, "finish_reason": None}
    cut = truncate(events({"choices": [first]}, {"choices": [last]}), tokens=1)
    assert chunks(cut)[1]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "length"}]


def test_each_choice_is_cut_for_itself() -> None:
    said = [{"choices": [{"index": i, "delta": {"content": t}}]} for i, t in ((0, "a"), (1, "b"))]
    ends = [{"choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]} for i in (0, 1)]
    cut = chunks(truncate(events(*said, said[0], *ends), tokens=1))
    words = [choice.get("finish_reason") for each in cut for choice in each["choices"]]
    assert words == [None, None, "length", "stop"]


def test_calls_behind_a_cut_text_are_lost() -> None:
    reply = answer("One fox.", tool_calls=[tool_call("f", {})], finish_reason="tool_calls")
    choice = json.loads(truncate(reply, tokens=1).body)["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "One"}
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    "reply",
    [Reply(body=b"{}"), Reply(body=b"no"), Reply(body=b'{"choices": [{}]}'), events({"a": 1})],
)
def test_what_is_no_completion_is_refused(reply: Reply) -> None:
    with pytest.raises(ValidationError, match=r"no chat completion|without chunks"):
        truncate(reply, tokens=1)


def test_negative_tokens_are_refused() -> None:
    with pytest.raises(ValidationError, match="tokens=-1"):
        truncate(answer("a"), tokens=-1)
