"""`doctor`: what works at an endpoint, in a few small requests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace

from .config import config_path
from .console import is_colourful, note, say, tame
from .envelope import as_json
from .exits import ExitCode
from .options import DoctorOptions
from .probes import MAX_TOKENS, MOST_REQUESTS, Check, State, checks
from .settings import ClientSettings, Settings, gather

_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok", "32"),
    "failed": ("failed", "31"),
    "unknown": ("?", "33"),
}
"""The word for a state, and its colour (ECMA-48, SGR)."""


def doctor(options: DoctorOptions) -> ExitCode:
    """Ask, and print a row for each check as it is known; FAILED where a needed one is."""
    settings = gather(options)
    note(
        f"{settings.base_url}, model {settings.model}, {_key(settings)}, config {config_path()}\n"
        f"at most {MOST_REQUESTS} requests, of at most {4 * MAX_TOKENS} tokens each",
        dim=True,
    )
    rows: list[Check] = []
    for row in _asked(settings):
        rows.append(row)
        if not options.get("json"):
            say(_line(row))
    if options.get("json"):
        say(f"{as_json([asdict(row) for row in rows])}\n")
    bad = any(row.needed and row.state == "failed" for row in rows)
    return ExitCode.FAILED if bad else ExitCode.WHOLE


def _key(settings: Settings) -> str:
    return f"key from {settings.key.source}" if settings.key else "no key"


def _asked(settings: Settings) -> Iterator[Check]:
    once: ClientSettings = {**settings.client, "max_retries": 0}
    with replace(settings, client=once).open() as chat:
        yield from checks(chat, settings)


def _line(row: Check) -> str:
    """A row, for people: what, whether, how long, what was found; a hint below it."""
    word, colour = _MARKS[row.state]
    mark = f"{word:6}"
    if is_colourful(sys.stdout):
        mark = f"\x1b[{colour}m{mark}\x1b[0m"
    hint = f"{'':20}{tame(row.hint)}\n" if row.hint else ""
    return f"{row.name:12}{mark}  {row.seconds:5.2f} s  {tame(row.found)}\n{hint}"
