"""`llm lexilux`: adding models, and seeing what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asked_by_llm import MODELS_FILE
from click.testing import CliRunner, Result
from llm.cli import cli

from lexilux_like.testing import json_reply, refuse, stream


class Shell:
    """`llm`, with a folder of its own, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str) -> Result:
        env = {"LLM_USER_PATH": str(self.folder), "DEEPSEEK_API_KEY": None}
        return CliRunner(env=env).invoke(cli, words)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def listing(*names: str) -> Any:
    return json_reply({"object": "list", "data": [{"id": name} for name in names]})


def test_a_model_that_the_server_has_is_added_and_answers(shell, scripted_server):
    scripted_server.play(listing("tiny"), stream("Hello"))
    place = ("--api-base", scripted_server.url, "--model-name", "tiny")
    done = shell("lexilux", "add", "local", *place, "-a", "l", "--vision")
    assert done.exit_code == 0, done.stderr
    assert "The server has it." in done.stderr
    assert shell("-m", "l", "Hi").stdout == "Hello\n"
    assert scripted_server.requests[0].path.endswith("/v1/models")
    assert scripted_server.requests[-1].json["model"] == "tiny"
    assert shell("lexilux", "list").stdout == f"local (l): tiny at {scripted_server.url}\n"
    assert shell("lexilux", "path").stdout == f"{shell.folder / MODELS_FILE}\n"


def test_a_model_that_the_server_does_not_list_is_not_added(shell, scripted_server):
    scripted_server.play(listing("qwen-small", "llama"))
    done = shell("lexilux", "add", "qwen", "--api-base", scripted_server.url)
    assert done.exit_code == 1
    assert "'qwen'; it has qwen-small" in done.stderr
    assert not (shell.folder / MODELS_FILE).exists()


def test_a_server_without_a_list_is_no_obstacle(shell, scripted_server):
    scripted_server.play(refuse(404, "no such path"))
    done = shell("lexilux", "add", "m", "--api-base", scripted_server.url)
    assert "Not checked" in done.stderr
    assert "answered 404" in done.stderr
    assert shell("lexilux", "list").stdout.startswith("m: ")


def test_unchecked_nobody_is_asked(shell, scripted_server):
    shell("lexilux", "add", "m", "--api-base", scripted_server.url, "--no-check")
    assert scripted_server.requests == []
    assert shell("lexilux", "list").stdout == f"m: m at {scripted_server.url}\n"


def test_without_a_key_the_hint_is_how_to_set_it(shell):
    done = shell("lexilux", "add", "deep", "-p", "deepseek", "--model-name", "deepseek-chat")
    assert "llm keys set deepseek" in done.stderr
    assert "key 'deepseek'" in shell("lexilux", "list").stdout


def test_a_name_that_llm_has_is_not_taken(shell):
    done = shell("lexilux", "add", "mine", "-p", "openai", "-a", "4o", "--no-check")
    assert done.exit_code == 1
    assert "llm has '4o' already" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"), [((), "api_base or a provider"), (("-p", "deepsek"), "deepseek")]
)
def test_a_model_that_is_nowhere_is_not_added(shell, words, told):
    done = shell("lexilux", "add", "m", *words)
    assert done.exit_code == 1
    assert told in done.stderr


@pytest.mark.parametrize(
    ("provider", "header"), [("deepseek", "authorization"), ("anthropic", "x-api-key")]
)
def test_a_server_is_asked_for_its_models_with_the_key(shell, scripted_server, provider, header):
    (shell.folder / "keys.json").write_text(json.dumps({provider: "sk-stored"}))
    scripted_server.play(listing("one", "two"))
    done = shell("lexilux", "models", "-p", provider, "--api-base", scripted_server.url)
    assert done.stdout == "one\ntwo\n"
    (request,) = scripted_server.requests
    assert request.headers[header].endswith("sk-stored")


def test_a_refusal_to_list_is_told_without_the_key(shell, scripted_server):
    (shell.folder / "keys.json").write_text('{"mine": "sk-very-secret"}')
    scripted_server.play(refuse(401, "sk-very-secret is wrong"))
    place = ("--api-base", scripted_server.url, "--api-key-name", "mine")
    done = shell("lexilux", "models", *place)
    assert done.exit_code == 1
    assert "answered 401" in done.stderr
    assert "sk-very-secret" not in done.stderr


def test_a_server_that_is_not_there_is_told(shell):
    done = shell("lexilux", "models", "--api-base", "http://127.0.0.1:9/v1")
    assert done.exit_code == 1
    assert "no connection" in done.stderr
