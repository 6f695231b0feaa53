"""Half an answer never passes for a whole one, whatever an agent of pydantic-ai does with it."""

from __future__ import annotations

import pytest
from pydantic_agents import (
    LONG,
    TAKEN_AS_IT_COMES,
    Person,
    ask,
    calls,
    claude_of,
    last_response,
    model_of,
    sent,
    streamed,
)
from pydantic_ai import (
    Agent,
    NativeOutput,
    UnexpectedModelBehavior,
    capture_run_messages,
)
from pydantic_ai.exceptions import (
    ContentFilterError,
    IncompleteToolCall,
    ModelAuthenticationError,
    OutputTokenLimitExceeded,
    UserError,
)

from lexilux_like import ChatIncompleteResponseError
from lexilux_like.testing import (
    ScriptedServer,
    SimulatedModel,
    answer,
    cut,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.messages import message_stream, tool_use_block

NO_CONTINUES = {"lexilux_max_continues": 0}
STORY = " ".join(f"Sentence number {n} tells something of its own." for n in range(6))
EACH_WAY = pytest.mark.parametrize("run", [ask, streamed], ids=["run", "run_stream"])


def with_tool(model, **options) -> tuple[Agent, list[str]]:
    agent, ran = Agent(model, **options), []

    @agent.tool_plain
    def delete() -> str:
        ran.append("delete")
        return "gone"

    return agent, ran


def output(got) -> str:
    """The text of a run, streamed or not."""
    return "".join(got[0]) if isinstance(got, tuple) else got.output


@EACH_WAY
def test_a_cut_answer_is_gone_on_from(scripted_server: ScriptedServer, run):
    scripted_server.always(SimulatedModel(STORY))
    got = run(Agent(model_of(scripted_server), model_settings={"max_tokens": 60}))
    assert output(got) == STORY
    assert len(scripted_server.requests) > 1


def test_a_response_has_the_tokens_of_all_its_requests(
    scripted_server: ScriptedServer,
):
    scripted_server.always(SimulatedModel(STORY))
    response = ask(Agent(model_of(scripted_server), model_settings={"max_tokens": 60})).response
    assert response.provider_details["continues"] > 1
    assert response.usage.output_tokens > 60
    assert response.finish_reason == "stop"


@EACH_WAY
def test_a_broken_connection_is_gone_on_from(scripted_server: ScriptedServer, run):
    whole = SimulatedModel(STORY)
    scripted_server.play(cut(whole, at_byte=4_000))
    scripted_server.always(whole)
    got = run(Agent(model_of(scripted_server, client={"max_retries": 2})))
    assert output(got) == STORY


@EACH_WAY
def test_what_stays_cut_is_an_error_with_all_that_came(scripted_server: ScriptedServer, run):
    scripted_server.play(stream(LONG, finish_reason="length"))
    with pytest.raises(OutputTokenLimitExceeded) as failure:
        run(Agent(model_of(scripted_server), model_settings=NO_CONTINUES))
    cause = failure.value.__cause__
    assert isinstance(cause, ChatIncompleteResponseError)
    assert cause.final_result.text == LONG


@pytest.mark.parametrize("streams", [False, True], ids=["run", "run_stream"])
def test_an_answer_taken_as_it_comes_says_that_it_was_cut(
    scripted_server: ScriptedServer, streams: bool
):
    scripted_server.play((stream if streams else answer)(LONG, finish_reason="length"))
    agent = Agent(model_of(scripted_server, settings=TAKEN_AS_IT_COMES))
    run = streamed(agent)[1] if streams else ask(agent)
    response = last_response(run.all_messages())
    assert (response.parts[0].content, response.finish_reason) == (LONG, "length")
    assert response.provider_details["status"] == "truncated"
    assert sent(scripted_server).get("stream", False) is streams


def test_what_could_not_be_made_whole_may_be_taken_too(scripted_server: ScriptedServer):
    scripted_server.always(stream(LONG, finish_reason="length"))
    settings = {"lexilux_max_continues": 1, "lexilux_ensure_complete": False}
    response = ask(Agent(model_of(scripted_server, settings=settings))).response
    assert response.finish_reason == "length"
    assert len(scripted_server.requests) > 1


@EACH_WAY
@pytest.mark.parametrize(
    "settings", [NO_CONTINUES, TAKEN_AS_IT_COMES], ids=["whole", "as_it_comes"]
)
@pytest.mark.parametrize("text", ["", LONG], ids=["call_only", "text_before"])
def test_a_cut_call_is_never_run(scripted_server: ScriptedServer, run, settings, text: str):
    # Its arguments are JSON by chance where the limit struck.
    call = tool_call("delete", "{}")
    if run is ask and settings is TAKEN_AS_IT_COMES:
        reply = answer(text, tool_calls=[call], finish_reason="length")
    else:
        reply = calls(("delete", "{}"), text=text, finish_reason="length")
    scripted_server.always(reply)
    agent, ran = with_tool(model_of(scripted_server), model_settings=settings)
    with pytest.raises(IncompleteToolCall):
        run(agent)
    assert ran == []


@EACH_WAY
def test_a_cut_call_of_claude_is_never_run(scripted_server: ScriptedServer, run):
    scripted_server.always(message_stream(tool_use_block("delete", {}), stop_reason="max_tokens"))
    agent, ran = with_tool(claude_of(scripted_server), model_settings=NO_CONTINUES)
    with pytest.raises(IncompleteToolCall):
        run(agent)
    assert ran == []


def test_a_cut_call_is_asked_for_again_with_more_room(scripted_server: ScriptedServer):
    scripted_server.play(
        calls(("delete", "{"), finish_reason="length"), calls(("delete", {})), stream("Gone.")
    )
    agent, ran = with_tool(model_of(scripted_server), model_settings={"max_tokens": 50})
    assert ask(agent).output == "Gone."
    assert ran == ["delete"]
    assert sent(scripted_server, 1)["max_tokens"] > 50


def test_a_call_that_a_filter_cut_is_a_filtered_answer(scripted_server: ScriptedServer):
    scripted_server.play(calls(("delete", "{}"), finish_reason="content_filter"))
    agent, ran = with_tool(model_of(scripted_server, settings=TAKEN_AS_IT_COMES))
    with pytest.raises(ContentFilterError, match="'delete'"):
        streamed(agent)
    assert ran == []


@EACH_WAY
def test_a_continuation_that_is_refused_is_that_refusal(scripted_server: ScriptedServer, run):
    scripted_server.play(stream(LONG, finish_reason="length"))
    scripted_server.always(refuse(401))
    with pytest.raises(ModelAuthenticationError) as failure:
        run(Agent(model_of(scripted_server)))
    assert failure.value.__cause__.final_result.text == LONG


@EACH_WAY
def test_a_filtered_answer_is_an_error(scripted_server: ScriptedServer, run):
    scripted_server.play(stream(LONG, finish_reason="content_filter"))
    with pytest.raises(ContentFilterError) as failure:
        run(Agent(model_of(scripted_server)))
    assert failure.value.__cause__.final_result.text == LONG


def test_a_refusal_is_an_error(scripted_server: ScriptedServer):
    scripted_server.play(stream({"refusal": "I cannot help with that."}))
    with pytest.raises(ContentFilterError) as failure:
        ask(Agent(model_of(scripted_server)))
    assert failure.value.__cause__.final_result.refusal == "I cannot help with that."


def test_a_refusal_that_is_taken_as_it_comes_keeps_its_words(scripted_server: ScriptedServer):
    scripted_server.play(answer(None, refusal="I cannot help with that."))
    with pytest.raises(ContentFilterError, match="I cannot help with that"):
        ask(Agent(model_of(scripted_server, settings=TAKEN_AS_IT_COMES)))


def test_an_answer_without_an_end_is_an_error(scripted_server: ScriptedServer):
    scripted_server.always(stream(LONG, finish_reason=None))
    with pytest.raises(UnexpectedModelBehavior):
        ask(Agent(model_of(scripted_server), model_settings=NO_CONTINUES))


def test_cut_json_is_gone_on_from_until_it_is_a_value(scripted_server: ScriptedServer):
    scripted_server.always(SimulatedModel('{"name": "Alice in Wonderland", "age": 30}'))
    agent = Agent(
        model_of(scripted_server),
        output_type=NativeOutput(Person),
        model_settings={"max_tokens": 25},
    )
    assert ask(agent).output == Person(name="Alice in Wonderland", age=30)
    assert len(scripted_server.requests) > 1


def test_a_number_of_continues_that_makes_no_sense_is_refused(scripted_server: ScriptedServer):
    with pytest.raises(UserError, match="max_continues"):
        ask(Agent(model_of(scripted_server), model_settings={"lexilux_max_continues": -1}))
    assert not scripted_server.requests


def test_settings_of_a_run_win_over_the_models(scripted_server: ScriptedServer):
    scripted_server.play(stream(LONG, finish_reason="length"))
    agent = Agent(model_of(scripted_server, settings=TAKEN_AS_IT_COMES))
    with pytest.raises(OutputTokenLimitExceeded):
        ask(agent, model_settings={"lexilux_ensure_complete": True})


def test_a_failed_stream_leaves_what_came_in_the_history(scripted_server: ScriptedServer):
    scripted_server.play(stream(LONG, finish_reason="length"))
    with capture_run_messages() as messages, pytest.raises(OutputTokenLimitExceeded):
        streamed(Agent(model_of(scripted_server), model_settings=NO_CONTINUES))
    response = last_response(messages)
    assert (response.state, LONG.startswith(response.parts[0].content)) == ("interrupted", True)
