"""Blocks of reasoning in fragments, and the message that sends them back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.fragments import Fragments
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import ServerSentEvent

CLAUDE = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
SEALED = {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "index": 0}


def put_together(*events: list[Any]) -> list[Any]:
    fragments = Fragments()
    for event in events:
        fragments.take(event)
    return fragments.so_far()


@pytest.mark.parametrize(
    ("events", "blocks"),
    [
        (
            [
                [{**CLAUDE, "text": "", "signature": ""}],
                [{**CLAUDE, "text": "Ber"}],
                [{**CLAUDE, "text": "lin"}],
                [{**CLAUDE, "signature": "Ev=="}],
                [{**CLAUDE, "text": "", "signature": None}],
            ],
            [{**CLAUDE, "text": "Berlin", "signature": "Ev=="}],
        ),
        (
            [[{**CLAUDE, "text": "a"}], [{**CLAUDE, "index": 1, "text": "b"}]],
            [{**CLAUDE, "text": "a"}, {**CLAUDE, "index": 1, "text": "b"}],
        ),
        (
            [
                [{"type": "reasoning.summary", "summary": "a", "id": "rs_1", "index": 0}],
                [{"type": "reasoning.summary", "summary": "b", "index": 0}],
                [SEALED],
            ],
            [{"type": "reasoning.summary", "summary": "ab", "id": "rs_1", "index": 0}, SEALED],
        ),
        ([[SEALED], [{**SEALED, "data": "gBBB"}]], [SEALED, {**SEALED, "data": "gBBB"}]),
        ([[SEALED], [SEALED]], [SEALED]),
        (
            [[{"type": "t", "text": "a"}], [{"type": "t", "data": "x"}]],
            [{"type": "t", "text": "a"}, {"type": "t", "data": "x"}],
        ),
        (
            [
                [{"type": "reasoning.text", "text": "a", "id": "1", "index": 0}],
                [{"type": "reasoning.text", "text": "b", "id": "2", "index": 0}],
            ],
            [
                {"type": "reasoning.text", "text": "a", "id": "1", "index": 0},
                {"type": "reasoning.text", "text": "b", "id": "2", "index": 0},
            ],
        ),
        (
            [
                [{"type": "thinking", "thinking": "a"}],
                [{"type": "thinking", "thinking": "b", "signature": "s"}],
                [{"type": "thinking", "thinking": "c"}],
                [{"type": "redacted_thinking", "data": "x"}],
            ],
            [
                {"type": "thinking", "thinking": "ab", "signature": "s"},
                {"type": "thinking", "thinking": "c"},
                {"type": "redacted_thinking", "data": "x"},
            ],
        ),
        (
            [[{**CLAUDE, "text": "a"}, {**CLAUDE, "text": "b"}]],
            [{**CLAUDE, "text": "a"}, {**CLAUDE, "text": "b"}],
        ),
        ([["odd"], [7]], ["odd", 7]),
    ],
    ids=[
        "signature",
        "index",
        "summary",
        "other data",
        "same data",
        "data beside text",
        "id",
        "closed",
        "one event",
        "odd",
    ],
)
def test_fragments_become_blocks(events: list[Any], blocks: list[Any]) -> None:
    assert put_together(*events) == blocks


def test_what_was_read_does_not_change() -> None:
    fragments = Fragments()
    fragments.take([{**CLAUDE, "text": "a"}])
    before = fragments.so_far()
    fragments.take([{**CLAUDE, "text": "b", "signature": "s"}])
    assert before == [{**CLAUDE, "text": "a"}]


def test_an_event_is_left_alone() -> None:
    event = [{**CLAUDE, "text": "a"}]
    put_together(event, [{**CLAUDE, "text": "b", "signature": "s"}])
    assert event == [{**CLAUDE, "text": "a"}]


def answered(*deltas: dict[str, Any], provider: str = "https://openrouter.ai/api/v1") -> Any:
    """The result of a stream of deltas."""
    request = ChatRequest("m", [{"role": "user", "content": "Hi"}], reasoning=True)
    answer = OpenAIDialect(provider).answer(request, Response(200, {}))
    for delta in deltas:
        chunk = {"choices": [{"index": 0, "delta": delta}]}
        answer.feed(ServerSentEvent("message", json.dumps(chunk).encode()))
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    answer.feed(ServerSentEvent("message", json.dumps(end).encode()))
    answer.feed(ServerSentEvent("message", b"[DONE]"))
    return answer.so_far()


def test_a_streamed_answer_is_sent_back_in_whole_blocks() -> None:
    result = answered(
        {"content": "", "reasoning": "Ber", "reasoning_details": [{**CLAUDE, "text": "Ber"}]},
        {"content": "", "reasoning": "lin", "reasoning_details": [{**CLAUDE, "text": "lin"}]},
        {"content": "", "reasoning_details": [{**CLAUDE, "signature": "Ev=="}]},
        {"content": "So.", "reasoning_details": [SEALED]},
    )
    assert result.reasoning == "Berlin"
    assert result.to_message() == {
        "role": "assistant",
        "content": "So.",
        "reasoning": "Berlin",
        "reasoning_details": [{**CLAUDE, "text": "Berlin", "signature": "Ev=="}, SEALED],
    }


def test_a_gateway_s_thinking_blocks_are_sent_back() -> None:
    result = answered(
        {"reasoning_content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "a"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s"}]},
        {"content": "So."},
    )
    blocks = [{"type": "thinking", "thinking": "a", "signature": "s"}]
    assert result.to_message()["thinking_blocks"] == blocks


@pytest.mark.parametrize(
    ("provider", "delta", "place"),
    [
        (
            "https://api.mistral.ai/v1",
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}]},
            "thinking",
        ),
        ("https://gateway.example/v1", {"content": "<think>why</think>"}, "<think>"),
        ("https://gateway.example/v1", {"reasoning": "why"}, "reasoning"),
    ],
)
def test_an_answer_knows_where_its_reasoning_was(
    provider: str, delta: dict[str, Any], place: str
) -> None:
    result = answered(delta, {"content": "so"}, provider=provider)
    assert (result.text, result.reasoning) == ("so", "why")
    assert result.reasoning_field == place
    assert result.to_message()[place] == "why"


def test_a_field_is_the_better_place() -> None:
    result = answered({"reasoning": "a"}, {"content": "<think>b</think>so"})
    assert result.reasoning_field == "reasoning"


@pytest.mark.parametrize(
    ("provider", "text"),
    [
        ("https://api.minimax.io/v1", "<think>why</think>\n\nso"),
        ("https://api.perplexity.ai", "<think>why</think>so"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "<thought>why</thought>so",
        ),
    ],
)
def test_tags_of_a_row_are_split_off_unasked(provider: str, text: str) -> None:
    dialect = OpenAIDialect(provider)
    message = {"role": "assistant", "content": text}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    head = Response(200, {}, json.dumps(body).encode())
    result = dialect.decode(head, ChatRequest("m", [{"role": "user", "content": "Hi"}]))
    assert (result.reasoning, result.text) == ("why", "so")


def test_no_other_row_splits_unasked() -> None:
    message = {"role": "assistant", "content": "<think>why</think>so"}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    head = Response(200, {}, json.dumps(body).encode())
    result = OpenAIDialect().decode(head, ChatRequest("m", [{"role": "user", "content": "Hi"}]))
    assert result.text == "<think>why</think>so"
