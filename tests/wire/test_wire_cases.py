"""What servers may send beside what was recorded."""

from __future__ import annotations

from typing import Any

import pytest
from pieces import CALLED, HI, STOP, USAGE, calls_of, failed, said

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import (
    ResponseFormatError,
    ServerError,
)


def test_done_twice_and_data_after_done(play) -> None:
    played = play(HI + STOP + DONE + DONE + said(" more") + sse({"error": "late"}))
    assert played.result.text == "Hi"


def test_invalid_utf8_is_replaced(play) -> None:
    assert play(HI.replace(b"Hi", b"H\xff") + STOP).result.text == "H\ufffd"


def test_nan_huge_integers_and_duplicate_keys(play) -> None:
    odd = b'data: {"x": NaN, "y": ' + b"9" * 4_000 + b', "choices": [], "choices": '
    odd += b'[{"index": 0, "delta": {"content": "a", "content": "b"}}]}\n\n'
    assert play(odd + STOP).result.text == "b"


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"x": ' + b"9" * 5_000 + b"}"])
def test_hostile_json_is_no_completion(data: bytes, play) -> None:
    played = play(HI + b"data: " + data + b"\n\n")
    assert type(played.error) is ResponseFormatError
    assert played.error.partial.text == "Hi"


def test_character_cut_in_two_json_strings(play) -> None:
    first, second = (
        b'data: {"choices": [{"index": 0, "delta": {"%s": "%s"}}]}\n\n' % (b"content", half)
        for half in (rb"a\ud83d", rb"\ude00b")
    )
    played = play(first + second + HI + STOP)
    assert (played.text, played.result.text) == ("a😀bHi", "a😀bHi")


def test_half_a_character_that_stays_alone(play) -> None:
    lone = b'data: {"choices": [{"index": 0, "delta": {"content": "a\\ud83d"}}]}\n\n'
    for body in (lone + STOP, lone + DONE):
        played = play(body)
        assert (played.text, played.result.text) == ("a\ufffd", "a\ufffd")
    assert play(lone + HI + STOP).text == "a\ufffdHi"


def test_character_of_an_argument_cut_in_two(play) -> None:
    def event(half: bytes) -> bytes:
        return (
            b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a",'
            b' "function": {"name": "f", "arguments": "%s"}}]}}]}\n\n' % half
        )

    played = play(event(rb"\ud83d") + event(rb"\ude00") + CALLED)
    assert calls_of(played) == [("a", "f", "😀")]


def test_role_in_every_chunk(play) -> None:
    deltas = [{"role": "assistant", "content": text} for text in "abc"]
    assert play(b"".join(sse(chunk(delta)) for delta in deltas) + STOP).result.text == "abc"


@pytest.mark.parametrize("index", [1, -1, 10**30])
def test_index_that_does_not_start_at_0(index: int, play) -> None:
    body = sse(chunk({"content": "Hi"}, index=index))
    played = play(body + sse(chunk({}, index=index, finish_reason="stop")))
    assert (played.result.text, played.result.index) == ("Hi", index)
    assert played.result.status == "complete"


@pytest.mark.parametrize("index", [None, "0", 0.0, [], {}])
def test_index_that_is_no_number(index: object, play) -> None:
    body = sse(chunk({"content": "Hi"}, index=index))
    assert play(body + sse(chunk({}, index=index, finish_reason="stop"))).result.text == "Hi"


def test_empty_deltas_by_the_thousand(play) -> None:
    played = play(sse(chunk({})) * 5_000 + HI + STOP)
    assert played.result.text == "Hi"
    assert len(played.chunks) == 3


def test_first_chunk_with_usage(play) -> None:
    played = play(sse(chunk({"role": "assistant"}, usage=USAGE)) + HI + STOP)
    assert played.result.usage.total_tokens == 7


def test_usage_beside_a_choice(play) -> None:
    event = chunk({}, finish_reason="stop")
    event["choices"][0]["usage"] = USAGE
    assert play(HI + sse(event)).result.usage.total_tokens == 7


def test_usage_of_each_choice_is_added_up(play) -> None:
    body = b"".join(
        sse(chunk({"content": "x"}, index=i))
        + sse(chunk({}, index=i, finish_reason="stop"))
        + sse(chunk(usage=USAGE))
        for i in (0, 1)
    )
    usage = play(body + DONE).result.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (6, 8, 14)


def test_usage_once_for_all_choices_is_not_added_up(play) -> None:
    body = b"".join(
        sse(chunk({"content": "x"}, index=i)) + sse(chunk({}, index=i, finish_reason="stop"))
        for i in (0, 1)
    )
    assert play(body + sse(chunk(usage=USAGE)) + DONE).result.usage.total_tokens == 7


def test_logprobs_are_joined(play) -> None:
    body = b"".join(
        sse(chunk({"content": t}, logprobs={"content": [{"token": t}], "refusal": None}))
        for t in "ab"
    )
    assert play(body + STOP).result.logprobs == {"content": [{"token": "a"}, {"token": "b"}]}


def test_audio_is_joined(play) -> None:
    parts = [
        {"id": "a1", "transcript": "Hel"},
        {"transcript": "lo", "data": "QU"},
        {"data": "JD", "expires_at": 5},
    ]
    body = b"".join(sse(chunk({"audio": part})) for part in parts)
    assert play(body + STOP).result.fields["audio"] == {
        "id": "a1",
        "transcript": "Hello",
        "data": "QUJD",
        "expires_at": 5,
    }


def test_annotations_are_joined_and_of_other_fields_the_last_holds(play) -> None:
    deltas = [{"annotations": [1], "mood": "a"}, {"annotations": [2], "mood": "b"}]
    result = play(b"".join(sse(chunk(delta)) for delta in deltas) + HI + STOP).result
    assert result.fields == {"annotations": [1, 2], "mood": "b"}


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"code": 500, "message": "bad output", "type": "server_error"}},  # llama.cpp
        {"error": {"message": "bad output", "type": None, "param": None, "code": "500"}},  # LiteLLM
        {"object": "error", "message": "bad output", "type": "internal", "code": 500},  # vLLM
        {"error": {"message": "bad output", "type": "server_error", "status_code": 500}},  # Groq
    ],
)
def test_error_events_of_known_servers(event: dict[str, Any], play) -> None:
    assert failed(play(HI + sse(event)), ServerError).provider_message == "bad output"


def test_azure_content_filter(play) -> None:
    late = {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}}]}
    played = play(HI + sse(late) + sse(chunk({}, finish_reason="content_filter")) + DONE)
    assert (played.result.text, played.result.status) == ("Hi", "filtered")
