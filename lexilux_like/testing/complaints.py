"""Errors in the middle of a stream, in the shapes in which servers were seen to send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..values.errors import ValidationError
from .chunks import event_of, says_something
from .faults import fault
from .messages import error_event, event
from .script import DONE, Reply, Send, Step, chunk, sse

MESSAGE = "The server is overloaded."
"""What the error events say."""


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """One shape of an error in a stream."""

    name: str
    says: str
    """What is odd about it, in a line."""
    data: bytes
    """On the wire, with what follows it."""
    seen_at: str
    """Servers that send it."""


def _named(data: bytes) -> bytes:
    return b"event: error\ndata: " + data + b"\n\n"


_ERROR = {"message": MESSAGE, "type": "server_error", "param": None, "code": 503}
_TEXT = MESSAGE.encode()

_EVENTS = (
    ErrorEvent(
        "object", "An error object in an event.", sse({"error": _ERROR}), "llama.cpp, Ollama"
    ),
    ErrorEvent(
        "object_done",
        "An error object, and [DONE] as if it were an end.",
        sse({"error": _ERROR}) + DONE,
        "vLLM",
    ),
    ErrorEvent("text", "The error is a text.", sse({"error": MESSAGE}), "Ollama"),
    ErrorEvent(
        "named",
        "An event that is named error, with an error object.",
        _named(b'{"error": {"message": "%s"}}' % _TEXT),
        "Groq, LM Studio",
    ),
    ErrorEvent(
        "named_bare",
        "An event that is named error, with a message and no error object.",
        _named(b'{"message": "%s"}' % _TEXT),
        "gateways",
    ),
    ErrorEvent(
        "named_text",
        "An event that is named error, with words that are not JSON.",
        _named(_TEXT),
        "gateways",
    ),
    ErrorEvent(
        "line",
        "A field of the name error, and no data.",
        b'error: {"code": 503, "message": "%s"}\n\n' % _TEXT,
        "GPUStack",
    ),
    ErrorEvent(
        "chunk",
        "A chunk with an error beside its choices, and the finish reason error.",
        sse(chunk({"content": ""}, finish_reason="error", error={"code": 503, "message": MESSAGE})),
        "OpenRouter",
    ),
    ErrorEvent(
        "choice",
        "An error inside a choice.",
        sse({"choices": [{"index": 0, "delta": {}, "error": {"code": 503, "message": MESSAGE}}]}),
        "OpenRouter",
    ),
    ErrorEvent(
        "finish",
        "The finish reason error, and no words.",
        sse(chunk({}, finish_reason="error")) + DONE,
        "Mistral",
    ),
    ErrorEvent(
        "x_groq",
        "An error in a field of the provider's own.",
        sse(chunk({}, x_groq={"id": "req_1", "error": MESSAGE})),
        "Groq",
    ),
    ErrorEvent(
        "base_resp",
        "A status of the provider's own in a 200.",
        sse({"base_resp": {"status_code": 1000, "status_msg": MESSAGE}}),
        "MiniMax",
    ),
    ErrorEvent(
        "http_code",
        "The HTTP status is a text inside the error.",
        sse({"type": "error", "error": {"type": "o", "message": MESSAGE, "http_code": "503"}}),
        "MiniMax",
    ),
    ErrorEvent(
        "code_beside",
        "A code beside an error that is a text.",
        sse({"code": "The service is currently unavailable", "error": MESSAGE}),
        "xAI",
    ),
    ErrorEvent(
        "anthropic",
        "An error event of Anthropic's messages API.",
        event(error_event("overloaded_error", MESSAGE)),
        "Anthropic",
    ),
)
ERROR_EVENTS: Mapping[str, ErrorEvent] = MappingProxyType({each.name: each for each in _EVENTS})
"""All shapes, by name."""


@fault
def fail(reply: Reply, shape: str | ErrorEvent = "object", *, after: int | None = None) -> Reply:
    """A stream in which an error takes the place of the rest; its status stays 200.

    Args:
        reply: A stream, or a function that makes one.
        shape: A name of `ERROR_EVENTS`, or a shape of your own.
        after: How many pieces of the answer come first; None for all, so that only the end lacks.

    Raises:
        ValidationError: There is no such shape, the reply is no stream, or it has fewer pieces.
    """
    error = _shape(shape) if isinstance(shape, str) else shape
    steps = list(reply.steps)
    places = [place for place, step in enumerate(steps) if _is_piece(step)]
    count = len(places) if after is None else after
    if not places or not 0 <= count <= len(places):
        raise ValidationError(
            f"after={after!r} of a reply with {len(places)} pieces of an answer: give a stream,"
            f" and 0 to {len(places)}"
        )
    end = places[count] if count < len(places) else places[-1] + 1
    return replace(reply, steps=[*steps[:end], Send(error.data)])


def _shape(name: str) -> ErrorEvent:
    if name not in ERROR_EVENTS:
        raise ValidationError(f"no error event has the shape {name!r}: {', '.join(ERROR_EVENTS)}")
    return ERROR_EVENTS[name]


def _is_piece(step: Step) -> bool:
    value = event_of(step)
    return value is not None and says_something(value)
