"""The error tree: what catches what, what an error carries, and what it never shows."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from lexilux_like.values import errors
from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    ConflictError,
    InvalidRequestError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    NetworkError,
    NotFoundError,
    OutputValidationError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
    ValidationError,
)
from lexilux_like.values.results import ChatResult
from lexilux_like.values.text import MESSAGE_LIMIT

EVERY = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, LexiluxError)
]
every_error = pytest.mark.parametrize("kind", EVERY)


def without_key(text: str) -> str:
    return text.replace("sk-secret", "***")


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (ValidationError, (LexiluxError, ValueError)),
        (LexiluxConnectionError, (NetworkError, ConnectionError, OSError)),
        (LexiluxTimeoutError, (NetworkError, TimeoutError)),
        (ChatStreamInterruptedError, (NetworkError,)),
        (InvalidRequestError, (APIError,)),
        (AuthenticationError, (APIError,)),
        (NotFoundError, (APIError,)),
        (ConflictError, (APIError,)),
        (RateLimitError, (APIError,)),
        (QuotaExceededError, (RateLimitError,)),
        (ServerError, (APIError,)),
        (ResponseFormatError, (LexiluxError,)),
        (ChatIncompleteResponseError, (LexiluxError,)),
        (OutputValidationError, (LexiluxError,)),
    ],
)
def test_an_error_is_caught_by_its_parents(kind: type[LexiluxError], parents: tuple[type, ...]):
    assert all(issubclass(kind, parent) for parent in parents)


@every_error
def test_every_error_is_in_the_drawn_tree(kind: type[LexiluxError]):
    assert kind.__name__ in (errors.__doc__ or "")


@every_error
def test_every_error_can_be_made_from_a_message_alone(kind: type[LexiluxError]):
    error = kind("what happened")
    assert (str(error), error.message) == ("what happened", "what happened")


@every_error
def test_every_error_survives_pickling_with_what_it_carries(kind: type[LexiluxError]):
    error = kind("what happened")
    error.partial = ChatResult(text="half")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_message_that_was_cut_is_not_cut_again_by_a_copy():
    error = ServerError("x" * 2 * MESSAGE_LIMIT)
    assert str(copy.copy(error)) == str(error)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        (LexiluxError, False),
        (ValidationError, False),
        (LexiluxConnectionError, True),
        (LexiluxTimeoutError, True),
        (ChatStreamInterruptedError, True),
        (APIError, False),
        (InvalidRequestError, False),
        (AuthenticationError, False),
        (NotFoundError, False),
        (ConflictError, True),
        (RateLimitError, True),
        (QuotaExceededError, False),
        (ServerError, True),
        (ResponseFormatError, False),
        (ChatIncompleteResponseError, False),
        (OutputValidationError, False),
    ],
)
def test_an_error_says_whether_the_request_may_succeed_again(
    kind: type[LexiluxError], retryable: bool
):
    assert kind("x").retryable is retryable


@pytest.mark.parametrize("retryable", [True, False])
@pytest.mark.parametrize("kind", [NetworkError, LexiluxTimeoutError, APIError])
def test_an_occasion_can_overrule_the_kind(kind: type[LexiluxError], retryable: bool):
    assert kind("x", retryable=retryable).retryable is retryable


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (LexiluxError, "error"),
        (ValidationError, "validation_error"),
        (LexiluxConnectionError, "connection_error"),
        (LexiluxTimeoutError, "timeout"),
        (ChatStreamInterruptedError, "stream_interrupted"),
        (ResponseFormatError, "response_format"),
        (ChatIncompleteResponseError, "incomplete_response"),
        (OutputValidationError, "output_validation"),
        (APIError, None),
    ],
)
def test_an_error_has_a_stable_code(kind: type[LexiluxError], code: str | None):
    assert kind("x").code == code


def test_control_characters_of_a_message_are_escaped():
    assert str(LexiluxError("a\n\x1b[2J")) == r"a\n\x1b[2J"


def test_a_message_is_bounded():
    assert len(str(LexiluxError("x" * 10**6))) < MESSAGE_LIMIT + 50


def test_a_timeout_says_which_one_and_its_value():
    error = LexiluxTimeoutError("too slow", timeout="idle_timeout_s", limit_s=5)
    assert (error.timeout, error.limit_s) == ("idle_timeout_s", 5)


def test_an_interrupted_stream_says_whether_it_ended_as_if_whole():
    assert ChatStreamInterruptedError("x", clean=True).clean


def test_the_final_result_of_an_incomplete_answer_is_its_part_too():
    half = ChatResult(text="half")
    error = ChatIncompleteResponseError("x", final_result=half, continue_count=2, max_continues=3)
    assert error.final_result is error.partial is half
    assert (error.continue_count, error.max_continues) == (2, 3)


def test_an_api_error_carries_the_server_s_facts():
    headers = {"retry-after": "7"}
    error = APIError(
        "x",
        status_code=429,
        code="rate_limit",
        type="requests",
        param="model",
        provider_message="slow\ndown",
        headers=headers,
        body=b"{}",
        request_id="req_1",
        retry_after=7.0,
    )
    headers["retry-after"] = "changed"
    assert vars(error) == {
        "message": "x",
        "retry_after": 7.0,
        "partial": None,
        "status_code": 429,
        "code": "rate_limit",
        "type": "requests",
        "param": "model",
        "provider_message": "slow\ndown",
        "headers": {"retry-after": "7"},
        "body": b"{}",
        "request_id": "req_1",
    }


def test_a_format_error_carries_what_could_not_be_read():
    error = ResponseFormatError("x", status_code=200, headers={"a": "b"}, body=b"<html>")
    assert (error.status_code, error.headers, error.body) == (200, {"a": "b"}, b"<html>")


class TestCensor:
    def test_the_message_is_cleaned_wherever_it_is_shown(self):
        error = LexiluxError("key sk-secret is wrong")
        error.censor(without_key)
        assert "sk-secret" not in f"{error} {error!r} {error.message} {error.args}"

    def test_every_text_that_the_server_chose_is_cleaned(self):
        secret = "sk-secret"
        error = APIError(
            secret,
            code=secret,
            type=secret,
            param=secret,
            provider_message=secret,
            headers={"x-echo": secret},
            body=b"\xff sk-secret \x80",
            request_id=secret,
        )
        error.censor(without_key)
        assert secret not in repr(vars(error))
        assert error.body == b"\xff *** \x80"

    def test_what_is_not_there_stays_so(self):
        error = APIError("x", code=404)
        error.censor(without_key)
        assert (error.code, error.type, error.param, error.request_id) == (404, None, None, None)

    def test_a_body_that_could_not_be_read_is_cleaned(self):
        error = ResponseFormatError("x", headers={"a": "sk-secret"}, body=b"sk-secret \xe9")
        error.censor(without_key)
        assert (error.headers, error.body) == ({"a": "***"}, b"*** \xe9")
