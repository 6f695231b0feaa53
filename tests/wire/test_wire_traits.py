"""Traits of 4,303 recorded responses of 50 providers, numbered by how frequent they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pieces import HI, STOP, USAGE, called, calls_of, piece, said

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import (
    APIError,
    ChatStreamInterruptedError,
    ServerError,
)
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect


def test_01_delta_without_content(play) -> None:
    assert play(sse(chunk({"role": "assistant"})) + HI + STOP + DONE).result.text == "Hi"


def test_02_usage_in_a_chunk_without_choices_after_the_finish_reason(play) -> None:
    assert play(HI + STOP + sse(chunk(usage=USAGE)) + DONE).result.usage.input_tokens == 3


def test_03_usage_beside_the_finish_reason(play) -> None:
    event = sse(chunk({}, finish_reason="stop", usage=USAGE))
    assert play(HI + event + DONE).result.usage.total_tokens == 7


def test_04_null_content(play, decode) -> None:
    assert play(sse(chunk({"content": None})) + HI + STOP).result.text == "Hi"
    assert decode(b'{"choices": [{"message": {"content": null}}]}').text == ""


def test_06_raw_utf8_cut_inside_a_character(reads) -> None:
    body = said("héllo 😀") + STOP + DONE
    assert "😀".encode() in body
    assert reads([body[i : i + 1] for i in range(len(body))]).result.text == "héllo 😀"


def test_07_no_usage_at_all(play) -> None:
    played = play(HI + STOP + DONE)
    assert not played.result.usage
    assert played.chunks[-1].usage is None


def test_08_white_space_before_a_whole_body(decode) -> None:
    assert decode(b"\n         \n\n" * 20 + b'{"choices": [{"message": {}}]}').text == ""


def test_09_finish_reason_in_two_chunks(play) -> None:
    again = sse(chunk({"content": ""}, finish_reason="stop", usage=USAGE))
    played = play(HI + STOP + again + DONE)
    assert played.result.finish_reason == "stop"
    reasons = [each.finish_reason for each in played.chunks if each.finish_reason]
    assert reasons == ["stop", "stop"]  # once when it came, and once on the last chunk


def test_10_comments(play) -> None:
    noise = b": OPENROUTER PROCESSING\n\n"
    assert play(noise * 3 + HI + b": ping\n" + STOP + noise + DONE).result.text == "Hi"


def test_11_whole_call_in_the_first_piece(play) -> None:
    assert calls_of(play(called([piece("{}", index=0, id="a", name="f")]))) == [("a", "f", "{}")]


def test_12_choice_without_the_finish_reason_key(play) -> None:
    event = sse({"choices": [{"index": 0, "delta": {"content": "Hi"}}]})
    assert play(event + STOP).result.text == "Hi"


@pytest.mark.parametrize("kind", [None, "", "chat.completion.done", "text_completion"])
def test_13_object_missing_empty_or_odd(kind: str | None, play) -> None:
    event = {**chunk({"content": "Hi"}), "object": kind}
    assert play(sse(event) + STOP).result.text == "Hi"


def test_14_empty_choices_and_no_usage(play) -> None:
    first = {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": []}
    result = play(sse(first) + HI + STOP + DONE).result
    assert (result.text, result.id, result.model) == ("Hi", "chatcmpl-1", "m")


def test_15_usage_in_content_chunks_with_nulls(play) -> None:
    nulls = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}
    body = sse(chunk({"content": "Hi"}, usage=USAGE)) + sse(chunk({}, usage=nulls))
    body += sse(chunk({}, finish_reason="stop", usage=None)) + DONE
    assert play(body).result.usage.total_tokens == 7


def test_16_text_beside_the_finish_reason(play) -> None:
    played = play(HI + sse(chunk({"content": "!"}, finish_reason="stop")) + DONE)
    assert (played.text, played.result.text) == ("Hi!", "Hi!")


def test_17_tool_calls_beside_the_finish_reason(play) -> None:
    delta = {"tool_calls": [piece("{}", index=0, id="a", name="f")]}
    played = play(sse(chunk(delta, finish_reason="tool_calls")) + DONE)
    assert calls_of(played) == [("a", "f", "{}")]


def test_18_tool_calls_with_stop_are_whole_and_with_length_are_not(play) -> None:
    delta = sse(chunk({"tool_calls": [piece("{}", index=0, id="a", name="f")]}))
    stopped = play(delta + STOP + DONE).result
    assert (stopped.status, stopped.finish_reason) == ("tool_calls", "stop")
    assert len(stopped.tool_calls) == 1
    cut = play(delta + sse(chunk({}, finish_reason="length")) + DONE).result
    assert (cut.status, cut.tool_calls) == ("truncated", ())
    assert len(cut.incomplete_tool_calls) == 1


def test_19_reasoning_details_with_the_text_of_reasoning(play) -> None:
    delta = {"reasoning": "why", "reasoning_details": [{"type": "reasoning.text", "text": "why"}]}
    result = play(sse(chunk(delta)) * 2 + HI + STOP).result
    assert result.reasoning == "whywhy"
    assert len(result.fields["reasoning_details"]) == 2


def test_20_empty_list_of_tool_calls(play) -> None:
    result = play(sse(chunk({"content": "Hi", "tool_calls": []})) + STOP).result
    assert (result.status, result.tool_calls) == ("complete", ())


@pytest.mark.parametrize("arguments", ['{"x": ', ""])
def test_21_arguments_that_are_no_json_stay_as_they_are(arguments: str, play) -> None:
    played = play(called([piece(arguments, index=0, id="a", name="f")]))
    assert played.result.tool_calls[0].arguments == arguments


def test_22_choices_interleaved_by_index(play) -> None:
    texts = [("a", 1), ("b", 0), ("c", 1), ("d", 0)]
    body = b"".join(sse(chunk({"content": text}, index=i)) for text, i in texts)
    body += b"".join(sse(chunk({}, index=i, finish_reason="stop")) for i in (0, 1))
    played = play(body + DONE)
    assert [each.text for each in played.result.choices] == ["bd", "ac"]
    assert played.result.text == "bd"
    assert [(each.delta, each.index) for each in played.chunks if each.delta] == texts


def test_23_usage_of_groq(play) -> None:
    event = chunk({}, finish_reason="stop", x_groq={"id": "r", "usage": USAGE})
    assert play(HI + sse(event) + DONE).result.usage.total_tokens == 7
    assert not play(sse(chunk({}, x_groq={"id": "r"})) + HI + STOP).result.usage


def test_24_refusal_with_null_content(play) -> None:
    deltas = [{"content": None, "refusal": part} for part in ("I ", "cannot.")]
    played = play(b"".join(sse(chunk(delta)) for delta in deltas) + STOP + DONE)
    assert (played.result.refusal, played.result.status) == ("I cannot.", "refused")
    assert "".join(each.refusal for each in played.chunks) == "I cannot."


def test_25_think_block_in_the_text(play) -> None:
    body = said("<th", "ink>wh", "y</thi", "nk>", "\nso") + STOP + DONE
    asked = play(body, reasoning=True, include_reasoning=True)
    assert (asked.result.text, asked.result.reasoning) == ("so", "why")
    assert asked.text == "so"
    assert "".join(each.reasoning for each in asked.chunks) == "why"
    assert play(body).result.text == "<think>why</think>\nso"


@pytest.mark.parametrize(
    ("body", "kind", "message", "code"),
    [
        ({"error": {"code": 500, "message": "No"}}, "application/json", "No", 500),
        ({"message": "No", "code": "x"}, "application/json", "No", "x"),
        ({"detail": "No"}, "application/json", "No", None),
        ({"detail": [{"loc": ["body"], "msg": "No"}]}, "application/json", "body: No", None),
        ({"error": "No"}, "application/json", "No", None),
        ("No", "text/plain", "No", None),
    ],
)
def test_26_error_bodies(body: object, kind: str, message: str, code: object) -> None:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(APIError) as caught:
        OpenAIDialect().check(Response(400, {"content-type": kind}, data))
    assert (caught.value.provider_message, caught.value.code) == (message, code)


def test_27_no_done(play) -> None:
    assert play(HI + STOP).result.status == "complete"


def test_28_two_calls_in_one_delta_without_index(play) -> None:
    pair = [piece("{}", id="a", name="f"), piece('{"y": 1}', id="b", name="f")]
    assert calls_of(play(called(pair))) == [("a", "f", "{}"), ("b", "f", '{"y": 1}')]
    nameless = [piece("{}", name="f"), piece('{"y": 1}', name="f")]
    assert calls_of(play(called(nameless))) == [("", "f", "{}"), ("", "f", '{"y": 1}')]


def test_30_full_message_beside_the_delta(play) -> None:
    def event(text: str, so_far: str, **fields: Any) -> bytes:
        value = chunk({"content": text}, **fields)
        value["choices"][0]["message"] = {"role": "assistant", "content": so_far}
        return sse(value)

    played = play(event("Hi", "Hi") + event(" you", "Hi you") + event("", "Hi you") + STOP)
    assert (played.text, played.result.text) == ("Hi you", "Hi you")


def test_30_full_message_in_place_of_deltas(play) -> None:
    message = {"content": "Hi", "tool_calls": [piece("{}", id="a", name="f")]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    played = play(sse({"choices": [choice]}) + DONE)
    assert (played.text, played.result.text) == ("Hi", "Hi")
    assert calls_of(played) == [("a", "f", "{}")]


@pytest.mark.parametrize("word", ["eos", "eos_token"])
def test_31_other_words_for_stop(word: str, play) -> None:
    assert play(HI + sse(chunk({}, finish_reason=word))).result.status == "complete"


def test_31_empty_finish_reason_says_nothing(play) -> None:
    empty = sse(chunk({"content": "Hi"}, finish_reason=""))
    assert type(play(empty).error) is ChatStreamInterruptedError
    done = play(empty + DONE).result
    assert (done.status, done.finish_reason, done.raw_finish_reason) == ("unknown", None, "")
    assert play(empty + STOP + empty).result.raw_finish_reason == "stop"


def test_31_empty_finish_reason_with_tool_calls(play) -> None:
    delta = {"tool_calls": [piece("{}", index=0, id="a", name="f")]}
    result = play(sse(chunk(delta, finish_reason="")) + DONE).result
    assert (result.status, result.finish_reason) == ("tool_calls", "tool_calls")
    assert len(result.tool_calls) == 1


def test_31_null_finish_reason_at_done(play) -> None:
    result = play(HI + DONE).result
    assert (result.status, result.raw_finish_reason) == ("unknown", None)


def test_32_crlf_no_space_and_no_blank_line_at_the_end(play) -> None:
    assert play((HI + STOP + DONE).replace(b"\n", b"\r\n")).result.text == "Hi"
    assert play((HI + STOP)[:-1]).result.status == "complete"
    assert play((HI + STOP)[:-2]).result.status == "complete"


def test_34_line_that_is_no_event_before_the_end(play) -> None:
    played = play(HI + b'error: {"code": 503, "message": "gone"}\n\n')
    assert type(played.error) is ServerError
    assert (played.error.provider_message, played.error.partial.text) == ("gone", "Hi")


def test_35_content_and_arguments_as_objects_and_numeric_ids(play) -> None:
    pieces = [piece({"x": 1}, index=0, id=0, name="f")]
    result = play(sse(chunk({"content": {"a": 1}})) + called(pieces)).result
    assert json.loads(result.text) == {"a": 1}
    assert result.tool_calls[0].id == "0"


def test_35_legacy_function_call(play) -> None:
    parts = [
        {"name": "f", "arguments": ""},
        {"name": "", "arguments": '{"x"'},
        {"name": None, "arguments": ": 1}"},
    ]
    body = b"".join(sse(chunk({"function_call": part})) for part in parts)
    result = play(body + sse(chunk({}, finish_reason="function_call"))).result
    assert result.fields["function_call"] == {"name": "f", "arguments": '{"x": 1}'}
