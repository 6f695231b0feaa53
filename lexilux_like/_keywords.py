"""`**options: Unpack[SomeOptions]` spelled out at run time, for `help()` and REPLs.

Type checkers, editors and the documentation read PEP 692 by themselves.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])


def spelled_out(function: F) -> F:
    """Give `function` a signature with its TypedDict's keys as keywords; calls are untouched.

    The TypedDict is looked up when somebody looks at the signature: among the function's
    globals, in `values.options`, and by the `__getattr__` of the function's module, so that a
    module may import it for type checkers only.
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
    kind = _kind(rest.annotation, names)
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=hint)
        for name, hint in get_type_hints(kind, localns=_Names(kind)).items()
    ]
    return written.replace(parameters=[*named, *keywords])


class _Names(dict[str, Any]):
    """The names in a TypedDict's annotations, also those that its modules load when asked."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        written = (
            getattr(each, "__forward_module__", None) for each in kind.__annotations__.values()
        )
        self._modules = {kind.__module__, *filter(None, written)}

    def __missing__(self, name: str) -> Any:
        for module in self._modules:
            if hasattr(sys.modules[module], name):
                return getattr(sys.modules[module], name)
        raise KeyError(name)


def _kind(annotation: Any, names: Mapping[str, Any]) -> Any:
    """The class in `Unpack[...]`, which may still be a string."""
    if not isinstance(annotation, str):
        return get_args(annotation)[0]
    name = annotation.removeprefix("Unpack[").removesuffix("]")
    if name in names:
        return names[name]
    from .values import options  # noqa: PLC0415 - only for who looks

    home = options if hasattr(options, name) else sys.modules[names["__name__"]]
    return getattr(home, name)
