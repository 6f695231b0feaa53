"""The file of models that the plugin for `llm` reads and adds to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from asked_by_llm import MODELS_FILE, llm

from lexilux_like.bridges.llm import ModelEntry, ModelsFileError, make_models
from lexilux_like.bridges.llm.entries import append_entry, read_entries

LOCAL = {"model_id": "local", "api_base": "http://127.0.0.1:8080/v1"}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    return tmp_path / MODELS_FILE


def ours() -> list[str]:
    return [str(m.model_id) for m in llm.get_models() if str(m).startswith("lexilux_like: ")]


def test_without_a_file_there_are_no_models(path):
    assert ours() == []


def test_models_and_aliases_are_registered_in_both_doors(path):
    path.write_text("- {model_id: local, api_base: 'http://127.0.0.1:8080/v1', aliases: [l]}")
    assert ours() == ["local"]
    assert llm.get_model("l").model_id == "local"
    assert llm.get_async_model("l").model_id == "local"


def test_a_program_makes_models_without_the_file(path):
    entry = ModelEntry(model_id="mini", provider="openai")
    models = make_models(entry)
    assert [repr(model) for model in models] == ["<lexilux_like: mini>"] * 2
    assert ours() == []


def test_both_doors_of_a_model_share_its_clients(path):
    append_entry(path, LOCAL)
    sync, asynchronous = llm.get_model("local"), llm.get_async_model("local")
    (both,) = [each for each in llm.get_models_with_aliases() if each.model.model_id == "local"]
    assert both.model._chat(None) is both.async_model._chat(None)
    assert sync is not asynchronous


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "is not YAML"),
        ("model_id: local", "must be a list of models"),
        ("- model_id: local", "model 1: it needs an api_base or a provider"),
        ("- {model_id: a, api_base: 'http://h/v1'}\n- just text", "model 2"),
        ("- {model_id: a, provider: deepsek}", "did you mean 'deepseek'?"),
        ("- {model_id: a, api_base: 'http://h/v1', provider: nope}", "nope"),
        ("- {model_id: a, provider: azure}", "has no address of its own"),
        ("- {model_id: a, api_base: 'ftp://h'}", "must start with http"),
        ("- {model_id: a, api_base: 'http://h/v1', completion: true}", "completion=True"),
        ("- {model_id: '', api_base: 'http://h/v1'}", "model_id=''"),
        ("- {model_id: a, provider: openai}\n- {model_id: a, provider: openai}", "twice: 'a'"),
    ],
)
def test_a_file_that_cannot_be_understood_is_told(path, text, told):
    path.write_text(text)
    with pytest.raises(ModelsFileError) as caught:
        llm.get_models()
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_text_is_told(path):
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelsFileError, match="cannot be read"):
        read_entries(path)


def test_an_empty_file_has_no_models(path):
    path.write_text("# nothing yet\n")
    assert read_entries(path) == []


def test_adding_leaves_the_rest_of_the_file_as_it_is(path):
    before = "# my models\n- model_id: first\n  provider: openai  # mine"
    path.write_text(before)
    append_entry(path, LOCAL)
    assert path.read_text().startswith(f"{before}\n- model_id: local\n")
    assert [entry.model_id for entry in read_entries(path)] == ["first", "local"]


@pytest.mark.parametrize("before", ["[{model_id: a, provider: openai}]\n", "[]\n"])
def test_a_file_of_another_form_is_not_touched(path, before):
    path.write_text(before)
    with pytest.raises(ModelsFileError, match="add this to it by hand:\n- model_id: local"):
        append_entry(path, LOCAL)
    assert path.read_text() == before


def test_a_model_is_not_added_twice(path):
    append_entry(path, LOCAL)
    with pytest.raises(ModelsFileError, match="twice: 'local'"):
        append_entry(path, LOCAL)
    assert len(read_entries(path)) == 1


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"provider": "openrouter"}, "openrouter"),
        ({"api_base": "https://api.deepseek.com"}, "deepseek"),
        ({"api_base": "http://127.0.0.1:8080/v1"}, None),
        ({"api_base": "https://llm.example.com/v1"}, None),
        ({"api_base": "https://llm.example.com/v1", "api_key_name": "mine"}, "mine"),
        ({"provider": "openrouter", "api_key_name": "second"}, "second"),
        ({"provider": "openai", "api_base": "http://127.0.0.1/v1", "api_key_name": None}, None),
    ],
)
def test_a_key_is_sent_only_where_one_is_wanted(path, fields, name):
    assert append_entry(path, {"model_id": "a", **fields}).needs_key == name


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, set()),
        ({"vision": True}, {"image/png", "image/jpeg", "image/webp", "image/gif"}),
        ({"audio": True}, {"audio/wav", "audio/mpeg"}),
        ({"pdf": True}, {"application/pdf"}),
    ],
)
def test_attachments_are_taken_as_promised(path, fields, kinds):
    assert append_entry(path, {**LOCAL, **fields}).attachment_types == kinds


def test_the_hooks_alone_load_nothing(path):
    code = (
        "import sys, llm; before = set(sys.modules)\n"
        "import lexilux_like.bridges.llm\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "lexilux_like",
        "lexilux_like.bridges",
        "lexilux_like.bridges.llm",
    ]


def test_an_llm_that_is_too_old_is_told(path, monkeypatch):
    append_entry(path, LOCAL)
    for name in ("models", "answers", "messages"):
        monkeypatch.delitem(sys.modules, f"lexilux_like.bridges.llm.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "llm.parts", None)
    with pytest.raises(ModelsFileError, match="needs a newer llm: pip install -U"):
        llm.get_models()
