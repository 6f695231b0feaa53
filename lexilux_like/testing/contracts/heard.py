"""Requests read back: from OpenAI's and Anthropic's wire, and from a chat window's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from ...providers.llm import Tool
from ...providers.messages import ChatConfig, ChatMessage, ImagePart, ResourceLinkPart, TextPart
from .behaviours import Call, Heard, Turn

Json: TypeAlias = Mapping[str, Any]


def from_openai(body: Json) -> Heard:
    """A request to `/chat/completions`."""
    tools = tuple(_tool(each["function"]) for each in body.get("tools") or ())
    turns = tuple(openai_turn(each) for each in body["messages"])
    return Heard(turns, tools, _without(body, "messages", "tools"))


def openai_turn(message: Json) -> Turn:
    """A message of OpenAI's; the developer's is a system prompt, too."""
    role = "system" if message["role"] == "developer" else message["role"]
    parts = _parts(message.get("content"))
    calls = tuple(
        Call(each["function"]["name"], each["function"]["arguments"], each["id"])
        for each in message.get("tool_calls") or ()
    )
    images = [each["image_url"]["url"] for each in parts if each["type"] == "image_url"]
    bare = tuple(map(_without_prefix, images))
    return Turn(role, _text(parts), bare, calls, message.get("tool_call_id") or "")


def from_anthropic(body: Json) -> Heard:
    """A request to `/messages`."""
    tools = tuple(
        _tool({**each, "parameters": each.get("input_schema") or {}})
        for each in body.get("tools") or ()
    )
    system = _text(_parts(body.get("system")))
    first = [Turn("system", system)] if system else []
    turns = [turn for each in body["messages"] for turn in _anthropic_turns(each)]
    return Heard((*first, *turns), tools, _without(body, "messages", "tools", "system"))


def _anthropic_turns(message: Json) -> Iterator[Turn]:
    """A message of Anthropic's: each result of a tool is a turn of its own."""
    rest: list[Json] = []
    for each in _parts(message["content"]):
        if each["type"] == "tool_result":
            content = _parts(each.get("content"))
            yield Turn("tool", _text(content), _images(content), call_id=each["tool_use_id"])
        else:
            rest.append(each)
    if rest:
        calls = tuple(
            Call(each["name"], json.dumps(each["input"]), each["id"])
            for each in rest
            if each["type"] == "tool_use"
        )
        yield Turn(message["role"], _text(rest), _images(rest), calls)


def from_window(messages: Sequence[ChatMessage], config: ChatConfig) -> Heard:
    """A chat window's messages, where they reach the model as they are."""
    first = [Turn("system", config.system_prompt)] if config.system_prompt else []
    options = config.model_dump(include={"model", "temperature", "max_tokens"})
    return Heard((*first, *map(_window_turn, messages)), (), options)


def from_agent(
    messages: Sequence[Json], system: str, tools: Sequence[Tool] | None, options: Json
) -> Heard:
    """An agent's messages, where they reach the model as they are."""
    first = [{"role": "system", "content": system}] if system else []
    named = tuple(map(_tool, map(asdict, tools or ())))
    told = {name: value for name, value in options.items() if value}
    return Heard(tuple(map(openai_turn, (*first, *messages))), named, told)


def _window_turn(message: ChatMessage) -> Turn:
    content = message.content
    parts = [TextPart(text=content)] if isinstance(content, str) else content
    calls = tuple(
        Call(each.function.name, each.function.arguments, each.id)
        for each in message.tool_calls or ()
    )
    text: list[str] = []
    images: list[str] = []
    for part in parts:
        match part:
            case TextPart():
                text.append(part.text)
            case ImagePart():
                images.append(_without_prefix(part.data))
            case ResourceLinkPart():
                text.append(part.uri)
    return Turn(message.role, "".join(text), tuple(images), calls, message.tool_call_id or "")


def _tool(value: Json) -> dict[str, Any]:
    return {name: value.get(name) for name in ("name", "description", "parameters")}


def _without(body: Json, *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def _parts(content: str | Sequence[Json] | None) -> Sequence[Json]:
    if not content:
        return ()
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text(parts: Sequence[Json]) -> str:
    return "".join(each["text"] for each in parts if each["type"] == "text")


def _images(parts: Sequence[Json]) -> tuple[str, ...]:
    sources = [each["source"] for each in parts if each["type"] == "image"]
    return tuple(source.get("data") or source.get("url") or "" for source in sources)


def _without_prefix(url: str) -> str:
    return url.partition(";base64,")[2] if url.startswith("data:") else url
