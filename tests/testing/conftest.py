"""A recorder before the scripted server, and a way to ask either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lexilux_like.testing import (
    Recorder,
    ScriptedServer,
)

Ask = Callable[..., httpx.Response]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "chat.jsonl"


@pytest.fixture
def recorder(scripted_server: ScriptedServer, path: Path) -> Iterator[Recorder]:
    with Recorder(scripted_server.url, path) as recorder:
        yield recorder


@pytest.fixture
def ask() -> Iterator[Ask]:
    with httpx.Client(trust_env=False, verify=False, timeout=5) as client:

        def ask(server: ScriptedServer, body: Any, where: str = "", **headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            address = f"{server.url}/chat/completions{where}"
            return client.post(address, json=body, headers=named)

        yield ask
