"""Header fields that a caller gives, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import ValidationError

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SECRET_WORDS = ("auth", "key", "token", "secret", "cookie", "password")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "te"})


def is_one_line(value: object) -> bool:
    """Whether `value` is printable ASCII text, so that it may stand in a header."""
    return isinstance(value, str) and value.isascii() and value.isprintable()


def is_secret(name: str) -> bool:
    """Whether a header of that name sounds as if its value must not be shown."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """A copy of `headers` with names in lower case.

    Raises:
        ValidationError: A name is no token (RFC 9110 section 5.1), a value has a line break,
            another control character or a character beyond ASCII, or the field frames the
            message. Values are not quoted, because they may be secret. Nothing was sent.
    """
    checked: dict[str, str] = {}
    for name, value in (headers or {}).items():
        if not (is_one_line(name) and _TOKEN.fullmatch(name)):
            raise ValidationError(f"header name {name!r} is not valid: use letters, digits and -")
        if not is_one_line(value):
            raise ValidationError(
                f"the value of header {name!r} must be printable ASCII on one line; is there a"
                " stray line break or space in it?"
            )
        if name.lower() in _FRAMING:
            raise ValidationError(f"header {name!r} frames the message and cannot be set")
        checked[name.lower()] = value.strip()
    return checked
