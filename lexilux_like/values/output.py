"""Types that an answer must have: the schema that is sent, and the check of what came back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    overload,
)

import pydantic
from pydantic import RootModel, TypeAdapter
from typing_extensions import TypedDict

from .errors import ValidationError
from .messages import is_mapping, is_sequence
from .results import Json
from .schema import NotStrictError, Untitled, rooted, strict, untitled, word
from .text import printable

T = TypeVar("T")

MAX_NAME = 64
"""Most characters in the name of a schema; providers refuse longer ones."""
MAX_ERRORS = 20
"""Most errors that are told, to the model or to a person."""
_MAX_TOLD = 1_600  # characters of errors in a complaint, so that all of it is within 2,000
_MAX_PATH, _MAX_MESSAGE, _MAX_GIVEN = 100, 200, 80  # characters, before printable's own addition


class ErrorDetail(NamedTuple):
    """One place where an answer does not fit."""

    path: str
    """Keys and indices in the JSON text, joined by dots; empty for the whole."""
    message: str
    """What is expected there; at most about 200 characters."""
    given: str
    """The JSON that is there; at most about 80 characters."""

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.message} (got {self.given})"


class OutputFault(Exception):  # noqa: N818 - a finding about an answer, which a caller acts upon
    """An answer does not fit the type that it must have.

    Attributes:
        errors: Every place where it does not, at least one.
    """

    def __init__(self, errors: Iterable[ErrorDetail]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "; ".join(self.lines())

    def lines(self) -> list[str]:
        """One line for each of the first errors, and one that counts those left out.

        At most 21 lines and about 1,600 characters.
        """
        shown = [str(error) for error in self.errors[:MAX_ERRORS]]
        while sum(map(len, shown)) > _MAX_TOLD:
            shown.pop()
        hidden = len(self.errors) - len(shown)
        return [*shown, f"and {hidden} more"] if hidden else shown


class _Wrapped(TypedDict, Generic[T]):
    # No docstring, which pydantic would send to the model; no configuration, which would hold for
    # dataclasses and TypedDicts inside.
    value: T


class OutputType(Generic[T]):
    """A type that an answer must have: its schema for the model, and the check of what came.

    Args:
        kind: What pydantic knows: a model, a dataclass, a TypedDict, an enum, a union or a list
            of them, a plain type.

    Attributes:
        name: The type's name in at most 64 letters, digits, `_` and `-`: `list_Person`.
        schema: The JSON schema that is sent. Not to be changed: a type's schema is made once.
        strict: Whether `schema` is in the strict subset of structured outputs. Where the type
            cannot be (a dict, `Any`, open keys, a tuple of mixed types), it is pydantic's own.
        wrapped: Whether the answer is `{"value": ...}`, because providers demand an object and
            the type is none with keys of its own: a list, a union, a dict, a scalar.

    Raises:
        ValidationError: Pydantic does not know the type, or JSON has no form for it.
    """

    def __init__(self, kind: type[T] | Any) -> None:
        self.name = word(_name(kind))[:MAX_NAME] or "answer"
        try:
            self._bare: TypeAdapter[T] = TypeAdapter(kind)
            schema = _schema(self._bare, self.name)
            self._item = _item(kind) if "items" in schema else None
            self.wrapped = "properties" not in schema
            if self.wrapped:
                self._whole: TypeAdapter[_Wrapped[T]] = TypeAdapter(cast("Any", _Wrapped)[kind])
                schema = _schema(self._whole, _Wrapped.__name__) | {"additionalProperties": False}
            self.schema, self.strict = _strict_or_not(schema)
        except Exception as error:  # the type's own code takes part, which may raise anything
            raise ValidationError(f"no answer can be of type {kind!r}: {_reason(error)}") from error

    @property
    def json_schema_format(self) -> Json:
        """The `response_format` of a provider that takes JSON schemas."""
        described: Json = {"name": self.name, "schema": self.schema}
        return {
            "type": "json_schema",
            "json_schema": described | {"strict": True} if self.strict else described,
        }

    def instructions(self) -> str:
        """What to tell the model where the provider does not take JSON schemas."""
        schema = json.dumps(self.schema, ensure_ascii=False, separators=(",", ":"))
        return (
            "Answer with JSON only, without any text or code fence around it. "
            f"The JSON must fit this schema:\n{schema}"
        )

    def validate(self, text: str) -> T:
        """The value that the JSON of a whole answer stands for, converted as pydantic does.

        The wrapper may be missing where the JSON is no object, and so cannot be one.

        Raises:
            OutputFault: It does not fit, or is not exactly one JSON value: text around it, a key
                that comes twice, NaN.
        """
        _check(text)
        if self.wrapped and text.lstrip().startswith("{"):
            return _read(self._whole, text)["value"]
        return _read(self._bare, text)

    def items(self, data: Any) -> list[Any]:
        """The validated items of a list whose items have a type, up to the first that does not fit.

        Args:
            data: The finished part of an answer, as JSON data, with its wrapper or without.

        Returns:
            The items; none for other types. What the type says of the list as a whole (its
            length, say) is not asked.
        """
        finished = self.unwrap(data)
        found: list[Any] = []
        if self._item and is_sequence(finished):
            with contextlib.suppress(OutputFault):
                for each in finished:
                    found.append(_read(self._item, json.dumps(each)))  # noqa: PERF401 - till a fault
        return found

    def unwrap(self, data: Any, default: Any = None) -> Any:
        """The answer itself in `data`, JSON data that may be unfinished.

        Returns:
            `data` where there is no wrapper; `default` where the wrapper is still empty.
        """
        return data.get("value", default) if self.wrapped and is_mapping(data) else data

    def complaint(self, fault: OutputFault) -> str:
        """What the model is told when its answer does not fit: at most 2,000 characters."""
        faults = "\n".join(f"- {line}" for line in fault.lines())
        return (
            f"This answer does not fit the JSON schema:\n{faults}\n"
            "Answer again: the whole JSON, corrected, and nothing else."
        )


@overload
def output_type(kind: type[T]) -> OutputType[T]: ...
@overload
def output_type(kind: Any) -> OutputType[Any]: ...
def output_type(kind: Any) -> OutputType[Any]:
    """The `OutputType` of `kind`; made once, as that costs milliseconds, for the last 256 types.

    Raises:
        ValidationError: As `OutputType`.
    """
    try:
        hash(kind)
    except TypeError:  # `Annotated` with a dict or a pydantic `Field`
        return OutputType(kind)
    return _cached(kind, repr(kind))


@lru_cache(maxsize=256)
def _cached(kind: Any, _spelling: str) -> OutputType[Any]:
    """By spelling too: `A | B == B | A`, but pydantic tries their members in order."""
    return OutputType(kind)


def _schema(adapter: TypeAdapter[Any], name: str) -> Json:
    if adapter.core_schema["type"] == "generator":
        raise TypeError("its items would be checked one by one as they are used; say list")
    return untitled(rooted(adapter.json_schema(schema_generator=Untitled)), name)


def _strict_or_not(schema: Json) -> tuple[Json, bool]:
    try:
        return strict(schema), True
    except NotStrictError:
        return schema, False


def _reason(error: Exception) -> str:
    """The first line: pydantic goes on with advice for those who extend it."""
    return str(getattr(error, "message", error)).partition("\n")[0]


def _name(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _name(args[0])
    if origin in (Union, UnionType):
        return "_or_".join(map(_name, args))
    if origin is not None:
        return "_".join(_name(each) for each in (origin, *args) if each is not Ellipsis)
    return "None" if kind is NoneType else str(getattr(kind, "__name__", kind))


def _item(kind: Any) -> TypeAdapter[Any] | None:
    """What checks one item of a list; None where the type of items is not told."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _item(args[0])
    if origin is None and hasattr(kind, "__value__"):  # a type alias
        return _item(kind.__value__)
    if isinstance(kind, type) and issubclass(kind, RootModel):
        return _item(kind.model_fields["root"].annotation)
    known = isinstance(origin, type) and issubclass(origin, Iterable)
    return TypeAdapter(args[0]) if known else None


def _check(text: str) -> None:
    """Raise an `OutputFault` where `text` is not JSON, or not read alike by all who read JSON."""
    try:
        json.loads(text, object_pairs_hook=_check_keys, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        message = printable(f"Invalid JSON: {error}", _MAX_MESSAGE)
        given = printable(text[getattr(error, "pos", 0) :], _MAX_GIVEN)
        raise OutputFault([ErrorDetail("", message, given)]) from error


def _check_keys(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} comes twice in an object")


def _refuse(constant: str) -> None:
    raise ValueError(f"there is no {constant} in JSON")


def _read(adapter: TypeAdapter[T], text: str) -> T:
    try:
        # Before pydantic 2.14 a schema has the aliases of a model that does not read them, too.
        return adapter.validate_json(text, by_alias=True)
    except pydantic.ValidationError as error:
        raise OutputFault(_details(error)) from error


def _details(error: pydantic.ValidationError) -> Iterator[ErrorDetail]:
    for each in error.errors(include_url=False, include_context=False):
        path = printable(".".join(map(str, each["loc"])), _MAX_PATH)
        given = json.dumps(each["input"], ensure_ascii=False, default=str)
        yield ErrorDetail(path, printable(each["msg"], _MAX_MESSAGE), printable(given, _MAX_GIVEN))
