"""Content parts: text, images, audio and files, as they are on the wire."""

from __future__ import annotations

import base64
import mimetypes
import os
import re
from pathlib import Path
from typing import Any, TypeAlias

from .errors import ValidationError

Part: TypeAlias = dict[str, Any]
Source: TypeAlias = str | bytes | os.PathLike[str]
"""A URL (`http:`, `https:` or `data:`) as a string, the bytes themselves, or the path of a file.

A string is never taken for a path, so that text from outside cannot read a file.
"""

_MAGIC = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"RIFF....WAVE", "audio/wav"),
    # An ID3 tag, or the head of a frame: eleven sync bits, a version that exists, layer III.
    (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"%PDF-", "application/pdf"),
)
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3"}


def text_part(text: str) -> Part:
    """A piece of text."""
    return {"type": "text", "text": text}


def image_part(source: Source, *, media_type: str | None = None, detail: str | None = None) -> Part:
    """An image; bytes and files are read now and travel inside the message, as base64.

    Args:
        source: A URL for the server to fetch, bytes, or a `pathlib.Path`.
        media_type: Of bytes and files, `"image/png"` for example; found out where not given, from
            the first bytes (PNG, JPEG, GIF, WebP), then from the file's name.
        detail: `"low"`, `"high"`, `"auto"`, or what else the server knows.

    Raises:
        ValidationError: The file cannot be read, or the media type cannot be found out.
    """
    url = _url(source, media_type, prefix="image/")
    image: Part = {"url": url} if detail is None else {"url": url, "detail": detail}
    return {"type": "image_url", "image_url": image}


def audio_part(source: bytes | os.PathLike[str], *, format: str | None = None) -> Part:  # noqa: A002 - the field's name on the wire
    """A sound, read now, to travel inside the message as base64.

    Args:
        source: Bytes or a `pathlib.Path`.
        format: `"wav"` or `"mp3"`, or what else the server knows; those two are found out where
            it is not given, from the first bytes, then from the file's name.

    Raises:
        ValidationError: The file cannot be read, or the format cannot be found out.
    """
    if isinstance(source, str):
        raise ValidationError("audio must be bytes or a pathlib.Path: servers fetch no audio URL")
    data, name = _read(source)
    found = format or _AUDIO_FORMATS.get(_media_type(data, name, prefix="audio/"))
    if not found:
        raise ValidationError("the audio is neither WAV nor MP3: convert it, or pass format=")
    return {"type": "input_audio", "input_audio": {"data": _base64(data), "format": found}}


def file_part(
    source: Source | None = None,
    *,
    filename: str | None = None,
    media_type: str | None = None,
    file_id: str | None = None,
) -> Part:
    """A document, a PDF for example: read now, or by the id that it was uploaded under.

    Args:
        source: Bytes, a `pathlib.Path`, or a URL for servers that take one.
        filename: What the model sees as its name; a file's own name where not given. Some
            servers want one for bytes.
        media_type: Of bytes and files; found out where not given.
        file_id: An uploaded file, in place of `source`.

    Raises:
        ValidationError: Not exactly one of `source` and `file_id`; the file cannot be read, or the
            media type cannot be found out.
    """
    if (source is None) == (file_id is None):
        raise ValidationError("pass either a source or file_id=")
    if isinstance(source, os.PathLike) and filename is None:
        filename = Path(source).name
    file = {
        "filename": filename,
        "file_data": None if source is None else _url(source, media_type, prefix=""),
        "file_id": file_id,
    }
    return {"type": "file", "file": {k: v for k, v in file.items() if v is not None}}


def _url(source: Source, media_type: str | None, *, prefix: str) -> str:
    """`source` if it is a URL, else its bytes as a data URL."""
    if isinstance(source, str):
        if not source[:8].lower().startswith(("http://", "https://", "data:")):
            raise ValidationError(
                f"{source[:80]!r} is not an http(s) or data URL; for a file pass pathlib.Path(...)"
            )
        if media_type is not None:
            raise ValidationError("media_type= is for bytes and files; a URL has its own")
        return source
    data, name = _read(source)
    found = media_type or _media_type(data, name, prefix=prefix)
    if not found:
        raise ValidationError("the media type cannot be found out: pass media_type=")
    return f"data:{found};base64,{_base64(data)}"


def _read(source: bytes | os.PathLike[str]) -> tuple[bytes, str]:
    """The bytes, and the file's name where there is one."""
    if isinstance(source, bytes):
        return source, ""
    try:
        path = Path(source)
        return path.read_bytes(), path.name
    except (OSError, TypeError, ValueError) as error:
        raise ValidationError(f"pass bytes or the path of a readable file: {error}") from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _media_type(data: bytes, name: str, *, prefix: str) -> str:
    """By the first bytes, then by the name; empty where neither tells what starts with `prefix`."""
    magic = (kind for start, kind in _MAGIC if re.match(start, data, re.DOTALL))
    named, compression = mimetypes.guess_type(name, strict=False)
    candidates = (*magic, "" if compression else named or "")
    return next((kind for kind in candidates if kind and kind.startswith(prefix)), "")
