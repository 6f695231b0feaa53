"""The events of a reply, read back, so that a fault can fall between two of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from .script import Json, Send, Step


def event_of(step: Step) -> Json | None:
    """The JSON of a write that is one event; None of any other step."""
    if not isinstance(step, Send) or step.data.count(b"data:") != 1:
        return None
    try:
        value: Any = json.loads(step.data.partition(b"data:")[2])
    except ValueError:  # [DONE], for one
        return None
    return cast("Json", value) if isinstance(value, Mapping) else None


def says_something(event: Json) -> bool:
    """Whether an event brings a piece of the answer: text, reasoning or a call."""
    if event.get("type") == "content_block_delta":
        return True
    return any(_says(choice.get("delta") or {}) for choice in event.get("choices") or ())


def _says(delta: Json) -> bool:
    return any(value for name, value in delta.items() if name != "role")
