"""How a row spells options and messages: fields by its names, reasoning sent back in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never, get_args

from ..values.errors import ValidationError
from ..values.messages import Message, is_mapping, is_sequence
from ..values.options import PrefillForm
from ..values.results import Json
from ..values.tools import encode_tool_choice, encode_tools
from .profile import THINK, LimitField, Profile

LIMITS: tuple[LimitField, ...] = get_args(LimitField)
FIELDS = ("reasoning_content", "reasoning")
UNSENT = ("thinking", "<think>")
"""Keys of our own: reasoning that came as parts of the content, or in tags around it."""
DETAILS = ("reasoning_details", "thinking_blocks")
BLOCKS = "content_blocks"
"""Anthropic's own content, which its dialect keeps in a message and no other reads."""
OWN = frozenset({*UNSENT, BLOCKS})
REASONING = frozenset({*FIELDS, *UNSENT, *DETAILS, BLOCKS})


def spelled_options(options: Mapping[str, Any], profile: Profile) -> Json:
    """Sampling options as payload fields.

    Raises:
        ValidationError: A tool or a choice of one makes no sense, or the temperature is higher
            than the provider takes.
    """
    if not options:
        return {}
    payload = dict(options)
    if "tools" in payload:
        payload["tools"] = encode_tools(options["tools"])
    if "tool_choice" in payload:
        payload["tool_choice"] = encode_tool_choice(options["tool_choice"], options.get("tools"))
    if payload.get("temperature", 0) > profile.temperature_max:
        raise ValidationError(
            f"temperature={payload['temperature']!r}: provider {profile.name!r} takes at most"
            f" {profile.temperature_max:g}; pass a lower one, or the field in extra="
        )
    limits = {name: payload[name] for name in LIMITS if name in payload}
    if not limits.keys() <= {*profile.limit}:
        for name in limits:
            del payload[name]
        payload[profile.limit[0]] = min(limits.values())
    for option, field in profile.renamed.items():
        if option in payload:
            payload[field] = payload.pop(option)
    return payload


def spelled_messages(messages: Sequence[Message], profile: Profile) -> Sequence[Message]:
    """The messages as the provider wants them; the same object where none has to change."""
    parts = profile.joins_text or profile.plain_image_url
    moved = OWN if profile.reasoning_back == "as_received" else REASONING
    spelled: list[Message] | None = None
    for place, message in enumerate(messages):
        new = message
        if not moved.isdisjoint(message):
            new = _sent_back(message, profile)
        if parts and not isinstance(content := new.get("content"), str | None):
            new = _with_parts(new, content, profile)
        if new is not message:
            spelled = [*messages] if spelled is None else spelled
            spelled[place] = new
    return messages if spelled is None else spelled


def prefill_fields(messages: Sequence[Message], form: PrefillForm) -> Json:
    """The fields by which the last message, an assistant's, is gone on from."""
    *before, last = messages
    match form:
        case "prefix" | "partial":  # DeepSeek, Mistral; Moonshot, Qwen
            return {"messages": [*before, {**last, form: True}]}
        case "continue_final_message":  # vLLM, SGLang
            return {"continue_final_message": True, "add_generation_prompt": False}
        case "trailing":
            return {}
        case _:
            assert_never(form)


def _sent_back(message: Message, profile: Profile) -> Message:
    """The message with its reasoning where the provider wants it, and nowhere else."""
    way = profile.reasoning_back
    bare = {name: value for name, value in message.items() if name not in REASONING}
    found = (message.get(name) for name in (*FIELDS, *UNSENT))
    text = next((each for each in found if each and isinstance(each, str)), "")
    match way:
        case "as_received":
            return {name: value for name, value in message.items() if name not in OWN}
        case "dropped":
            return bare
        case "reasoning" | "reasoning_content":
            return {**bare, way: text} if text else bare
        case "thinking_parts":
            thought = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
            return {**bare, "content": [thought, *_parts(bare.get("content"))]} if text else bare
        case "think_tags":
            if "reasoning_details" in message:
                return {**bare, "reasoning_details": message["reasoning_details"]}
            return _tagged(bare, text, profile) if text else bare
        case _:
            assert_never(way)


def _tagged(message: Message, text: str, profile: Profile) -> Message:
    """The message with reasoning in tags before its text."""
    opened, closed = profile.think_tags or THINK
    block = f"{opened}{text}{closed}\n\n"
    content = message.get("content")
    if not content or isinstance(content, str):
        return {**message, "content": block + (content or "")}
    return {**message, "content": [{"type": "text", "text": block}, *_parts(content)]}


def _parts(content: Any) -> list[Any]:
    """Content as a list of parts."""
    if not content:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [*content] if is_sequence(content) else [content]


def _with_parts(message: Message, content: Any, profile: Profile) -> Message:
    """The message with its parts as the provider takes them; the same one where nothing changes."""
    parts = _parts(content)
    if profile.joins_text and parts and all(map(_is_text, parts)):
        return {**message, "content": "\n".join(part["text"] for part in parts)}
    if profile.plain_image_url and any(map(_has_bare_url, parts)):
        plain = [
            {**part, "image_url": part["image_url"]["url"]} if _has_bare_url(part) else part
            for part in parts
        ]
        return {**message, "content": plain}
    return message


def _is_text(part: Any) -> bool:
    return is_mapping(part) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _has_bare_url(part: Any) -> bool:
    """Whether it is an image with an address and nothing beside it, such as its detail."""
    image = part.get("image_url") if is_mapping(part) else None
    return is_mapping(image) and [*image] == ["url"]
