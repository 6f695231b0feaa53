"""A prompt of `llm` as messages for a `Chat`, and what has to come back to where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import llm
from llm.parts import (
    AttachmentPart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

from ...values.messages import is_mapping
from ...values.parts import audio_part, file_part, image_part, text_part
from ...values.results import ChatResult, Json

KEPT = "lexilux_like"
"""Where, in the `provider_metadata` of a part, stands what only this plugin reads."""

_PLAIN = {"role", "content", "tool_calls", "refusal"}
_SOUND_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}


def to_messages(prompt: llm.Prompt, model_id: str) -> list[Json]:
    """The conversation, its new turn last. It reads files, and fetches sounds and PDFs by URL.

    A system prompt that `llm` was given for this turn takes the place of an earlier one.

    Raises:
        ValidationError: A file cannot be read.
    """
    messages = [each for message in prompt.messages for each in _spelled(message, model_id)]
    said = [message["content"] for message in messages if message["role"] == "system"]
    if prompt.system and prompt.system not in said:
        earlier = messages[1:] if messages[:1] and messages[0]["role"] == "system" else messages
        return [{"role": "system", "content": prompt.system}, *earlier]
    return messages


def kept_of(result: ChatResult, model_id: str) -> Json | None:
    """What of an answer is neither text nor a call, and has to be sent back: signed reasoning."""
    message = result.to_message()
    fields = {name: message[name] for name in message.keys() - _PLAIN}
    return {KEPT: {"model_id": model_id, "fields": fields}} if fields else None


def kept_fields(fields: Mapping[str, Any], model_id: str) -> Json | None:
    """The same for what else a tool call had."""
    return {KEPT: {"model_id": model_id, "fields": dict(fields)}} if fields else None


def _spelled(message: Message, model_id: str) -> Iterable[Json]:
    """A message as on the wire: one for each result of a tool, none where there is nothing."""
    parts = message.parts
    if message.role == "tool":
        return [_tool_result(part) for part in parts if isinstance(part, ToolResultPart)]
    if message.role == "assistant":
        return _assistant(parts, model_id)
    content = _content(parts)
    return [{"role": message.role, "content": content}] if content else []


def _content(parts: Iterable[Part]) -> str | list[Json]:
    """Text alone as a string, else content parts in order."""
    content: list[Json] = []
    for part in parts:
        if isinstance(part, TextPart) and part.text:
            content.append(text_part(part.text))
        elif isinstance(part, AttachmentPart) and part.attachment:
            content.append(_attached(part.attachment))
    if all(each["type"] == "text" for each in content):
        return "".join(each["text"] for each in content)
    return content


def _assistant(parts: Iterable[Part], model_id: str) -> Iterable[Json]:
    """An answer. Calls that a provider ran itself are not told: it alone can read them."""
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    calls = [
        _call(part, model_id)
        for part in parts
        if isinstance(part, ToolCallPart) and not part.server_executed
    ]
    fields: Json = {}
    for part in parts:
        if isinstance(part, ReasoningPart):
            fields |= _fields_of(part.provider_metadata, model_id)
    if not (text or calls or fields):
        return []
    message: Json = {**fields, "role": "assistant", "content": text or (None if calls else "")}
    return [message | ({"tool_calls": calls} if calls else {})]


def _call(part: ToolCallPart, model_id: str) -> Json:
    function = {"name": part.name, "arguments": json.dumps(part.arguments, ensure_ascii=False)}
    call = {"id": part.tool_call_id or "", "type": "function", "function": function}
    return _fields_of(part.provider_metadata, model_id) | call


def _tool_result(part: ToolResultPart) -> Json:
    return {"role": "tool", "tool_call_id": part.tool_call_id or "", "content": part.output}


def _fields_of(metadata: Mapping[str, Any] | None, model_id: str) -> Json:
    """What `kept_of` kept; nothing of another model's."""
    kept = (metadata or {}).get(KEPT)
    if not is_mapping(kept) or kept.get("model_id") != model_id:
        return {}
    fields: object = kept.get("fields")
    return dict(fields) if is_mapping(fields) else {}


def _attached(attachment: llm.Attachment) -> Json:
    """An image, a sound or a PDF; the type is one of those that the model said it takes."""
    kind = attachment.resolve_type() or ""
    if kind.startswith("image/"):
        if attachment.url:
            return image_part(attachment.url)
        return image_part(_bytes(attachment), media_type=kind)
    if kind in _SOUND_FORMATS:
        return audio_part(_bytes(attachment), format=_SOUND_FORMATS[kind])
    name = Path(attachment.path).name if attachment.path else f"{attachment.id()[:12]}.pdf"
    return file_part(_bytes(attachment), filename=name, media_type=kind)


def _bytes(attachment: llm.Attachment) -> bytes:
    try:
        return bytes(attachment.content_bytes() or b"")
    except OSError as error:
        raise llm.ModelError(f"the attachment cannot be read: {error}") from error
