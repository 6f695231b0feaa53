"""Whole bodies that are errors, no chat completion, or plainly hostile."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import body_of

from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    LexiluxError,
    NotFoundError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"<html><body>Welcome</body></html>", "it is a web page"),
        (b'{"choices": [{"message": {"content": "cu', "it is cut"),
        (b"OK", "it is no JSON"),
        (b"[]", "it has no choices"),
        (b"3", "it has no choices"),
        (b'{"object": "list", "data": []}', "it has no choices"),
        (b'{"choices": []}', "it has no choices"),
        (b'{"choices": null}', "it has no choices"),
        (b'{"choices": {"a": 1}}', "it has no choices"),
        (b'{"choices": [3]}', "a choice is no object"),
        (b'{"choices": [null]}', "a choice is no object"),
        (b'{"choices": [{"message": "x"}]}', "a message is no object"),
        (b'{"choices": [{"message": {"tool_calls": ["x"]}}]}', "a tool call is no object"),
    ],
)
def test_what_is_no_chat_completion_is_refused(data: bytes, why: str) -> None:
    response = Response(200, {"content-type": "text/odd"}, data)
    with pytest.raises(ResponseFormatError) as caught:
        OpenAIDialect().decode(response, ChatRequest("m", []))
    error = caught.value
    assert why in error.message
    assert "HTTP 200" in error.message
    assert "text/odd" in error.message
    assert repr(data[:20])[2:-1] in error.message.replace("\\\\", "\\")
    assert "/v1" in error.message
    assert (error.status_code, error.body) == (200, data)


def test_long_body_is_shown_by_its_beginning(decode) -> None:
    with pytest.raises(ResponseFormatError) as caught:
        decode(b"x" * 1_000_000)
    assert len(caught.value.message) < 1_000
    assert "1000000 bytes" in caught.value.message


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"error": {"message": "No", "code": 429}}, RateLimitError),
        ({"error": "No such model", "code": "model_not_found"}, NotFoundError),
        ({"object": "error", "message": "No", "code": 500}, ServerError),
        ([{"error": {"message": "No", "code": 401}}], AuthenticationError),
        ({"detail": "No"}, APIError),
        ({"choices": None, "error": {"message": "No"}}, APIError),
        ({"choices": [], "message": "No", "code": 3}, APIError),
    ],
)
def test_error_in_a_200_is_an_error(document: object, kind: type[APIError], decode) -> None:
    with pytest.raises(kind) as caught:
        decode(json.dumps(document).encode())
    assert caught.value.status_code == 200


def test_error_beside_choices_carries_the_part(decode) -> None:
    data = json.dumps(
        body_of({"content": "half"}, None, error={"message": "No", "code": 500})
    ).encode()
    with pytest.raises(ServerError) as caught:
        decode(data)
    assert caught.value.partial.text == "half"
    assert caught.value.partial.status == "interrupted"


def test_finish_reason_error_carries_the_part(decode) -> None:
    choice = {
        "message": {"content": "half"},
        "finish_reason": "error",
        "error": {"message": "No", "code": 429},
    }
    with pytest.raises(RateLimitError) as caught:
        decode(json.dumps({"choices": [choice]}).encode())
    assert caught.value.provider_message == "No"
    assert caught.value.partial.text == "half"
    assert caught.value.partial.status == "interrupted"


def test_error_in_a_choice_is_an_error_whatever_its_finish_reason(decode) -> None:
    choice = {"message": {"content": "half"}, "finish_reason": "stop", "error": {"code": 500}}
    with pytest.raises(ServerError):
        decode(json.dumps({"choices": [choice]}).encode())


def test_finish_reason_error_without_words_is_a_server_error(decode) -> None:
    with pytest.raises(ServerError, match="finish reason 'error'"):
        decode(json.dumps(body_of({"content": "half"}, "error")).encode())


@pytest.mark.parametrize("status", [100, 199, 300, 307, 400, 404, 500])
def test_check_raises_for_all_but_2xx(status: int) -> None:
    with pytest.raises(APIError):
        OpenAIDialect().check(Response(status, {}, b""))


@pytest.mark.parametrize("status", [200, 201, 299])
def test_check_lets_2xx_pass(status: int) -> None:
    OpenAIDialect().check(Response(status, {}, b""))


VOCABULARY = [
    "choices",
    "message",
    "delta",
    "content",
    "role",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "index",
    "type",
    "text",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "thinking",
    "refusal",
    "finish_reason",
    "usage",
    "error",
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "cached_tokens",
    "logprobs",
    "function_call",
    "audio",
    "data",
    "transcript",
    "annotations",
    "x_groq",
    "model",
    "created",
    "code",
    "object",
    "detail",
]
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["stop", "error", "", "text", "thinking", "tool_calls"]),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(VOCABULARY), values, max_size=5)
    ),
    max_leaves=20,
)


@given(TREES | st.fixed_dictionaries({"choices": st.lists(TREES, min_size=1, max_size=2)}))
def test_any_json_is_a_result_or_an_error_of_ours(document: object) -> None:
    response = Response(200, {}, json.dumps(document).encode())
    with contextlib.suppress(LexiluxError):
        OpenAIDialect().decode(response, ChatRequest("m", [], reasoning=True))


@given(st.binary())
def test_any_bytes_are_a_result_or_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(LexiluxError):
        OpenAIDialect().decode(Response(200, {}, data), ChatRequest("m", []))


@pytest.mark.parametrize(
    "deep",
    [b"[" * 100_000, b'{"choices":[{"message":{"content":' + b"[" * 900 + b"]" * 900 + b"}}]}"],
)
def test_deep_json_is_a_result_or_an_error_of_ours(deep: bytes, decode) -> None:
    with contextlib.suppress(LexiluxError):
        decode(deep)
