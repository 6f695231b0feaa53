"""The engine's process: it starts, says why when it does not, and ends with its parent."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from lexilux_like.testing import plugin
from lexilux_like.testing.engine import EngineError, LlamaServer, literal_grammar
from lexilux_like.testing.plugin import require_engine
from lexilux_like.testing.tiny_gguf import write_random_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    require_engine()
    path = tmp_path / "random.gguf"
    write_random_model(path)
    return path


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def keep_connecting(url: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)).close()
        time.sleep(0.01)


def test_engine_serves_under_its_alias(model: Path) -> None:
    with LlamaServer(model, alias="my-model") as server:
        models = httpx.get(f"{server.url}/models", trust_env=False).json()["data"]
    assert [each["id"] for each in models] == ["my-model"]


def test_context_and_slots_are_as_asked(model: Path) -> None:
    with LlamaServer(model, context=512, slots=2) as server:
        slots = httpx.get(f"{server.root_url}/slots", trust_env=False).json()
    assert [slot["n_ctx"] for slot in slots] == [512, 512]


def test_model_that_cannot_be_loaded_is_an_error_with_the_log(tmp_path: Path) -> None:
    require_engine()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but not really")
    with pytest.raises(EngineError, match=r"did not start(.|\n)*RuntimeError"):
        LlamaServer(broken)


def test_engine_that_is_not_ready_in_time_is_killed(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lexilux_like.testing.engine.STARTUP_S", 0.001)
    with pytest.raises(EngineError, match=r"did not start within 0\.001 s"):
        LlamaServer(model)


def test_close_ends_the_process(model: Path) -> None:
    server = LlamaServer(model)
    assert is_running(server.pid)
    server.close()
    assert not is_running(server.pid)


def test_engine_that_hangs_is_killed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lexilux_like.testing.engine.STOP_S", 0.05)
    with LlamaServer(model) as server:
        subprocess.run(["kill", "-STOP", str(server.pid)], check=True)
    assert not is_running(server.pid)


def test_engine_does_not_outlive_a_killed_parent(model: Path) -> None:
    program = f"""
import os
from lexilux_like.testing.engine import LlamaServer
print(LlamaServer({str(model)!r}).url, flush=True)
os.kill(os.getpid(), 9)
"""
    parent = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=False)
    assert parent.returncode == -9
    with pytest.raises(ConnectionRefusedError):
        keep_connecting(parent.stdout.decode().strip(), seconds=5)


@pytest.mark.parametrize("text", ["", "plain", 'a "quoted" \\ line\n', "\x01 é 😀 \u2028 [x]"])
def test_literal_grammar_makes_the_model_say_the_text(llama: LlamaServer, text: str) -> None:
    question = {"messages": [{"role": "user", "content": "Hi"}], "grammar": literal_grammar(text)}
    answer = httpx.post(f"{llama.url}/chat/completions", json=question, trust_env=False)
    assert answer.json()["choices"][0]["message"]["content"] == text


def test_same_seed_writes_the_same_model(tmp_path: Path) -> None:
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        write_random_model(tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    assert 250_000 < len(a) < 350_000


def test_child_prints_one_line_of_json(model: Path) -> None:
    command = [sys.executable, "-m", "lexilux_like.testing.engine", str(model)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30
    )
    assert json.loads(done.stdout)["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_missing_engine_skips_here_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(plugin, "find_spec", lambda _name: None)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="xllamacpp is not installed"):
        require_engine()
