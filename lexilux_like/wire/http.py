"""HTTP as plain values, with no client behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """A POST that is not sent yet."""

    path: str
    """Joined to the client's `base_url`."""
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The call's own; they win over the client's."""
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    """The dialect's; the client's win over them."""


@dataclass(frozen=True, slots=True)
class Response:
    """A head, and the body: the whole of it, or empty when it is still to be read."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
