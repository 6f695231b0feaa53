"""Python functions as a model sees them: a name, a description, a schema, checked arguments."""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import ValidationError
from .results import Json

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Function: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]

_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Returns?|Yields?|Raises|Attributes|Examples?|Notes?|Warnings?"
    r"|See Also|References|Todo):[ \t]*$",
    re.MULTILINE,
)
_ENTRY = re.compile(
    r"^\*{0,2}(?P<name>\w+)[ \t]*(?:\(.*?\))?:(?P<text>.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE
)


class Signature:
    """A function's parameters, read once, to describe them and to check arguments.

    Raises:
        ValidationError: It is no function; a type is not known to pydantic or cannot be resolved;
            or a parameter can be given by position only.
    """

    def __init__(self, function: Function) -> None:
        self.name = name_of(function)
        if isinstance(function, type) or not callable(function):
            raise ValidationError(f"a tool is made from a function, not from {function!r}")
        import pydantic  # noqa: PLC0415 - a tenth of a second, which only tools need

        from .schema import Untitled  # noqa: PLC0415 - as pydantic

        try:
            self._adapter: TypeAdapter[Arguments] = pydantic.TypeAdapter(_recorder(function))
            self.schema: Json = self._adapter.json_schema(schema_generator=Untitled)
        except Exception as error:  # annotations are code, which may raise anything
            raise ValidationError(f"{self.name} cannot be a tool: {error}") from error
        if self.schema.get("type") != "object":
            raise ValidationError(
                f"{self.name} cannot be a tool: the model gives arguments by name, not by position"
            )

    def bind(self, arguments: str | Mapping[str, Any]) -> Arguments:
        """Check arguments and convert them to the annotated types; defaults are filled in.

        Args:
            arguments: JSON text (empty for no arguments), or a mapping.

        Raises:
            ValidationError: They do not fit, or the text is not a JSON object.
        """
        import pydantic  # noqa: PLC0415 - see __init__

        try:
            if not isinstance(arguments, str):
                return self._adapter.validate_python(dict(arguments))
            text = arguments.strip() or "{}"
            if text.startswith("{"):
                return self._adapter.validate_json(text)
        except pydantic.ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            faults = "; ".join(_fault(each["loc"], each["msg"]) for each in details)
            raise ValidationError(f"the arguments do not fit {self.name}: {faults}") from error
        raise ValidationError(f"the arguments of {self.name} are not a JSON object")


def name_of(function: Function) -> str:
    """The function's name, or the class's for a callable object."""
    inner = _inside(function)
    return str(getattr(inner, "__name__", type(inner).__name__))


def read_docstring(function: Function) -> tuple[str, dict[str, str]]:
    """The text up to the first section, and what a Google-style `Args:` says of each parameter."""
    text = inspect.getdoc(definition(function)) or ""
    summary, *rest = _SECTION.split(text)
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    names = ("Args", "Arguments", "Parameters")
    body = textwrap.dedent(next((sections[name] for name in names if name in sections), ""))
    entries = {found["name"]: " ".join(found["text"].split()) for found in _ENTRY.finditer(body)}
    return summary.strip(), entries


def definition(function: Function) -> Function:
    """The `def` behind a partial or a callable object."""
    inner = _inside(function)
    found: Function = inner if inspect.isroutine(inner) else inner.__call__
    return found


def _inside(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _recorder(function: Function) -> Any:
    """A function of the same signature that returns its arguments.

    So pydantic checks arguments without calling, and what the function itself raises is
    never taken for a fault in its arguments.
    """
    signature = inspect.signature(function, eval_str=True)

    @functools.wraps(definition(function))
    def record(*args: Any, **kwargs: Any) -> Arguments:
        return args, kwargs

    given = {name: each.annotation for name, each in signature.parameters.items()}
    record.__annotations__ = {k: v for k, v in given.items() if v is not inspect.Parameter.empty}
    vars(record)["__signature__"] = signature
    return record


def _fault(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}" if place else message
