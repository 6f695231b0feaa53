"""Batches through both doors, and the servers that they ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from batches import Gauge, Maps, echo

from lexilux_like.testing import ScriptedServer
from lexilux_like.testing.door import Doors


@pytest.fixture
def maps(door: Doors) -> Maps:
    """Through both doors, to `scripted_server`."""
    return Maps(door())


@pytest.fixture
def echoing(scripted_server: ScriptedServer) -> ScriptedServer:
    scripted_server.always(echo)
    return scripted_server


@pytest.fixture
def gauge(scripted_server: ScriptedServer) -> Gauge:
    """The server echoes, and counts how many requests it has at one time."""
    made = Gauge()
    scripted_server.always(made)
    return made


@pytest.fixture(params=["jsonl", "sqlite"])
def journal_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A journal that is not there yet, of either kind."""
    return tmp_path / f"answers.{request.param}"
