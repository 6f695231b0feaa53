"""Errors as servers spell them: a response, or an event, to the exception it stands for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from urllib.parse import urlsplit

from ..values.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from ..values.results import ChatResult
from .complaint import Complaint, body_text, read_error
from .document import parse
from .http import Response
from .overflow import exceeds_context

QUOTA, OVERLOADED = 402, 529

CLASSES: dict[int, type[APIError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    QUOTA: QuotaExceededError,
    403: AuthenticationError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
}
FOR_GOOD = {501, 505}
"""Server errors that stay when the request is sent again."""

QUOTA_WORDS = (
    "insufficient_quota",
    "insufficient_balance",
    "credit_balance_exhausted",
    "billing_hard_limit_reached",
    "spend_limit_exceeded",
    "billing_error",  # Anthropic
)
QUOTA_TEXTS = ("insufficient balance", "\u4f59\u989d\u4e0d\u8db3")
"""Z.ai says it by its words alone, under 429."""
SPOKEN = (
    (QUOTA_WORDS, QUOTA),
    (("rate_limit", "ratelimit", "too_many_requests", "throttl", "resource_exhausted"), 429),
    (("overload",), OVERLOADED),
    (("auth", "api_key", "permission", "forbidden"), 401),
    (("not_found", "notfound"), 404),
    (
        ("invalid", "bad_request", "badrequest", "validation", "context", "too_many", "content_"),
        400,
    ),
    (
        (
            "server",
            "internal",
            "unavailable",
            "timeout",
            "upstream",
            "gateway",
            "connection",
            "api_error",  # Anthropic
        ),
        500,
    ),
)
"""Words in an error's code and type, and the HTTP status that says the same; the first counts."""

ADVICE = {
    400: "Change the request: sent again as it is, it fails again.",
    401: "Check api_key.",
    QUOTA: "Add credit or raise the account's spending limit; waiting does not help.",
    403: "Check what api_key may do, and model.",
    404: "Check base_url (it usually ends in /v1) and model.",
    413: "Send less.",
    422: "Change the request: sent again as it is, it fails again.",
    429: "Send less often: see rate_limit and max_retries.",
}
LATER = "Try again later; max_retries does so."
TOO_LONG = "Shorten the history, or ask for a shorter answer: prompt and answer share the window."
SILENT = " A refusal without a word often means that the prompt is too long."  # Cerebras

REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ds-trace-id",
    "x-generation-id",
    "cf-ray",
)
WORDS_SHOWN = 1_000


def status_error(response: Response, *, partial: ChatResult | None = None) -> APIError:
    """The error that a response stands for whose status is not 2xx. Never raises."""
    if 300 <= response.status < 400:
        return _redirect(response)
    try:
        complaint = read_error(parse(response.body))
    except ValueError:
        complaint = Complaint()
    if not complaint.message:
        complaint = replace(complaint, message=body_text(response))
    return _error(complaint, response.status, response, partial)


def event_error(
    error: object,
    *,
    data: bytes,
    status: int,
    headers: Mapping[str, str],
    partial: ChatResult | None = None,
) -> APIError:
    """The error that an error object under status 2xx stands for, by its own words.

    Args:
        error: What `find_error` found, or a text.
        data: The body or the event that it came in.
        status: The HTTP status.
        headers: The response headers.
        partial: The answer up to here.
    """
    complaint = read_error(error)
    meant = complaint.status or _spoken(complaint)
    return _error(complaint, meant, Response(status, headers, data), partial)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's name for the request, to quote to its support."""
    for name in REQUEST_IDS:
        if given := headers.get(name):
            return given
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, finite and at least 0; None for nonsense.

    Args:
        headers: The response headers: `retry-after-ms`, or `retry-after` in seconds or as a
            date, which is measured from the response's own `date`.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _number(value)
    if seconds is not None:
        return seconds
    until, since = unix_time(value), unix_time(headers.get("date", ""))
    return None if until is None or since is None else max(0.0, until - since)


def not_a_completion(
    why: str, *, data: bytes, head: Response, partial: ChatResult | None = None
) -> ResponseFormatError:
    """The error for a 2xx body, or an event of one, that is no chat completion.

    Args:
        why: What is wrong with it.
        data: The body or the event.
        head: Status and headers.
        partial: The answer up to here.
    """
    kind = head.headers.get("content-type", "")
    return ResponseFormatError(
        f"HTTP {head.status}, but no chat completion: {why}. Content-Type: {kind!r};"
        f" {len(data)} bytes: {data[:200]!r}. Check base_url: it usually ends in /v1.",
        status_code=head.status,
        headers=head.headers,
        body=data,
        partial=partial,
    )


def _error(
    complaint: Complaint, meant: int, response: Response, partial: ChatResult | None
) -> APIError:
    """Put an error together; `meant` is the status that says what kind it is."""
    if _out_of_credit(complaint):
        meant = QUOTA
    too_long = CLASSES.get(meant, InvalidRequestError) is InvalidRequestError and exceeds_context(
        complaint.code, complaint.type, f"{complaint.message}\n{complaint.cause}"
    )
    if too_long and meant not in CLASSES:  # as 500, or inside a stream
        meant = 400
    kind = CLASSES.get(meant) or (ServerError if meant >= 500 else APIError)
    retryable = meant in {408, 409, 429} or (meant >= 500 and meant not in FOR_GOOD)
    wish = response.headers.get("x-should-retry", "").lower()
    if meant != QUOTA and wish in {"true", "false"}:
        retryable = wish == "true"
    advice = ADVICE.get(meant, LATER if retryable else "")
    if kind is InvalidRequestError:
        advice = TOO_LONG if too_long else advice + ("" if complaint.message else SILENT)
    error = kind(
        _sentence(complaint, response, advice),
        status_code=response.status,
        code=complaint.code,
        type=complaint.type,
        param=complaint.param,
        provider_message=complaint.message,
        headers=response.headers,
        body=response.body,
        request_id=request_id(response.headers),
        retryable=retryable,
        retry_after=retry_after(response.headers),
        partial=partial,
    )
    if isinstance(error, InvalidRequestError):
        error.context_exceeded = too_long
    return error


def _redirect(response: Response) -> APIError:
    target = response.headers.get("location", "")
    try:
        host = urlsplit(target).netloc.rpartition("@")[2] or "another path"
    except ValueError:
        host = "an address that cannot be read"
    return APIError(
        f"HTTP {response.status}: the server redirects to {host!r}. Redirects are never followed,"
        " because they would carry the key and the prompt along. Set base_url to the new address.",
        status_code=response.status,
        headers=response.headers,
        body=response.body,
        request_id=request_id(response.headers),
        retryable=False,
    )


def _sentence(complaint: Complaint, response: Response, advice: str) -> str:
    """What happened, the provider's words, what to quote to its support, what to do."""
    good = 200 <= response.status < 300
    what = f"{'an error under ' if good else ''}HTTP {response.status}"
    words = _short(complaint.message) or "no reason given"
    if complaint.cause:
        words += f" ({_short(complaint.cause)})"
    identity = request_id(response.headers)
    facts = [f"code {_short(str(complaint.code))}"] if complaint.code is not None else []
    facts += [f"request id {_short(identity)}"] if identity else []
    said = f"{what}: {words} [{', '.join(facts)}]" if facts else f"{what}: {words}"
    if not advice:
        return said
    return f"{said} {advice}" if words.endswith((".", "!", "?")) else f"{said}. {advice}"


def _short(text: str) -> str:
    return text if len(text) <= WORDS_SHOWN else f"{text[:WORDS_SHOWN]}..."


def _out_of_credit(complaint: Complaint) -> bool:
    if _spoken(replace(complaint, message="")) == QUOTA:
        return True
    said = complaint.message[:WORDS_SHOWN].lower()
    return any(text in said for text in QUOTA_TEXTS)


def _spoken(complaint: Complaint) -> int:
    """The HTTP status that code and type speak of, or the message where there are none; or 0."""
    coded = complaint.code is not None or complaint.type is not None
    said = f"{complaint.code} {complaint.type}" if coded else complaint.message[:WORDS_SHOWN]
    said = said.lower().replace(" ", "_")
    return next((status for words, status in SPOKEN if any(w in said for w in words)), 0)


def _number(text: str) -> float | None:
    """A plain decimal number, at least 0."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?", text.strip(), re.ASCII):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def unix_time(text: str) -> float | None:
    """An HTTP date in seconds since 1970."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - rare, and slow to load

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
