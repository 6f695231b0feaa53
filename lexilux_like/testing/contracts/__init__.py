"""Tests that a provider of your own must pass: subclass them in a test file of pytest.

Nothing is loaded before a name is asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # as in the package itself
if TYPE_CHECKING:
    from .behaviours import Behaviour, Call, Counted, Echoes, Heard, Refuses, Says, Turn, Until
    from .chat import ChatProviderContract
    from .events import check_grammar
    from .llm import LLMProviderContract
    from .model import PlayedModel, PlayedModelError

__all__ = [
    "Behaviour",
    "Call",
    "ChatProviderContract",
    "Counted",
    "Echoes",
    "Heard",
    "LLMProviderContract",
    "PlayedModel",
    "PlayedModelError",
    "Refuses",
    "Says",
    "Turn",
    "Until",
    "check_grammar",
]

_ROOMS = {
    ".behaviours": "Behaviour Call Counted Echoes Heard Refuses Says Turn Until",
    ".chat": "ChatProviderContract",
    ".events": "check_grammar",
    ".llm": "LLMProviderContract",
    ".model": "PlayedModel PlayedModelError",
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}
_ASSERTING = ("agent", "cancelling", "chat", "events", "llm", "retrying", "running", "streaming")


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.endswith("Contract"):
        import pytest  # noqa: PLC0415 - the contracts are tests of pytest

        # Before they are loaded, so that a failed assertion shows its values.
        rooms = {f"{__name__}.{room}" for room in _ASSERTING}
        pytest.register_assert_rewrite(*sorted(rooms - sys.modules.keys()))
    value: object = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
