"""The guide to the contracts, as the test file of a project; and what the kit costs at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import output_of
from pages import ROOT, blocks

from lexilux_like.testing import contracts
from lexilux_like.testing.contracts import ChatProviderContract, LLMProviderContract

GUIDE = ROOT / "docs" / "guides" / "testing-providers.md"
HEAVY = ("pydantic", "lexilux_like.providers.messages", "lexilux_like.providers.llm", "asyncio")


def run_by_pytest(folder: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return tmp_path


def test_the_guide_is_a_test_file_that_passes(project: Path):
    (project / "test_guide.py").write_text("\n".join(blocks(GUIDE)))
    code, output = run_by_pytest(project, "-k", "not cancelled and not breaks_off")
    assert code == 0, output


def test_a_failed_claim_shows_its_values(project: Path):
    broken = "def asked(self, config):\n    return config.model_copy(update={'max_tokens': 5})"
    lines = [*blocks(GUIDE)[:1], broken, "Brief.asked = asked"]
    (project / "test_it.py").write_text("\n".join(lines))
    code, output = run_by_pytest(project, "-k", "test_the_config_reaches_the_model and stream")
    assert code == 1
    assert "assert ('mine', 0.25, 5) == ('mine', 0.25, 77)" in output


@pytest.mark.parametrize("contract", [ChatProviderContract, LLMProviderContract])
def test_the_guide_names_every_attribute(contract: type):
    attributes = {
        name
        for each in contract.__mro__
        for name, value in vars(each).items()
        if isinstance(value, bool) and not name.startswith("_")
    }
    page = GUIDE.read_text("utf-8")
    assert len(attributes) > 5
    assert [name for name in sorted(attributes) if f"\n| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", contracts.__all__)
def test_every_name_is_in_the_reference(name: str):
    page = (ROOT / "docs" / "reference" / "testing.md").read_text("utf-8")
    room = f"{contracts.__name__}{contracts._HOME[name]}"
    assert f"::: {room}\n" in page or f"::: {room}.{name}\n" in page


@pytest.mark.parametrize(
    "module", ["testing", "testing.plugin", "testing.contracts", "testing.contracts.behaviours"]
)
def test_nothing_is_loaded_before_a_contract_is_asked_for(module: str):
    code = f"import lexilux_like.{module}, sys\n"
    code += f"print(*({{*{HEAVY!r}}} & sys.modules.keys()))"
    assert output_of(code).split() == []
