"""Tools and typed outputs of pydantic-ai's agents on a `Chat`."""

from __future__ import annotations

import asyncio

import pytest
from pydantic_agents import (
    TAKEN_AS_IT_COMES,
    Person,
    ask,
    calls,
    claude_of,
    model_of,
    sent,
    stored,
    uses,
)
from pydantic_ai import (
    Agent,
    BinaryImage,
    DeferredToolRequests,
    DeferredToolResults,
    ModelRetry,
    NativeOutput,
    PromptedOutput,
    ToolOutput,
    UserError,
)
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest, ToolCallPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ToolOrOutput
from pydantic_ai.tools import ToolDefinition

from lexilux_like.testing import Reply, ScriptedServer, answer, stream, tool_call
from lexilux_like.testing.messages import message_stream, thinking_block

ALICE = Person(name="Alice", age=30)
ALICE_JSON = ALICE.model_dump_json()
ROME = ("weather", {"city": "Rome"})
PNG = b"\x89PNG\r\n\x1a\n"
TOOLS = [ToolDefinition(name=name) for name in ("one", "two", "three")]


def weather_agent(model, **options) -> Agent:
    agent = Agent(model, **options)

    @agent.tool_plain
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    return agent


def test_a_tool_is_called_and_its_result_sent_back(scripted_server: ScriptedServer):
    scripted_server.play(calls(ROME), stream("Sunny."))
    assert ask(weather_agent(model_of(scripted_server))).output == "Sunny."
    first, second = sent(scripted_server, 0), sent(scripted_server, 1)
    (tool,) = first["tools"]
    assert tool["function"]["description"] == "The weather in a city."
    assert tool["function"]["parameters"]["required"] == ["city"]
    assert "tool_choice" not in first
    assert second["messages"][1]["tool_calls"][0]["id"] == "call_0"
    assert second["messages"][2] == {
        "role": "tool",
        "tool_call_id": "call_0",
        "content": "sunny in Rome",
    }


def test_a_tool_of_claude_is_called_with_its_reasoning_sent_back(scripted_server: ScriptedServer):
    thought = thinking_block("Hm.", "c2ln")
    scripted_server.play(
        uses(ROME, before=[thought, "Let me look."]),
        message_stream("Sunny."),
    )
    assert ask(weather_agent(claude_of(scripted_server))).output == "Sunny."
    _, said, result = sent(scripted_server)["messages"]
    assert [block["type"] for block in said["content"]] == ["thinking", "text", "tool_use"]
    assert said["content"][0] == thought
    assert result["content"][0]["content"] == "sunny in Rome"


def test_async_tools_of_one_answer_run_side_by_side(scripted_server: ScriptedServer):
    scripted_server.play(calls(("wait", {}), ("wait", {})), stream("Both."))
    agent = Agent(model_of(scripted_server))
    both = asyncio.Barrier(2)

    @agent.tool_plain
    async def wait() -> str:
        await asyncio.wait_for(both.wait(), 2)
        return "done"

    assert ask(agent).output == "Both."
    ids = [message["tool_call_id"] for message in sent(scripted_server)["messages"][2:]]
    assert ids == ["call_0", "call_1"]


def test_a_tool_may_ask_for_another_try(scripted_server: ScriptedServer):
    scripted_server.play(calls(("guess", {"n": 1})), calls(("guess", {"n": 2})), stream("Two."))
    agent = Agent(model_of(scripted_server))

    @agent.tool_plain
    def guess(n: int) -> str:
        if n == 1:
            raise ModelRetry("higher")
        return "right"

    assert ask(agent).output == "Two."
    assert "higher" in sent(scripted_server, 1)["messages"][2]["content"]


@pytest.mark.parametrize(
    ("make", "bad", "good", "last"),
    [
        (model_of, calls(("weather", '{"city": 1}')), calls(ROME), stream("Sunny.")),
        (model_of, calls(("weather", "not JSON")), calls(ROME), stream("Sunny.")),
        (claude_of, uses(("weather", {"city": 1})), uses(ROME), message_stream("Sunny.")),
    ],
    ids=["openai", "no_json", "anthropic"],
)
def test_arguments_that_do_not_fit_are_told_and_asked_for_again(
    scripted_server: ScriptedServer, make, bad: Reply, good: Reply, last: Reply
):
    scripted_server.play(bad, good, last)
    assert ask(weather_agent(make(scripted_server))).output == "Sunny."
    assert "rror" in str(sent(scripted_server, 1)["messages"][-1])


def test_a_call_without_an_id_gets_one(scripted_server: ScriptedServer):
    call = {"index": 0, "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    scripted_server.play(
        stream({"tool_calls": [call]}, finish_reason="tool_calls"), stream("Sunny.")
    )
    ask(weather_agent(model_of(scripted_server)))
    _, said, result = sent(scripted_server)["messages"]
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] != ""


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_what_else_a_call_had_is_sent_back(scripted_server: ScriptedServer, streams: bool):
    signed = {"google": {"thought_signature": "c2ln"}}
    call = {
        "index": 0,
        "id": "c",
        "extra_content": signed,
        "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
    }
    scripted_server.play(
        stream({"tool_calls": [call]}, finish_reason="tool_calls"), stream("Sunny.")
    )
    agent = weather_agent(model_of(scripted_server))

    async def run() -> None:
        if streams:
            async with agent.run_stream("Hi") as got:
                await got.get_output()
        else:
            await agent.run("Hi")

    asyncio.run(run())
    assert sent(scripted_server)["messages"][1]["tool_calls"][0]["extra_content"] == signed


@pytest.mark.parametrize(("make", "place"), [(model_of, -1), (claude_of, -1)])
def test_files_of_a_tool_follow_in_a_user_message(scripted_server: ScriptedServer, make, place):
    of_claude = make is claude_of
    scripted_server.play(
        (uses if of_claude else calls)(("look", {})),
        (message_stream if of_claude else stream)("A cat."),
    )
    agent = Agent(make(scripted_server))

    @agent.tool_plain
    def look() -> BinaryImage:
        return BinaryImage(PNG, media_type="image/png")

    assert ask(agent).output == "A cat."
    last = sent(scripted_server)["messages"][place]
    assert last["role"] == "user"
    kinds = [part["type"] for part in last["content"]]
    assert ("image" if of_claude else "image_url") in kinds


def test_a_call_may_wait_for_approval(scripted_server: ScriptedServer):
    scripted_server.play(calls(("delete", {})), stream("Gone."))
    agent = Agent(model_of(scripted_server), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def delete() -> str:
        return "deleted"

    first = ask(agent)
    (waiting,) = first.output.approvals
    assert waiting.tool_name == "delete"
    second = ask(
        agent,
        None,
        message_history=stored(first.all_messages()),
        deferred_tool_results=DeferredToolResults(approvals={waiting.tool_call_id: True}),
    )
    assert second.output == "Gone."


@pytest.mark.parametrize("make", [model_of, claude_of], ids=["openai", "anthropic"])
def test_an_output_tool_is_demanded_and_read(scripted_server: ScriptedServer, make):
    of_claude = make is claude_of
    reply = (uses if of_claude else calls)(("final_result", ALICE.model_dump()))
    scripted_server.play(reply)
    assert ask(Agent(make(scripted_server), output_type=ToolOutput(Person))).output == ALICE
    wanted = {"type": "any"} if of_claude else "required"
    assert sent(scripted_server)["tool_choice"] == wanted


def test_native_output_is_a_schema_on_the_wire(scripted_server: ScriptedServer):
    scripted_server.play(stream(ALICE_JSON))
    agent = Agent(model_of(scripted_server), output_type=NativeOutput(Person, strict=True))
    assert ask(agent).output == ALICE
    form = sent(scripted_server)["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] == "Person"
    assert form["json_schema"]["strict"] is True
    assert form["json_schema"]["description"] == "A person."
    assert set(form["json_schema"]["schema"]["properties"]) == {"name", "age"}


def test_native_output_of_claude_is_its_output_format(scripted_server: ScriptedServer):
    scripted_server.play(message_stream(ALICE_JSON))
    model = claude_of(scripted_server, model_name="claude-sonnet-4-5")
    assert ask(Agent(model, output_type=NativeOutput(Person))).output == ALICE
    assert sent(scripted_server)["output_config"]["format"]["type"] == "json_schema"


def test_native_output_is_refused_where_the_provider_has_none(scripted_server: ScriptedServer):
    model = model_of(scripted_server, client={"provider": "deepseek"})
    with pytest.raises(UserError, match="Native structured output"):
        ask(Agent(model, output_type=NativeOutput(Person)))


@pytest.mark.parametrize("mode", [NativeOutput, PromptedOutput])
def test_a_schema_that_would_bar_tools_is_told_in_the_prompt_alone(
    scripted_server: ScriptedServer, mode
):
    scripted_server.play(calls(ROME), stream(ALICE_JSON))
    model = model_of(scripted_server, client={"provider": "llama.cpp"})
    assert ask(weather_agent(model, output_type=mode(Person))).output == ALICE
    body = sent(scripted_server)
    assert "response_format" not in body
    assert '"age"' in body["messages"][0]["content"]


def test_prompted_output_asks_for_json(scripted_server: ScriptedServer):
    scripted_server.play(stream(ALICE_JSON))
    agent = Agent(model_of(scripted_server), output_type=PromptedOutput(Person))
    assert ask(agent).output == ALICE
    body = sent(scripted_server)
    assert body["response_format"] == {"type": "json_object"}
    assert '"age"' in body["messages"][0]["content"]


def test_a_value_that_does_not_fit_is_told_and_asked_for_again(scripted_server: ScriptedServer):
    scripted_server.play(stream('{"name": "Alice"}'), stream(ALICE_JSON))
    agent = Agent(model_of(scripted_server), output_type=NativeOutput(Person))
    assert ask(agent).output == ALICE
    assert "age" in sent(scripted_server)["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("settings", "pieces"), [(None, 1), (TAKEN_AS_IT_COMES, 2)], ids=["whole", "as_it_comes"]
)
def test_calls_are_streamed_piece_by_piece_only_where_they_are_taken_as_they_come(
    scripted_server: ScriptedServer, settings, pieces: int
):
    begun = {"index": 0, "id": "c", "function": {"name": "final_result", "arguments": ""}}
    more = [
        {"index": 0, "function": {"arguments": part}}
        for part in ('{"name": "Alice"', ', "age": 30}')
    ]
    deltas = [{"tool_calls": [each]} for each in (begun, *more)]
    scripted_server.play(stream(*deltas, finish_reason="tool_calls"))
    agent = Agent(model_of(scripted_server), output_type=Person, model_settings=settings)

    async def count() -> int:
        names = set()
        async with agent.run_stream("Hi") as run:
            async for response in run.stream_response(debounce_by=None):
                names.add(str(response.parts[0].args))
            assert await run.get_output() == ALICE
        return len(names - {""})

    assert asyncio.run(count()) == pieces


@pytest.mark.parametrize(
    ("choice", "offered", "demanded"),
    [
        ("auto", ["one", "two", "three"], None),
        ("none", ["one", "two", "three"], "none"),
        ("required", ["one", "two", "three"], "required"),
        (["two"], ["two"], "required"),
        (ToolOrOutput(["one", "two"]), ["one", "two"], None),
    ],
    ids=["auto", "none", "required", "list", "tool_or_output"],
)
def test_a_choice_of_tools_offers_those_that_may_be_called(
    scripted_server: ScriptedServer, choice, offered, demanded
):
    scripted_server.play(stream("Hello"))
    asyncio.run(
        model_request(
            model_of(scripted_server),
            [ModelRequest.user_text_prompt("Hi")],
            model_settings={"tool_choice": choice},
            model_request_parameters=ModelRequestParameters(function_tools=TOOLS),
        )
    )
    body = sent(scripted_server)
    assert [tool["function"]["name"] for tool in body["tools"]] == offered
    assert body.get("tool_choice") == demanded


def test_a_choice_of_no_tool_that_there_is_is_refused(scripted_server: ScriptedServer):
    request = model_request(
        model_of(scripted_server),
        [ModelRequest.user_text_prompt("Hi")],
        model_settings={"tool_choice": ["four"]},
        model_request_parameters=ModelRequestParameters(function_tools=TOOLS),
    )
    with pytest.raises(UserError, match="'four'"):
        asyncio.run(request)


def test_no_call_is_demanded_while_claude_thinks(scripted_server: ScriptedServer):
    scripted_server.play(uses(("final_result", ALICE.model_dump())))
    model = claude_of(scripted_server, model_name="claude-sonnet-4-5")
    agent = Agent(model, output_type=ToolOutput(Person), model_settings={"thinking": "low"})
    assert ask(agent).output == ALICE
    body = sent(scripted_server)
    assert body["thinking"]["type"] == "enabled"
    assert "tool_choice" not in body


def test_a_whole_answer_has_its_calls(scripted_server: ScriptedServer):
    call = tool_call("weather", '{"city": "Rome"}')
    scripted_server.play(answer(None, tool_calls=[call], finish_reason="stop"))
    model = model_of(scripted_server, settings=TAKEN_AS_IT_COMES)
    response = asyncio.run(model_request(model, [ModelRequest.user_text_prompt("Hi")]))
    assert response.parts == [ToolCallPart("weather", '{"city": "Rome"}', tool_call_id="call_1")]
    assert response.finish_reason == "tool_call"
