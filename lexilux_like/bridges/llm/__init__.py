"""The plugin of the command `llm`: its hooks, which load nothing before they have something to do.

`docs/guides/llm.md` tells how it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

try:
    from llm import hookimpl, user_dir
except ImportError as error:
    problem = 'the plugin for llm needs another package: pip install "lexilux_like[llm]"'
    raise ImportError(problem) from error

if TYPE_CHECKING:
    import click

    from .answers import AnswerError
    from .entries import ModelEntry, ModelsFileError
    from .models import make_models

__all__ = [
    "MODELS_FILE",
    "AnswerError",
    "ModelEntry",
    "ModelsFileError",
    "make_models",
    "register_commands",
    "register_models",
]

MODELS_FILE = "lexilux-like-models.yaml"
"""Where the models are named, in `llm`'s own folder."""


@hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Offer the models of the file; without a file there are none, and nothing is loaded.

    Raises:
        ModelsFileError: The file cannot be understood, and the message names the entry; or `llm`
            is too old.
    """
    path = user_dir() / MODELS_FILE
    if not path.exists():
        return
    from .entries import ModelsFileError, read_entries  # noqa: PLC0415 - only who has models

    try:
        from .models import make_models  # noqa: PLC0415
    except ModuleNotFoundError as error:
        advice = 'needs a newer llm: pip install -U "lexilux_like[llm]"'
        raise ModelsFileError(f"{error}; {path} {advice}") from error

    for entry in read_entries(path):
        register(*make_models(entry), aliases=entry.aliases)


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `llm lexilux`."""
    from .commands import lexilux  # noqa: PLC0415 - it needs nothing that llm has not loaded

    cli.add_command(lexilux)


_HOME = {
    "AnswerError": ".answers",
    "ModelEntry": ".entries",
    "ModelsFileError": ".entries",
    "make_models": ".models",
}


def __getattr__(name: str) -> object:
    # No __dir__ beside it: llm looks at every name that is in there, and would load them all.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value
