"""The tool loop with a real llama.cpp, and calls that a model writes out in its text."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from lexilux_like import (
    ChatHistory,
    ChatIncompleteResponseError,
    ChatResult,
    OutputValidationError,
    ToolStep,
)
from lexilux_like.testing.door import Door, Doors, Streamed
from lexilux_like.testing.engine import LlamaServer, literal_grammar
from lexilux_like.wire import registry
from lexilux_like.wire.profile import Profile

EACH_METHOD = pytest.mark.parametrize("method", ["run_tools", "run_tools_stream"])
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return json.dumps({"city": city, "temperature": 21, "sky": "sunny"})


def result_of(got: ChatResult | Streamed) -> ChatResult:
    return got.result if isinstance(got, Streamed) else got


@pytest.fixture
def text_form(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A provider that takes tools in the text alone."""
    monkeypatch.setattr(registry, "_registered", {})
    registry.register_provider(Profile(name="in-text", tools="text"))
    return "in-text"


@EACH_METHOD
def test_the_model_answers_from_what_its_tool_returned(trained_model: Door, method: str) -> None:
    got = getattr(trained_model, method)(
        "What is the weather in Oslo?", temperature=0, tools=[get_weather]
    )
    result = result_of(got)
    assert (result.text, result.status) == ("It is sunny in Oslo with 21 degrees.", "complete")
    (outcome,) = result.steps[0].outcomes
    assert (outcome.call.get_arguments(), outcome.error) == ({"city": "Oslo"}, None)


@EACH_METHOD
def test_a_run_is_continued_where_a_limit_cuts_its_answer(trained_model: Door, method: str) -> None:
    got = getattr(trained_model, method)(
        "What is the weather in Oslo?",
        temperature=0,
        tools=[get_weather],
        max_tokens=25,
        max_continues=20,
    )
    assert result_of(got).text == "It is sunny in Oslo with 21 degrees."


def test_the_conversation_goes_on_behind_a_run(trained_model: Door) -> None:
    history = ChatHistory("What is the weather in Oslo?")
    history.append_result(
        trained_model.run_tools([], history=history, temperature=0, tools=[get_weather])
    )
    assert len(history) == 4
    result = trained_model.run_tools(
        "What is two and two?", history=history, temperature=0, tools=[get_weather], max_tokens=50
    )
    assert (result.status, len(result.steps)) == ("complete", 1)


@EACH_METHOD
def test_both_calls_of_an_answer_are_run(trained_model: Door, method: str) -> None:
    got = getattr(trained_model, method)(
        "Weather in Paris and Rome?",
        temperature=0,
        tools=[get_weather],
        max_tokens=100,
        ensure_complete=False,
    )
    outcomes = result_of(got).steps[0].outcomes
    assert [json.loads(each.content)["city"] for each in outcomes] == ["Paris", "Rome"]


@pytest.mark.parametrize("method", ["call", "stream", "complete", "complete_stream"])
def test_a_call_in_the_text_is_a_call(
    doors: Doors, llama: LlamaServer, text_form: str, method: str
) -> None:
    got = getattr(doors(base_url=llama.url, provider=text_form), method)(
        "What is the weather in Oslo?",
        tools=[get_weather],
        extra={"grammar": literal_grammar(f"So: {CALL}")},
    )
    result = result_of(got)
    assert (result.text, result.status) == ("So: ", "tool_calls")
    assert [call.get_arguments() for call in result.tool_calls] == [{"city": "Oslo"}]
    if isinstance(got, Streamed):
        assert "".join(got.deltas) == "So: "


@EACH_METHOD
def test_calls_in_the_text_are_run(
    doors: Doors, llama: LlamaServer, text_form: str, method: str
) -> None:
    got = getattr(doors(base_url=llama.url, provider=text_form), method)(
        "What is the weather in Oslo?",
        tools=[get_weather],
        extra={"grammar": literal_grammar(CALL)},
        max_steps=2,
        ensure_complete=False,
    )
    first, second = result_of(got).steps
    assert json.loads(first.outcomes[0].content)["city"] == "Oslo"
    assert [call.name for call in second.result.tool_calls] == ["get_weather"]


class Report(BaseModel):
    city: str


@EACH_METHOD
def test_a_type_leaves_the_model_room_to_call_a_tool(trained_model: Door, method: str) -> None:
    """What it says in the end is more than so small a model can do by a schema it only reads."""
    steps: list[ToolStep] = []
    with pytest.raises((OutputValidationError, ChatIncompleteResponseError)):
        getattr(trained_model, method)(
            "What is the weather in Oslo?",
            temperature=0,
            tools=[get_weather],
            response_format=Report,
            max_reasks=0,
            on_step=steps.append,
        )
    assert [each.call.name for each in steps[0].outcomes] == ["get_weather"]
