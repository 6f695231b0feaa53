"""The clients' files tell what they need."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import OURS, peer, peers


def test_every_client_has_a_title_of_its_own() -> None:
    titles = [each.title for each in peers().values()]
    assert len(set(titles)) == len(titles) >= 11


def test_floors_come_first_and_ours_before_the_other_clients() -> None:
    names = list(peers())
    assert names[:2] == ["raw_floor", "compiled_floor"]
    assert names.index("ours_fast") < names.index("openai_client")


def test_fast_engine_is_installed_with_its_extra() -> None:
    assert peers()["ours_fast"].dependencies == (f"{OURS}[fast]",)


def test_file_is_read_as_its_metadata_says(tmp_path: Path) -> None:
    file = tmp_path / "new_client.py"
    file.write_text(
        '# ruff: noqa: D102\n# /// script\n# dependencies = ["one", "two>=2"]\n#\n'
        '# [tool.benchmark]\n# title = "new"\n# imports = "import one"\n# ///\n"""New."""\n'
    )
    found = peer(file)
    assert (found.name, found.title, found.dependencies) == ("new_client", "new", ("one", "two>=2"))
    assert (found.imports, found.makes, found.distribution) == ("import one", "", "")


def test_file_without_a_title_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "new_client.py"
    file.write_text("# /// script\n# dependencies = []\n# ///\n")
    with pytest.raises(ValueError, match="no title"):
        peer(file)


def test_file_without_metadata_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "new_client.py"
    file.write_text("import one\n")
    with pytest.raises(ValueError, match="no inline metadata"):
        peer(file)
