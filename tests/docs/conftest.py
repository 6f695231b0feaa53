"""What the pages register is forgotten with the test, and they find a provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from provided import KEY, provide

from lexilux_like.testing import ScriptedServer
from lexilux_like.wire import registry


@pytest.fixture(autouse=True)
def _own_rows_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedServer]:
    """A provider in the environment, and the files that the examples send."""
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("talk.wav").write_bytes(b"RIFF0000WAVE")
    Path("report.pdf").write_bytes(b"%PDF-1.7")
    with ScriptedServer() as server:
        server.always(provide)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield server
