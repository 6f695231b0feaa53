"""The measured table of the documentation, and the benchmark that writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lexilux_like.testing.simulated.behaviours import BEHAVIOURS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "completeness-table.md"
SPOILT = """
import sys
import clients, completeness
if __name__ == "__main__":
    completeness.OURS = {"complete()": clients.concatenation}
    sys.exit(completeness.main())
"""
"""The benchmark, of a client that is wrong."""


def rows(page: str, section: str) -> dict[str, list[str]]:
    """The cells of a section's table, by behaviour."""
    lines = page.partition(f"## {section}\n")[2].partition("\n## ")[0].splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line]
    return {cells[0].split("`")[1]: cells for cells in table if cells[0].startswith("`")}


def benchmark(*command: str) -> subprocess.CompletedProcess[str]:
    options = ("--without-lexilux", "--cases", "1", "--only", "repeat_word")
    return subprocess.run(
        [sys.executable, *command, *options],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_page_has_every_behaviour() -> None:
    page = PAGE.read_text("utf-8")
    told, untold = rows(page, "What can be told"), rows(page, "What cannot be told for certain")
    assert told.keys() | untold.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize("column", [3, 4], ids=["complete", "complete_stream"])
def test_page_has_nothing_silently_wrong_that_can_be_told(column: int) -> None:
    told = rows(PAGE.read_text("utf-8"), "What can be told")
    assert {name for name, cells in told.items() if not cells[column].endswith(" / 0")} == set()


def test_benchmark_finds_an_honest_client() -> None:
    done = benchmark("completeness.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(done.stdout, "What can be told")["repeat_word"][3] == "100 / 0 / 0"


def test_benchmark_exposes_a_client_that_is_silently_wrong() -> None:
    done = benchmark("-c", SPOILT)
    assert done.returncode == 1
    assert "silently wrong: complete() repeat_word" in done.stderr
