"""Structured output in LangChain: a value of the schema, or an error, and never half of one."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from chains import EACH_WAY, ask, chunks_of
from competent import JOKE, compete
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel, ValidationError

from lexilux_like import ChatIncompleteResponseError
from lexilux_like import ValidationError as CallError
from lexilux_like.bridges.langchain import ChatLexilux
from lexilux_like.testing import ScriptedServer, SimulatedModel, call_stream, stream, tool_call

METHODS = ("json_schema", "function_calling", "json_mode")
EACH_METHOD = pytest.mark.parametrize("method", METHODS)
QUESTION = "Tell me a joke about cats, as JSON."
TEXT = '{"setup": "Why did the cat sit there?", "punchline": "To watch the mouse."}'


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


class JokeDict(TypedDict):
    """A joke."""

    setup: str
    punchline: str


SCHEMA = Joke.model_json_schema()


@pytest.fixture
def model(scripted_server: ScriptedServer) -> ChatLexilux:
    scripted_server.always(compete)
    return ChatLexilux(base_url=scripted_server.url, model="m")


def cut_reply(method: str) -> Any:
    """What a token limit leaves of a joke."""
    if method == "function_calling":
        call = tool_call("Joke", TEXT[:30]) | {"index": 0}
        return stream({"tool_calls": [call]}, finish_reason="length")
    return stream(TEXT[:30], finish_reason="length")


@EACH_WAY
@EACH_METHOD
def test_a_pydantic_class_gives_its_instances(model: ChatLexilux, method: Any, way: str):
    answers = model.with_structured_output(Joke, method=method)
    if way in ("invoke", "ainvoke"):
        assert ask(answers, way, QUESTION) == Joke(**JOKE)
    else:
        assert chunks_of(answers, way, QUESTION)[-1] == Joke(**JOKE)


@pytest.mark.parametrize("schema", [JokeDict, SCHEMA], ids=["TypedDict", "JSON schema"])
@EACH_METHOD
def test_other_schemas_give_dicts(model: ChatLexilux, method: Any, schema: Any):
    assert model.with_structured_output(schema, method=method).invoke(QUESTION) == JOKE


def test_json_mode_needs_no_schema(model: ChatLexilux):
    assert model.with_structured_output(method="json_mode").invoke(QUESTION) == JOKE


@pytest.mark.parametrize("strict", [None, True, False])
def test_the_schema_is_sent_as_it_is_asked_for(
    model: ChatLexilux, scripted_server: ScriptedServer, strict: bool | None
):
    model.with_structured_output(Joke, strict=strict).invoke(QUESTION)
    form = scripted_server.requests[0].json["response_format"]
    assert (form["type"], form["json_schema"]["name"]) == ("json_schema", "Joke")
    assert form["json_schema"].get("strict") is strict
    assert set(form["json_schema"]["schema"]["properties"]) == {"setup", "punchline"}


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_schema_in_its_form_on_the_wire_is_left_as_it_is(
    model: ChatLexilux, scripted_server: ScriptedServer, wrapped: bool
):
    inner = {"name": "joke", "schema": SCHEMA, "strict": True}
    form = {"type": "json_schema", "json_schema": inner}
    model.with_structured_output(form if wrapped else inner).invoke(QUESTION)
    assert scripted_server.requests[0].json["response_format"] == form


def test_function_calling_forces_one_call(model: ChatLexilux, scripted_server: ScriptedServer):
    model.with_structured_output(Joke, method="function_calling").invoke(QUESTION)
    body = scripted_server.requests[0].json
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_dict_grows_while_it_comes(model: ChatLexilux, scripted_server: ScriptedServer, way: str):
    scripted_server.always(stream('{"setup": "' + "a" * 99 + '", ', '"punchline": "b"}'))
    values = chunks_of(model.with_structured_output(SCHEMA), way, QUESTION)
    assert len(values) > 1
    assert values[-1] == {"setup": "a" * 99, "punchline": "b"}


@EACH_WAY
def test_a_cut_answer_is_made_whole(model: ChatLexilux, scripted_server: ScriptedServer, way: str):
    scripted_server.always(SimulatedModel(TEXT, cut=40))
    answers = model.with_structured_output(Joke)
    got = ask(answers, way, QUESTION) if "invoke" in way else chunks_of(answers, way, QUESTION)[-1]
    assert got == Joke.model_validate_json(TEXT)


@EACH_WAY
@EACH_METHOD
@pytest.mark.parametrize("ensure_complete", [True, False])
def test_an_answer_that_stays_cut_is_an_error(
    scripted_server: ScriptedServer, method: Any, way: str, ensure_complete: bool
):
    scripted_server.always(cut_reply(method))
    model = ChatLexilux(
        base_url=scripted_server.url,
        model="m",
        ensure_complete=ensure_complete,
        max_continues=0,
    )
    answers = model.with_structured_output(SCHEMA, method=method)
    expected = ChatIncompleteResponseError if ensure_complete else OutputParserException
    with pytest.raises(expected):
        chunks_of(answers, way, QUESTION) if "stream" in way else ask(answers, way, QUESTION)


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@EACH_METHOD
def test_with_the_message_beside_it_a_cut_answer_is_told(
    scripted_server: ScriptedServer, method: Any, way: str
):
    scripted_server.always(cut_reply(method))
    model = ChatLexilux(base_url=scripted_server.url, model="m", max_continues=0)
    got = ask(model.with_structured_output(Joke, method=method, include_raw=True), way, QUESTION)
    assert got["parsed"] is None
    assert "not whole (truncated)" in str(got["parsing_error"])
    assert got["raw"].response_metadata["status"] == "truncated"


@EACH_METHOD
def test_with_the_message_beside_it_a_value_is_a_value(model: ChatLexilux, method: Any):
    got = model.with_structured_output(Joke, method=method, include_raw=True).invoke(QUESTION)
    assert got["parsed"] == Joke(**JOKE)
    assert got["parsing_error"] is None
    assert got["raw"].usage_metadata["output_tokens"] == 12


@EACH_METHOD
def test_a_refusal_is_an_error_that_repeats_it(scripted_server: ScriptedServer, method: Any):
    scripted_server.always(stream({"refusal": "No jokes."}))
    model = ChatLexilux(base_url=scripted_server.url, model="m", ensure_complete=False)
    with pytest.raises(OutputParserException, match="No jokes"):
        model.with_structured_output(Joke, method=method).invoke(QUESTION)


def test_words_in_place_of_a_call_are_an_error_and_not_none(
    model: ChatLexilux, scripted_server: ScriptedServer
):
    scripted_server.always(stream("I would rather not."))
    with pytest.raises(OutputParserException, match="called no tool"):
        model.with_structured_output(SCHEMA, method="function_calling").invoke(QUESTION)


def test_a_call_that_is_no_object_is_an_error_and_not_none(
    scripted_server: ScriptedServer,
):
    scripted_server.always(call_stream(tool_call("Joke", "[1]")))
    model = ChatLexilux(base_url=scripted_server.url, model="m", ensure_complete=False)
    with pytest.raises(OutputParserException, match="no JSON object"):
        model.with_structured_output(SCHEMA, method="function_calling").invoke(QUESTION)


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_a_value_that_does_not_fit_is_an_error(
    model: ChatLexilux, scripted_server: ScriptedServer, method: Any
):
    scripted_server.always(stream('{"setup": 1}'))
    with pytest.raises((OutputParserException, ValidationError)):
        model.with_structured_output(Joke, method=method).invoke(QUESTION)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"schema": Joke, "method": "magic"}, "method='magic': use one of json_schema"),
        ({"schema": None}, "method='json_schema' needs a schema"),
        ({"schema": Joke, "method": "json_mode", "strict": True}, "strict= is not for"),
    ],
)
def test_a_method_without_sense_is_refused(
    model: ChatLexilux, arguments: dict[str, Any], problem: str
):
    with pytest.raises(CallError, match=problem):
        model.with_structured_output(**arguments)
