"""A progress bar on stderr, where somebody can see it."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..values.errors import ValidationError
from .outcomes import Totals


class Progress:
    """A bar by tqdm, or nothing.

    Args:
        wanted: True: always. None: where stderr is a terminal and tqdm is installed.
        total: How many items there are, where that is known.

    Raises:
        ValidationError: It is wanted, and tqdm is not installed.
    """

    def __init__(self, *, wanted: bool | None, total: int | None) -> None:
        self._bar: Any = None
        if wanted or (wanted is None and _is_seen() and find_spec("tqdm") is not None):
            self._bar = _bar_class()(total=total, unit=" items", dynamic_ncols=True)

    def show(self, totals: Totals) -> None:
        """One outcome more."""
        if self._bar is not None:
            facts: dict[str, object] = {"failed": totals.failed} if totals.failed else {}
            if tokens := totals.usage.total_tokens:
                facts["tokens"] = tokens
            self._bar.set_postfix(facts, refresh=False)
            self._bar.update()

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()


def check_progress(*, wanted: bool | None) -> None:
    """Raise where a bar is wanted that cannot be had.

    Raises:
        ValidationError: tqdm is not installed.
    """
    if wanted and find_spec("tqdm") is None:
        raise ValidationError(
            'progress=True needs another package: pip install "lexilux_like[batch]"'
        )


def _is_seen() -> bool:
    """Whether stderr is a terminal; it is None in a program without a console."""
    stream: Any = sys.stderr
    return stream is not None and bool(stream.isatty())


def _bar_class() -> Any:
    bar: Any = import_module("tqdm").tqdm
    return type("Bar", (bar,), {"monitor_interval": 0})  # no thread that watches the bar
