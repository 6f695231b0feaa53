"""Outcomes as JSON, and back as equal values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from functools import cache
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from ..turns.shape import wanted_type
from ..values import errors
from ..values.errors import LexiluxError
from ..values.request import AnyOptions
from ..values.results import ChatResult, Choice, Json
from .outcomes import Outcome

UNWRITTEN = frozenset({"parsed", "steps"})
"""What is not JSON: values of a type, which are read from the text again, and what tools did."""

_FACTS = ("code", "retryable", "retry_after", "status_code", "request_id", "reason", "errors")
"""What an error keeps beside its message; never headers or a body."""


def result_to_json(result: ChatResult) -> Json:
    """The fields of a result that differ from their defaults, without `parsed` and `steps`."""
    written: Json = _written(result)
    if not result.choices:
        written["choices"] = []
    elif result.choices == (_own_choice(result),):
        del written["choices"]  # it is in the result's own fields
    return written


def result_from_json(data: Mapping[str, Any]) -> ChatResult:
    """What `result_to_json` wrote, equal to the result, without `parsed` and `steps`.

    Raises:
        TypeError: It is something else.
        AttributeError: The same.
    """
    result: ChatResult = _read(ChatResult, data)
    return result if "choices" in data else replace(result, choices=(_own_choice(result),))


def error_to_json(error: Exception) -> Json:
    """The class of an error, its message, and the facts that are JSON."""
    facts = {name: getattr(error, name, None) for name in _FACTS}
    written = {"type": type(error).__name__, "message": getattr(error, "message", str(error))}
    written |= {name: value for name, value in facts.items() if value not in (None, [], False)}
    if isinstance(partial := getattr(error, "partial", None), ChatResult):
        written["partial"] = result_to_json(partial)
    return written


def error_from_json(data: Mapping[str, Any]) -> LexiluxError:
    """An error like the one that was written; a `LexiluxError` where its class is not one."""
    kind: object = getattr(errors, str(data["type"]), None)
    if isinstance(kind, type) and issubclass(kind, LexiluxError):
        error, error_message = kind(), data["message"]
    else:
        error, error_message = LexiluxError(), f"{data['type']}: {data['message']}"
    error.message = error_message
    error.args = (error.message,)
    for name in _FACTS:
        if name in data:
            setattr(error, name, data[name])
    if "partial" in data:
        error.partial = result_from_json(data["partial"])
        if isinstance(error, errors.ChatIncompleteResponseError):
            error.final_result = error.partial
    return error


def _own_choice(result: ChatResult) -> Choice:
    """The choice that a result repeats in its own fields."""
    return Choice(**{each.name: getattr(result, each.name) for each in fields(Choice)})


def _written(value: Any) -> Any:
    if is_dataclass(value):
        pairs = ((each, getattr(value, each.name)) for each in fields(value))
        return {
            each.name: _written(given)
            for each, given in pairs
            if each.name not in UNWRITTEN and not _is_default(each, given)
        }
    if isinstance(value, tuple | list):
        return [_written(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {str(k): _written(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


def _is_default(each: Field[Any], given: object) -> bool:
    if each.default_factory is not MISSING:
        return not given
    if is_dataclass(given):
        return not _written(given)  # a default that leaves fields out when it compares
    return bool(type(given) is type(each.default) and given == each.default)


def _read(kind: Any, data: Any) -> Any:
    """A value of a field's annotated type."""
    if data is None:
        return None
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _read(next(each for each in args if each is not type(None)), data)
    if origin is tuple:
        return tuple(_read(args[0], each) for each in data)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], each) for name, each in data.items()})
    return data


@cache
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(kind)


def outcome_to_json(outcome: Outcome) -> Json:
    """What a journal keeps of an outcome: neither the item nor any option."""
    record: Json = {"ok": outcome.ok, "index": outcome.index, "id": outcome.id}
    if outcome.result is not None:
        return record | {"result": result_to_json(outcome.result)}
    return record | {"error": error_to_json(outcome.error or LexiluxError())}


def outcome_from_json(record: Json, outcome: Outcome, options: Mapping[str, Any]) -> Outcome | None:
    """The outcome with what a journal kept of it; None where that is not what it should be.

    Args:
        record: What `outcome_to_json` wrote, perhaps.
        outcome: Of the same item, without result and error.
        options: Of its call: a value of a type is read from the text again.
    """
    try:
        if not record["ok"]:
            return replace(outcome, error=error_from_json(record["error"]), resumed=True)
        result = result_from_json(record["result"])
        if (kind := wanted_type(cast("AnyOptions", options))) is not None:
            from ..values.output import OutputFault  # noqa: PLC0415 - pydantic, for types only

            try:
                result = replace(result, parsed=kind.validate(result.text))
            except OutputFault:
                return None
    except (KeyError, TypeError, AttributeError):
        return None
    return replace(outcome, result=result, resumed=True)
