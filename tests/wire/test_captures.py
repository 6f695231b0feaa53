"""Raw bytes of real servers: what each of them said."""

from __future__ import annotations

from typing import Any

import pytest
from captured import DIALECT, answer_to, response_of

from lexilux_like.values.errors import (
    APIError,
    InvalidRequestError,
    LexiluxError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.sse import SSEDecoder


@pytest.fixture
def said(captures: dict[str, bytes]) -> Any:
    """`said("llamacpp-demo-plain.http")`: what that capture says."""
    return lambda name: answer_to(response_of(name, captures[name]))


def test_every_capture_is_a_result_or_an_error_of_ours(captures: dict[str, bytes], said) -> None:
    assert len(captures) > 200
    whole = 0
    for name in captures:
        try:
            result = said(name)
        except LexiluxError:
            continue
        whole += bool(result.choices)
        assert result.status not in ("unannounced", "unknown"), name
    assert whole > 150


def test_errors_are_those_of_the_error_statuses_and_of_cut_streams(
    captures: dict[str, bytes], said
) -> None:
    odd = {}
    for name, raw in captures.items():
        try:
            said(name)
        except LexiluxError as error:
            if response_of(name, raw).status < 400:
                odd[name] = type(error).__name__
    assert odd == {
        "litellm-midstream-error-stream.http": "ServerError",
        "llamacpp-2026.4.8929-stream.http": "ServerError",
        "llamacpp-2026.6.9713-prefill-stream.http": "ServerError",
        "llamacpp-2026.6.9713-stream.http": "ServerError",
        "llamacpp-random-ping.sse": "InvalidRequestError",
        "llamacpp-random-schema-parse-error-stream.sse": "ServerError",
        "llamacpppython-random-too-long-stream.http": "ResponseFormatError",
    }


def test_llamacpp_answer(said) -> None:
    whole = said("llamacpp-random-plain.http")
    streamed = said("llamacpp-random-stream.http")
    assert whole.text
    assert whole.status == streamed.status == "truncated"
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens


def test_llamacpp_error_in_the_middle(said) -> None:
    with pytest.raises(ServerError, match="peg-native") as caught:
        said("llamacpp-random-schema-parse-error-stream.sse")
    assert caught.value.code == 500
    assert caught.value.partial.reasoning
    assert caught.value.partial.status == "interrupted"


def test_litellm_error_in_the_middle(said) -> None:
    with pytest.raises(ServerError, match="peg-native") as caught:
        said("litellm-midstream-error-stream.http")
    assert caught.value.code == "500"
    assert caught.value.partial.text == "iny"


def test_error_body_in_place_of_a_stream(said) -> None:
    with pytest.raises(InvalidRequestError, match="available context size") as caught:
        said("llamacpp-random-ping.sse")
    assert caught.value.type == "exceed_context_size_error"


def test_two_choices_and_their_usage(said) -> None:
    result = said("llamacpp-random-n2-stream.http")
    assert [each.index for each in result.choices] == [0, 1]
    assert [each.status for each in result.choices] == ["truncated"] * 2
    assert all(each.text for each in result.choices)
    assert result.usage.output_tokens == 8
    assert result.usage.total_tokens == result.usage.input_tokens + 8


def test_choice_whose_finish_reason_a_gateway_lost(said) -> None:
    result = said("litellm-tiny-n2-stream.http")
    assert [each.status for each in result.choices] == ["truncated", "unknown"]


def test_emoji_cut_by_the_token_limit(said) -> None:
    whole = said("llamacpp-scripted-emoji-cut.http")
    streamed = said("llamacpp-scripted-emoji-cut-stream.http")
    assert whole.text == streamed.text == "ab"
    assert whole.status == streamed.status == "truncated"


def test_reasoning_of_llamacpp(said) -> None:
    result = said("llamacpp-scripted-think-stream.http")
    assert (result.reasoning_field, result.status) == ("reasoning_content", "complete")
    assert result.reasoning
    assert result.text


def test_reasoning_left_in_the_text(captures: dict[str, bytes]) -> None:
    name = "llamacpp-scripted-think-none-stream.http"
    response = response_of(name, captures[name])
    answer = DIALECT.answer(ChatRequest("m", [], reasoning=True), response)
    for event in SSEDecoder().feed(response.body):
        answer.feed(event)
    result = answer.so_far()
    assert result.reasoning
    assert "think>" not in result.text
    assert "think>" in answer_to(response).text


def test_tool_call_of_llamacpp(said) -> None:
    whole = said("llamacpp-scripted-tool.http")
    streamed = said("llamacpp-scripted-tool-stream.http")
    assert [call.name for call in streamed.tool_calls] == ["get_weather", "get_time"]
    assert whole.tool_calls[0].get_arguments() == {"city": "Rome"}
    assert streamed.tool_calls[0].arguments == ' "Rome"\n}'  # the server lost its beginning
    assert streamed.tool_calls[1].arguments == whole.tool_calls[1].arguments
    assert streamed.status == "tool_calls"


def test_tool_call_that_was_cut(said) -> None:
    result = said("llamacpp-scripted-tool-cut-stream.http")
    assert (result.status, result.tool_calls) == ("truncated", ())
    assert result.incomplete_tool_calls


def test_progress_events(said) -> None:
    assert said("llamacpp-scripted-return-progress-stream.http").text == "ok"


def test_stream_that_never_says_done(said) -> None:
    result = said("tfserve-demo-stream.http")
    assert (result.status, result.finish_reason) == ("truncated", "length")
    assert result.text.startswith("Hello")
    assert result.usage.total_tokens


def test_empty_body_in_place_of_a_stream(said) -> None:
    with pytest.raises(LexiluxError, match="it is empty"):
        said("llamacpppython-random-too-long-stream.http")


def test_logprobs_of_a_stream(said) -> None:
    result = said("llamacpp-random-logprobs-stream.http")
    tokens = [each["token"] for each in result.logprobs["content"]]
    assert "".join(tokens) == result.text


def test_aimock_reasoning_and_calls(said) -> None:
    assert said("aimock-Think-true.http").reasoning == said("aimock-Think-false.http").reasoning
    calls = said("aimock-Weather-true.http").tool_calls
    assert calls
    assert calls[0].arguments == said("aimock-Weather-false.http").tool_calls[0].arguments


def test_too_many_requests_of_a_gateway(said) -> None:
    with pytest.raises(APIError) as caught:
        said("litellm-mock429-plain.http")
    assert (caught.value.status_code, caught.value.retryable) == (429, True)
    assert caught.value.type == "throttling_error"
