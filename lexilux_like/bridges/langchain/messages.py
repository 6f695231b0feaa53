"""LangChain's messages as messages on the wire: nothing of a conversation is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from ...values.errors import ValidationError
from ...values.messages import Message, is_mapping
from ...values.results import Json, ToolCall
from .parts import part_of

SENT = "lexilux_like"
"""The key of `additional_kwargs` with what an answer needs to be sent back as it came: its calls,
and its reasoning, where the server wants to see it again."""

BROKEN = "] no whole JSON object: "
"""Before the arguments of a call in a chunk that must not be run. LangChain mends the JSON of
chunks that it adds up, and would make half a call a whole one; with a closing bracket first there
is nothing to mend."""

_CALLS = ("tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call")
_CALL_PIECES = ("input_json_delta",)
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning", "reasoning_content")


def to_wire(messages: Sequence[BaseMessage]) -> list[Message]:
    """The messages as dicts of OpenAI's form, which every dialect reads. None is changed.

    Raises:
        ValidationError: A message, or a block in one, has no form on the wire.
    """
    answered = {each.tool_call_id for each in messages if isinstance(each, ToolMessage)}
    return [_message(each, answered) for each in messages]


def _message(message: BaseMessage, answered: set[str]) -> Message:
    named = {"name": message.name} if message.name else {}
    match message:
        case HumanMessage():
            return {"role": "user", "content": _content(message), **named}
        case SystemMessage():
            role = message.additional_kwargs.get("__openai_role__", "system")
            return {"role": role, "content": _content(message), **named}
        case AIMessage():
            return {**_assistant(message, answered), **named}
        case ToolMessage():
            return _tool_result(message)
        case FunctionMessage():
            return {"role": "function", "name": message.name, "content": _content(message)}
        case ChatMessage():
            return {"role": message.role, "content": _content(message), **named}
        case _:
            raise ValidationError(
                f"a {type(message).__name__} cannot be sent: leave it out of the conversation"
            )


def _content(message: BaseMessage) -> str | list[Json]:
    if isinstance(message.content, str):
        return message.content
    return [part_of(block) for block in _blocks(message)]


def _blocks(message: BaseMessage) -> Iterable[str | Json]:
    """What the content is made of; a text alone is its only block."""
    if isinstance(message.content, str):
        return [message.content]
    return cast("list[str | Json]", message.content)


def _tool_result(message: ToolMessage) -> Message:
    """The wire has no field for a failure, so the text says it, if it does not already."""
    content = _content(message)
    if message.status == "error":
        if isinstance(content, list):
            content = [{"type": "text", "text": "Error:"}, *content]
        elif not content.lower().startswith("error"):
            content = f"Error: {content}"
    return {"role": "tool", "tool_call_id": message.tool_call_id, "content": content}


def _assistant(message: AIMessage, answered: set[str]) -> Json:
    """An answer, with its calls; ones that cannot be run only where a tool message answers them."""
    sent = message.additional_kwargs.get(SENT)
    kept: Json = dict(sent) if is_mapping(sent) else {}
    texts: list[str] = []
    parts: list[Json] = []
    thoughts: list[Json] = []
    for block in _blocks(message):
        kind = block.get("type") if isinstance(block, dict) else "text"
        if kind in _THOUGHTS:
            thoughts += _thought(cast("Json", block))
        elif kind not in _CALLS and kind not in _CALL_PIECES:
            part = part_of(block)
            parts.append(part)
            texts += [part["text"]] if part.get("type") == "text" else []
    calls = [*_calls(message, kept.pop("tool_calls", ())), *_broken_calls(message, answered)]
    whole = "".join(texts) if len(texts) == len(parts) else parts
    answer: Json = {"role": "assistant", "content": whole or (None if calls else "")}
    if refusal := message.additional_kwargs.get("refusal"):
        answer["refusal"] = refusal
    if thoughts and "content_blocks" not in kept:
        kept["content_blocks"] = [*thoughts, *_anthropic(parts, calls)]
    return {**answer, **kept, **({"tool_calls": calls} if calls else {})}


def _calls(message: AIMessage, sent: Sequence[Json]) -> list[Json]:
    """The calls; each as the model wrote it, where nobody has changed it since."""
    as_sent = {call["id"]: call for call in sent}
    calls: list[Json] = []
    for call in message.tool_calls:
        text = json.dumps(call["args"], ensure_ascii=False)
        new = ToolCall(call["id"] or "", call["name"], text).to_dict()
        old = as_sent.get(call["id"])
        calls.append(old if old and _says_the_same(old, new) else new)
    known = {call["id"] for call in calls}
    return calls + [call for call in _calls_in_content(message) if call["id"] not in known]


def _says_the_same(old: Json, new: Json) -> bool:
    one, other = old["function"], new["function"]
    said = ToolCall(arguments=one["arguments"]).get_arguments()
    return bool(one["name"] == other["name"] and said == json.loads(other["arguments"]))


def _calls_in_content(message: AIMessage) -> Iterable[Json]:
    """Calls that stand in the content alone, as other packages' messages may have them."""
    for block in _blocks(message):
        if isinstance(block, dict) and block.get("type") in ("tool_use", "tool_call"):
            arguments = block.get("input") if block["type"] == "tool_use" else block.get("args")
            text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
            yield ToolCall(str(block.get("id")), str(block.get("name")), text).to_dict()


def _broken_calls(message: AIMessage, answered: set[str]) -> Iterable[Json]:
    for call in message.invalid_tool_calls:
        if call["id"] in answered:
            text = (call["args"] or "").removeprefix(BROKEN)
            yield ToolCall(call["id"] or "", call["name"] or "", text).to_dict()


def _thought(block: Json) -> list[Json]:
    """Signed reasoning as Anthropic's block; what has no signature cannot be sent back."""
    if block["type"] == "redacted_thinking":
        return [block]
    extras: Mapping[str, Any] = block.get("extras") or {}
    signature = block.get("signature") or extras.get("signature")
    text = block.get("thinking") or block.get("reasoning") or ""
    if not signature:
        return []
    return [{"type": "thinking", "thinking": text, "signature": signature}]


def _anthropic(parts: list[Json], calls: list[Json]) -> Iterable[Json]:
    """The rest of an answer as Anthropic's blocks, to stand behind its reasoning."""
    yield from parts
    for call in calls:
        name, text = call["function"]["name"], call["function"]["arguments"]
        try:
            arguments = ToolCall(arguments=text).get_arguments()
        except ValueError:  # a call that was cut
            arguments = {"arguments": text}
        yield {"type": "tool_use", "id": call["id"], "name": name, "input": arguments}
