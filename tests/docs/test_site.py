"""The built site: its pages for language models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAV = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\)(?:: (.+))?$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was built: by `.ci/run`, which has the tools, or here."""
    if built := os.environ.get("LEXILUX_SITE"):
        return ROOT / built
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed: it is in the dependency group docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run([*command, "--site-dir", str(folder)], cwd=ROOT, check=True, env=environment)
    return folder


def test_every_page_is_in_the_navigation():
    docs = ROOT / "docs"
    assert sorted(NAV) == sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))


def test_the_index_begins_as_the_format_says(site: Path):
    title, blank, quote, *_ = (site / "llms.txt").read_text("utf-8").splitlines()
    assert (title, blank, quote[:2]) == ("# lexilux_like", "", "> ")


def test_the_index_lists_every_page_once_and_in_order(site: Path):
    entries = ENTRY.findall((site / "llms.txt").read_text("utf-8"))
    assert [address for _, address, _ in entries] == NAV


def test_the_index_says_what_most_pages_are_about(site: Path):
    entries = ENTRY.findall((site / "llms.txt").read_text("utf-8"))
    assert sum(bool(about) for *_, about in entries) > 0.9 * len(NAV)


@pytest.mark.parametrize("page", NAV)
def test_every_page_is_there_as_markdown(site: Path, page: str):
    text = (site / page).read_text("utf-8")
    assert text.startswith("# ")
    assert text in (site / "llms-full.txt").read_text("utf-8")


@pytest.mark.parametrize("page", [page for page in NAV if not page.startswith("reference/")])
def test_a_written_page_is_handed_on_as_it_was_written(site: Path, page: str):
    written = (ROOT / "docs" / page).read_text("utf-8")
    assert (site / page).read_text("utf-8").strip() == re.sub(r"\n{3,}", "\n\n", written).strip()


def test_a_page_of_the_reference_has_the_keys_of_the_options(site: Path):
    text = (site / "reference/options.md").read_text("utf-8")
    assert "| `temperature` | `Temperature | None` | Randomness, 0 to 2. |" in text
    assert "\n::: " not in text


def test_a_method_s_keywords_are_spelled_out(site: Path):
    text = (site / "reference/chat.md").read_text("utf-8")
    assert "| `max_continues` |" in text
