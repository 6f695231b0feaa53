"""`providers`: the rows that are known."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

from ..wire.engines import LOCAL
from ..wire.profile import Profile
from ..wire.registry import find_provider
from ..wire.registry import providers as known
from .console import is_terminal, say
from .envelope import as_json as dumped
from .exits import ExitCode

_HEADINGS = ("NAME", "PROVIDER", "BASE URL", "KEY FROM", "SET")


def providers(name: str | None, *, as_json: bool) -> ExitCode:
    """List all providers, or all that is known of one.

    Raises:
        ValidationError: There is none of that name.
    """
    rows = [find_provider(name)] if name else [*known(), LOCAL]
    if as_json:
        say(f"{dumped([_plain(row) for row in rows])}\n")
    elif name:
        say(_told(rows[0]))
    elif is_terminal(sys.stdout):
        _draw(rows)
    else:
        say("".join("\t".join(_cells(row)) + "\n" for row in rows))
    return ExitCode.WHOLE


def _plain(row: Profile) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if name != "verified"}


def _cells(row: Profile) -> tuple[str, str, str, str, str]:
    """Name, label, address, variables of the key, and whether one of them is set."""
    is_set = any(map(os.environ.get, row.env))
    state = "" if not row.env else "yes" if is_set else "no"
    return row.name, row.label, row.base_url or "", " ".join(row.env), state


def _draw(rows: list[Profile]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for who sees it
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)


def _told(row: Profile) -> str:
    """What there is to know of one provider, a line each."""
    facts = {
        "provider": f"{row.label or row.name} ({row.name})",
        "base_url": row.base_url or "everybody has an address of their own: --base-url",
        "key": " or ".join(row.env) or "none needed",
        "dialect": row.dialect,
        "prefill": row.prefill.form if row.prefill else "not known to have any",
        "schema": row.schema,
        "reasoning in": ", ".join(row.reasons_in) or "not known",
    }
    lines = [f"{name + ':':14}{value}\n" for name, value in facts.items()]
    lines += [f"- {quirk}\n" for quirk in row.quirks]
    lines += [f"{source}\n" for source in row.sources]
    return "".join(lines)
