"""JSON as servers send it and as they are sent it."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from pydantic_core import from_json, to_json, to_jsonable_python

from ..values.errors import ValidationError
from ..values.results import Json


def parse(data: bytes) -> Any:
    """Read JSON as leniently as can be done without a loss.

    Taken: NaN, duplicate keys (the last one wins), a BOM, control characters in strings,
    bytes that are not UTF-8 (replaced), halves of surrogate pairs (kept, see `halves`).

    Raises:
        ValueError: It is not JSON, or too deep, or it has a number of thousands of digits.
    """
    try:
        return from_json(data)
    except ValueError:
        return parse_leniently(data)


def parse_leniently(data: bytes) -> Any:
    """The same for data that pydantic's parser has refused.

    Raises:
        ValueError: As for `parse`.
    """
    try:
        return json.loads(data.decode("utf-8-sig", "replace"), strict=False)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def dump(value: Any) -> bytes:
    """Write JSON.

    Raises:
        ValidationError: It holds something that JSON has no word for, NaN included.
    """
    try:
        data = to_json(value)
    except (ValueError, TypeError, RecursionError):
        return _dump_slowly(value)
    # The words may also stand in a text, so it is not yet sure that a number is meant.
    return _dump_slowly(value) if b"NaN" in data or b"Infinity" in data else data


def _dump_slowly(value: Any) -> bytes:
    """Write what pydantic refuses though JSON can say it: halves of surrogate pairs."""
    try:
        text = json.dumps(value, allow_nan=False, default=to_jsonable_python, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValidationError(f"the request cannot be written as JSON: {error}") from error
    return text.encode()


def is_object(value: Any) -> TypeGuard[Json]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def text_of(value: Any) -> str:
    """A JSON value as text, where a server sent a value and the field is a text.

    Raises:
        ValueError: It is nested too deeply.
    """
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
