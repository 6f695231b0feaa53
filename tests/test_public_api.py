"""No public name, parameter or type changes unnoticed: `tests/data/public_api.txt` has them all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lexilux_like

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "data" / "public_api.txt"
RENEW = "python scripts/public_api.py > tests/data/public_api.txt"


@pytest.fixture(scope="module")
def present() -> list[str]:
    """The public API as it is."""
    done = subprocess.run(
        [sys.executable, "scripts/public_api.py"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.splitlines()


def test_the_public_api_is_the_one_that_was_kept(present: list[str]):
    kept = KEPT.read_text("utf-8").splitlines()
    gone = [line for line in kept if line not in present]
    new = [line for line in present if line not in kept]
    assert present == kept, f"gone: {gone}\nnew: {new}\nIf that is meant: {RENEW}"


@pytest.mark.parametrize("name", sorted({*lexilux_like.__all__} - {"__version__"}))
def test_every_public_name_is_kept(name: str, present: list[str]):
    starts = (f"lexilux_like.{name}(", f"lexilux_like.{name}:", f"async lexilux_like.{name}(")
    assert any(line.startswith(starts) for line in present) or f"lexilux_like.{name}" in present


def test_keywords_of_a_call_are_kept(present: list[str]):
    start = present.index("lexilux_like.values.options.CallOptions(WholeOptions, HistoryOption)")
    assert "    temperature: Temperature | None" in present[start:]
    assert "    history: ChatHistory | None" in present[start:]
