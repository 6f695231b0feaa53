"""The fixtures, for `pytest_plugins = ["lexilux_like.testing.plugin"]` in your `conftest.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from .door import Doors
from .engine import LlamaServer
from .server import ScriptedServer
from .tiny_gguf import write_random_model


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    """A server with an empty script: `scripted_server.play(answer("Hello"))`."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def door(request: pytest.FixtureRequest, scripted_server: ScriptedServer) -> Iterator[Doors]:
    """The test runs twice: `door().call("Hi")` asks by `chat()`, then by `chat.acall()`."""
    with Doors(scripted_server.url, is_async=request.param == "async") as doors:
        yield doors


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """llama.cpp with a random model that `literal_grammar` scripts; skips without `xllamacpp`.

    Where the environment variable `CI` is set it fails instead: there the engine must be tested.
    """
    require_engine()
    model = tmp_path_factory.mktemp("engine") / "random.gguf"
    write_random_model(model)
    with LlamaServer(model) as server:
        yield server


def require_engine() -> None:
    """Skip the test where `xllamacpp` is not installed; fail it where `CI` is set."""
    if find_spec("xllamacpp") is None:
        reason = "xllamacpp is not installed: pip install 'lexilux_like[demo]'"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
