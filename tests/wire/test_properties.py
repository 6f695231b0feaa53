"""Properties of streamed answers: cut anywhere, interleaved anyhow, or plainly hostile."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import LexiluxError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ToolCall
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIAnswer, OpenAIDialect
from lexilux_like.wire.sse import ServerSentEvent, SSEDecoder

STOP = sse(chunk({}, finish_reason="stop"))
HI = sse(chunk({"content": "Hi"}))


def empty_answer() -> OpenAIAnswer:
    return OpenAIDialect().answer(ChatRequest("m", []), Response(200, {}))


def piece(arguments: object = None, **fields: Any) -> dict[str, Any]:
    function = {} if arguments is None else {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return {**fields, "function": function}


IDS = st.sampled_from(["by index", "by id", "by both", "repeating", "index 0"])


@st.composite
def call_streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[ToolCall]]:
    """Deltas with the calls that they stand for, one call after the other, in five manners."""
    manner = draw(IDS)
    deltas, calls = [], []
    for i in range(draw(st.integers(1, 4))):
        parts = draw(st.lists(st.text(max_size=6), min_size=1, max_size=5))
        name, identity = f"f{i % 2}", f"id{i}"
        calls.append(ToolCall(identity if manner != "by index" else "", name, "".join(parts)))
        for j, part in enumerate(parts):
            fields: dict[str, Any] = {}
            if manner in ("by index", "by both", "repeating"):
                fields["index"] = i
            if manner == "index 0":
                fields["index"] = 0
            first = j == 0 or manner == "repeating"
            if first:
                fields["name"] = name
            if manner == "by id" or (first and manner != "by index"):
                fields["id"] = identity
            deltas.append({"tool_calls": [piece(part, **fields)]})
    return deltas, calls


NOISE = st.sampled_from(
    [
        b": ping\n\n",
        b"\n",
        b"id: 3\n\n",
        sse(chunk({})),
        sse(chunk({"role": "assistant", "content": None})),
        sse(chunk(usage=None)),
        sse({"choices": None}),
        sse({"choices": [{"index": 0, "delta": None}]}),
        sse({"type": "ping"}),
    ]
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[bytes], str, str, list[ToolCall]]:
    """Events, noise among them, with the text, reasoning and calls that they stand for."""
    texts = draw(st.lists(st.text(min_size=1, max_size=8), max_size=6))
    thoughts = draw(st.lists(st.text(min_size=1, max_size=8), max_size=4))
    field = draw(st.sampled_from(["reasoning", "reasoning_content"]))
    pieces, calls = draw(call_streams())
    queues = [
        [{"content": text} for text in texts],
        [{field: thought} for thought in thoughts],
        pieces,
    ]
    events = []
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        events.append(sse(chunk(queue.pop(0))))
        if draw(st.booleans()):
            events.append(draw(NOISE))
    return events, "".join(texts), "".join(thoughts), calls


@given(answers())
def test_answer_is_that_of_the_generator(
    play, stream: tuple[list[bytes], str, str, list[ToolCall]]
) -> None:
    events, text, reasoning, calls = stream
    end = sse(chunk({}, finish_reason="tool_calls"))
    played = play(b"".join([*events, end, DONE]), include_reasoning=True)
    assert (played.result.text, played.result.reasoning) == (text, reasoning)
    assert list(played.result.tool_calls) == calls
    assert played.text == text
    assert "".join(each.reasoning for each in played.chunks) == reasoning
    arguments = [""] * len(calls)
    for each in played.chunks:
        for delta in each.tool_calls:
            arguments[delta.index] += delta.arguments
    assert arguments == [call.arguments for call in calls]


@given(answers(), st.lists(st.integers(0, 3_000), max_size=8))
def test_cuts_into_reads_change_nothing(
    reads, stream: tuple[list[bytes], str, str, list[ToolCall]], cuts: list[int]
) -> None:
    events, *_ = stream
    body = b"".join([*events, STOP, DONE])
    places = sorted(min(cut, len(body)) for cut in cuts)
    parts = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]
    assert reads(parts).result == reads([body]).result


@given(answers(), st.floats(0, 1))
def test_cut_answer_is_a_prefix_and_has_no_finish_reason(
    reads, stream: tuple[list[bytes], str, str, list[ToolCall]], place: float
) -> None:
    events, text, reasoning, _ = stream
    body = b"".join(events)
    played = reads([body[: int(place * len(body))]])
    so_far = played.answer.so_far()
    assert text.startswith(so_far.text)
    assert reasoning.startswith(so_far.reasoning)
    assert (so_far.finish_reason, so_far.tool_calls) == (None, ())
    assert so_far.status == "unannounced"
    assert played.error is not None


@given(answers(), st.lists(st.sampled_from([HI, STOP, DONE, sse({"error": "late"}), b"x\n\n"])))
def test_nothing_after_done_counts(
    play, stream: tuple[list[bytes], str, str, list[ToolCall]], more: list[bytes]
) -> None:
    body = b"".join([*stream[0], STOP, DONE])
    assert play(body + b"".join(more)).result == play(body).result


def escaped(value: object) -> bytes:
    """An event in ASCII, so that it can have halves of characters."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["stop", "error", "", "\ud83d", "\ude00"]),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "id",
                    "index",
                    "type",
                    "text",
                    "thinking",
                    "reasoning",
                    "reasoning_details",
                    "refusal",
                    "finish_reason",
                    "usage",
                    "error",
                    "logprobs",
                    "function_call",
                    "audio",
                    "data",
                    "x_groq",
                    "object",
                ]
            ),
            values,
            max_size=5,
        )
    ),
    max_leaves=20,
)
CHUNKS = st.fixed_dictionaries({"choices": st.lists(TREES, min_size=1, max_size=2)})


@given(st.lists(TREES | CHUNKS, max_size=5))
def test_any_json_events_are_an_answer_or_an_error_of_ours(play, documents: list[object]) -> None:
    played = play(b"".join(map(escaped, documents)) + DONE, reasoning=True)
    assert played.error is None or isinstance(played.error, LexiluxError)


@given(st.binary())
def test_any_bytes_are_an_answer_or_an_error_of_ours(play, body: bytes) -> None:
    assert play(body).error is not None or play(body).answer.announced


@given(st.binary(max_size=20), st.sampled_from(["message", "error", "ping", "x"]))
def test_any_event_is_an_answer_or_an_error_of_ours(data: bytes, kind: str) -> None:
    with contextlib.suppress(LexiluxError):
        empty_answer().feed(ServerSentEvent(kind, data))


def seconds(pieces: int) -> float:
    data = b"".join(
        sse(chunk({"tool_calls": [piece("x", index=0)], "function_call": {"arguments": "y"}}))
        for _ in range(pieces)
    )
    answer, events = empty_answer(), SSEDecoder().feed(data)
    began = time.process_time()
    for each in events:
        answer.feed(each)
    answer.so_far()
    return time.process_time() - began


def test_time_is_linear_in_the_number_of_pieces() -> None:
    # Quadratic time would be 64 times as long, linear time is 8 times.
    small, large = min(seconds(1_000) for _ in range(3)), seconds(8_000)
    assert large < 30 * small
