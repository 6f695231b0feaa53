"""The README's first command: it shows what it says, and its exit code tells the truth."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from lexilux_like.testing.plugin import require_engine

DEMO = Path(__file__).parents[2] / "demo" / "run.py"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def demo() -> ModuleType:
    require_engine()
    return load(DEMO)


def test_demo_shows_a_call_a_stream_a_truncation_and_a_tool(
    demo: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main() == 0
    shown = capsys.readouterr().out
    assert "The capital of France is Paris." in shown
    assert "first content after" in shown
    assert "status 'truncated', finish_reason 'length', 20 tokens" in shown
    assert "joined to the letter" in shown
    assert 'the model calls get_weather({"city": "Oslo"})' in shown
    assert shown.endswith("Everything went as it should.\n")


def test_demo_without_the_trained_model_takes_a_random_one_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_engine()
    shutil.copy(DEMO, tmp_path)
    assert load(tmp_path / "run.py").main() == 0
    shown = capsys.readouterr().out
    assert "a model with random weights takes its place" in shown
    assert "status 'truncated'" in shown
    assert "No tool call" in shown


def test_demo_that_goes_wrong_says_so_and_fails(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def get_weather(city: str) -> str:
        """Get the weather for a city."""
        return json.dumps({"city": city, "temperature": 5, "sky": "sunny"})

    monkeypatch.setattr(demo, "get_weather", get_weather)
    assert demo.main() == 1
    assert "The demo failed: the answer should name the temp" in capsys.readouterr().err


def test_demo_without_the_engine_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = load(DEMO)
    monkeypatch.setattr(demo, "find_spec", lambda _name: None)
    assert demo.main() == 1
    assert "pip install -e '.[demo]'" in capsys.readouterr().err
