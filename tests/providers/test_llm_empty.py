"""Answers with nothing in them are asked for again, a few times, and their tokens count."""

from __future__ import annotations

import time
from typing import Any

import pytest
from agents import EACH_WAY, HI, WEATHER, Ask, finish_of, provider_of, streamed, text_of

from lexilux_like.testing import Reply, ScriptedServer, answer, stream, tool_call

NOTHING = answer("")
NOTHING_STREAMED = stream()


@EACH_WAY
def test_an_empty_answer_is_asked_for_again(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(NOTHING, NOTHING, answer("Hello"))
    got = ask(provider_of(scripted_server))
    assert (got.content, got.input_tokens, got.output_tokens) == ("Hello", 3, 6)
    assert len(scripted_server.requests) == 3


@EACH_WAY
@pytest.mark.parametrize(("given", "requests"), [(None, 4), (0, 1), (1, 2), (3, 4), (9, 4)])
def test_it_is_given_up_after_three_or_max_retries(
    ask: Ask, scripted_server: ScriptedServer, given: int | None, requests: int
) -> None:
    scripted_server.always(NOTHING)
    got = ask(provider_of(scripted_server), max_retries=given)
    assert (got.content, got.stop_reason, got.input_tokens) == ("", "stop", requests)
    assert len(scripted_server.requests) == requests


@EACH_WAY
def test_the_retries_of_the_provider_hold_where_a_call_has_none(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(NOTHING)
    ask(provider_of(scripted_server, max_retries=1))
    assert len(scripted_server.requests) == 2


@EACH_WAY
def test_reasoning_alone_is_no_answer(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("", reasoning="Hm."), answer("Hello"))
    assert ask(provider_of(scripted_server)).content == "Hello"


@pytest.mark.parametrize(
    "reply",
    [
        answer("", finish_reason="length"),
        answer("", finish_reason="content_filter"),
        answer(None, refusal="No."),
        answer(None, refusal="No", finish_reason=None),
        answer(None, tool_calls=[tool_call("get_weather", {})], finish_reason="tool_calls"),
        answer(None, audio={"data": "AA=="}),
    ],
    ids=["length", "content_filter", "refusal", "cut_refusal", "tool_calls", "audio"],
)
@EACH_WAY
def test_an_answer_with_a_reason_to_be_empty_is_taken_as_it_is(
    ask: Ask, scripted_server: ScriptedServer, reply: Reply
) -> None:
    scripted_server.always(reply)
    ask(provider_of(scripted_server), tools=[WEATHER])
    assert len(scripted_server.requests) == 1


@EACH_WAY
def test_a_turn_of_the_model_that_is_gone_on_from_may_be_whole_already(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(NOTHING)
    ask(provider_of(scripted_server), [*HI, {"role": "assistant", "content": "Hello"}])
    assert len(scripted_server.requests) == 1


@EACH_WAY
def test_it_waits_before_it_asks_again(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(NOTHING, answer("Hello"))
    began = time.monotonic()
    ask(provider_of(scripted_server, empty_wait_s=0.1))
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("options", [{}, {"max_continues": 2}, {"resume": "auto"}], ids=str)
def test_an_empty_stream_is_asked_for_again(
    scripted_server: ScriptedServer, options: dict[str, Any]
) -> None:
    scripted_server.play(NOTHING_STREAMED, NOTHING_STREAMED, stream("Hel", "lo"))
    events = streamed(provider_of(scripted_server, **options))
    assert text_of(events) == "Hello"
    assert (finish_of(events).input_tokens, finish_of(events).output_tokens) == (3, 6)


def test_an_empty_stream_is_given_up_after_three_more(scripted_server: ScriptedServer) -> None:
    scripted_server.always(NOTHING_STREAMED)
    (event,) = streamed(provider_of(scripted_server))
    assert (finish_of([event]).stop_reason, finish_of([event]).input_tokens) == ("stop", 4)
    assert len(scripted_server.requests) == 4


def test_a_stream_is_not_asked_for_again_once_anything_was_shown(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.always(stream({"reasoning_content": "Hm."}))
    events = streamed(provider_of(scripted_server))
    assert [each.type for each in events] == ["reasoning_start", "reasoning_delta", "finish"]
    assert len(scripted_server.requests) == 1
