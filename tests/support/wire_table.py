"""The table: what servers were seen to send and other clients to get wrong, row by row."""

from __future__ import annotations

import json
from typing import Any

from pieces import HI, STOP, USAGE, called, piece, said
from rows import Row, body_of, broken, refusal, refused, row, unannounced, whole

from lexilux_like.testing import DONE, Cut, Reply, Send, Stall, chunk, refuse, sse
from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    ChatStreamInterruptedError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)

STREAM = {"content-type": "text/event-stream"}
PAGE = b"<!doctype html>\n<title>Log in</title>\n"
CALLS: dict[str, Any] = {"text": "", "status": "tool_calls", "finish": "tool_calls"}
CALLS["word"] = "tool_calls"
REASONED: dict[str, Any] = {"options": {"include_reasoning": True}, "reasoning": "why"}


def played(claim: str, reply: Reply, **expected: Any) -> Row:
    """A stream whose framing matters."""
    known = broken(claim, **expected) if expected.get("error") else row(claim, **expected)
    return Row(claim, reply, known.expected)


def chunked(*steps: Any) -> Reply:
    return Reply(200, STREAM, steps=steps, framing="chunked")


def failing_chunk(delta: dict[str, Any], **fields: Any) -> bytes:
    return sse(chunk(delta, finish_reason="error") | fields)


ERRORS = [
    broken(
        "an error event in mid-stream",
        HI,
        sse({"error": {"message": "No", "code": 500}}),
        DONE,
        error=ServerError,
        code=500,
    ),
    broken(
        "OpenRouter's error chunk",
        HI,
        failing_chunk({"content": ""}, error={"code": 429, "message": "No"}),
        error=RateLimitError,
        code=429,
        finish="error",
        word="error",
    ),
    broken(
        "the finish reason error alone",
        HI,
        failing_chunk({"content": "!"}),
        error=ServerError,
        text="Hi!",
        message="the server ended the answer with the finish reason 'error'",
        finish="error",
        word="error",
    ),
    broken(
        "an error beside choices keeps their text",
        sse(chunk({"content": "Hi"}) | {"error": {"message": "No", "code": 503}}),
        error=ServerError,
        code=503,
    ),
    broken(
        "an error inside a choice",
        HI,
        sse({"choices": [{"index": 0, "delta": {}, "error": {"message": "No", "code": 502}}]}),
        error=ServerError,
        code=502,
    ),
    *(
        broken(
            f"event: error with {data!r}",
            HI + b"event: error\ndata: " + data + b"\n\n" + STOP + DONE,
            error=APIError,
            message=message,
        )
        for data, message in [
            (b'{"error": {"message": "No"}}', "No"),
            (b'{"message": "No"}', "No"),
            (b'"No"', "No"),
            (b"No, not today", "No, not today"),
            (b'{"choices": [], "message": "No"}', "No"),
            (b"", ""),
        ]
    ),
    *refused("an error object in a 200", {"error": {"message": "No"}}, error=APIError),
    *refused(
        "an error object beside empty choices",
        {"choices": [], "error": {"message": "No", "code": 429}},
        error=RateLimitError,
        code=429,
    ),
    *refusal("HTTP 401", refuse(401, "No"), error=AuthenticationError),
    *refusal("HTTP 503", refuse(503, "No"), error=ServerError),
]
NO_COMPLETION = [
    row_
    for claim, data in [
        ("a web page", PAGE),
        ("no choices at all", b'{"id": "c"}'),
        ("empty choices", b'{"choices": []}'),
        ("null choices", b'{"choices": null}'),
        ("an empty body", b""),
        ("JSON that is cut", b'{"choices": [{"message": {"content": "Hi'),
        ("JSON of another shape", b'{"object": "list", "data": []}'),
    ]
    for row_ in refused(f"{claim} in a 200", data, error=ResponseFormatError, message="")
]
ENDS = [
    played(
        "a chunked body that the connection cuts",
        chunked(Send(HI + said(" there")[:-20]), Cut()),
        error=ChatStreamInterruptedError,
        message="",
        clean=False,
    ),
    played(
        "a body shorter than its length",
        Reply(200, STREAM, steps=[Send(HI), Cut()]),
        error=ChatStreamInterruptedError,
        message="",
        clean=False,
    ),
    unannounced("a clean end without finish reason and [DONE]", HI),
    *(
        Row(
            f"the same, framed by {framing}",
            Reply(200, STREAM, HI, framing=framing),  # type: ignore[arg-type]
            unannounced("", HI).expected,
        )
        for framing in ("length", "close")
    ),
    row("a finish reason and no [DONE] is whole", HI, STOP),
    played("the same, and then a cut", chunked(Send(HI + STOP), Cut())),
    played("the socket is held open after [DONE]", chunked(Send(HI + STOP + DONE), Stall())),
    row("[DONE] without a finish reason", HI, DONE, status="unknown", finish=None, word=None),
]
EVENTS = [
    row("data: without a space", (HI + STOP + DONE).replace(b"data: ", b"data:")),
    row(
        "an event of several data lines",
        b"".join(
            b"data: %b\n" % line.encode()
            for line in json.dumps(chunk({"content": "Hi"}), indent=1).splitlines()
        )
        + b"\n",
        STOP,
        DONE,
    ),
    *(
        row(f"raw {name} in JSON", sse(chunk({"content": f"H{space}i"})), STOP, text=f"H{space}i")
        for name, space in [("U+2028", "\u2028"), ("U+2029", "\u2029"), ("U+0085", "\x85")]
    ),
    row("choices: null", sse({**chunk(), "choices": None}), HI, STOP, DONE),
    row("delta: null", sse({"choices": [{"index": 0, "delta": None}]}), HI, STOP, DONE),
    row("a choice without a delta", sse({"choices": [{"index": 0}]}), HI, STOP, DONE),
    row(
        "usage in the last chunk, without choices",
        *(HI, STOP, sse(chunk(usage=USAGE)), DONE),
        usage=(3, 4, 7),
    ),
    row(
        "cumulative usage is not added up",
        *(
            sse(chunk({"content": text}, usage={"prompt_tokens": 10, "completion_tokens": n}))
            for n, text in ((5, "H"), (9, "i"))
        ),
        sse(chunk({}, finish_reason="stop", usage={"prompt_tokens": 10, "completion_tokens": 13})),
        usage=(10, 13, None),
    ),
]
FRAGMENTS = [
    row(
        "tool pieces without index",
        called(
            [piece("", id="a", name="f")],
            [piece('{"x":')],
            [piece(" 1}")],
            [piece("", id="b", name="g")],
            [piece("{}")],
        ),
        calls=[("a", "f", '{"x": 1}'), ("b", "g", "{}")],
        **CALLS,
    ),
    row(
        "all calls at index 0, with different ids",
        called(
            [piece("", index=0, id="a", name="f")],
            [piece("{}", index=0)],
            [piece("", index=0, id="b", name="g")],
            [piece('{"y": 2}', index=0)],
        ),
        calls=[("a", "f", "{}"), ("b", "g", '{"y": 2}')],
        **CALLS,
    ),
    row(
        "id and name repeated in each piece",
        called(*([piece(part, index=0, id="a", name="f")] for part in ('{"x"', ":", " 1}"))),
        calls=[("a", "f", '{"x": 1}')],
        **CALLS,
    ),
    *(
        row(
            f"id and name {nothing!r} in later pieces",
            called(
                [piece("", index=0, id="a", name="f")],
                [piece("{}", index=0, id=nothing, name=nothing)],
            ),
            calls=[("a", "f", "{}")],
            **CALLS,
        )
        for nothing in (None, "")
    ),
    row(
        "the first call has index 1",
        called([piece("", index=1, id="a", name="f")], [piece("{}", index=1)]),
        calls=[("a", "f", "{}")],
        **CALLS,
    ),
    row(
        "arguments that are an object",
        called([piece({"x": 1}, index=0, id="a", name="f")]),
        calls=[("a", "f", '{"x": 1}')],
        **CALLS,
    ),
    whole(
        "arguments that are an object, whole",
        body_of({"tool_calls": [{**piece({"x": 1}, name="f"), "id": "a"}]}, "tool_calls"),
        calls=[("a", "f", '{"x": 1}')],
        **CALLS,
    ),
    *(
        row(
            f"calls are not whole that {word} ended",
            sse(chunk({"tool_calls": [piece("{}", index=0, id="a", name="f")]})),
            sse(chunk({}, finish_reason=word)),
            cut_calls=[("a", "f", "{}")],
            text="",
            word=word,
            finish=finish,
            status=status,
        )
        for word, finish, status in [
            ("length", "length", "truncated"),
            ("content_filter", "content_filter", "filtered"),
            ("tired", "unknown", "unknown"),
        ]
    ),
    unannounced(
        "calls are not whole that nobody ended",
        HI,
        sse(chunk({"tool_calls": [piece("{}", index=0, id="a", name="f")]})),
        cut_calls=[("a", "f", "{}")],
    ),
]
THOUGHT = {"reasoning": "why", "reasoning_field": "thinking"}
PARTED = REASONED | THOUGHT
PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]},
    {"type": "text", "text": "Hi"},
]
CONTENTS = [
    row("content that is a list of parts", sse(chunk({"content": PARTS})), STOP, **PARTED),
    whole("content that is a list of parts, whole", body_of({"content": PARTS}), **THOUGHT),
    *(
        row(
            f"reasoning in {name}",
            *(sse(chunk({name: "why"})), HI, STOP, DONE),
            reasoning_field=name,
            **REASONED,
        )
        for name in ("reasoning", "reasoning_content")
    ),
    *(
        whole(
            f"reasoning in {name}, whole",
            body_of({"content": "Hi", name: "why"}),
            reasoning="why",
            reasoning_field=name,
        )
        for name in ("reasoning", "reasoning_content")
    ),
    row(
        "an unknown finish reason",
        HI,
        sse(chunk({}, finish_reason="tired")),
        status="unknown",
        finish="unknown",
        word="tired",
    ),
    row(
        "insufficient_system_resource",
        HI,
        sse(chunk({}, finish_reason="insufficient_system_resource")),
        status="interrupted",
        finish="error",
        word="insufficient_system_resource",
    ),
]
TABLE: list[Row] = [*ERRORS, *NO_COMPLETION, *ENDS, *EVENTS, *FRAGMENTS, *CONTENTS]
