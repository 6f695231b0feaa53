"""A behaviour as replies over HTTP, in OpenAI's spelling and in Anthropic's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..messages import block_events, error_event, message, message_events
from ..script import Cut, Reply, Send, Stall, Step, Wait, answer, chunk, events, json_reply
from .behaviours import STALL_S, UNTIL_S, Call, Refuses, Says, Until

MODEL = "contract-model"
"""What the played model calls itself."""
PIECE = 5
"""Characters of a call's arguments in one event."""


def refusal(behaviour: Refuses, *, anthropic: bool) -> Reply:
    """An error status; a wait is told in milliseconds, and in whole seconds for who reads these."""
    words = f"the played model refuses with {behaviour.status}"
    after: dict[str, object] = {}
    if behaviour.retry_after_s is not None:
        after["retry_after_ms"] = round(behaviour.retry_after_s * 1000)
        after["retry_after"] = -int(-behaviour.retry_after_s // 1)
    kind = {429: "rate_limit_error", 401: "authentication_error"}.get(behaviour.status, "api_error")
    body = error_event(kind, words) if anthropic else {"error": {"message": words, "type": kind}}
    return json_reply(body, behaviour.status, **after)


def openai_answer(says: Says) -> Reply:
    """A whole chat completion."""
    length = says.ending == "length"
    reason = "length" if length else "tool_calls" if says.calls else "stop"
    calls = [_openai_call(each) for each in says.calls]
    reply = answer(
        says.text,
        finish_reason=reason,
        tool_calls=calls or None,
        reasoning="".join(says.reasoning) or None,
        usage=_openai_usage(says),
        model=MODEL,
    )
    return _held(says, reply)


def openai_stream(says: Says) -> Reply:
    """The same as events."""
    items: list[Mapping[str, Any] | Step] = [_chunk({"role": "assistant", "content": ""})]
    items += [_chunk({"reasoning_content": piece}) for piece in says.reasoning]
    items += [_wait(each) or _chunk({"content": each}) for each in says.pieces]
    for index, call in enumerate(says.calls):
        begun = {**_openai_call(call), "function": {"name": call.name, "arguments": ""}}
        items.append(_chunk({"tool_calls": [{"index": index, **begun}]}))
        pieces = [{"index": index, "function": {"arguments": each}} for each in _cut(call)]
        items += [_chunk({"tool_calls": [piece]}) for piece in pieces]
    if says.ending in ("stall", "break"):
        return _unfinished(says, items)
    reason = "length" if says.ending == "length" else "tool_calls" if says.calls else "stop"
    items.append(_chunk({}, finish_reason=reason))
    items.append(chunk(model=MODEL, usage=_openai_usage(says)))
    return events(*items, gap_s=says.gap_s)


def anthropic_answer(says: Says) -> Reply:
    """A whole message."""
    blocks: list[dict[str, Any]] = []
    if says.reasoning:
        thought = "".join(says.reasoning)
        blocks.append({"type": "thinking", "thinking": thought, "signature": "c2lnbmVk"})
    if says.text:
        blocks.append({"type": "text", "text": says.text})
    blocks += [
        {"type": "tool_use", "id": each.id, "name": each.name, "input": each.value or {}}
        for each in says.calls
    ]
    reply = message(
        *blocks, stop_reason=_stop_reason(says), usage=_anthropic_usage(says), model=MODEL
    )
    return _held(says, reply)


def anthropic_stream(says: Says) -> Reply:
    """The same as events."""
    head: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
    }
    usage = _anthropic_usage(says)
    begun = {**head, "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    items: list[Mapping[str, Any] | Step] = [{"type": "message_start", "message": begun}]
    blocks = [_thinking(says)] if says.reasoning else []
    blocks += [_text(says)] if says.pieces else []
    blocks += map(_tool_use, says.calls)
    for index, block in enumerate(blocks):
        items += [{**each, "index": index} if isinstance(each, Mapping) else each for each in block]
    if says.ending in ("stall", "break"):
        return _unfinished(says, items[: -1 if blocks else None], anthropic=True)
    delta = {"stop_reason": _stop_reason(says), "stop_sequence": None}
    items += [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]
    return message_events(*items, gap_s=says.gap_s)


def _chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {**chunk(delta, finish_reason=finish_reason), "model": MODEL}


def _wait(piece: str | Until) -> Wait | None:
    return Wait(piece.event, UNTIL_S) if isinstance(piece, Until) else None


def _cut(call: Call) -> Iterable[str]:
    text = call.arguments
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)]


def _openai_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _openai_usage(says: Says) -> dict[str, Any]:
    counted = says.counted
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.input + counted.output,
        "prompt_tokens_details": {"cached_tokens": counted.cached},
    }


def _anthropic_usage(says: Says) -> dict[str, Any]:
    """Anthropic does not count what was cached among the `input_tokens`."""
    counted = says.counted
    return {
        "input_tokens": counted.input - counted.cached,
        "cache_read_input_tokens": counted.cached,
        "output_tokens": counted.output,
    }


def _stop_reason(says: Says) -> str:
    return "max_tokens" if says.ending == "length" else "tool_use" if says.calls else "end_turn"


def _delta(**delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "delta": delta}


def _thinking(says: Says) -> list[Mapping[str, Any] | Step]:
    first, *_, last = block_events({"type": "thinking", "thinking": "", "signature": "c2lnbmVk"})
    signed = _delta(type="signature_delta", signature="c2lnbmVk")
    thoughts = [_delta(type="thinking_delta", thinking=each) for each in says.reasoning]
    return [first, *thoughts, signed, last]


def _text(says: Says) -> list[Mapping[str, Any] | Step]:
    first, last = block_events([])
    deltas = [
        _wait(each) or _delta(type="text_delta", text=each if isinstance(each, str) else "")
        for each in says.pieces
    ]
    return [first, *deltas, last]


def _tool_use(call: Call) -> list[Mapping[str, Any] | Step]:
    block: dict[str, Any] = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    first = {"type": "content_block_start", "content_block": block}
    deltas = [_delta(type="input_json_delta", partial_json=each) for each in ("", *_cut(call))]
    return [first, *deltas, {"type": "content_block_stop"}]


def _held(says: Says, reply: Reply) -> Reply:
    """A whole answer, once what it waits for has happened; or never, or half of it."""
    body = reply.body or b""
    waits = [each for each in map(_wait, says.pieces) if each]
    if says.ending == "stall":
        return Reply(200, reply.headers, head_delay=STALL_S, steps=[Cut()])
    if says.ending == "break":
        return Reply(200, reply.headers, body[: len(body) // 2], steps=[*waits, Cut()])
    return Reply(200, reply.headers, steps=[*waits, Send(body)])


def _unfinished(
    says: Says, items: list[Mapping[str, Any] | Step], *, anthropic: bool = False
) -> Reply:
    """A stream that comes to no end; one that stalls and has nothing to say has no head."""
    if says.ending == "stall" and not (says.pieces or says.reasoning or says.calls):
        return Reply(200, {"content-type": "text/event-stream"}, head_delay=STALL_S, steps=[Cut()])
    last: list[Step] = [Stall(STALL_S), Cut()] if says.ending == "stall" else [Cut()]
    if anthropic:
        return message_events(*items, *last)
    return events(*items, *last, done=False)
