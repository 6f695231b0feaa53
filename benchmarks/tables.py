# ruff: noqa: INP001 - a script's neighbour, not a package
"""Tables in Markdown that read well as they stand."""

from __future__ import annotations

from typing import TypeAlias

Table: TypeAlias = list[tuple[str, ...]]
"""Rows of cells; the first row is the head."""


def drawn(table: Table) -> str:
    """A table in Markdown that reads well as it stands."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    head, *rows = (
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in table
    )
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join((head, rule, *rows))
