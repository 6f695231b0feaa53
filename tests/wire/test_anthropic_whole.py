"""Whole messages of Anthropic's API, and what comes in their place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lexilux_like.testing.messages import (
    error_event,
    message,
    text_block,
    thinking_block,
    tool_use_block,
)
from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, ToolCall
from lexilux_like.wire.anthropic import AnthropicDialect
from lexilux_like.wire.http import Response

HEADERS = {"content-type": "application/json", "request-id": "req_9"}


def decode(body: bytes, *, status: int = 200, **fields: Any) -> ChatResult:
    dialect = AnthropicDialect("https://api.anthropic.com/v1")
    response = Response(status, HEADERS, body)
    dialect.check(response)
    return dialect.decode(response, ChatRequest("claude-x", [], **fields))


def said(*blocks: Any, keep_raw: bool = False, **fields: Any) -> ChatResult:
    return decode(message(*blocks, **fields).body or b"", keep_raw=keep_raw)


def test_a_message_is_a_result() -> None:
    result = said("Hel", "lo")
    assert (result.text, result.status, result.finish_reason) == ("Hello", "complete", "stop")
    assert (result.id, result.model, result.request_id) == ("msg_1", "m", "req_9")
    assert result.raw is None


def test_blocks_are_sorted_by_their_kind() -> None:
    thought, call = thinking_block("hm"), tool_use_block("f", {"a": "ü"})
    result = said(thought, "Yes", call, stop_reason="tool_use")
    assert (result.text, result.reasoning, result.status) == ("Yes", "hm", "tool_calls")
    assert result.tool_calls == (ToolCall("toolu_1", "f", '{"a": "ü"}'),)
    assert result.fields["content_blocks"] == [thought, text_block("Yes"), call]


def test_blocks_are_kept_exactly_as_they_came() -> None:
    block = {"type": "mcp_tool_use", "id": "x", "input": {"n": 1.0}, "new": None}
    assert said(block, "Hi").fields["content_blocks"][0] == block


def test_a_message_of_text_alone_keeps_no_blocks() -> None:
    assert said("Hi").fields == {}


def test_an_empty_message_is_an_answer() -> None:
    result = said()
    assert (result.text, result.status) == ("", "complete")


def test_a_message_that_does_not_say_why_it_stops_is_unknown() -> None:
    assert said("Hi", stop_reason=None).status == "unknown"


def test_what_stands_beside_the_stop_reason_is_kept() -> None:
    result = said("Hi", stop_reason="stop_sequence", stop_sequence="END")
    assert result.status == "complete"
    assert result.fields == {"stop_sequence": "END"}


def test_tokens_of_the_cache_are_part_of_the_input() -> None:
    counts = {
        "input_tokens": 3,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 100,
        "output_tokens": 7,
        "service_tier": "priority",
    }
    result = said("Hi", usage=counts)
    usage = result.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (123, 7, 130)
    assert (usage.cached_tokens, usage.cache_creation_tokens) == (20, 100)
    assert usage.details == counts
    assert result.service_tier == "priority"


def test_counts_that_were_not_sent_are_not_known() -> None:
    assert not said("Hi", usage=None).usage
    usage = said("Hi", usage={"output_tokens": 7}).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (None, 7, None)
    assert (usage.cached_tokens, usage.cache_creation_tokens) == (None, None)


def test_counts_of_the_cache_add_up() -> None:
    one = said("Hi", usage={"input_tokens": 1, "cache_creation_input_tokens": 2}).usage
    assert (one + one).cache_creation_tokens == 4
    assert (one + said("Hi").usage).cache_creation_tokens == 2


def test_the_servers_json_is_kept_where_it_is_asked_for() -> None:
    raw = said("Hi", keep_raw=True).raw
    assert raw is not None
    assert raw["content"] == [text_block("Hi")]


# What comes in its place.


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"<html><title>Login</title>", "it is a web page"),
        (b'{"type": "message", "content": [', "it is cut"),
        (b"[]", "no content blocks"),
        (b'{"choices": [{"message": {"content": "Hi"}}]}', "no content blocks"),
        (b'{"type": "message", "content": ["Hi"]}', "a content block is no object"),
    ],
)
def test_a_body_that_is_no_message_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ResponseFormatError, match=why):
        decode(body)


def test_an_error_under_status_200_is_raised() -> None:
    body = json.dumps(error_event("overloaded_error", "busy")).encode()
    with pytest.raises(ServerError, match="busy") as caught:
        decode(body)
    assert caught.value.retryable


def test_an_error_beside_a_message_carries_it() -> None:
    body = json.loads(message("Hel").body or b"") | error_event("api_error")
    with pytest.raises(ServerError) as caught:
        decode(json.dumps(body).encode())
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"


@pytest.mark.parametrize(
    ("status", "kind", "error", "retryable"),
    [
        (400, "invalid_request_error", InvalidRequestError, False),
        (401, "authentication_error", AuthenticationError, False),
        (402, "billing_error", QuotaExceededError, False),
        (403, "permission_error", AuthenticationError, False),
        (404, "not_found_error", NotFoundError, False),
        (413, "request_too_large", InvalidRequestError, False),
        (429, "rate_limit_error", RateLimitError, True),
        (500, "api_error", ServerError, True),
        (504, "timeout_error", ServerError, True),
        (529, "overloaded_error", ServerError, True),
    ],
)
def test_each_error_of_the_api_has_its_class(
    status: int, kind: str, error: type[APIError], retryable: bool
) -> None:
    body = json.dumps(error_event(kind, "so sorry")).encode()
    with pytest.raises(APIError) as caught:
        decode(body, status=status)
    raised = caught.value
    assert type(raised) is error
    assert (raised.type, raised.request_id, raised.retryable) == (kind, "req_9", retryable)
    assert "so sorry" in str(raised)
