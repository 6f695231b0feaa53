"""The pages for those who come from another library: its code runs, beside ours.

A library is not installed for the suite. `nox -s peers` and `.ci/run` run its part of this file in
an environment of its own, where LEXILUX_PEER names it.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from pages import LIBRARIES, OURS, run

from lexilux_like.testing import ScriptedServer

PINS = Path(__file__).with_name("peers")
PAIR = re.compile(r'^<div class="pair" markdown>\n\n(.*?)\n\n</div>$', re.MULTILINE | re.DOTALL)
OPENING = re.compile(r"^```python(.*)$", re.MULTILINE)
USES = (
    *("call", "Streaming", "Async", "Tools", "Values of a type", "Reasoning"),
    *("Retries", "Errors", "Images", "A long answer", "Tests"),
)


def pinned(library: str) -> str:
    """The version that the page was written for."""
    first = (PINS / f"{library}.txt").read_text("utf-8").splitlines()[0]
    name, _, number = first.partition("==")
    assert name == library
    return number


def require(library: str) -> None:
    """Skip where the library is not installed, unless this environment is made for it."""
    if os.environ.get("LEXILUX_PEER") == library:
        assert version(library) == pinned(library)
        return
    try:
        found = version(library)
    except PackageNotFoundError:
        pytest.skip(f"{library} is not installed: run nox -s peers")
    if found != pinned(library):
        pytest.skip(f"{library} {found} is installed, and the page is for {pinned(library)}")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.filterwarnings("ignore")  # its warnings are its own
@pytest.mark.timeout(180)  # litellm takes its time to be imported
def test_the_code_of_the_other_library_runs(
    library: str, provider: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    require(library)
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched
    run(LIBRARIES[library], library)
    assert len(provider.requests) >= len(USES) - 2  # the tests of some need no provider


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_pair_has_the_other_library_s_code_and_ours(library: str):
    pairs = PAIR.findall(LIBRARIES[library].read_text("utf-8"))
    titles = [[f' title="{library}"', f' title="{OURS}"']] * len(pairs)
    assert [OPENING.findall(pair) for pair in pairs] == titles


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_code_stands_outside_a_pair(library: str):
    text = LIBRARIES[library].read_text("utf-8")
    assert OPENING.findall(PAIR.sub("", text)) == []


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("library", LIBRARIES)
def test_each_page_shows_each_use(library: str, use: str):
    text = LIBRARIES[library].read_text("utf-8")
    assert re.search(rf"^### .*\b{use}\b", text, re.MULTILINE)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_page_names_the_version_that_it_was_checked_with(library: str):
    page = LIBRARIES[library].read_text("utf-8")
    assert f"Checked with {library} {pinned(library)}:" in page


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_page_says_what_is_lost(library: str):
    assert "\n## What you lose\n" in LIBRARIES[library].read_text("utf-8")


def test_every_pinned_library_has_a_page():
    assert {path.stem for path in PINS.glob("*.txt")} == LIBRARIES.keys()
