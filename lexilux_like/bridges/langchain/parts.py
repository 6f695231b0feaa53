"""A content block, in any of the forms that LangChain knows, as a content part on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...values.errors import ValidationError
from ...values.messages import is_mapping
from ...values.parts import file_part, image_part, text_part
from ...values.results import Json

_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def part_of(block: str | Mapping[str, Any]) -> Json:
    """The block as a part of OpenAI's form; a server's own kind of block is left as it is.

    It may be text, a part of OpenAI's form, one of LangChain's standard blocks (`url`, `base64`
    with `mime_type`, or `file_id`), also in their first version, or one of Anthropic's.

    Raises:
        ValidationError: Its data are missing, or have no form on the wire.
    """
    if isinstance(block, str):
        return text_part(block)
    kind = block.get("type", "text" if "text" in block else None)
    match kind:
        case "text":
            return {**text_part(block["text"]), **_cache_mark(block)}
        case "text-plain" if isinstance(block.get("text"), str):
            return text_part(block["text"])
        case "image_url" if isinstance(block["image_url"], str):
            return image_part(block["image_url"])
        case "image":
            return {**_image(block), **_cache_mark(block)}
        case "audio":
            return _audio(block)
        case "video":
            return {"type": "video_url", "video_url": {"url": _url(block)}}
        case "file" | "text-plain" if "file" not in block:
            return {**_file(block), **_cache_mark(block)}
        case "non_standard":
            return dict(block["value"])
        case _:
            return dict(block)


def _image(block: Mapping[str, Any]) -> Json:
    source = block.get("source")
    if is_mapping(source):  # Anthropic's
        block = {**source, "base64": source.get("data"), "mime_type": source.get("media_type")}
    if identity := _file_id(block):
        return file_part(file_id=identity)
    return image_part(_url(block), detail=_extra(block, "detail"))


def _audio(block: Mapping[str, Any]) -> Json:
    data, kind = _base64(block), str(block.get("mime_type"))
    if data is None:
        raise ValidationError(f"audio needs its base64, for servers fetch none: {_shown(block)}")
    if kind not in _AUDIO:
        raise ValidationError(f"mime_type={kind!r}: audio must be WAV or MP3; convert it")
    return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO[kind]}}


def _file(block: Mapping[str, Any]) -> Json:
    if identity := _file_id(block):
        return file_part(file_id=identity)
    return file_part(_url(block), filename=_extra(block, "filename"))


def _url(block: Mapping[str, Any]) -> str:
    """Where the data are: an address, or a data URL that holds them."""
    if block.get("url"):
        return str(block["url"])
    data, kind = _base64(block), block.get("mime_type")
    if data is None or not kind:
        raise ValidationError(
            f"a block needs a url, or base64 and a mime_type, and has neither: {_shown(block)}"
        )
    return f"data:{kind};base64,{data}"


def _base64(block: Mapping[str, Any]) -> str | None:
    """The data, which LangChain's first version has under another name."""
    found = block.get("base64") or block.get("data")
    return found if isinstance(found, str) else None


def _file_id(block: Mapping[str, Any]) -> str | None:
    by_id = block.get("id") if block.get("source_type") == "id" else None
    found = block.get("file_id") or by_id
    return found if isinstance(found, str) else None


def _extra(block: Mapping[str, Any], name: str) -> str | None:
    """A field of the block itself, or of what stands beside its data."""
    places = (block, block.get("extras"), block.get("metadata"))
    found = (place.get(name) for place in places if is_mapping(place))
    return next((each for each in found if isinstance(each, str)), None)


def _cache_mark(block: Mapping[str, Any]) -> Json:
    """Anthropic's mark for what it is to keep, which other servers ignore or refuse."""
    extras = block.get("extras")
    beside = extras.get("cache_control") if is_mapping(extras) else None
    mark = block.get("cache_control") or beside
    return {"cache_control": mark} if mark else {}


def _shown(block: Mapping[str, Any]) -> str:
    """The block without its data, which may be megabytes."""
    return repr({name: str(value)[:60] for name, value in block.items()})
