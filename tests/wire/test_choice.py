"""Long answers: what they add up to, and how little is kept of their pieces."""

from __future__ import annotations

import pytest
from pydantic_core import to_json

from lexilux_like.testing import chunk
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.accumulator import COMPACT_EVERY
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
@pytest.mark.parametrize("looked_at", [False, True])
def test_a_long_text_is_the_sum_of_its_pieces(field: str, looked_at: bool):
    answer = OpenAIDialect().answer(ChatRequest("m", []), Response(200, {}))
    pieces = [f"{i} " for i in range(3 * COMPACT_EVERY + 7)]
    for i, each in enumerate(pieces):
        for event in SSEDecoder().feed(b"data: " + encoded(field, each) + b"\n\n"):
            answer.feed(event)
        if looked_at and i % 500 == 0:
            result = answer.so_far()
            assert (result.text or result.reasoning) == "".join(pieces[: i + 1])
    result = answer.so_far()
    assert (result.text or result.reasoning) == "".join(pieces)


def test_the_pieces_of_a_long_text_are_joined_now_and_then():
    answer = OpenAIDialect().answer(ChatRequest("m", []), Response(200, {}))
    for i in range(10 * COMPACT_EVERY):
        for event in SSEDecoder().feed(b"data: " + encoded("content", f"{i} ") + b"\n\n"):
            answer.feed(event)
    (choice,) = answer._accumulator._choices.values()
    assert len(choice._text) == 10


def encoded(field: str, text: str) -> bytes:
    return to_json(chunk({field: text}))
