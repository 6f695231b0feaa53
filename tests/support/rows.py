"""Rows of the wire: what a server sends, and what must become of it on every level."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lexilux_like.testing import Reply, Send
from lexilux_like.values.errors import APIError, ChatStreamInterruptedError, LexiluxError
from lexilux_like.values.results import ChatResult, ChatStreamChunk, Choice, Usage

GOOD: dict[str, Any] = {
    "text": "Hi",
    "reasoning": "",
    "reasoning_field": None,
    "calls": [],
    "cut_calls": [],
    "refusal": None,
    "status": "complete",
    "finish": "stop",
    "word": "stop",
    "usage": None,
    "fields": {},
    "logprobs": None,
    "index": 0,
    "others": [],
    "error": None,
    "message": "",
    "code": None,
    "clean": None,
    "context_exceeded": None,
}
"""What is expected of a row unless it says otherwise: all that a caller can see."""
BROKEN = GOOD | {"status": "interrupted", "finish": None, "word": None, "message": "No"}
REFUSED = BROKEN | {"text": "", "status": None}


@dataclass(frozen=True)
class Row:
    """One answer on the wire."""

    claim: str
    sent: bytes | Reply
    """The body, of a stream unless `whole`; or a reply with a head and a timing of its own."""
    expected: Mapping[str, Any]
    whole: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the call, as `ChatRequest` names them too."""
    client: Mapping[str, Any] = field(default_factory=dict)
    """Options of the client."""

    @property
    def reply(self) -> Reply:
        """What a server plays."""
        if isinstance(self.sent, Reply):
            return self.sent
        if self.whole:
            return Reply(200, {"content-type": "application/json"}, self.sent)
        head = {"content-type": "text/event-stream"}
        return Reply(200, head, steps=[Send(self.sent)], framing="chunked")

    @property
    def timeless(self) -> bool:
        """Whether nothing but head and body matters, and neither connection nor client."""
        return not (self.client or self.reply.headers.get("content-encoding")) and (
            isinstance(self.sent, bytes) or not self.sent.steps
        )


def row(claim: str, *body: bytes, options: Mapping[str, Any] | None = None, **expected: Any) -> Row:
    """A stream that ends well: `text="Hi"`, complete, nothing else, unless told otherwise."""
    return Row(claim, b"".join(body), GOOD | expected, options=options or {})


def broken(
    claim: str, *body: bytes, options: Mapping[str, Any] | None = None, **expected: Any
) -> Row:
    """A stream that ends with an error after "Hi"; its words are "No" unless told otherwise."""
    return Row(claim, b"".join(body), _error(BROKEN, expected), options=options or {})


def unannounced(claim: str, *body: bytes, **expected: Any) -> Row:
    """A stream that ends cleanly after "Hi", and nobody said why."""
    silent = {"error": ChatStreamInterruptedError, "status": "unannounced", "message": ""}
    return Row(claim, b"".join(body), BROKEN | silent | {"clean": True} | expected)


def whole(
    claim: str, document: Any, *, options: Mapping[str, Any] | None = None, **expected: Any
) -> Row:
    """A whole body: JSON, or bytes as they are."""
    return Row(claim, _bytes(document), GOOD | expected, whole=True, options=options or {})


def refused(claim: str, document: Any, **expected: Any) -> list[Row]:
    """A body that is an error and nothing else, whether a stream was asked for or not."""
    body, facts = _bytes(document), _error(REFUSED, expected)
    reply = Reply(200, {"content-type": "application/json"}, body)
    return [
        Row(f"{claim}, whole", body, facts, whole=True),
        Row(f"{claim}, for a stream", reply, facts),
    ]


def refusal(claim: str, reply: Reply, **expected: Any) -> list[Row]:
    """A reply whose status is an error, whether a stream was asked for or not."""
    facts = _error(REFUSED, expected)
    return [
        Row(f"{claim}, whole", reply, facts, whole=True),
        Row(f"{claim}, for a stream", reply, facts),
    ]


def body_of(message: Any = None, finish_reason: Any = "stop", **fields: Any) -> dict[str, Any]:
    """A whole body with one choice; `choice_fields` are the choice's own."""
    more = fields.pop("choice_fields", {})
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, **more}
    return {"id": "c", "model": "m", "choices": [choice], **fields}


def facts(answer: ChatResult | LexiluxError) -> dict[str, Any]:
    """All that a caller can see of an answer, or of an error with its part of one."""
    error = answer if isinstance(answer, LexiluxError) else None
    result = answer if isinstance(answer, ChatResult) else answer.partial or ChatResult()
    return {
        "text": result.text,
        "reasoning": result.reasoning,
        "reasoning_field": result.reasoning_field,
        "calls": [(call.id, call.name, call.arguments) for call in result.tool_calls],
        "cut_calls": [
            (call.id, call.name, call.arguments) for call in result.incomplete_tool_calls
        ],
        "refusal": result.refusal,
        "status": result.status if result.choices else None,
        "finish": result.finish_reason,
        "word": result.raw_finish_reason,
        "usage": _counts(result.usage),
        "fields": dict(result.fields),
        "logprobs": result.logprobs,
        "index": result.index,
        "others": [(each.text, each.status) for each in result.choices[1:]],
        "error": error and type(error),
        "message": error.provider_message if isinstance(error, APIError) else "",
        "code": error.code if isinstance(error, APIError) else None,
        "clean": getattr(error, "clean", None),
        "context_exceeded": getattr(error, "context_exceeded", None),
    }


def check_chunks(chunks: Sequence[ChatStreamChunk], result: ChatResult, *, shown: bool) -> None:
    """That the pieces handed to the consumer add up to the result, and nothing came twice."""
    for choice in result.choices:
        _check_choice([each for each in chunks if each.index == choice.index], choice, shown=shown)
    assert [each.done for each in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].finish_reason == result.finish_reason
    assert chunks[-1].usage == (result.usage or None)


def _check_choice(chunks: Sequence[ChatStreamChunk], choice: Choice, *, shown: bool) -> None:
    assert "".join(each.delta for each in chunks) == choice.text
    assert "".join(each.reasoning for each in chunks) == (choice.reasoning if shown else "")
    assert "".join(each.refusal for each in chunks) == (choice.refusal or "")
    calls = choice.tool_calls or choice.incomplete_tool_calls
    told = [["", "", ""] for _ in calls]
    for each in chunks:
        for delta in each.tool_calls:
            call = told[delta.index]
            call[:] = [call[0] + delta.id, call[1] + delta.name, call[2] + delta.arguments]
    assert told == [[call.id, call.name, call.arguments] for call in calls]


def each_row(*rows: Row) -> pytest.MarkDecorator:
    """Parametrizes a test by `row`; claims are unique, so that each can be run alone."""
    claims = [each.claim for each in rows]
    assert len({*claims}) == len(claims), {each for each in claims if claims.count(each) > 1}
    return pytest.mark.parametrize("row", rows, ids=claims)


def _error(defaults: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What is expected of an error; most that are refused do not speak of the context window."""
    known = defaults | expected
    if known["context_exceeded"] is None:
        known["context_exceeded"] = getattr(known["error"], "context_exceeded", None)
    return known


def _counts(usage: Usage) -> tuple[int | None, int | None, int | None] | None:
    counts = (usage.input_tokens, usage.output_tokens, usage.total_tokens)
    return counts if usage else None


def _bytes(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()
