"""The page of the providers is what the rows say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lexilux_like.wire.engines import LOCAL, UNKNOWN
from lexilux_like.wire.profile import Profile
from lexilux_like.wire.profiles import PROFILES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "providers.md"
MARKS = {"engine": "**E**", "recorded": "**R**", "documented": "**D**", "reported": "S"}
ROWS = [*PROFILES, LOCAL, UNKNOWN]


def written() -> str:
    """What the script writes."""
    done = subprocess.run(
        [sys.executable, "scripts/providers_table.py"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def lines_of(row: Profile) -> list[list[str]]:
    """The cells of a row's lines in the page."""
    named = f"| {row.label} `{row.name}` |"
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(named)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_is_up_to_date() -> None:
    _, _, tables = PAGE.read_text("utf-8").partition("scripts/providers_table.py. -->\n\n")
    assert tables == written(), "run: python scripts/providers_table.py --write"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_in_every_table(row: Profile) -> None:
    assert len(lines_of(row)) == 4


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_cell_says_how_it_is_known(row: Profile) -> None:
    _, asked, answered, sent = lines_of(row)
    columns = ("reasons_in", "reasoning_back", "prefill", "limit", "schema", "usage")
    cells = dict(zip(columns, (*answered[1:], *sent[1:4]), strict=True))
    cells["reasoning"] = f"x {asked[-1]}"
    cells["tools"] = sent[5]
    for column, cell in cells.items():
        evidence = row.verified.get(column)
        assert cell.rsplit(" ", 1)[1] == (MARKS[evidence] if evidence else "?"), column


@pytest.mark.parametrize("mark", [*MARKS.values(), "?"])
def test_every_mark_is_explained(mark: str) -> None:
    assert f"\n| {mark} | " in PAGE.read_text("utf-8").partition("## ")[0]


def test_every_table_has_as_many_cells_as_headings() -> None:
    for part in PAGE.read_text("utf-8").split("\n\n"):
        rows = [line.replace("\\|", "") for line in part.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1, part[:200]
