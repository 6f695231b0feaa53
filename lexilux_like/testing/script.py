"""What a scripted server plays: replies as values, byte by byte and second by second."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

Framing: TypeAlias = Literal["length", "chunked", "close"]
Json: TypeAlias = Mapping[str, Any]

USAGE: Json = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
"""The usage that replies report unless told otherwise."""

DONE = b"data: [DONE]\n\n"
"""The event that ends a stream."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write bytes of the body, in one `send()`; one chunk where the framing is chunked."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """Write bytes as they are, outside the framing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for a while, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing until the test sets `event`; cut the connection after `timeout` seconds."""

    event: threading.Event
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Close (FIN) without finishing the body."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection (RST)."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing until the peer hangs up, or for so many seconds."""

    seconds: float = 30.0


End: TypeAlias = Cut | Reset | Stall
Step: TypeAlias = Send | Raw | Pause | Wait | End


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: a head of ours, then the body and the steps in order.

    With `framing="length"` the Content-Length is what `body` and the `Send`s add up to; one
    byte more where the last step is a `Cut`, `Reset` or `Stall`, so that the body is unfinished.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """They win over the framing's own."""
    body: bytes | None = None
    """Sent with the head, in one write, before the steps."""
    steps: Iterable[Step] = ()
    """A generator is played as it yields, by one request, in a framing without a length."""
    framing: Framing = "length"
    """`"close"` says `connection: close` and ends the body by closing."""
    head_delay: float = 0.0
    """Seconds from the end of the request to the head."""
    head: bool = True
    """False: no head and no framing, the steps are all that is written."""

    def then(self, *steps: Step) -> Reply:
        """The same reply, going on with `steps` before its body is finished."""
        return replace(self, steps=(*self.steps, *steps))


def raw_reply(*steps: Step) -> Reply:
    """Only the bytes of the steps: no head, no framing. The connection is closed afterwards."""
    return Reply(steps=steps, head=False, framing="close")


def json_reply(value: object, status: int = 200, **headers: object) -> Reply:
    """`value` as JSON. Header names are written with `_` for `-`: `retry_after=1`."""
    named = {name.replace("_", "-"): str(header) for name, header in headers.items()}
    return Reply(status, {"content-type": "application/json"} | named, _dumps(value))


def answer(
    text: str | None = "",
    *,
    finish_reason: str | None = "stop",
    tool_calls: Sequence[Json] | None = None,
    reasoning: str | None = None,
    usage: Json | None = USAGE,
    model: str = "m",
    headers: Mapping[str, str] | None = None,
    **message_fields: object,
) -> Reply:
    """A whole chat completion with one choice. `usage=None` leaves usage out."""
    message: dict[str, object] = {"role": "assistant", "content": text}
    if tool_calls is not None:
        message["tool_calls"] = list(tool_calls)
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    choice = {"index": 0, "message": message | message_fields, "finish_reason": finish_reason}
    value: dict[str, object] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [choice],
    }
    if usage is not None:
        value["usage"] = usage
    reply = json_reply(value)
    return replace(reply, headers={**reply.headers, **(headers or {})})


def refuse(
    status: int,
    message: str = "refused",
    *,
    code: str | int | None = None,
    type: str | None = None,  # noqa: A002 - the field's name on the wire
    **headers: object,
) -> Reply:
    """An error object under an error status: `refuse(429, "slow down", retry_after=1)`."""
    return json_reply(
        {"error": {"message": message, "type": type, "code": code}}, status, **headers
    )


def tool_call(name: str, arguments: Json | str, *, id: str = "call_1") -> dict[str, Any]:  # noqa: A002 - as on the wire
    """A tool call as it stands in a message; arguments that are text are sent as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": text}}


def sse(value: object) -> bytes:
    """`value` as one Server-Sent Event."""
    return b"data: " + _dumps(value) + b"\n\n"


def chunk(delta: Json | None = None, *, index: int = 0, **fields: object) -> dict[str, Any]:
    """The JSON of one event, with one choice, or with none where there is no delta.

    Fields go to the top level, but for `finish_reason` and `logprobs`, which are the choice's.
    """
    event: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [],
    }
    if delta is not None:
        choice = {"index": index, "delta": delta, "finish_reason": None}
        choice |= {
            name: fields.pop(name) for name in ("finish_reason", "logprobs") if name in fields
        }
        event["choices"] = [choice]
    return event | fields


def stream(
    *deltas: str | Json,
    finish_reason: str | None = "stop",
    usage: bool | Json = True,
    done: bool = True,
    framing: Framing = "chunked",
    gap_s: float = 0.0,
    end: End | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A streamed answer, one event per delta, each in a write of its own.

    Args:
        deltas: A string is content; a mapping is the delta itself.
        finish_reason: None leaves the finish chunk out.
        usage: True for `USAGE`, False for no usage chunk.
        done: Whether `[DONE]` follows.
        framing: How the body is delimited.
        gap_s: Silence between two events, in seconds.
        end: What happens right after the deltas, in place of finish, usage and `[DONE]`.
        headers: Added to `content-type: text/event-stream`.
    """
    items: list[Json] = [chunk({"role": "assistant", "content": ""})]
    items += [chunk({"content": d} if isinstance(d, str) else d) for d in deltas]
    if end is not None:
        return events(*items, end, done=False, framing=framing, gap_s=gap_s, headers=headers)
    if finish_reason is not None:
        items.append(chunk({}, finish_reason=finish_reason))
    if usage is not False:
        items.append(chunk(usage=USAGE if usage is True else usage))
    return events(*items, done=done, framing=framing, gap_s=gap_s, headers=headers)


def events(
    *items: Json | bytes | Step,
    done: bool = True,
    status: int = 200,
    framing: Framing = "chunked",
    gap_s: float = 0.0,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An event stream: mappings as JSON events, bytes as they are, steps played between them."""
    steps: list[Step] = []
    for item in (*items, DONE) if done else items:
        match item:
            case bytes():
                step: Step = Send(item)
            case Mapping():
                step = Send(sse(item))
            case _:
                step = item
        if gap_s and steps and isinstance(step, Send):
            steps.append(Pause(gap_s))
        steps.append(step)
    head = {"content-type": "text/event-stream", **(headers or {})}
    return Reply(status, head, steps=steps, framing=framing)


def sends(pieces: Iterable[bytes]) -> list[Send]:
    """Each piece in a write of its own: `Reply(steps=sends(data[i : i + 1] for i in ...))`."""
    return [Send(piece) for piece in pieces]


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
