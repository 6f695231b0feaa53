"""Streamed answers: chunks, what they add up to, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import APIError, ResponseFormatError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ToolCall
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIAnswer, OpenAIDialect
from lexilux_like.wire.sse import ServerSentEvent

STOP = sse(chunk({}, finish_reason="stop"))
HI = sse(chunk({"content": "Hi"}))
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def empty_answer(headers: dict[str, str] | None = None, **fields: Any) -> OpenAIAnswer:
    return OpenAIDialect().answer(ChatRequest("m", [], **fields), Response(200, headers or {}))


def event(value: object, kind: str = "message") -> ServerSentEvent:
    return ServerSentEvent(kind, json.dumps(value).encode())


def test_nothing_has_come() -> None:
    answer = empty_answer()
    assert (answer.pieces, answer.done, answer.announced) == (0, False, False)
    so_far = answer.so_far()
    assert (so_far.text, so_far.choices, so_far.status, so_far.done) == (
        "",
        (),
        "unannounced",
        False,
    )


def test_each_chunk_is_counted_when_it_is_handed_out() -> None:
    answer = empty_answer()
    for so_far, text in [("a", "a"), ("ab", "b")]:
        [found] = answer.feed(event(chunk({"content": text})))
        assert found.delta == text
        assert answer.so_far().text == so_far


def test_earlier_results_do_not_change() -> None:
    answer = empty_answer()
    delta = {"content": "a", "annotations": [1], "audio": {"transcript": "x"}}
    answer.feed(event(chunk(delta, logprobs={"content": [1]})))
    first = answer.so_far()
    answer.feed(event(chunk(delta, logprobs={"content": [1]})))
    assert (first.text, first.logprobs) == ("a", {"content": [1]})
    assert first.fields == {"annotations": [1], "audio": {"transcript": "x"}}


def test_before_the_end_an_answer_is_unannounced() -> None:
    answer = empty_answer()
    answer.feed(event(chunk({"content": "a", "tool_calls": [{"function": {"name": "f"}}]})))
    so_far = answer.so_far()
    assert (so_far.status, so_far.finish_reason, so_far.tool_calls) == ("unannounced", None, ())
    assert so_far.incomplete_tool_calls == (ToolCall("", "f", ""),)


def test_finish_reason_announces_the_end() -> None:
    answer = empty_answer()
    answer.feed(event(chunk({"content": "a"})))
    assert not answer.announced
    answer.feed(event(chunk({}, finish_reason="stop")))
    assert (answer.announced, answer.done) == (True, False)
    assert answer.so_far().status == "complete"


def test_every_choice_that_began_must_finish() -> None:
    answer = empty_answer()
    answer.feed(event(chunk({"content": "a"}, index=0)))
    answer.feed(event(chunk({"content": "a"}, index=1)))
    answer.feed(event(chunk({}, index=1, finish_reason="stop")))
    assert not answer.announced
    assert [each.status for each in answer.so_far().choices] == ["unannounced", "complete"]


def test_done_announces_the_end_of_every_choice() -> None:
    answer = empty_answer()
    answer.feed(event(chunk({"content": "a"}, index=1)))
    answer.feed(ServerSentEvent(data=b" [DONE] "))
    assert (answer.announced, answer.done) == (True, True)
    assert answer.so_far().status == "unknown"


def test_last_chunk_repeats_finish_reason_and_usage(play) -> None:
    *_, last = play(HI + STOP + sse(chunk(usage=USAGE)) + DONE).chunks
    assert (last.done, last.finish_reason, last.delta) == (True, "stop", "")
    assert last.usage.total_tokens == 7


def test_only_the_last_chunk_is_done(play) -> None:
    played = play(HI + STOP + DONE)
    assert [each.done for each in played.chunks] == [False, False, True]
    assert played.result.done


def test_result_is_not_done_before_the_last_chunk() -> None:
    answer = empty_answer()
    answer.feed(event(chunk({}, finish_reason="stop")))
    assert not answer.so_far().done
    answer.last_chunk()
    assert answer.so_far().done


def test_finish_reason_comes_on_the_text_beside_it(play) -> None:
    played = play(sse(chunk({"content": "Hi"}, finish_reason="length")))
    assert [(each.delta, each.finish_reason) for each in played.chunks] == [
        ("Hi", "length"),
        ("", "length"),
    ]


def test_finish_reasons_of_several_choices_have_their_index(play) -> None:
    choices = [
        {"index": i, "delta": {}, "finish_reason": why} for i, why in ((0, "stop"), (1, "length"))
    ]
    played = play(sse({"choices": choices}))
    assert [(each.index, each.finish_reason) for each in played.chunks[:-1]] == [
        (0, "stop"),
        (1, "length"),
    ]


def test_usage_comes_in_a_chunk_of_its_own(play) -> None:
    played = play(HI + STOP + sse(chunk(usage=USAGE)) + DONE)
    assert [bool(each.usage) for each in played.chunks] == [False, False, True, True]


def test_hidden_reasoning_counts_as_content(play) -> None:
    played = play(sse(chunk({"reasoning": "why"})) + HI + STOP)
    assert [each.delta for each in played.chunks] == ["Hi", "", ""]
    assert played.answer.pieces == 2
    assert played.result.reasoning == "why"


def test_hidden_reasoning_beside_text_is_left_out(play) -> None:
    played = play(sse(chunk({"reasoning": "why", "content": "Hi"})) + STOP)
    assert (played.text, played.chunks[0].reasoning) == ("Hi", "")


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "a"},
        {"reasoning": "a"},
        {"refusal": "a"},
        {"tool_calls": [{"function": {"arguments": "a"}}]},
        {"function_call": {"arguments": "a"}},
        {"audio": {"data": "a"}},
    ],
)
def test_pieces_count_events_with_content(delta: dict[str, Any]) -> None:
    answer = empty_answer()
    answer.feed(event(chunk(delta)))
    assert answer.pieces == 1


@pytest.mark.parametrize(
    "value",
    [
        chunk({"role": "assistant", "content": ""}),
        chunk({"annotations": [1]}),
        chunk({}, finish_reason="stop"),
        chunk(usage=USAGE),
        chunk(),
        {"type": "ping"},
    ],
)
def test_events_without_content_are_no_pieces(value: object) -> None:
    answer = empty_answer()
    answer.feed(event(value))
    assert answer.pieces == 0


def test_text_that_is_held_back_is_not_in_the_result_yet() -> None:
    answer = empty_answer(reasoning=True)
    assert answer.feed(event(chunk({"content": "<thi"}))) == []
    assert answer.so_far().text == ""
    [found, *_] = answer.feed(event(chunk({}, finish_reason="stop")))
    assert (found.delta, answer.so_far().text) == ("<thi", "<thi")


def test_text_that_is_held_back_comes_at_done() -> None:
    answer = empty_answer(reasoning=True)
    answer.feed(event(chunk({"content": "<thi"})))
    [found] = answer.feed(ServerSentEvent(data=b"[DONE]"))
    assert found.delta == "<thi"


def test_raw_events_are_kept_when_asked_for(play) -> None:
    ping = {"type": "ping"}
    played = play(sse(ping) + HI + STOP + DONE, keep_raw=True)
    assert [each.raw for each in played.chunks] == [
        ping,
        chunk({"content": "Hi"}),
        chunk({}, finish_reason="stop"),
        None,
    ]


def test_raw_events_are_not_kept_otherwise(play) -> None:
    assert not any(each.raw for each in play(HI + STOP + DONE).chunks)


def test_what_belongs_to_the_answer_as_a_whole() -> None:
    answer = empty_answer({"x-request-id": "r-1"})
    answer.feed(event({"choices": [], "id": "", "model": ""}))
    answer.feed(event({**chunk({"content": "a"}), "system_fingerprint": "fp"}))
    answer.feed(event({"choices": [], "usage": USAGE, "service_tier": "flex"}))
    result = answer.so_far()
    assert (result.request_id, result.id, result.model) == ("r-1", "chatcmpl-1", "m")
    assert (result.system_fingerprint, result.service_tier) == ("fp", "flex")


def test_id_that_changes_is_the_first_one() -> None:
    answer = empty_answer()
    for name in ("a", "b"):
        answer.feed(event({**chunk({"content": "x"}), "id": name}))
    assert answer.so_far().id == "a"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "ping"},
        {"choices": None},
        {"choices": [], "prompt_filter_results": []},
        {"prompt_progress": {"total": 1}},
        {"timings": {}},
        {"object": "chat.completion.chunk"},
        {"usage": None},
    ],
)
def test_harmless_events_add_nothing(value: object) -> None:
    assert list(empty_answer().feed(event(value))) == []


@pytest.mark.parametrize("name", ["ping", "heartbeat", "keep-alive"])
@pytest.mark.parametrize("data", [b"", b"alive", b'{"type": "ping"}', b"{}", b"3", b'{"n": 1}'])
def test_idle_events_may_say_anything(name: str, data: bytes) -> None:
    assert list(empty_answer().feed(ServerSentEvent(name, data))) == []


def test_idle_name_hides_neither_text_nor_an_error() -> None:
    answer = empty_answer()
    [found] = answer.feed(event(chunk({"content": "a"}), "ping"))
    assert found.delta == "a"
    with pytest.raises(APIError):
        answer.feed(event({"error": "No"}, "ping"))


def test_event_without_data_adds_nothing() -> None:
    assert list(empty_answer().feed(ServerSentEvent(data=b" "))) == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"hello", "no JSON"),
        (b'{"choices": [', "no JSON"),
        (b"3", "no chunk"),
        (b"null", "no chunk"),
        (b"[]", "no chunk"),
        (b'"x"', "no chunk"),
        (b"{}", "no chunk"),
        (b'{"foo": 1}', "no chunk"),
        (b'{"choices": 3}', "no list"),
        (b'{"choices": {"a": 1}}', "no list"),
        (b'{"choices": [3]}', "a choice is no object"),
        (b'{"choices": [{"delta": "x"}]}', "a delta or a message is no object"),
        (b'{"choices": [{"delta": {"tool_calls": [3]}}]}', "a tool call is no object"),
    ],
)
def test_event_that_is_no_chunk_is_refused(data: bytes, why: str, play) -> None:
    played = play(HI + b"data: " + data + b"\n\n")
    assert type(played.error) is ResponseFormatError
    assert why in played.error.message
    assert (played.error.partial.text, played.error.body) == ("Hi", data)
    assert played.error.partial.status == "interrupted"


def test_message_that_makes_no_sense_is_refused_at_the_end(play) -> None:
    played = play(sse({"choices": [{"index": 0, "message": 1}]}) + DONE)
    assert type(played.error) is ResponseFormatError


def test_event_that_the_end_of_the_body_cut_is_left_out() -> None:
    answer = empty_answer()
    assert list(answer.feed(ServerSentEvent(data=b'{"choices": [{"del', cut=True))) == []


def test_error_keeps_what_was_finished_before(play) -> None:
    body = HI + STOP + sse(chunk({"content": "half"}, index=1)) + sse({"error": "No"})
    partial = play(body).error.partial
    assert [each.status for each in partial.choices] == ["complete", "interrupted"]


def test_error_before_anything_has_no_part(play) -> None:
    assert play(sse({"error": "No"})).error.partial is None


def test_error_carries_head_and_event() -> None:
    answer = empty_answer({"x-request-id": "r-1", "retry-after": "3"})
    with pytest.raises(APIError) as caught:
        answer.feed(event({"error": {"message": "No", "code": 429, "type": "t", "param": "p"}}))
    error = caught.value
    assert (error.status_code, error.request_id, error.retry_after) == (200, "r-1", 3.0)
    assert (error.code, error.type, error.param) == (429, "t", "p")
    assert json.loads(error.body)["error"]["message"] == "No"
