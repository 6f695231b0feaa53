"""Messages of OpenAI's form as Anthropic's content blocks.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json

from ..values.errors import ValidationError
from ..values.messages import Message, is_mapping, is_sequence
from ..values.results import Json
from .document import is_object

_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL | re.IGNORECASE)
_UNSIGNED = ("thinking", "reasoning")
"""Parts of other servers' answers, which Anthropic does not take back without its signature."""


def encode_messages(messages: Iterable[Message]) -> tuple[str | list[Json], list[Json]]:
    """The system prompt, empty where there is none, and the turns.

    System and developer messages are hoisted from wherever they stand. Results of tools that
    follow one another become one user message, together with the user message behind them.

    Raises:
        ValidationError: A message or a part of one has no form in Anthropic's API.
    """
    system: list[Message] = []
    turns: list[Json] = []
    results: list[Json] | None = None  # of the tool messages right before
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system.append(message)
            continue
        if role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "content": results})
            results.append(_tool_result(message))
            continue
        if role == "user" and results is not None:
            results += encode_parts(message.get("content"))
        elif role == "user":
            rest = {name: each for name, each in message.items() if name != "name"}  # OpenAI's
            turns.append({**rest, "content": _content(message.get("content"))})
        elif role == "assistant":
            content = _assistant(message)
            if content:  # an answer that says nothing is refused, and would say nothing
                turns.append({"role": "assistant", "content": content})
        else:
            raise ValidationError(
                f"Anthropic's API has no role {role!r}: use system, user, assistant or tool"
            )
        results = None
    return _system(system), turns


def encode_parts(content: Any) -> list[Json]:
    """The content of a message as blocks; empty texts are left out.

    Raises:
        ValidationError: A part has no form in Anthropic's API.
    """
    if content is None:
        return []
    parts: Sequence[Any] = content if is_sequence(content) else [content]
    blocks = (_block(part) for part in parts)
    return [block for block in blocks if block.get("type") != "text" or block.get("text")]


def _system(messages: list[Message]) -> str | list[Json]:
    contents = [message.get("content") for message in messages]
    texts = [content for content in contents if isinstance(content, str)]
    if len(texts) == len(contents):
        return "\n\n".join(filter(None, texts))
    return [block for content in contents for block in encode_parts(content)]


def _content(content: Any) -> str | list[Json]:
    return content if isinstance(content, str) else encode_parts(content)


def _assistant(message: Message) -> str | list[Json]:
    """What an assistant said: the very blocks that it sent, as long as they say the same."""
    content, calls = message.get("content"), message.get("tool_calls") or ()
    sent = message.get("content_blocks")
    if is_sequence(sent) and say_the_same(sent, content, calls):
        return list(sent)
    if isinstance(content, str) and content and not calls:
        return content
    blocks = [block for block in encode_parts(content) if not _is_unsigned(block)]
    if not blocks and message.get("refusal"):
        blocks = encode_parts(message["refusal"])
    return blocks + [_tool_use(call) for call in calls]


def say_the_same(blocks: Sequence[Any], content: Any, calls: Sequence[Message]) -> bool:
    """Whether content blocks are those of a message that nobody has changed since."""
    known = [block for block in blocks if is_mapping(block)]
    text = "".join(block.get("text") or "" for block in known if block.get("type") == "text")
    asked = [block.get("id") for block in known if block.get("type") == "tool_use"]
    return text == (content or "") and asked == [call.get("id") for call in calls]


def _is_unsigned(block: Json) -> bool:
    return block.get("type") in _UNSIGNED and not block.get("signature")


def _tool_use(call: Mapping[str, Any]) -> Json:
    function: Mapping[str, Any] = call.get("function") or {}
    block = {"type": "tool_use", "id": call.get("id"), "name": function.get("name")}
    return {**block, "input": _input(function.get("arguments"))}


def _input(arguments: Any) -> Json:
    """The arguments of a call as an object, whatever the model wrote."""
    if is_mapping(arguments):
        return dict(arguments)
    try:
        value: Any = from_json(arguments or "{}", allow_inf_nan=False)
    except (ValueError, TypeError):
        value = None
    return value if is_object(value) else {"arguments": arguments}


def _tool_result(message: Message) -> Json:
    identity = message.get("tool_call_id")
    if not identity:
        raise ValidationError(
            f"a tool message needs the tool_call_id of its call: {message!r:.200}"
        )
    block: Json = {"type": "tool_result", "tool_use_id": identity}
    if content := _content(message.get("content")):
        block["content"] = content
    return block | {k: message[k] for k in ("is_error", "cache_control") if k in message}


def _block(part: Any) -> Json:
    """One content part; a block of Anthropic's own is left as it is."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not is_mapping(part):
        raise ValidationError(f"content is made of strings and parts, not {part!r:.200}")
    kind = part.get("type")
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal") or ""}
    if kind not in ("image_url", "file", "input_audio"):
        return dict(part)
    if kind == "input_audio":
        raise ValidationError("Anthropic's API takes no audio: send a transcript of it")
    block = _image(part["image_url"]) if kind == "image_url" else _file(part["file"])
    return {**block, **{k: v for k, v in part.items() if k not in ("type", kind)}}


def _image(image: Any) -> Json:
    url = image if isinstance(image, str) else image.get("url")
    detail = None if isinstance(image, str) else image.get("detail")
    if detail not in (None, "auto"):
        raise ValidationError(
            f"detail={detail!r}: Anthropic's API has no image detail: leave it out"
        )
    if not isinstance(url, str):
        raise ValidationError(f"an image needs a URL, not {url!r}")
    if url[:5].lower() != "data:":
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, data = _data_url(url)
    source = {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "image", "source": source}


def _file(file: Mapping[str, Any]) -> Json:
    """A document, or an image where the file is one.

    https://platform.claude.com/docs/en/build-with-claude/pdf-support
    """
    title = {"title": file["filename"]} if file.get("filename") else {}
    if file.get("file_id"):
        source: Json = {"type": "file", "file_id": file["file_id"]}
        return {"type": "document", "source": source, **title}
    url = str(file.get("file_data") or "")
    if url[:5].lower() != "data:":
        return {"type": "document", "source": {"type": "url", "url": url}, **title}
    media_type, data = _data_url(url)
    if media_type.startswith("image/"):
        return _image(url)
    if media_type == "application/pdf":
        source = {"type": "base64", "media_type": media_type, "data": data}
    elif media_type.startswith("text/"):
        source = {"type": "text", "media_type": "text/plain", "data": _text(data)}
    else:
        raise ValidationError(
            f"a file of type {media_type!r}: Anthropic's API takes PDF, text and images; upload any"
            " other and pass its file_id"
        )
    return {"type": "document", "source": source, **title}


def _data_url(url: str) -> tuple[str, str]:
    """The media type of a data URL, and its data as base64."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise ValidationError(f"not a data URL: {url[:80]!r}")
    media_type, parameters, data = found.groups()
    if not parameters.lower().endswith(";base64"):
        data = base64.b64encode(unquote_to_bytes(data)).decode("ascii")
    return media_type.lower() or "text/plain", data


def _text(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode("utf-8")
    except ValueError as error:
        raise ValidationError(f"a text file must be UTF-8, in base64: {error}") from error
