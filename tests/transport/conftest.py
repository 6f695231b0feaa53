"""Every engine behind every door: what holds on one must hold on all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lexilux_like.testing import ScriptedServer
from lexilux_like.testing.door import Doors
from lexilux_like.transport.selection import EngineName

ENGINES: tuple[EngineName, ...] = ("httpx", "fast")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> EngineName:
    return request.param


@pytest.fixture(params=["sync", "async"])
def every_door(
    request: pytest.FixtureRequest, scripted_server: ScriptedServer, engine: EngineName
) -> Iterator[Doors]:
    """The test runs once for each engine and door."""
    is_async = request.param == "async"
    with Doors(scripted_server.url, is_async=is_async, engine=engine) as doors:
        yield doors
