"""The pytest plugin in a project of its own, and what it costs who does not use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lexilux_like import testing
from lexilux_like.testing import RecordedRequest, Reply, ScriptedServer, answer

CONFTEST = 'pytest_plugins = ["lexilux_like.testing.plugin"]\n'
TESTS = """
from lexilux_like import Chat

def test_greeting(recorded):
    with Chat(base_url=recorded.url, api_key="sk-very-secret", model="m", proxies={}) as chat:
        assert chat("WORD").text == "HELLO WORD"
"""
SWALLOWING = """
careless = test_greeting

def test_greeting(recorded):
    try:
        careless(recorded)
    except Exception:
        pass
"""


class Project:
    """A folder with a test file, whose tests a pytest of its own runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "tests" / "recordings" / "test_it" / "test_greeting.jsonl"
        (root / "tests").mkdir()
        (root / "tests" / "conftest.py").write_text(CONFTEST)
        self.write("there")

    def write(self, word: str, more: str = "") -> None:
        source = TESTS.replace("HELLO", "hello").replace("WORD", word)
        (self.root / "tests" / "test_it.py").write_text(source + more)

    def pytest(self, *options: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        done = subprocess.run(
            command, cwd=self.root, capture_output=True, encoding="utf-8", check=False
        )
        return done.returncode, done.stdout + done.stderr

    def passes(self, *options: str) -> None:
        code, output = self.pytest(*options)
        assert code == 0, output


@pytest.fixture
def project(
    tmp_path: Path, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> Project:
    def greet(request: RecordedRequest) -> Reply:
        return answer(f"hello {request.json['messages'][0]['content']}")

    scripted_server.always(greet)
    monkeypatch.setenv("OPENAI_BASE_URL", scripted_server.url)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other people's plugins take time
    return Project(tmp_path)


def test_nothing_is_asked_and_written_unless_told(
    project: Project, scripted_server: ScriptedServer
) -> None:
    code, output = project.pytest()
    assert code == 1
    assert "is not there; record it: pytest --lexilux-record=once" in output
    assert (project.file.exists(), scripted_server.requests) == (False, [])


def test_what_was_recorded_once_is_replayed(
    project: Project, scripted_server: ScriptedServer
) -> None:
    project.passes("--lexilux-record=once")
    assert len(scripted_server.requests) == 1
    assert "sk-very-secret" not in project.file.read_text()
    project.passes()
    project.passes("--lexilux-record=once")
    assert len(scripted_server.requests) == 1


def test_everything_is_recorded_anew_when_told(
    project: Project, scripted_server: ScriptedServer
) -> None:
    project.passes("--lexilux-record=all")
    project.write("you")
    project.passes("--lexilux-record=all")
    assert len(scripted_server.requests) == 2
    [line] = project.file.read_text().splitlines()
    assert json.loads(line)["request"]["body"]["messages"][0]["content"] == "you"


def test_changed_request_fails_though_the_test_swallows_it(project: Project) -> None:
    project.passes("--lexilux-record=once")
    project.write("you", SWALLOWING)
    code, output = project.pytest()
    assert code == 1
    assert '"content": "there"' in output
    assert '"content": "you"' in output


def test_each_test_and_parameter_has_a_file(project: Project) -> None:
    more = """
import pytest

@pytest.mark.parametrize("word", ["a/b", "c"])
def test_more(door, recorded, word):
    assert door(base_url=recorded.url).call(word).text == f"hello {word}"
"""
    project.write("there", more)
    project.passes("--lexilux-record=once")
    project.passes()
    assert {file.name for file in project.file.parent.iterdir()} == {
        "test_greeting.jsonl",
        *(f"test_more-{door}-{word}.jsonl" for door in ("sync", "async") for word in ("a-b", "c")),
    }


def test_address_file_and_scrubbing_are_fixtures(
    project: Project, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL")
    overriding = f"""
import pytest

@pytest.fixture
def recorded_base_url():
    return {scripted_server.url!r}

@pytest.fixture
def recorded_path(request):
    return request.path.parent / "one.jsonl"

@pytest.fixture
def recorded_scrub():
    return lambda body: {{**body, "model": "any"}}
"""
    project.write("there", overriding)
    project.passes("--lexilux-record=once")
    [line] = (project.root / "tests" / "one.jsonl").read_text().splitlines()
    assert json.loads(line)["request"]["body"]["model"] == "any"
    project.passes()


def test_unknown_mode_is_refused(project: Project) -> None:
    code, output = project.pytest("--lexilux-record=maybe")
    assert code == 4
    assert "none" in output


def loaded(code: str) -> set[str]:
    """What a new interpreter has loaded after the code, but not before it."""
    code = f"import sys, pytest\nold = {{*sys.modules}}\n{code}\nprint(*{{*sys.modules}} - old)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {*done.stdout.split()}


def test_plugin_that_nobody_uses_loads_nothing() -> None:
    ours = {"lexilux_like", "lexilux_like.testing", "lexilux_like.testing.plugin"}
    assert loaded("import lexilux_like.testing.plugin") <= ours


def test_a_scripted_server_loads_no_client() -> None:
    names = loaded("from lexilux_like.testing import ScriptedServer, answer, cut")
    assert not names & {"httpx", "pydantic", "lexilux_like.chat", "lexilux_like.client"}


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(testing, name) is not None
    assert name in dir(testing)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"lexilux_like\.testing.*'Scripted'"):
        testing.Scripted  # noqa: B018 - the access is what is tested
