"""A provider on magentic; the libraries themselves are asked for by `bridged.required`."""

from __future__ import annotations

import pytest

from lexilux_like.testing import ScriptedServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lexilux_like.providers import MagenticProvider


@pytest.fixture
def magentic_provider(scripted_server: ScriptedServer) -> MagenticProvider:
    from lexilux_like.providers import MagenticProvider  # noqa: PLC0415 - not every file's

    return MagenticProvider("m", base_url=scripted_server.url, api_key="k")
