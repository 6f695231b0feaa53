"""The guide to testing, as the test file of a project: recorded once, then replayed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, blocks

from lexilux_like.testing import ScriptedServer, answer

GUIDE = ROOT / "docs" / "guides" / "testing.md"


def run(folder: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


def test_guide_is_a_test_file_that_passes(
    tmp_path: Path, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_server.always(answer("Hello!"))
    monkeypatch.setenv("OPENAI_BASE_URL", scripted_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-guide")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    plugins = [block for block in blocks(GUIDE) if "pytest_plugins" in block]
    others = [block for block in blocks(GUIDE) if block not in plugins]
    (tmp_path / "conftest.py").write_text("".join(plugins))
    (tmp_path / "test_guide.py").write_text("\n".join(others))
    for options in (("--lexilux-record=once",), ()):
        code, output = run(tmp_path, *options)
        assert code == 0, output
        assert "3 passed" in output
    assert (tmp_path / "recordings" / "test_guide" / "test_it_says_hello.jsonl").exists()
