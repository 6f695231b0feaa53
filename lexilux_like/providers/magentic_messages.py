"""A chat window's messages as magentic's own; what magentic cannot say is refused."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from ..values.errors import ValidationError
from ..values.messages import is_mapping
from .messages import ChatConfig, ChatMessage, ImagePart, ResourceLinkPart, TextPart, ToolCall


def to_magentic(magentic: Any, messages: Sequence[ChatMessage], config: ChatConfig) -> list[Any]:
    """The conversation, the system prompt first.

    magentic names tool calls itself: call and result fit together, under an id of its own.

    Args:
        magentic: The module.
        messages: Read, never changed.
        config: Has the system prompt.

    Raises:
        ValidationError: magentic cannot say it. Nothing was sent.
    """
    calls: dict[str, Any] = {}
    converted: list[Any] = []
    if config.system_prompt:
        converted.append(magentic.SystemMessage(config.system_prompt))
    for position, message in enumerate(messages):
        try:
            converted.append(_converted(message, magentic, calls))
        except ValueError as error:
            raise ValidationError(f"message {position} ({message.role}): {error}") from error
    return converted


def _converted(message: ChatMessage, magentic: Any, calls: dict[str, Any]) -> Any:
    """One message; `calls` are the function calls so far, by the ids that the window knows."""
    match message.role:
        case "system":
            return magentic.SystemMessage(_text_only(message))
        case "user":
            return magentic.UserMessage(_user_content(message, magentic))
        case "assistant":
            return magentic.AssistantMessage(_assistant_content(message, magentic, calls))
        case "tool":
            if not message.tool_call_id:
                raise ValueError("a tool's message needs the tool_call_id of its call")
            text = _text_only(message)
            if (call := calls.get(message.tool_call_id)) is not None:
                return magentic.FunctionResultMessage(text, call)
            return magentic.ToolResultMessage(text, message.tool_call_id)


def _text_only(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    texts: list[str] = []
    for part in message.content:
        match part:
            case TextPart():
                texts.append(part.text)
            case ResourceLinkPart():
                texts.append(_link(part))
            case ImagePart():
                raise ValueError("magentic has images in user messages only; move it to one")
    return "".join(texts)


def _user_content(message: ChatMessage, magentic: Any) -> Any:
    if isinstance(message.content, str):
        return message.content
    blocks: list[Any] = []
    for part in message.content:
        match part:
            case TextPart():
                blocks.append(part.text)
            case ResourceLinkPart():
                blocks.append(_linked(part, magentic))
            case ImagePart():
                blocks.append(_image(part, magentic))
    if all(isinstance(block, str) for block in blocks):
        return "".join(blocks)
    return blocks


def _link(part: ResourceLinkPart) -> str:
    return f"[{part.name}]({part.uri})" if part.name else part.uri


def _linked(part: ResourceLinkPart, magentic: Any) -> Any:
    """An image by its URL, where the link says that it is one; else the link as text."""
    if (part.mime_type or "").lower().startswith("image/") and _is_fetched(part.uri):
        return magentic.ImageUrl(part.uri)
    return _link(part)


def _is_fetched(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _image(part: ImagePart, magentic: Any) -> Any:
    """The image's bytes; magentic finds their kind out itself."""
    if _is_fetched(part.data):
        return magentic.ImageUrl(part.data)
    _, _, encoded = part.data.rpartition(",")  # base64 has no comma, and a data: URL has one
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"ImagePart.data is not base64: {error}") from error
    try:
        return magentic.ImageBytes(data)
    except ValueError as error:
        raise ValueError(
            f"magentic has no {part.mime_type!r} images that begin with {data[:12]!r}:"
            " send PNG, JPEG, GIF or WebP"
        ) from error


def _assistant_content(message: ChatMessage, magentic: Any, calls: dict[str, Any]) -> Any:
    """Text, calls, or both, which magentic knows as what a stream has brought."""
    text = _text_only(message)
    if not message.tool_calls:
        return text
    made = [_function_call(call, magentic) for call in message.tool_calls]
    calls.update(zip([call.id for call in message.tool_calls], made, strict=True))
    if not text:
        return magentic.ParallelFunctionCall(made)
    return magentic.AsyncStreamedResponse(_each(magentic.AsyncStreamedStr(_each(text)), *made))


async def _each(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        yield item


def _function_call(call: ToolCall, magentic: Any) -> Any:
    """A call of a function that is not here: it has a name and arguments, and is never run."""
    name = call.function.name
    try:
        arguments: object = json.loads(call.function.arguments or "{}")
    except ValueError as error:
        raise ValueError(f"the arguments of the call of {name!r} are no JSON: {error}") from error
    if not is_mapping(arguments):
        raise ValueError(f"the arguments of the call of {name!r} are no JSON object: {arguments!r}")

    def absent() -> None:
        """Take any arguments, by the configuration and not by the signature."""

    absent.__name__ = name
    function = magentic.with_config(magentic.ConfigDict(extra="allow"))(absent)
    written = {"arguments": property(lambda _: dict(arguments))}  # not those of a signature
    return type("WrittenCall", (magentic.FunctionCall,), written)(function)
