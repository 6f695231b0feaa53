"""Streamed messages of Anthropic's API, fed into the wire floor."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from lexilux_like.testing.messages import (
    block_events,
    error_event,
    event,
    text_block,
    thinking_block,
    tool_use_block,
)
from lexilux_like.values.errors import (
    ChatStreamInterruptedError,
    LexiluxError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatStreamChunk, StreamingResult, ToolCall
from lexilux_like.wire.anthropic import AnthropicDialect
from lexilux_like.wire.anthropic_answer import AnthropicAnswer
from lexilux_like.wire.http import Response
from lexilux_like.wire.sse import SSEDecoder

HEAD = Response(200, {"content-type": "text/event-stream", "request-id": "req_9"})
START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "model": "claude-x",
        "content": [],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 1},
    },
}
STOP = {"type": "message_stop"}
SIGNED = thinking_block("Let me see", "c2ln")
WEATHER = tool_use_block("weather", {"city": "Rom", "days": 2})
SEARCH = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"title": "t"}]}


def ended(reason: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None, **fields}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}}


def blocks(*each: Any) -> list[dict[str, Any]]:
    return [item for index, block in enumerate(each) for item in block_events(block, index)]


@dataclass
class Played:
    answer: AnthropicAnswer
    chunks: list[ChatStreamChunk] = field(default_factory=list)
    error: LexiluxError | None = None

    @property
    def result(self) -> StreamingResult:
        if self.error is not None:
            raise self.error
        return self.answer.so_far()

    @property
    def text(self) -> str:
        return "".join(chunk.delta for chunk in self.chunks)


def play_bytes(*reads: bytes, **fields: Any) -> Played:
    """Feed a body read by read, as a turn does, and end it cleanly."""
    decoder = SSEDecoder()
    request = ChatRequest("claude-x", [], **fields)
    played = Played(AnthropicDialect("https://api.anthropic.com").answer(request, HEAD))
    try:
        for data in reads:
            for each in decoder.feed(data):
                played.chunks += played.answer.feed(each)
        for each in decoder.flush():
            played.chunks += played.answer.feed(each)
        if not played.answer.announced:
            raise ChatStreamInterruptedError("unannounced", partial=played.answer.so_far())
        played.chunks.append(played.answer.last_chunk())
    except LexiluxError as error:
        played.error = error
    return played


def play(*events: Any, **fields: Any) -> Played:
    """Feed events: mappings are named by their type, bytes are as they are."""
    return play_bytes(*(e if isinstance(e, bytes) else event(e) for e in events), **fields)


def said(*each: Any, reason: str | None = "end_turn", **fields: Any) -> Played:
    return play(START, *blocks(*each), ended(reason), STOP, **fields)


# Text.


def test_text_comes_in_the_pieces_that_were_sent() -> None:
    played = said(["Hel", "lo", "!"])
    assert [chunk.delta for chunk in played.chunks if chunk.delta] == ["Hel", "lo", "!"]
    result = played.result
    assert (result.text, result.status, result.finish_reason) == ("Hello!", "complete", "stop")
    assert result.raw_finish_reason == "end_turn"


def test_the_head_of_the_message_is_on_the_result() -> None:
    result = said("Hi").result
    assert (result.id, result.model, result.request_id) == ("msg_1", "claude-x", "req_9")


def test_the_last_chunk_is_done_and_no_other() -> None:
    chunks = said("Hi").chunks
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage is not None


def test_an_event_without_content_shows_nothing() -> None:
    played = play(START, {"type": "ping"}, *blocks("Hi"), ended(), STOP)
    assert [chunk.delta for chunk in played.chunks] == ["Hi", "", ""]


def test_texts_of_several_blocks_are_one_text() -> None:
    assert said("Hel", "lo").result.text == "Hello"


def test_one_byte_at_a_time_gives_the_same() -> None:
    events = [START, *blocks(SIGNED, "Grüße 😀", WEATHER), ended("tool_use"), STOP]
    body = b"".join(map(event, events))
    slow = play_bytes(*(body[i : i + 1] for i in range(len(body))))
    assert slow.result == play_bytes(body).result
    assert slow.text == "Grüße 😀"


def test_text_that_comes_with_the_beginning_of_its_block_counts() -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": text_block("Hel")}
    going = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "lo"},
    }
    assert play(START, start, going, ended(), STOP).text == "Hello"


@pytest.mark.parametrize("index", [{"index": 0}, {}])
def test_deltas_whose_block_has_not_begun_count(index: dict[str, int]) -> None:
    deltas = [{"type": "thinking_delta", "thinking": "hm"}, {"type": "text_delta", "text": "Hi"}]
    items = [{"type": "content_block_delta", **index, "delta": delta} for delta in deltas]
    result = play(START, *items, ended(), STOP).result
    assert (result.text, result.reasoning) == ("Hi", "hm")


# Reasoning.


def test_thinking_is_reasoning_and_hidden_unless_asked_for() -> None:
    hidden, shown = said(SIGNED, "Yes"), said(SIGNED, "Yes", include_reasoning=True)
    assert hidden.result.reasoning == shown.result.reasoning == "Let me see"
    assert hidden.result.text == "Yes"
    assert "".join(chunk.reasoning for chunk in hidden.chunks) == ""
    assert "".join(chunk.reasoning for chunk in shown.chunks) == "Let me see"


def test_hidden_thinking_counts_as_content() -> None:
    assert play(START, *blocks(SIGNED)).answer.pieces == 1


def test_signatures_and_redacted_thinking_are_kept_in_order() -> None:
    redacted = {"type": "redacted_thinking", "data": "ZW5j"}
    result = said(SIGNED, redacted, "Yes").result
    assert result.fields["content_blocks"] == [SIGNED, redacted, text_block("Yes")]
    assert result.reasoning == "Let me see"


def test_thinking_that_was_cut_off_is_not_kept() -> None:
    result = said(thinking_block("hm", ""), reason="max_tokens").result
    assert (result.reasoning, result.status) == ("hm", "truncated")
    assert "content_blocks" not in result.fields


# Tool calls.


def test_a_call_is_put_together_from_its_pieces() -> None:
    played = said("I look.", WEATHER, reason="tool_use")
    result = played.result
    arguments = json.dumps(WEATHER["input"])
    assert result.tool_calls == (ToolCall("toolu_1", "weather", arguments),)
    assert (result.status, result.finish_reason) == ("tool_calls", "tool_calls")
    deltas = [delta for chunk in played.chunks for delta in chunk.tool_calls]
    assert (deltas[0].id, deltas[0].name, deltas[0].index) == ("toolu_1", "weather", 0)
    assert "".join(delta.arguments for delta in deltas) == arguments


def test_several_calls_stay_apart() -> None:
    other = tool_use_block("time", {}, id="toolu_2")
    calls = said(WEATHER, "and", other, reason="tool_use").result.tool_calls
    assert [(call.id, call.get_arguments()) for call in calls] == [
        ("toolu_1", {"city": "Rom", "days": 2}),
        ("toolu_2", {}),
    ]


@pytest.mark.parametrize("stopped", [True, False])
def test_an_input_that_comes_whole_counts(stopped: bool) -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": WEATHER}
    end = [{"type": "content_block_stop", "index": 0}] if stopped else []
    [call] = play(START, start, *end, ended("tool_use"), STOP).result.tool_calls
    assert call.get_arguments() == WEATHER["input"]


def test_a_call_that_a_limit_cut_is_not_whole() -> None:
    items = [START, *blocks(WEATHER)[:-3], ended("max_tokens"), STOP]
    result = play(*items).result
    assert result.tool_calls == ()
    assert result.incomplete_tool_calls[0].name == "weather"
    assert result.status == "truncated"


def test_plain_text_and_calls_need_no_blocks() -> None:
    assert "content_blocks" not in said("Hi", WEATHER, reason="tool_use").result.fields
    assert "content_blocks" not in said({**text_block("a"), "citations": None}).result.fields


def test_a_call_that_says_more_is_kept_as_it_came() -> None:
    called = {**WEATHER, "caller": {"type": "direct"}}
    result = said(called, reason="tool_use").result
    assert result.fields["content_blocks"] == [called]


def test_tools_of_the_server_are_kept_and_are_no_calls() -> None:
    result = said("I look.", SEARCH, FOUND, "Found.").result
    assert result.text == "I look.Found."
    assert result.tool_calls == ()
    assert result.status == "complete"
    kept = [text_block("I look."), SEARCH, FOUND, text_block("Found.")]
    assert result.fields["content_blocks"] == kept


def test_citations_are_kept() -> None:
    cited = text_block("Yes", citations=[{"type": "page_location", "cited_text": "y"}])
    assert said(cited).result.fields["content_blocks"] == [cited]


def test_a_delta_that_is_new_is_kept_without_harm() -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "compaction"}}
    deltas = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "x_delta", "content": c, "n": 1},
        }
        for c in "ab"
    ]
    result = play(START, start, *deltas, *block_events("Hi", 1), ended(), STOP).result
    assert result.text == "Hi"
    assert result.fields["content_blocks"][0] == {"type": "compaction", "content": "ab"}


def test_an_event_that_is_new_is_let_pass() -> None:
    assert play(START, {"type": "news", "x": 1}, *blocks("Hi"), ended(), STOP).text == "Hi"


# The end.


@pytest.mark.parametrize(
    ("reason", "status", "finish_reason"),
    [
        ("end_turn", "complete", "stop"),
        ("stop_sequence", "complete", "stop"),
        ("max_tokens", "truncated", "length"),
        ("model_context_window_exceeded", "context_exceeded", "length"),
        ("refusal", "refused", "refusal"),
        ("pause_turn", "unknown", "unknown"),
        ("something_new", "unknown", "unknown"),
    ],
)
def test_each_stop_reason_has_its_verdict(reason: str, status: str, finish_reason: str) -> None:
    result = said("Hi", reason=reason).result
    assert (result.status, result.finish_reason) == (status, finish_reason)
    assert result.raw_finish_reason == reason


def test_what_stands_beside_the_stop_reason_is_kept() -> None:
    details = {"type": "refusal", "category": "x", "explanation": None}
    end = ended("refusal", stop_details=details, stop_sequence="END")
    fields = play(START, *blocks("Hi"), end, STOP).result.fields
    assert fields == {"stop_details": details, "stop_sequence": "END"}


def test_a_stop_reason_announces_the_end_by_itself() -> None:
    played = play(START, *blocks("Hi"), ended())
    assert (played.result.text, played.result.status) == ("Hi", "complete")


def test_an_end_that_nobody_announced_is_an_interruption() -> None:
    played = play(START, *blocks("Hi"))
    assert isinstance(played.error, ChatStreamInterruptedError)
    assert played.error.partial is not None
    assert (played.error.partial.text, played.error.partial.status) == ("Hi", "unannounced")


def test_an_end_without_a_reason_is_unknown() -> None:
    assert play(START, *blocks("Hi"), STOP).result.status == "unknown"


def test_nothing_is_read_after_the_end() -> None:
    assert play(START, *blocks("Hi"), ended(), STOP, b"data: nonsense\n\n").text == "Hi"


def test_a_stop_reason_that_comes_twice_counts_once() -> None:
    result = play(START, *blocks(SIGNED, "Yes"), ended(), ended(), STOP).result
    assert result.fields["content_blocks"] == [SIGNED, text_block("Yes")]


# Usage.


def test_counts_of_all_events_are_put_together() -> None:
    usage = said("Hi").result.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (14, 12, 26)
    assert usage.cached_tokens == 4
    assert usage.details == {
        "input_tokens": 10,
        "cache_read_input_tokens": 4,
        "output_tokens": 12,
    }


def test_counts_of_the_last_event_hold_but_never_count_down() -> None:
    counts = {
        "input_tokens": 0,
        "cache_creation_input_tokens": 3,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    usage = play(START, *blocks("Hi"), {**ended(), "usage": counts}, STOP).result.usage
    assert usage.input_tokens == 10 + 4 + 3
    assert usage.cache_creation_tokens == 3
    assert usage.reasoning_tokens == 5


def test_a_stream_that_breaks_has_counted_the_prompt() -> None:
    error = play(START, *blocks("Hi")).error
    assert error is not None
    assert error.partial is not None
    assert error.partial.usage.input_tokens == 14


def test_the_counts_of_the_beginning_are_not_shown_by_themselves() -> None:
    chunks = said("Hi").chunks
    assert [chunk.usage is not None for chunk in chunks] == [False, True, True]


# Errors.


@pytest.mark.parametrize(
    ("kind", "error", "retryable"),
    [
        ("overloaded_error", ServerError, True),
        ("api_error", ServerError, True),
        ("timeout_error", ServerError, True),
        ("rate_limit_error", RateLimitError, True),
        ("billing_error", QuotaExceededError, False),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_an_error_in_mid_stream_carries_the_part(
    kind: str, error: type[LexiluxError], retryable: bool, named: bool
) -> None:
    value = error_event(kind, "so sorry")
    last: Any = value if named else b"data: " + json.dumps(value).encode() + b"\n\n"
    raised = play(START, *blocks("Hel"), last).error
    assert type(raised) is error
    assert raised.retryable is retryable
    assert raised.partial is not None
    assert raised.partial.text == "Hel"
    assert "so sorry" in str(raised)
    assert "req_9" in str(raised)


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n',
        b"data: [1]\n\n",
        b"data: {\n\n",
    ],
)
def test_an_event_of_another_kind_is_refused(data: bytes) -> None:
    raised = play(START, *blocks("Hel"), data).error
    assert isinstance(raised, ResponseFormatError)
    assert raised.partial is not None
    assert raised.partial.text == "Hel"


# Raw events.


def test_raw_events_are_the_servers_own() -> None:
    events = [START, *blocks(SIGNED, "Hi"), ended(), STOP]
    chunks = play(*events, keep_raw=True).chunks
    assert [chunk.raw for chunk in chunks if not chunk.done] == events
    assert "".join(chunk.delta for chunk in chunks) == "Hi"
