"""pydantic-ai's message history as messages of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pydantic_ai import UserError
from pydantic_ai.messages import (
    AudioUrl,
    BinaryContent,
    CachePoint,
    CompactionPart,
    DocumentUrl,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    SpeechPart,
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UploadedFile,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import download_item

from ...values.messages import REASONING_FIELDS, Message
from ...values.parts import Part, audio_part, file_part, image_part, text_part
from ...values.results import Json
from ...wire.profile import DialectName

DETAILS = ("reasoning_details", "thinking_blocks")
"""What goes back beside the reasoning, under these names in a thinking part's details."""
_TEXT = re.compile(r"text/|application/(?:json|xml|ya?ml|toml)\b|[^;]*\+(?:json|xml|yaml)\b")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom messages are written for."""

    system: str
    """The provider: what it signed itself goes back to it, and to no other."""
    dialect: DialectName
    inline: Callable[..., str]
    """Frames the text of a file: `(text, media_type=, identifier=)`."""


async def encode_history(
    history: Sequence[ModelMessage], instructions: Iterable[str], to: Recipient
) -> list[Message]:
    """The whole history; its leading system prompts and the instructions are one message.

    Raises:
        UserError: A part has no form on the wire, or `Model.prepare_messages` has not seen it.
    """
    messages: list[Message] = []
    for message in history:
        if isinstance(message, ModelRequest):
            messages += await _request(message, to)
        else:
            messages += _response(message, to)
    is_system = (message["role"] == "system" for message in messages)
    leading = next((n for n, leads in enumerate(is_system) if not leads), len(messages))
    prompts = [*(message["content"] for message in messages[:leading]), *instructions]
    if prompts:
        messages[:leading] = [{"role": "system", "content": "\n\n".join(prompts)}]
    return messages


async def _request(request: ModelRequest, to: Recipient) -> list[Message]:
    """Files of tools follow in a user message: a tool's own has room for text only."""
    messages: list[Message] = []
    files: list[UserContent] = []
    for part in request.parts:
        if isinstance(part, ToolReturnPart):
            text, attached = part.model_response_str_and_user_content()
            messages.append(_tool_message(part.tool_call_id, text))
            files += attached
        elif isinstance(part, UserPromptPart):
            messages.append({"role": "user", "content": await _content(part.content, to)})
        else:
            messages.append(_plain(part))
    if files:
        messages.append({"role": "user", "content": await _content(files, to)})
    return messages


def _plain(part: ModelRequestPart) -> Message:
    """A part of a request that is nothing but text."""
    if isinstance(part, SystemPromptPart):
        return {"role": "system", "content": part.content}
    if isinstance(part, CompactionPart):
        return {
            "role": "user",
            "content": f"Summary of the conversation before this:\n\n{part.content or ''}",
        }
    if part.part_kind == "retry-prompt":  # deprecated, so it is told by its kind
        if part.tool_name is None:
            return {"role": "user", "content": part.model_response()}
        return _tool_message(part.tool_call_id, part.model_response())
    raise _unprepared(part)


def _unprepared(part: object) -> UserError:
    return UserError(
        f"{type(part).__name__} has no form on the wire: pass the messages through"
        " model.prepare_messages(messages) first, as an Agent does"
    )


def _tool_message(identity: str, text: str) -> Message:
    return {"role": "tool", "tool_call_id": identity, "content": text}


async def _content(content: str | Sequence[UserContent], to: Recipient) -> str | list[Part]:
    if isinstance(content, str):
        return content
    parts: list[Part] = []
    for item in content:
        if not isinstance(item, CachePoint):
            parts.append(await _part(item, to))
        elif parts and to.dialect == "anthropic":  # others cache by themselves, or not at all
            parts[-1]["cache_control"] = {"type": "ephemeral", "ttl": item.ttl}
    return parts


async def _part(item: UserContent, to: Recipient) -> Part:
    """One piece of a user's message.

    Raises:
        UserError: Chat completions have no form for it.
    """
    if isinstance(item, str):
        return text_part(item)
    if isinstance(item, TextContent):
        return text_part(item.content)
    if isinstance(item, ImageUrl):
        url = (await download_item(item, "base64_uri"))["data"] if item.force_download else item.url
        return image_part(url, detail=_detail(item, to))
    if isinstance(item, AudioUrl):
        sound = await download_item(item, "bytes", "extension")
        return audio_part(sound["data"], format=sound["data_type"])
    if isinstance(item, DocumentUrl):
        return await _document(item, to)
    if isinstance(item, BinaryContent):
        return _binary(item, to)
    if isinstance(item, UploadedFile) and not item.media_type.startswith("image/"):
        if item.provider_name != to.system:
            raise UserError(
                f"file {item.file_id!r} was uploaded to {item.provider_name!r}, and this model is"
                f" at {to.system!r}: upload it there"
            )
        return file_part(file_id=item.file_id)
    raise UserError(
        f"{type(item).__name__} has no form in chat completions: send text, an image, a sound or a"
        " document, by its URL or its bytes"
    )


async def _document(item: DocumentUrl, to: Recipient) -> Part:
    if _TEXT.match(item.media_type):
        text = (await download_item(item, "text"))["data"]
        return text_part(to.inline(text, media_type=item.media_type, identifier=item.identifier))
    if to.dialect == "anthropic" and not item.force_download:
        return file_part(item.url)
    data = (await download_item(item, "base64_uri"))["data"]
    return file_part(data, filename=f"{item.identifier}.{item.format}")


def _binary(item: BinaryContent, to: Recipient) -> Part:
    if _TEXT.match(item.media_type):
        text = item.data.decode("utf-8")
        return text_part(to.inline(text, media_type=item.media_type, identifier=item.identifier))
    if item.is_image:
        return image_part(item.data, media_type=item.media_type, detail=_detail(item, to))
    if item.is_audio:
        return audio_part(item.data, format=item.format)
    if item.is_document:
        name = f"{item.identifier}.{item.format}"
        return file_part(item.data, filename=name, media_type=item.media_type)
    raise UserError(
        f"{item.media_type!r} has no form in chat completions: send text, an image, a sound or a"
        " document"
    )


def _detail(item: ImageUrl | BinaryContent, to: Recipient) -> str | None:
    detail = (item.vendor_metadata or {}).get("detail")
    return detail if to.dialect == "openai" else None


@dataclass(slots=True)
class _Said:
    """What an answer said, sorted."""

    texts: list[str] = field(default_factory=list[str])
    thoughts: list[ThinkingPart] = field(default_factory=list[ThinkingPart])
    calls: list[Json] = field(default_factory=list[Json])
    blocks: list[Json] = field(default_factory=list[Json])
    """The same as content blocks of Anthropic's, in order."""


def _response(response: ModelResponse, to: Recipient) -> list[Message]:
    """The assistant's message; none where it says nothing, which servers refuse.

    Files, native tools and compactions of other models are theirs, and are not sent back.
    """
    said = _Said()
    for part in response.parts:
        _sort(part, said, to)
    own = response.provider_name == to.system
    message: Json = {"role": "assistant", "content": ("" if own else "\n\n").join(said.texts)}
    if said.calls:
        message["tool_calls"] = said.calls
        message["content"] = message["content"] or None
    message |= _reasoning(said.thoughts, to)
    kept = (response.provider_details or {}).get("content_blocks") if own else None
    if kept or any(block["type"].endswith("thinking") for block in said.blocks):
        message["content_blocks"] = kept or said.blocks
    return [message] if len(message) > 2 or message["content"] else []


def _sort(part: object, said: _Said, to: Recipient) -> None:
    if isinstance(part, TextPart) and part.content:
        said.texts.append(part.content)
        said.blocks.append({"type": "text", "text": part.content})
    elif isinstance(part, ThinkingPart):
        said.thoughts.append(part)
        if part.signature and part.provider_name == to.system:
            said.blocks.append(_signed(part))
    elif isinstance(part, ToolCallPart):
        own = part.provider_details if part.provider_name == to.system else None
        function = {"name": part.tool_name, "arguments": part.args_as_json_str()}
        call = {**(own or {}), "id": part.tool_call_id, "type": "function", "function": function}
        said.calls.append(call)
        block = {"type": "tool_use", "id": part.tool_call_id, "name": part.tool_name}
        said.blocks.append({**block, "input": part.args_as_dict()})
    elif isinstance(part, SpeechPart):
        raise _unprepared(part)


def _signed(part: ThinkingPart) -> Json:
    if part.id == "redacted_thinking":
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.content, "signature": part.signature}


def _reasoning(thoughts: list[ThinkingPart], to: Recipient) -> Json:
    """Reasoning under the field that it came in; the client sends it as the provider wants it."""
    fields: Json = {}
    name = "thinking"  # of another model: a key that is not sent where none is asked for
    for part in thoughts:
        if part.provider_name == to.system:
            details = part.provider_details or {}
            fields |= {each: details[each] for each in DETAILS if each in details}
            came_in = details.get("reasoning_field", part.id)
            name = came_in if came_in in REASONING_FIELDS else name
    reasoning = "".join(part.content for part in thoughts)
    return {**fields, name: reasoning} if reasoning else fields
