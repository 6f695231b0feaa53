"""`**options: Unpack[SomeOptions]` spelled out at run time, for `help()` and REPLs.

Type checkers, editors and the documentation read PEP 692 by themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])


def spelled_out(function: F) -> F:
    """Give `function` a signature with its TypedDict's keys as keywords; calls are untouched.

    The TypedDict is looked up when somebody looks at the signature, in the function's
    module and then in `values.options`: a module may import it for type checkers only.
    """
    written, names = inspect.signature(function), function.__globals__
    signature = _SpelledOut(
        return_annotation=written.return_annotation, spell=lambda: _spell(written, names)
    )
    function.__dict__["__signature__"] = signature
    return function


class _SpelledOut(inspect.Signature):
    """A signature whose parameters are put together when somebody looks at them."""

    def __init__(
        self,
        parameters: Sequence[inspect.Parameter] | None = None,
        *,
        return_annotation: Any = inspect.Signature.empty,
        spell: Callable[[], inspect.Signature] | None = None,
    ) -> None:
        super().__init__(parameters, return_annotation=return_annotation)
        self._spell = spell

    @property
    def parameters(self) -> MappingProxyType[str, inspect.Parameter]:
        return self._spell().parameters if self._spell else super().parameters


def _spell(written: inspect.Signature, names: Mapping[str, Any]) -> inspect.Signature:
    *named, rest = written.parameters.values()
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=hint)
        for name, hint in get_type_hints(_kind(rest.annotation, names)).items()
    ]
    return written.replace(parameters=[*named, *keywords])


def _kind(annotation: Any, names: Mapping[str, Any]) -> Any:
    """The class in `Unpack[...]`, which may still be a string."""
    if not isinstance(annotation, str):
        return get_args(annotation)[0]
    name = annotation.removeprefix("Unpack[").removesuffix("]")
    if name in names:
        return names[name]
    from .values import options  # noqa: PLC0415 - loads pydantic; only for who looks

    return getattr(options, name)
