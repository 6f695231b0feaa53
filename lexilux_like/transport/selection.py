"""Which engine a client runs on: what its caller says, or else the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, TypeAlias, get_args

from ..values.errors import ValidationError
from .route import Route

EngineName: TypeAlias = Literal["httpx", "fast"]

VARIABLE = "LEXILUX_ENGINE"
"""The environment variable that is read where a client is made without `engine=`."""
_NAMES: tuple[str, ...] = get_args(EngineName)


@dataclass(frozen=True, slots=True)
class Selection:
    """The engine that runs, and why it is not the one that was asked for, if it is not."""

    name: str
    because: str = ""

    def __repr__(self) -> str:
        return repr(f"{self.name} ({self.because})" if self.because else self.name)


def selected(given: object, route: Route) -> Selection:
    """The engine for a route; None as `given` reads the environment, and without it is httpx's.

    Raises:
        ValidationError: There is no engine of that name, or its package is not installed.
    """
    name, source = given, f"engine={given!r}"
    if given is None:
        name = os.environ.get(VARIABLE) or "httpx"
        source = f"the environment variable {VARIABLE}={name!r}"
    if name not in _NAMES:
        raise ValidationError(f"{source} is not an engine; use {' or '.join(map(repr, _NAMES))}")
    if name == "fast":
        if find_spec("httptools") is None:
            raise ValidationError(
                f'{source} needs another package: pip install "lexilux_like[fast]"'
            )
        if route.proxy is not None:
            return Selection("httpx", "fast goes through no proxy")
    return Selection(str(name))
