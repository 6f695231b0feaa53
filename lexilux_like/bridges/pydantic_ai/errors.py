"""Errors of ours as pydantic-ai's, so that what handles those handles ours."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from pydantic_ai.exceptions import (
    ContentFilterError,
    IncompleteToolCall,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UserError,
)

from ...values.errors import (
    APIError,
    AuthenticationError,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    InvalidRequestError,
    LexiluxError,
    LexiluxTimeoutError,
    NetworkError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from ...values.results import ChatResult

Category: TypeAlias = type[
    ModelRateLimitError
    | ModelQuotaExceededError
    | ModelUnavailableError
    | ModelServerError
    | ModelRequestRejectedError
]


@contextmanager
def translated(model_name: str) -> Generator[None, None, None]:
    """Raise errors of ours as pydantic-ai's, with ours as the cause."""
    try:
        yield
    except LexiluxError as error:
        raise translate(error, model_name) from error


def translate(error: LexiluxError, model_name: str) -> Exception:
    """The error by which pydantic-ai would tell the same.

    `FallbackModel` asks its next model after a `ModelAPIError`. A call that is wrong is a
    `UserError`, which no other model would mend.
    """
    match error:
        case ValidationError():
            return UserError(error.message)
        case APIError():
            return _of_api(error, model_name)
        case LexiluxTimeoutError():
            return ModelTimeoutError(model_name, error.message)
        case ChatStreamInterruptedError():
            return ModelConnectionError(model_name, error.message, phase="read", in_stream=True)
        case NetworkError():
            return ModelConnectionError(model_name, error.message)
        case ChatIncompleteResponseError():
            return _of_incomplete(error, model_name)
        case _:
            return ModelAPIError(model_name, error.message)


def _of_api(error: APIError, model_name: str) -> ModelAPIError:
    category, body = _category(error), _body(error.body)
    facts: dict[str, Any] = {
        "provider_error_code": None if error.code is None else str(error.code),
        "provider_error_type": error.type,
        "retry_after": error.retry_after,
    }
    if error.status_code >= 400:
        return ModelHTTPError.for_category(
            category,
            status_code=error.status_code,
            model_name=model_name,
            body=body,
            headers=error.headers,
            **facts,
        )
    kind = category or ModelAPIError
    return kind(model_name, error.message, body=body, in_stream=True, **facts)


def _category(error: APIError) -> Category | None:
    """What kind of refusal it was; None where pydantic-ai has no word for it."""
    match error:
        case QuotaExceededError():
            return ModelQuotaExceededError
        case RateLimitError():
            return ModelRateLimitError
        case AuthenticationError():
            return ModelAuthenticationError
        case NotFoundError():
            return ModelNotFoundError
        case InvalidRequestError():
            exceeded = error.context_exceeded
            return ModelContextWindowExceededError if exceeded else ModelRequestRejectedError
        case ServerError(status_code=529):
            return ModelOverloadedError
        case ServerError(status_code=503):
            return ModelUnavailableError
        case ServerError():
            return ModelServerError
        case _:
            return None


def _body(body: bytes) -> object:
    """The body as JSON, or as text where it is none."""
    try:
        value: object = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    return value


def _of_incomplete(error: ChatIncompleteResponseError, model_name: str) -> Exception:
    cause = error.__cause__
    if error.reason == "failed" and isinstance(cause, LexiluxError):
        return translate(cause, model_name)
    result = error.final_result
    if error.reason in ("content_filter", "refused"):
        return ContentFilterError(error.message)
    if error.reason == "tool_arguments" or (result and result.incomplete_tool_calls):
        return IncompleteToolCall(error.message)
    if result is not None and result.truncated:
        return OutputTokenLimitExceeded(error.message)
    return UnexpectedModelBehavior(error.message)


def check_calls(result: ChatResult) -> None:
    """Refuse an answer that was cut inside a call: text before it would pass for all of it.

    Raises:
        IncompleteToolCall: A token limit cut it.
        ContentFilterError: The provider's filter did, or a refusal.
        UnexpectedModelBehavior: Something else.
    """
    if not result.incomplete_tool_calls:
        return
    names = ", ".join(repr(call.name) for call in result.incomplete_tool_calls)
    said = f"the answer ended ({result.status}) inside a call of {names}, which is not run"
    if result.truncated:
        raise IncompleteToolCall(f"{said}; give it more max_tokens")
    if result.status in ("filtered", "refused"):
        raise ContentFilterError(said)
    raise UnexpectedModelBehavior(said)
