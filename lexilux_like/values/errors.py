"""Every error that the package raises, in one tree.

```
LexiluxError                        code, message, retryable, retry_after, partial
├── ValidationError (ValueError)    the call is wrong; nothing was sent
├── NetworkError
│   ├── LexiluxConnectionError (ConnectionError)
│   ├── LexiluxTimeoutError (TimeoutError)       which of the timeouts, and its value
│   └── ChatStreamInterruptedError               the stream ended unannounced; .partial
├── APIError                        status_code, request_id, body, headers, provider's code and type
│   ├── InvalidRequestError 400 413 422 · AuthenticationError 401 403
│   ├── NotFoundError 404 · ConflictError 409
│   ├── RateLimitError 429 ── QuotaExceededError (never retried)
│   └── ServerError 5xx 529
├── ResponseFormatError             2xx, but not a chat completion (HTML, empty, cut JSON)
├── ChatIncompleteResponseError     final_result, continue_count, max_continues: still not whole
├── OutputValidationError           whole, but it does not fit the schema; .partial holds what does
└── BatchStoppedError               item after item fails alike; .totals (`lexilux_like.batch`)
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from .results import ChatResult, FailedAttempt
from .text import printable


class LexiluxError(Exception):
    """The root: `except LexiluxError` catches all that this package raises.

    Attributes:
        message: What happened and what to do, at most about 2,000 characters,
            control characters escaped.
        code: A stable word for the kind of error; on an `APIError` the provider's own code.
        retryable: Whether the same request may succeed when sent again.
        resumable: Whether the failure may pass and content had come, so that the answer can be
            continued from `partial`.
        retry_after: Seconds that the server asked to wait, where it said so.
        partial: The answer up to the failure, where some of it had come.
        failed_attempts: The requests of the call that failed, this one the last of them.
    """

    code: str | int | None = "error"
    retryable: bool = False
    resumable: bool = False
    failed_attempts: tuple[FailedAttempt, ...] = ()

    def __init__(
        self,
        message: str = "",
        *,
        retryable: bool | None = None,
        retry_after: float | None = None,
        partial: ChatResult | None = None,
    ) -> None:
        self.message = printable(message)
        super().__init__(self.message)
        if retryable is not None:
            self.retryable = retryable
        self.retry_after = retry_after
        self.partial = partial

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        # A copy is made from the cut message, which must not be cut again.
        super().__setstate__(state)
        self.args = (self.message, *self.args[1:])

    def censor(self, clean: Callable[[str], str]) -> None:
        """Pass every text that a server chose through `clean`, in place."""
        self.message = clean(self.message)
        self.args = (self.message, *self.args[1:])


class ValidationError(LexiluxError, ValueError):
    """The call itself is wrong; nothing was sent."""

    code = "validation_error"


class NetworkError(LexiluxError):
    """The network failed before a whole answer arrived."""

    code = "network_error"
    retryable = True


class LexiluxConnectionError(NetworkError, ConnectionError):
    """No connection could be made, or it broke before the answer began."""

    code = "connection_error"


class LexiluxTimeoutError(NetworkError, TimeoutError):
    """A time limit struck.

    Attributes:
        timeout: The option that struck: `"read_timeout_s"`, `"deadline_s"`, ...
        limit_s: Its value, in seconds.
    """

    code = "timeout"

    def __init__(
        self,
        message: str = "",
        *,
        timeout: str = "timeout_s",
        limit_s: float | None = None,
        retryable: bool | None = None,
        partial: ChatResult | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable, partial=partial)
        self.timeout = timeout
        self.limit_s = limit_s


class ChatStreamInterruptedError(NetworkError):
    """The stream ended before the server said that the answer was done.

    `partial` holds what had come. `retryable` is True only while nothing had.

    Attributes:
        clean: True when the body ended as if it were whole (a proxy or the server gave up
            silently), False when the connection broke.
    """

    code = "stream_interrupted"

    def __init__(
        self,
        message: str = "",
        *,
        clean: bool = False,
        retryable: bool | None = None,
        partial: ChatResult | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable, partial=partial)
        self.clean = clean


class APIError(LexiluxError):
    """The server answered with an error: a status of 3xx to 5xx, or an error object in a 200.

    Attributes:
        status_code: The HTTP status; 200 when the error came inside a stream or a body.
        code: The provider's code, as sent (a string or a number), or None.
        type: The provider's error type, as sent, or None.
        param: The request field the provider complains about, or None.
        provider_message: The provider's own words, in full and unescaped.
        request_id: The provider's name for the request, to quote to its support.
        headers: The response headers, names in lower case.
        body: The response body; for an error inside a stream that event's data.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        code: str | int | None = None,
        type: str | None = None,  # noqa: A002 - the field's name on the wire
        param: str | None = None,
        provider_message: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        request_id: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        partial: ChatResult | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable, retry_after=retry_after, partial=partial)
        self.status_code = status_code
        self.code = code
        self.type = type
        self.param = param
        self.provider_message = provider_message
        self.headers: dict[str, str] = dict(headers or {})
        self.body = body
        self.request_id = request_id

    def censor(self, clean: Callable[[str], str]) -> None:  # noqa: D102 - as the root's
        super().censor(clean)
        self.provider_message = clean(self.provider_message)
        self.headers = {name: clean(value) for name, value in self.headers.items()}
        self.body = clean(self.body.decode("latin-1")).encode("latin-1")
        self.code = clean(self.code) if isinstance(self.code, str) else self.code
        self.type = clean(self.type) if self.type else self.type
        self.param = clean(self.param) if self.param else self.param
        self.request_id = clean(self.request_id) if self.request_id else self.request_id


class InvalidRequestError(APIError):
    """400, 413 or 422: the server does not accept this request; sending it again is no use.

    Attributes:
        context_exceeded: Whether it says that prompt and answer do not fit the model's context
            window: shorten the history, or ask for a shorter answer.
    """

    context_exceeded: bool = False


class AuthenticationError(APIError):
    """401 or 403: the key is missing, wrong, or not allowed to do this."""


class NotFoundError(APIError):
    """404: no such model, or base_url does not point at an API."""


class ConflictError(APIError):
    """409."""

    retryable = True


class RateLimitError(APIError):
    """429: too many requests."""

    retryable = True


class QuotaExceededError(RateLimitError):
    """The account's credit or spending limit is used up: waiting does not help."""

    retryable = False


class ServerError(APIError):
    """5xx and 529: the server failed or is overloaded."""

    retryable = True


class ResponseFormatError(LexiluxError):
    """The server answered 2xx with something that is not a chat completion.

    Attributes:
        status_code: The HTTP status.
        headers: The response headers, names in lower case.
        body: The body, or the event that could not be read.
    """

    code = "response_format"

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        partial: ChatResult | None = None,
    ) -> None:
        super().__init__(message, partial=partial)
        self.status_code = status_code
        self.headers: dict[str, str] = dict(headers or {})
        self.body = body

    def censor(self, clean: Callable[[str], str]) -> None:  # noqa: D102 - as the root's
        super().censor(clean)
        self.headers = {name: clean(value) for name, value in self.headers.items()}
        self.body = clean(self.body.decode("latin-1")).encode("latin-1")


IncompleteReason: TypeAlias = Literal[
    "max_continues",
    "no_seam",
    "unconfirmed_end",
    "no_progress",
    "repeating",
    "reasoning_budget",
    "tool_arguments",
    "context_exceeded",
    "content_filter",
    "refused",
    "invalid_json",
    "max_steps",
    "failed",
]
"""Why an answer could not be made whole; `docs/completeness.md` says what each one means."""


class ChatIncompleteResponseError(LexiluxError):
    """The answer is still not whole after all that was allowed.

    Attributes:
        final_result: Everything received, joined as far as that is sure; each reply as it came
            is in its `segments`.
        continue_count: Continuations that were made.
        max_continues: Continuations that were allowed.
        reason: What stood in the way.
        parsed: The finished parts, as JSON data, where a JSON answer was asked for; else None.
        items: The finished and valid items, where the answer was to be a list of a type.
    """

    code = "incomplete_response"

    def __init__(
        self,
        message: str = "",
        *,
        final_result: ChatResult | None = None,
        continue_count: int = 0,
        max_continues: int = 0,
        reason: IncompleteReason = "max_continues",
    ) -> None:
        super().__init__(message, partial=final_result)
        self.final_result = final_result
        self.continue_count = continue_count
        self.max_continues = max_continues
        self.reason: IncompleteReason = reason
        self.parsed: Any = None
        self.items: list[Any] = []


class OutputValidationError(LexiluxError):
    """The answer is whole, but does not fit the type, however often the model was asked.

    Attributes:
        errors: What does not fit: one readable line for each fault, with its path.
        parsed: The answer as JSON data, where it is JSON; else None.
        items: The valid items, where the answer was to be a list of a type.
    """

    code = "output_validation"

    def __init__(
        self,
        message: str = "",
        *,
        errors: Sequence[str] = (),
        parsed: Any = None,
        items: Sequence[Any] = (),
        partial: ChatResult | None = None,
    ) -> None:
        super().__init__(message, partial=partial)
        self.errors = list(errors)
        self.parsed = parsed
        self.items = list(items)

    def censor(self, clean: Callable[[str], str]) -> None:  # noqa: D102 - as the root's
        super().censor(clean)
        self.errors = [clean(each) for each in self.errors]
