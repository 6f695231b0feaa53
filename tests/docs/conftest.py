"""What the pages register is forgotten with the test."""

from __future__ import annotations

import pytest

from lexilux_like.wire import registry


@pytest.fixture(autouse=True)
def _own_rows_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
