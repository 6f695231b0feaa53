"""A chat window's messages as OpenAI's form has them, which a `Chat` takes, and answers back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..values.errors import ChatIncompleteResponseError, IncompleteReason, ValidationError
from ..values.messages import is_mapping, own
from ..values.parts import image_part, text_part
from ..values.results import ChatResult, Json, Status, Usage
from .messages import (
    ChatConfig,
    ChatMessage,
    ContentPart,
    ImagePart,
    ResourceLinkPart,
    TextPart,
    ToolCall,
    ToolCallFunction,
)

WIRE_MESSAGE = "wire_message"
"""The key in `ChatMessage.metadata` for an answer as it has to go back: with its reasoning, signed
blocks and what else its provider wants to see again. It is sent in place of the message as long as
both have the same text and the same calls; for any other message it means nothing."""

_REASONS: dict[Status, IncompleteReason] = {
    "context_exceeded": "context_exceeded",
    "filtered": "content_filter",
    "refused": "refused",
}
"""Why an answer is not whole, where no limit on continuations is what stands in the way."""

_URLS = ("http://", "https://", "data:")


def to_wire(messages: Iterable[ChatMessage], config: ChatConfig) -> list[Json]:
    """The system prompt, where there is one, and the messages; both are left as they are.

    Raises:
        ValidationError: A tool's message does not say which call it answers.
    """
    wire = [_wire_message(each) for each in messages]
    if config.system_prompt:
        wire.insert(0, {"role": "system", "content": config.system_prompt})
    return wire


def to_chat_message(result: ChatResult) -> ChatMessage:
    """An answer as the assistant's message."""
    usage = _usage(result.usage)
    metadata: dict[str, Any] = {
        "model": result.model,
        "usage": usage,
        "status": result.status,
        "finish_reason": result.finish_reason,
    }
    if result.reasoning:
        metadata["reasoning"] = result.reasoning
    message = ChatMessage(
        role="assistant",
        content=result.text,
        metadata=metadata,
        tool_calls=[_tool_call(call.to_dict()) for call in result.tool_calls] or None,
        model=result.model,
        usage=usage,
    )
    if result.complete:
        wire = own(result.to_message())
        if wire != _wire_message(message) and _says_the_same(wire, message):
            metadata[WIRE_MESSAGE] = wire
            message.metadata = metadata
    return message


def incomplete(result: ChatResult, advice: str) -> ChatIncompleteResponseError:
    """The error for an answer that is not whole.

    Args:
        result: What came.
        advice: What to do about a token limit beside raising it, or why nothing can be done.
    """
    why = "" if result.raw_finish_reason is None else f" ({result.raw_finish_reason!r})"
    more = f". Allow a larger max_tokens; {advice}" if result.status == "truncated" else ""
    return ChatIncompleteResponseError(
        f"the answer is {result.status}{why}; error.final_result holds everything received{more}",
        final_result=result,
        reason=_REASONS.get(result.status, "max_continues"),
    )


def _wire_message(message: ChatMessage) -> Json:
    kept = message.metadata.get(WIRE_MESSAGE)
    if message.role == "assistant" and is_mapping(kept) and _says_the_same(kept, message):
        return dict(own(kept))
    wire: Json = {"role": message.role, "content": _content(message.content)}
    if message.tool_calls:
        wire["content"] = wire["content"] or None
        wire["tool_calls"] = [each.model_dump() for each in message.tool_calls]
    if message.role == "tool" and not message.tool_call_id:
        raise ValidationError(
            "a tool's message needs tool_call_id, the id of the call that it answers;"
            f" {message.message_id!r} has none"
        )
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _says_the_same(wire: Mapping[str, Any], message: ChatMessage) -> bool:
    """Whether the message has not been changed since it was an answer."""
    try:
        asked = [_tool_call(call, id=call["id"]) for call in wire.get("tool_calls") or ()]
    except (KeyError, TypeError, ValueError):  # it went through other hands
        return False
    same_text = message.content == (wire.get("content") or "")
    return same_text and asked == (message.tool_calls or [])


def _tool_call(call: Mapping[str, Any], **given: Any) -> ToolCall:
    """A call of a message; without an id it gets one."""
    if call.get("id"):
        given["id"] = call["id"]
    function = call["function"]
    named = ToolCallFunction(name=function["name"], arguments=function["arguments"])
    return ToolCall(function=named, **given)


def _content(content: str | list[ContentPart]) -> str | list[Json]:
    """A single text stays one: not every server takes parts."""
    if isinstance(content, str):
        return content
    parts = [_part(each) for each in content]
    if not parts:
        return ""
    return str(parts[0]["text"]) if len(parts) == 1 and "text" in parts[0] else parts


def _part(part: ContentPart) -> Json:
    match part:
        case TextPart():
            return text_part(part.text)
        case ImagePart():
            url = part.data if _is_url(part.data) else f"data:{part.mime_type};base64,{part.data}"
            return image_part(url)
        case ResourceLinkPart():
            if (part.mime_type or "").lower().startswith("image/") and _is_url(part.uri):
                return image_part(part.uri)
            return text_part(f"[{part.name}]({part.uri})" if part.name else part.uri)


def _is_url(text: str) -> bool:
    return text[:8].lower().startswith(_URLS)


def _usage(usage: Usage) -> dict[str, int]:
    """The counts that are known."""
    names = (
        *("input_tokens", "output_tokens", "total_tokens"),
        *("cached_tokens", "cache_creation_tokens", "reasoning_tokens"),
    )
    return {name: count for name in names if (count := getattr(usage, name)) is not None}
