"""Doors to a real llama.cpp: a random model that grammars script, and the demo's trained one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lexilux_like.testing.door import Door, Doors
from lexilux_like.testing.engine import LlamaServer
from lexilux_like.testing.plugin import require_engine

TRAINED = Path(__file__).parents[2] / "demo" / "tiny-demo-Q4_0.gguf"


@pytest.fixture(scope="session")
def trained_llama() -> Iterator[LlamaServer]:
    require_engine()
    with LlamaServer(TRAINED, context=2048) as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def doors(request: pytest.FixtureRequest, llama: LlamaServer) -> Iterator[Doors]:
    with Doors(llama.url, is_async=request.param == "async") as doors:
        yield doors


@pytest.fixture
def random_model(doors: Doors) -> Door:
    """Says what a grammar tells it to say."""
    return doors()


@pytest.fixture
def trained_model(doors: Doors, trained_llama: LlamaServer) -> Door:
    """Knows capitals, tools, sums, and names it was told; ask it with `temperature=0`."""
    return doors(base_url=trained_llama.url)


@pytest.fixture(scope="session")
def engine(llama: LlamaServer) -> Iterator[Engine]:
    with httpx.Client(base_url=llama.root_url, trust_env=False, timeout=5) as client:
        yield Engine(client)


class Engine:
    """What the engine says about itself."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def tokens_generated(self) -> int:
        for line in self._client.get("/metrics").text.splitlines():
            name, _, value = line.partition(" ")
            if name == "llamacpp:tokens_predicted_total":
                return int(value)
        raise AssertionError("the engine has no such metric")

    def is_busy(self) -> bool:
        return any(slot["is_processing"] for slot in self._client.get("/slots").json())
