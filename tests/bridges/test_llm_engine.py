"""The plugin for `llm` on a real engine."""

from __future__ import annotations

import json

import pytest
from asked_by_llm import LLMDoor, llm, llm_door, text_of
from click.testing import CliRunner

from lexilux_like.bridges.llm import AnswerError
from lexilux_like.bridges.llm.commands import lexilux
from lexilux_like.testing.engine import literal_grammar

__all__ = ["llm_door"]  # pytest finds it here
STORY = "The harbour wakes before the town does and nobody speaks"


@pytest.fixture
def engine(llm_door: LLMDoor, llama) -> LLMDoor:
    """A model `engine`, which says what a grammar makes it say."""
    llm_door.add("engine", llama.url, model_name="tiny")
    return llm_door


def scripted(text: str) -> dict[str, object]:
    return {"extra": {"grammar": literal_grammar(text)}}


@pytest.mark.parametrize("streams", [True, False])
def test_it_answers(engine, streams):
    response = engine.prompt("Hi", on=engine.model("engine"), stream=streams, **scripted(STORY))
    assert engine.text(response) == STORY
    assert response.output_tokens > 1


def test_an_answer_that_it_cuts_is_an_error_behind_what_came(engine):
    options = {"max_tokens": 5, "max_continues": 0, **scripted(STORY)}
    events, error = engine.run(engine.model("engine").prompt("Hi", **options))
    assert isinstance(error, AnswerError)
    assert "" != text_of(events) != STORY
    assert STORY.startswith(text_of(events))


def test_a_schema_is_kept(engine):
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}},
        "required": ["sure"],
        "additionalProperties": False,
    }
    response = engine.prompt("Sure?", on=engine.model("engine"), schema=schema)
    assert set(json.loads(engine.text(response))) == {"sure"}


def test_the_command_asks_it_for_its_models(llama, tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    place = ["--api-base", llama.url, "--model-name", "tiny"]
    done = CliRunner().invoke(lexilux, ["add", "local", *place])
    assert "The server has it." in done.output
    assert llm.get_model("local").needs_key is None
