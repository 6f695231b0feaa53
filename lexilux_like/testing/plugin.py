"""The fixtures, for `pytest_plugins = ["lexilux_like.testing.plugin"]` in your `conftest.py`.

Nothing is imported before a test asks for a fixture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TYPE_CHECKING = False  # as in the package itself
if TYPE_CHECKING:
    from .door import Doors
    from .engine import LlamaServer
    from .recorder import Recorder
    from .replay import Replay
    from .server import ScriptedServer
    from .tape import Scrub

MODES = ("none", "once", "all")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--lexilux-record`."""
    parser.getgroup("lexilux_like").addoption(
        "--lexilux-record",
        choices=MODES,
        default="none",
        help="what the fixture `recorded` does: only replay (none, the default), record where"
        " there is no file (once), or record anew (all)",
    )


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    """A server with an empty script: `scripted_server.play(answer("Hello"))`."""
    from .server import ScriptedServer  # noqa: PLC0415 - see above

    with ScriptedServer() as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def door(request: pytest.FixtureRequest, scripted_server: ScriptedServer) -> Iterator[Doors]:
    """The test runs twice: `door().call("Hi")` asks by `chat()`, then by `chat.acall()`.

    It asks the `scripted_server`; `door(base_url=...)` asks another one.
    """
    from .door import Doors  # noqa: PLC0415 - see above

    with Doors(scripted_server.url, is_async=request.param == "async") as doors:
        yield doors


@pytest.fixture
def recorded_base_url() -> str:
    """What is recorded from: `OPENAI_BASE_URL`, or OpenAI itself. Override it for another one."""
    return os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"


@pytest.fixture
def recorded_path(request: pytest.FixtureRequest) -> Path:
    """The file of a test: `recordings/<module>/<test>.jsonl` beside it. Override it at will."""
    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    return request.path.parent / "recordings" / request.path.stem / f"{name}.jsonl"


@pytest.fixture
def recorded_scrub() -> Scrub | None:
    """What is kept of a request's JSON body: all. Override it with a function of the body."""
    return None


@pytest.fixture
def recorded(
    request: pytest.FixtureRequest,
    recorded_path: Path,
    recorded_base_url: str,
    recorded_scrub: Scrub | None,
) -> Iterator[Recorder | Replay]:
    """A server that answers as a real one did: `Chat(base_url=recorded.url)`.

    `pytest --lexilux-record=once` asks the real server where the test has no file yet, and `all`
    anew; without it only files answer. A request that is not recorded fails the test at its end.
    """
    mode = request.config.getoption("lexilux_record", "none")
    there = recorded_path.exists()
    if mode == "all" or (mode == "once" and not there):
        from .recorder import Recorder  # noqa: PLC0415 - see above

        with Recorder(recorded_base_url, recorded_path, scrub=recorded_scrub) as recorder:
            yield recorder
        return
    if not there:
        pytest.fail(f"{recorded_path} is not there; record it: pytest --lexilux-record=once")
    from .replay import Replay  # noqa: PLC0415 - see above

    with Replay(recorded_path, scrub=recorded_scrub) as replay:
        yield replay
    if replay.unmatched:
        pytest.fail("\n\n".join(replay.unmatched), pytrace=False)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """llama.cpp with a random model that `literal_grammar` scripts; skips without `xllamacpp`.

    Where the environment variable `CI` is set it fails instead: there the engine must be tested.
    """
    require_engine()
    from .engine import LlamaServer  # noqa: PLC0415 - see above
    from .tiny_gguf import write_random_model  # noqa: PLC0415 - see above

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
