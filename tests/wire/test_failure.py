"""Error bodies and error events: the provider's words, the class, and what to do."""

from __future__ import annotations

import json
import math
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import inside, refused

from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from lexilux_like.wire.complaint import find_error
from lexilux_like.wire.failure import (
    request_id,
    retry_after,
    status_error,
)
from lexilux_like.wire.http import Response

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "detail",
                    "errors",
                    "code",
                    "type",
                    "status",
                    "msg",
                    "object",
                    "metadata",
                    "raw",
                    "choices",
                    "loc",
                    "base_resp",
                    "status_code",
                ]
            ),
            values,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, InvalidRequestError, False),
        (401, AuthenticationError, False),
        (402, QuotaExceededError, False),
        (403, AuthenticationError, False),
        (404, NotFoundError, False),
        (405, APIError, False),
        (408, APIError, True),
        (409, ConflictError, True),
        (413, InvalidRequestError, False),
        (418, APIError, False),
        (422, InvalidRequestError, False),
        (429, RateLimitError, True),
        (500, ServerError, True),
        (501, ServerError, False),
        (502, ServerError, True),
        (503, ServerError, True),
        (504, ServerError, True),
        (505, ServerError, False),
        (529, ServerError, True),
        (599, ServerError, True),
        (101, APIError, False),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[APIError], retryable: bool) -> None:
    error = refused({"error": {"message": "No"}}, status)
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.status_code == status


@pytest.mark.parametrize("field", ["code", "type"])
@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize(
    "word",
    [
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "monthly_spend_limit_exceeded",
    ],
)
def test_used_up_quota_is_never_retried(word: str, status: int, field: str) -> None:
    error = refused({"error": {"message": "No", field: word}}, status, x_should_retry="true")
    assert type(error) is QuotaExceededError
    assert not error.retryable


@pytest.mark.parametrize(
    ("status", "wish", "retryable"),
    [(400, "true", True), (503, "false", False), (429, "False", False), (503, "maybe", True)],
)
def test_server_may_say_whether_to_retry(status: int, wish: str, retryable: bool) -> None:
    assert refused({}, status, x_should_retry=wish).retryable is retryable


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"code": 429, "message": "x"}, RateLimitError, True),
        ({"code": "429", "message": "x"}, RateLimitError, True),
        ({"code": "rate_limit_exceeded", "type": "invalid_request_error"}, RateLimitError, True),
        ({"status": "RESOURCE_EXHAUSTED", "code": "RESOURCE_EXHAUSTED"}, RateLimitError, True),
        ({"code": 401}, AuthenticationError, False),
        ({"type": "authentication_error"}, AuthenticationError, False),
        ({"code": "invalid_api_key", "type": "invalid_request_error"}, AuthenticationError, False),
        ({"code": 402}, QuotaExceededError, False),
        ({"code": "insufficient_quota"}, QuotaExceededError, False),
        ({"code": 404}, NotFoundError, False),
        ({"code": "model_not_found"}, NotFoundError, False),
        ({"type": "overloaded_error"}, ServerError, True),
        ({"code": 500, "type": "server_error"}, ServerError, True),
        ({"status": 503}, ServerError, True),
        ({"code": 501}, ServerError, False),
        ({"type": "internal_server_error"}, ServerError, True),
        ({"code": "context_length_exceeded"}, InvalidRequestError, False),
        ({"code": "content_filter"}, InvalidRequestError, False),
        ({"code": 1300, "type": "odd"}, APIError, False),
        ({"message": "upstream timeout"}, ServerError, True),
        ("Internal Server Error", ServerError, True),
        ("", APIError, False),
    ],
)
def test_error_under_status_200_says_its_class_itself(
    error: Any, kind: type[APIError], retryable: bool
) -> None:
    found = inside({"error": error} if isinstance(error, dict) else error)
    assert type(found) is kind
    assert found.retryable is retryable
    assert found.status_code == 200


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize(
    "words", ["Insufficient balance or no resource package.", "余额不足或无可用资源包,请充值。"]
)
def test_no_credit_is_told_by_its_words(words: str, status: int) -> None:
    error = refused({"error": {"code": "1113", "message": words}}, status)
    assert type(error) is QuotaExceededError
    assert not error.retryable


def test_message_has_words_code_request_id_and_advice() -> None:
    error = refused(
        {"error": {"message": "Bad key.", "code": "invalid_api_key"}}, 401, x_request_id="req-1"
    )
    assert str(error) == (
        "HTTP 401: Bad key. [code invalid_api_key, request id req-1] Check api_key."
    )


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "api_key"), (404, "base_url"), (402, "credit"), (429, "rate_limit"), (500, "later")],
)
def test_message_says_what_to_do(status: int, advice: str) -> None:
    assert advice in refused({}, status).message


def test_long_words_leave_room_for_the_request_id() -> None:
    error = refused({"error": {"message": "x" * 100_000}}, 500, request_id="req-1")
    assert "req-1" in error.message
    assert len(error.message) < 2_100
    assert error.provider_message == "x" * 100_000


def test_terminal_escapes_do_not_reach_the_message() -> None:
    error = refused({"error": {"message": "\x1b[31m\nred"}}, 500)
    assert "\x1b" not in error.message
    assert "\n" not in error.message
    assert error.provider_message == "\x1b[31m\nred"


def test_error_carries_status_headers_and_body() -> None:
    error = refused({"error": "No"}, 500, x_one="1")
    assert error.headers["x-one"] == "1"
    assert error.body == b'{"error": "No"}'


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect_names_status_and_host_and_what_to_do(status: int) -> None:
    error = refused(b"", status, location="https://user:pw@other.example:8443/v1?key=k")
    assert f"HTTP {status}" in error.message
    assert "'other.example:8443'" in error.message
    assert "base_url" in error.message
    assert "pw" not in error.message
    assert not error.retryable


@pytest.mark.parametrize("location", ["/v2/chat", "", "https://[bad"])
def test_redirect_to_anywhere_is_an_error(location: str) -> None:
    assert "never followed" in refused(b"", 307, location=location).message


@pytest.mark.parametrize(
    "name",
    [
        "x-request-id",
        "request-id",
        "x-amzn-requestid",
        "apim-request-id",
        "x-ds-trace-id",
        "x-generation-id",
        "cf-ray",
    ],
)
def test_request_id_of_each_provider(name: str) -> None:
    assert request_id({"date": "x", name: "r-1"}) == "r-1"


def test_first_known_request_id_counts() -> None:
    assert request_id({"cf-ray": "ray", "x-request-id": "r-1"}) == "r-1"


def test_no_request_id() -> None:
    assert request_id({"x-request-id": ""}) is None


NOW = 1_800_000_000.0
DATE = formatdate(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": formatdate(NOW + 20, usegmt=True), "date": DATE}, 20.0),
        ({"retry-after": formatdate(NOW - 20, usegmt=True), "date": DATE}, 0.0),
        ({"retry-after": DATE, "date": "nonsense"}, None),
        ({"retry-after": DATE}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


HEADER = st.text() | st.from_regex(r"[-+]?\d*\.?\d*(e\d+)?") | st.datetimes().map(str)
DATES = st.floats(-1e12, 1e12).map(lambda t: formatdate(t % 2e11, usegmt=True)) | st.from_regex(
    r"\A[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{1,5} \d\d:\d\d:\d\d [-+A-Z]?\d{0,6}\Z"
)


NAMES = ("retry-after", "retry-after-ms", "date")
HEADERS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, HEADER | DATES))


@given(HEADERS)
def test_retry_after_is_none_or_finite_and_not_negative(headers: dict[str, str]) -> None:
    seconds = retry_after(headers)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


def test_retry_after_is_on_the_error() -> None:
    assert refused({}, 429, retry_after="7").retry_after == 7.0
    assert inside({"code": 429}, retry_after="7").retry_after == 7.0


@given(
    st.integers(100, 999),
    st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(["content-type", "location", "retry-after", "date", "x-request-id"]),
        st.text() | st.sampled_from(["text/html", "https://[", "//x@y/"]),
    ),
)
def test_no_response_makes_it_fail(status: int, body: bytes, headers: dict[str, str]) -> None:
    assert isinstance(status_error(Response(status, headers, body)), APIError)


@given(JSON)
def test_no_document_makes_it_fail(document: object) -> None:
    error = find_error(document)
    if error is not None:
        assert isinstance(inside(error), APIError)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"error":' * 900 + b"1" + b"}" * 900])
def test_deep_body_is_an_error_like_any_other(body: bytes) -> None:
    assert isinstance(refused(body, 500), ServerError)
