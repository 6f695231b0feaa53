"""Replies as values: what the constructors put into them."""

from __future__ import annotations

import json

import pytest

from lexilux_like.testing import (
    DONE,
    USAGE,
    Cut,
    Pause,
    Reply,
    Send,
    answer,
    chunk,
    events,
    json_reply,
    raw_reply,
    refuse,
    sends,
    sse,
    stream,
    tool_call,
)


def sent(reply: Reply) -> list[bytes]:
    return [step.data for step in reply.steps if isinstance(step, Send)]


def data(reply: Reply) -> list[dict]:
    return [json.loads(event.removeprefix(b"data: ")) for event in sent(reply) if event != DONE]


def test_answer_is_a_chat_completion() -> None:
    value = json.loads(answer("Hello").body)
    assert value["object"] == "chat.completion"
    assert value["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello"},
            "finish_reason": "stop",
        }
    ]
    assert value["usage"] == USAGE


def test_answer_takes_any_message_field() -> None:
    call = tool_call("add", {"a": 1})
    reply = answer(None, tool_calls=[call], reasoning="hm", refusal="no", finish_reason="length")
    choice = json.loads(reply.body)["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [call],
        "reasoning_content": "hm",
        "refusal": "no",
    }


def test_answer_leaves_usage_out() -> None:
    assert "usage" not in json.loads(answer("Hello", usage=None).body)


def test_answer_adds_headers_to_the_content_type() -> None:
    assert answer("", headers={"x-request-id": "r"}).headers == {
        "content-type": "application/json",
        "x-request-id": "r",
    }


@pytest.mark.parametrize("arguments", [{"a": 1}, '{"a": 1}'])
def test_tool_call_has_its_arguments_as_text(arguments: object) -> None:
    assert tool_call("add", arguments)["function"] == {"name": "add", "arguments": '{"a": 1}'}


def test_header_names_of_a_json_reply_get_dashes() -> None:
    assert json_reply({}, 200, x_request_id="r").headers["x-request-id"] == "r"


def test_refuse_is_an_error_object() -> None:
    reply = refuse(429, "slow down", code="rate", type="limit", retry_after=1)
    assert (reply.status, reply.headers["retry-after"]) == (429, "1")
    assert json.loads(reply.body) == {
        "error": {"message": "slow down", "type": "limit", "code": "rate"}
    }


def test_stream_sends_one_event_per_delta() -> None:
    reply = stream("a", {"reasoning_content": "b"})
    deltas = [event["choices"][0]["delta"] for event in data(reply) if event["choices"]]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"content": "a"},
        {"reasoning_content": "b"},
        {},
    ]


def test_stream_ends_with_finish_usage_and_done() -> None:
    reply = stream("a", finish_reason="length", usage={"total_tokens": 9})
    finish, usage = data(reply)[-2:]
    assert finish["choices"][0]["finish_reason"] == "length"
    assert (usage["choices"], usage["usage"]) == ([], {"total_tokens": 9})
    assert sent(reply)[-1] == DONE


def test_stream_leaves_out_finish_usage_and_done() -> None:
    assert len(sent(stream("a", finish_reason=None, usage=False, done=False))) == 2


def test_end_takes_the_place_of_the_announced_end() -> None:
    reply = stream("a", end=Cut())
    assert reply.steps[-1] == Cut()
    assert len(sent(reply)) == 2


def test_gap_lies_between_events() -> None:
    kinds = [type(step) for step in stream("a", gap_s=0.1, end=Cut()).steps]
    assert kinds == [Send, Pause, Send, Cut]


def test_events_take_json_bytes_and_steps() -> None:
    reply = events({"a": 1}, b": comment\n\n", Pause(0.1), status=201, headers={"x": "y"})
    assert list(reply.steps) == [
        Send(b'data: {"a": 1}\n\n'),
        Send(b": comment\n\n"),
        Pause(0.1),
        Send(DONE),
    ]
    assert (reply.status, reply.framing) == (201, "chunked")
    assert reply.headers == {"content-type": "text/event-stream", "x": "y"}


def test_sse_keeps_text_as_it_is() -> None:
    assert sse("ü\u2028") == 'data: "ü\u2028"\n\n'.encode()


def test_chunk_puts_fields_where_they_belong() -> None:
    event = chunk({"content": "a"}, index=1, finish_reason="stop", logprobs={}, model="x")
    assert event["choices"] == [
        {"index": 1, "delta": {"content": "a"}, "finish_reason": "stop", "logprobs": {}}
    ]
    assert event["model"] == "x"


def test_then_goes_on_with_more_steps() -> None:
    reply = raw_reply(Send(b"a"))
    assert reply.then(Cut()).steps == (Send(b"a"), Cut())
    assert reply.steps == (Send(b"a"),)


def test_sends_makes_a_write_of_each_piece() -> None:
    assert sends([b"a", b"b"]) == [Send(b"a"), Send(b"b")]
