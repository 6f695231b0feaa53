"""Every Python block of the README and the documentation runs, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bridged import required
from pages import BRIDGES, FENCE, PAGES, ROOT, TITLES, blocks, names, run


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_no_fence_escapes_by_another_spelling(page: Path):
    text = page.read_text("utf-8")
    fences = FENCE.findall(text)
    assert {language for language, _ in fences} <= {*TITLES, "bash", "text", "json"}
    assert text.count("```") == 2 * len(fences)
    assert "~~~" not in text


BRIDGED = [page for page in PAGES if page.stem in BRIDGES and page.parent.name == "guides"]
WITH_EXAMPLES = [page for page in PAGES if blocks(page) and page not in BRIDGED]


RAY = (pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore"))  # slow, and it warns


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=RAY if page.stem == "ray" else ()) for page in WITH_EXAMPLES],
    ids=names(WITH_EXAMPLES),
)
@pytest.mark.usefixtures("provider")
def test_the_examples_run(page: Path):
    if "testing.engine" in page.read_text("utf-8"):
        pytest.importorskip("xllamacpp", reason="the page shows a real engine, of the extra demo")
    if page.stem == "ray":
        pytest.importorskip("ray", reason="the page shows a real Ray, of the extra ray")
    run(page)


@pytest.mark.parametrize("page", BRIDGED, ids=names(BRIDGED))
@pytest.mark.usefixtures("provider")
def test_the_examples_of_a_bridge_run(page: Path):
    required(BRIDGES[page.stem])
    run(page)


@pytest.mark.usefixtures("provider")
def test_the_test_in_the_testing_guide_passes(door, scripted_server):
    run(ROOT / "docs/guides/testing.md")["test_a_refusal_is_not_retried"](door, scripted_server)


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_to_a_file_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
