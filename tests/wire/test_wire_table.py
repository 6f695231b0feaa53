"""What servers send and other clients were seen to get wrong: one test for each row."""

from __future__ import annotations

import json

import pytest
from pieces import HI, STOP, USAGE, called, calls_of, failed, piece, said

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    ChatStreamInterruptedError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder


def test_error_event_in_the_middle(play) -> None:
    error = failed(play(HI + sse({"error": {"message": "No", "code": 500}}) + DONE), ServerError)
    assert error.provider_message == "No"
    assert (error.partial.text, error.partial.status) == ("Hi", "interrupted")


def test_openrouter_error_chunk(play) -> None:
    event = chunk({"content": ""}, finish_reason="error")
    event["error"] = {"code": 429, "message": "slow down"}
    error = failed(play(HI + sse(event)), RateLimitError)
    assert error.provider_message == "slow down"
    assert error.partial.text == "Hi"


def test_finish_reason_error_alone(play) -> None:
    error = failed(play(HI + sse(chunk({"content": "!"}, finish_reason="error"))), ServerError)
    assert (error.partial.text, error.partial.status) == ("Hi!", "interrupted")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"error": {"message": "No"}}', "No"),
        (b'{"message": "No"}', "No"),
        (b'"No"', "No"),
        (b"No, not today", "No, not today"),
        (b'{"choices": [], "message": "No"}', "No"),
        (b"", ""),
    ],
)
def test_event_named_error_with_any_data(data: bytes, message: str, play) -> None:
    played = play(HI + b"event: error\ndata: " + data + b"\n\n" + STOP + DONE)
    assert isinstance(played.error, APIError)
    assert played.error.provider_message == message
    assert played.error.partial.text == "Hi"


def test_body_cut_by_the_transport_has_its_part(reads) -> None:
    played = reads([HI + said("there")[:-20]])
    assert type(played.error) is ChatStreamInterruptedError
    assert played.error.partial.text == "Hi"


def test_clean_end_without_reason_and_done_is_an_interruption(play) -> None:
    played = play(HI)
    assert type(played.error) is ChatStreamInterruptedError
    assert (played.error.partial.text, played.error.partial.status) == ("Hi", "unannounced")


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (503, ServerError)])
def test_http_error_on_a_stream_is_an_error(status: int, kind: type[APIError]) -> None:
    response = Response(status, {}, b'{"error": {"message": "No"}}')
    with pytest.raises(kind):
        OpenAIDialect().check(response)


def stray_of(body: bytes) -> Response:
    decoder = SSEDecoder()
    assert decoder.feed(body) + decoder.flush() == []
    return Response(200, {"content-type": "text/html"}, decoder.stray)


def test_html_on_a_stream_is_no_completion() -> None:
    page = b"<!doctype html>\n<title>Log in</title>\n"
    with pytest.raises(ResponseFormatError, match="web page") as caught:
        OpenAIDialect().decode(stray_of(page), ChatRequest("m", []))
    assert "text/html" in caught.value.message


def test_json_error_on_a_stream_is_an_error() -> None:
    body = b'{\n  "error": {\n    "message": "No",\n    "code": 429\n  }\n}'
    with pytest.raises(RateLimitError):
        OpenAIDialect().decode(stray_of(body), ChatRequest("m", []))


def test_error_in_a_whole_200(decode) -> None:
    with pytest.raises(APIError):
        decode(b'{"error": {"message": "No"}}')


def test_no_choices_in_a_whole_200(decode) -> None:
    with pytest.raises(ResponseFormatError):
        decode(b'{"choices": []}')


def test_data_without_a_space(play) -> None:
    assert play((HI + STOP + DONE).replace(b"data: ", b"data:")).result.text == "Hi"


def test_event_of_several_data_lines(play) -> None:
    text = json.dumps(chunk({"content": "Hi"}), indent=1)
    body = "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
    assert play(body.encode() + STOP + DONE).result.text == "Hi"


@pytest.mark.parametrize("space", ["\u2028", "\u2029", "\u0085"])
def test_line_separators_of_unicode_raw_in_json(space: str, play) -> None:
    event = f'data: {{"choices": [{{"index": 0, "delta": {{"content": "a{space}b"}}}}]}}\n\n'
    assert play(event.encode() + STOP + DONE).result.text == f"a{space}b"


def test_usage_in_the_last_chunk_without_choices(play) -> None:
    played = play(HI + STOP + sse(chunk(usage=USAGE)) + DONE)
    assert played.result.usage.total_tokens == 7
    assert played.chunks[-1].usage.total_tokens == 7


def test_cumulative_usage_is_not_added_up(play) -> None:
    events = [
        sse(chunk({"content": "x"}, usage={"prompt_tokens": 10, "completion_tokens": n}))
        for n in (1, 2, 3)
    ]
    usage = play(b"".join(events) + STOP + DONE).result.usage
    assert (usage.input_tokens, usage.output_tokens) == (10, 3)


def test_tool_pieces_without_index(play) -> None:
    played = play(
        called(
            [piece("", id="a", name="f")],
            [piece('{"x":')],
            [piece(" 1}")],
            [piece("", id="b", name="g")],
            [piece("{}")],
        )
    )
    assert calls_of(played) == [("a", "f", '{"x": 1}'), ("b", "g", "{}")]


def test_all_calls_at_index_0_with_different_ids(play) -> None:
    played = play(
        called(
            [piece("", index=0, id="a", name="f")],
            [piece("{}", index=0)],
            [piece("", index=0, id="b", name="g")],
            [piece('{"y": 2}', index=0)],
        )
    )
    assert calls_of(played) == [("a", "f", "{}"), ("b", "g", '{"y": 2}')]


def test_id_and_name_repeated_in_each_piece(play) -> None:
    pieces = [[piece(part, index=0, id="a", name="f")] for part in ('{"x"', ":", " 1}")]
    played = play(called(*pieces))
    assert calls_of(played) == [("a", "f", '{"x": 1}')]
    deltas = [delta for each in played.chunks for delta in each.tool_calls]
    assert "".join(delta.name for delta in deltas) == "f"
    assert "".join(delta.id for delta in deltas) == "a"


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_or_empty_id_and_name_in_later_pieces(nothing: str | None, play) -> None:
    later = piece("{}", index=0, id=nothing, name=nothing)
    assert calls_of(play(called([piece("", index=0, id="a", name="f")], [later]))) == [
        ("a", "f", "{}")
    ]


def test_first_call_at_index_1(play) -> None:
    played = play(called([piece("", index=1, id="a", name="f")], [piece("{}", index=1)]))
    assert calls_of(played) == [("a", "f", "{}")]
    assert {delta.index for each in played.chunks for delta in each.tool_calls} == {0}


def test_choices_null_and_delta_null(play) -> None:
    null_choices = sse({**chunk(), "choices": None})
    null_delta = sse({"choices": [{"index": 0, "delta": None, "finish_reason": None}]})
    no_delta = sse({"choices": [{"index": 0, "finish_reason": None}]})
    played = play(null_choices + HI + null_delta + no_delta + STOP + DONE)
    assert played.result.text == "Hi"


def test_content_as_a_list_of_parts(play) -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]},
        {"type": "text", "text": "so"},
    ]
    result = play(sse(chunk({"content": parts})) + STOP + DONE).result
    assert (result.text, result.reasoning) == ("so", "why")


def test_arguments_as_an_object(play) -> None:
    played = play(called([piece({"x": 1}, index=0, id="a", name="f")]))
    assert played.result.tool_calls[0].get_arguments() == {"x": 1}


def test_unknown_finish_reason_is_unknown(play) -> None:
    result = play(HI + sse(chunk({}, finish_reason="tired"))).result
    assert (result.status, result.finish_reason) == ("unknown", "unknown")
    assert result.raw_finish_reason == "tired"


def test_insufficient_system_resource_is_an_interruption(play) -> None:
    result = play(HI + sse(chunk({}, finish_reason="insufficient_system_resource"))).result
    assert (result.status, result.finish_reason) == ("interrupted", "error")


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_in_either_field(field: str, play) -> None:
    body = sse(chunk({field: "why"})) + HI + STOP + DONE
    played = play(body, include_reasoning=True)
    assert (played.result.reasoning, played.result.reasoning_field) == ("why", field)
    assert "".join(each.reasoning for each in played.chunks) == "why"


def test_done_ends_the_answer_though_the_body_goes_on() -> None:
    answer = OpenAIDialect().answer(ChatRequest("m", []), Response(200, {}))
    for event in SSEDecoder().feed(HI + STOP + DONE):
        answer.feed(event)
    assert answer.done
