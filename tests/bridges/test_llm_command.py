"""The command `llm` with the plugin, as a process of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from asked_by_llm import MODELS_FILE, LLMDoor

from lexilux_like.testing import SimulatedModel, call_stream, stream, tool_call

STORY = "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."


class Shell:
    """`llm`, with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        given = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        return subprocess.run(
            [sys.executable, "-m", "llm", *words],
            env=given | {"LLM_USER_PATH": str(self.folder)},
            input=said,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def added(shell: Shell, scripted_server) -> Shell:
    """The same, with a model `m`."""
    LLMDoor(shell.folder, is_async=False).add("m", scripted_server.url)
    return shell


def test_a_cut_answer_is_printed_whole_and_logged_with_its_usage(added, scripted_server):
    scripted_server.always(SimulatedModel(STORY, cut=40))
    done = added("-m", "m", "Tell me a story.", "--usage")
    assert (done.stdout, done.returncode) == (f"{STORY}\n", 0)
    (logged,) = json.loads(added("logs", "--json").stdout)
    assert logged["response"] == STORY
    assert logged["input_tokens"] > 0
    assert f"{logged['output_tokens']} output" in done.stderr


def test_what_is_not_whole_ends_with_an_error_behind_what_came(added, scripted_server):
    scripted_server.play(stream("One, two", finish_reason="length"))
    done = added("-m", "m", "-o", "max_continues", "0", "Count.")
    assert done.stdout == "One, two"
    assert done.returncode == 1
    assert done.stderr == (
        "Error: the answer is not whole after 0 continuations; the option max_continues allows"
        " more, and max_tokens longer ones\n"
    )
    assert json.loads(added("logs", "--json").stdout) == []


def test_without_streaming_what_came_is_in_the_error(added, scripted_server):
    scripted_server.play(stream("One, two", finish_reason="length"))
    done = added("-m", "m", "--no-stream", "-o", "max_continues", "0", "Count.")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.endswith("One, two\n")


def test_a_conversation_goes_on_with_its_reasoning(added, scripted_server):
    scripted_server.play(stream({"reasoning_content": "Hm."}, "First."), stream("Second."))
    added("-m", "m", "One")
    assert added("-c", "Two").stdout == "Second.\n"
    said = scripted_server.requests[-1].json["messages"]
    assert [each["content"] for each in said] == ["One", "First.", "Two"]
    assert said[1]["reasoning_content"] == "Hm."


def test_a_chat_ends_with_an_error_and_not_with_a_traceback(added, scripted_server):
    scripted_server.play(stream("Hello."), stream("One, two", finish_reason="length"))
    done = added("chat", "-m", "m", "-o", "max_continues", "0", said="Hi\nCount.\n")
    assert "Hello." in done.stdout
    assert "One, two" in done.stdout
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_function_is_run_and_its_result_is_answered(added, scripted_server):
    scripted_server.play(call_stream(tool_call("add", {"a": 1, "b": 2})), stream("It is 3."))
    code = "def add(a: int, b: int) -> int:\n    return a + b"
    assert added("-m", "m", "--functions", code, "1 + 2?").stdout == "It is 3.\n"
    assert scripted_server.requests[-1].json["messages"][-1]["content"] == "3"


def test_a_schema_gives_json_and_is_logged(added, scripted_server):
    scripted_server.play(stream('{"name": "Alice", "age": 30}'))
    done = added("-m", "m", "--schema", "name, age int", "Who?")
    assert json.loads(done.stdout) == {"name": "Alice", "age": 30}
    with sqlite3.connect(added.folder / "logs.db") as db:
        assert db.execute("select count(*) from schemas").fetchone() == (1,)


def test_options_and_models_are_told(added):
    told = added("models", "--options", "-m", "m").stdout
    assert "lexilux_like: m" in told
    assert "max_continues: int" in told


def test_a_broken_file_is_told_without_a_traceback(shell):
    (shell.folder / MODELS_FILE).write_text("- model_id: local")
    done = shell("models")
    assert done.returncode == 1
    assert "it needs an api_base or a provider" in done.stderr
    assert "Traceback" not in done.stderr
