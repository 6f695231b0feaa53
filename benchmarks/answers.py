# ruff: noqa: INP001 - a script's neighbour, not a package
"""What the load server answers, rendered once: heads, bodies and tails as bytes of HTTP/1.1."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

STREAM = 2_000
"""Chunks with text in a stream."""
LONG = 200_000
"""The same, for the row of memory."""
PERIOD_MS = 20
"""Between two tokens of a paced stream: 50 tokens a second."""
PACED = 90
"""Tokens of a paced stream: 1.8 seconds."""
DELAY_MS = 50
COALESCED = 32 * 1024
"""Bytes of an HTTP chunk that holds many events."""
FRAGMENTS = (1_000, 3_000, 10_000)
"""How many fragments of tool arguments, or parts of a JSON document, a stream has."""
EVENTS = (100_000, 1_000_000, 10_000_000)
"""Characters in one event."""
LETTERS = string.ascii_letters + string.digits
STAMP = "0" * 16
"""Where the load server writes the microseconds since 1970."""
WORDS = ("the", "of", "and", "to", "in", "is", "that", "for", "it", "as", "was", "with", "be", "by")

_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"x-request-id: req_1\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The head, `repeat` times the body, and the tail."""

    head: bytes
    body: bytes = b""
    tail: bytes = b""
    repeat: int = 1
    delay_ms: int = 0
    """Before the answer begins."""
    period_ms: int = 0
    """Each body waits for the next multiple of it on the clock; 0 for no wait."""


def event(
    delta: dict[str, Any], finish_reason: str | None = None, *, created: int = 1_790_000_000
) -> bytes:
    """A chunk as api.openai.com sends it: about 300 bytes around a short token.

    Padding of letters and digits, other ones in each chunk, makes all of nearly the same length.
    """
    text = json.dumps(delta)
    chance = random.Random(text)  # noqa: S311 - the same each time
    padding = "".join(chance.choices(LETTERS, k=1 + -len(text) % 16))
    data = {
        "id": "chatcmpl-C4uKPp1Jk2jZb6QmHj9uWb2kP0vXy",
        "object": "chat.completion.chunk",
        "created": created,
        "model": "gpt-4.1-mini-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_4f9c3a8c1d",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        "usage": None,
        "obfuscation": padding,
    }
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def framed(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream(deltas: Iterable[dict[str, Any]], *, repeat: int = 1, reason: str = "stop") -> Answer:
    """A stream with one event in each HTTP chunk."""
    begun = framed(event({"role": "assistant", "content": "", "refusal": None}))
    body = b"".join(framed(event(delta)) for delta in deltas)
    ended = framed(event({}, reason)) + framed(b"data: [DONE]\n\n") + _END
    return Answer(_STREAM_HEAD + begun, body, ended, repeat)


def unlike(deltas: Iterable[dict[str, Any]]) -> Answer:
    """A stream in which no event is like another but for its text."""
    events = (event(delta, created=1_790_000_000 + n) for n, delta in enumerate(deltas))
    return replace(stream(()), body=b"".join(map(framed, events)))


def coalesced(deltas: Iterable[dict[str, Any]]) -> Answer:
    """The same with many events in each HTTP chunk."""
    begun = event({"role": "assistant", "content": "", "refusal": None})
    events = begun + b"".join(map(event, deltas)) + event({}, "stop") + b"data: [DONE]\n\n"
    cuts = range(0, len(events), COALESCED)
    chunks = b"".join(framed(events[cut : cut + COALESCED]) for cut in cuts)
    return Answer(_STREAM_HEAD, chunks, _END)


def whole(delay_ms: int = 0) -> Answer:
    """An answer of 1 KB that is not streamed."""
    data = {
        "id": "chatcmpl-C4uKPp1Jk2jZb6QmHj9uWb2kP0vXy",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 120, "total_tokens": 129},
        "service_tier": "default",
        "system_fingerprint": "fp_4f9c3a8c1d",
    }
    missing = 1024 - len(json.dumps(data))
    data["choices"][0]["message"]["content"] = "".join(words(missing))[:missing]
    body = json.dumps(data).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_1\r\n"
    return Answer(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body), delay_ms=delay_ms)


def words(count: int) -> Iterator[str]:
    """Tokens of a text that does not repeat itself, the same each time."""
    chance = random.Random(1)  # noqa: S311 - words, not secrets
    return (" " + chance.choice(WORDS) for _ in range(count))


def document(parts: int) -> list[str]:
    """A JSON document in so many parts of about eight characters."""
    chance = random.Random(2)  # noqa: S311 - as above
    items: list[dict[str, Any]] = []
    size = 0
    while size < 8 * parts:
        items.append({"name": "".join(words(2)).strip(), "count": chance.randrange(10**6)})
        items[-1]["name"] += f" {chance.randrange(10**6)}"
        size += len(json.dumps(items[-1])) + 2
    text = json.dumps({"items": items})
    cuts = [len(text) * part // parts for part in range(parts + 1)]
    return [text[start:stop] for start, stop in pairwise(cuts)]


def tool_call(parts: int) -> Iterator[dict[str, Any]]:
    """The deltas of one tool call whose arguments are that document."""
    function = {"name": "store", "arguments": ""}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    yield {"tool_calls": [call]}
    for part in document(parts):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}


def text(parts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The deltas of a text."""
    return ({"content": part} for part in parts)


def answers() -> dict[str, Answer]:
    """All answers by the name that stands first in a request's path."""
    chunks = list(text(words(STREAM)))
    begun = framed(event({"role": "assistant", "content": "", "refusal": None}))
    paced = stream(text([STAMP]), repeat=PACED)
    found = {
        "call": whole(),
        "delayed": whole(DELAY_MS),
        "chunks": stream(chunks),
        "unlike": unlike(chunks),
        "coalesced": coalesced(chunks),
        "long": stream(chunks, repeat=LONG // STREAM),
        "paced": Answer(paced.head, paced.body, paced.tail, PACED, period_ms=PERIOD_MS),
    }
    for count in FRAGMENTS:
        found[f"tools-{count}"] = stream(tool_call(count), reason="tool_calls")
        found[f"json-{count}"] = stream(text(document(count)))
    for size in EVENTS:
        body = framed(event({"content": "x" * size}))
        ended = framed(event({}, "stop")) + framed(b"data: [DONE]\n\n") + _END
        found[f"event-{size}"] = Answer(_STREAM_HEAD + begun, body, ended)
    return found
