"""A schema that is sent as the one tool the model must call: its arguments are the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from lexilux_like import ChatIncompleteResponseError
from lexilux_like.testing import Reply, ScriptedServer, answer, refuse, stream, tool_call
from lexilux_like.testing.door import Doors
from lexilux_like.turns.rules import LEARNED


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


ANN = Person(name="Ann", age=30)
ANN_TEXT = '{"name": "Ann", "age": 30}'


@pytest.fixture(autouse=True)
def _forgetful():
    LEARNED._works.clear()
    yield
    LEARNED._works.clear()


def calling(arguments: str, finish_reason: str = "tool_calls") -> Reply:
    """A streamed call, a piece of its arguments after the other."""
    first: dict[str, Any] = {"index": 0, **tool_call("Person", "")}
    pieces = [
        {"index": 0, "function": {"arguments": arguments[i : i + 5]}}
        for i in range(0, len(arguments), 5)
    ]
    deltas = [{"tool_calls": [each]} for each in (first, *pieces)]
    return stream(*deltas, finish_reason=finish_reason)


def sent(server: ScriptedServer) -> list[dict[str, Any]]:
    return [request.json for request in server.requests]


def test_the_schema_is_the_one_tool_that_must_be_called(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(calling(ANN_TEXT))
    assert door(provider="anthropic-compat").parse("Who?", Person) == ANN
    (body,) = sent(scripted_server)
    (tool,) = body["tools"]
    assert tool["function"]["name"] == body["tool_choice"]["function"]["name"] == "Person"
    assert tool["function"]["parameters"]["required"] == ["name", "age"]
    assert "response_format" not in body
    assert len(body["messages"]) == 1


def test_a_whole_body_is_read_alike(door: Doors, scripted_server: ScriptedServer) -> None:
    call = tool_call("Person", json.loads(ANN_TEXT))
    scripted_server.play(answer(None, tool_calls=[call], finish_reason="tool_calls"))
    asked = door(provider="anthropic-compat")
    result = asked.complete("Who?", response_format=Person, resume="off")
    assert (result.parsed, result.status, result.tool_calls) == (ANN, "complete", ())


@pytest.mark.parametrize("method", ["complete_stream", "stream_parse"])
def test_a_stream_shows_the_arguments_as_text(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(calling(ANN_TEXT))
    asked = door(provider="anthropic-compat")
    if method == "stream_parse":
        assert asked.stream_parse("Who?", Person).value == ANN
        return
    streamed = asked.complete_stream("Who?", response_format=Person)
    assert "".join(streamed.deltas) == ANN_TEXT
    assert all(not chunk.tool_calls for chunk in streamed.chunks)
    assert streamed.result.parsed == ANN


def test_arguments_that_were_cut_are_gone_on_from_without_the_tool(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    class Many(BaseModel):
        names: list[str]

    text = json.dumps({"names": [f"name number {n}" for n in range(30)]})

    def model(request: Any) -> Reply:
        messages = request.json["messages"]
        if "tools" in request.json:
            return calling(text[:300], "length")
        return stream(text[len(messages[-2]["content"]) :])

    scripted_server.always(model)
    asked = door(provider="anthropic-compat")
    assert asked.parse("Who?", Many, prefill="off") == Many.model_validate_json(text)
    first, second = sent(scripted_server)
    assert first["tool_choice"]["function"]["name"] == "Many"
    assert "tool_choice" not in second


def test_arguments_that_stay_cut_are_never_a_value(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(calling('{"name": "An', "length"))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        door(provider="anthropic-compat").parse("Who?", Person)
    assert caught.value.final_result is not None
    assert caught.value.final_result.tool_calls == ()


def test_a_model_that_answers_in_words_of_json_is_read_too(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream(f"Here it is: {ANN_TEXT}"))
    assert door(provider="anthropic-compat").parse("Who?", Person) == ANN


def test_a_server_without_tools_is_asked_in_the_prompt_and_remembered(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(
        refuse(400, "tools are not supported by this model"), stream(ANN_TEXT), stream(ANN_TEXT)
    )
    asked = door(provider="anthropic-compat")
    assert asked.parse("Who?", Person) == asked.parse("Who?", Person) == ANN
    assert ["tools" in body for body in sent(scripted_server)] == [True, False, False]


def test_tools_of_the_callers_own_leave_no_room_for_ours(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    own = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    scripted_server.play(stream(ANN_TEXT))
    assert door(provider="anthropic-compat").parse("Who?", Person, tools=[own]) == ANN
    assert [each["function"]["name"] for each in sent(scripted_server)[0]["tools"]] == ["f"]
