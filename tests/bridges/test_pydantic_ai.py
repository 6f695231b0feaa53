"""pydantic-ai's agents on a `Chat`: text, streams, usage and history, in both dialects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from pydantic_agents import (
    LONG,
    TAKEN_AS_IT_COMES,
    ask,
    claude_of,
    last_response,
    model_of,
    sent,
    stored,
    streamed,
)
from pydantic_ai import Agent, UsageLimitExceeded, UsageLimits
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest, TextPart, ThinkingPart
from pydantic_ai.models import override_allow_model_requests

from lexilux_like import Chat, ValidationError
from lexilux_like.bridges.pydantic_ai import LexiluxModel
from lexilux_like.testing import ScriptedServer, Stall, answer, stream
from lexilux_like.testing.messages import message_stream, text_block, thinking_block

Making = Callable[..., LexiluxModel]
EACH_DIALECT = pytest.mark.parametrize(
    ("make", "say"), [(model_of, stream), (claude_of, message_stream)], ids=["openai", "anthropic"]
)
PIECES = LONG.partition(",")


@EACH_DIALECT
def test_an_agent_answers(scripted_server: ScriptedServer, make: Making, say):
    scripted_server.play(say("Hello"))
    assert ask(Agent(make(scripted_server))).output == "Hello"


def test_the_sync_door_asks_twice_on_one_loop(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello"), stream("Again"))
    agent = Agent(model_of(scripted_server))
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(
            runner.get_loop()
        )  # run_sync makes one otherwise, and leaves it open
        assert [agent.run_sync("Hi").output for _ in range(2)] == ["Hello", "Again"]
    asyncio.set_event_loop(None)


@EACH_DIALECT
def test_system_prompts_and_instructions_are_one_leading_message(
    scripted_server: ScriptedServer, make: Making, say
):
    scripted_server.play(say("Hello"))
    ask(Agent(make(scripted_server), system_prompt="Be brief.", instructions="Be kind."))
    body = sent(scripted_server)
    first = body.get("system") or body["messages"][0]["content"]
    assert first == "Be brief.\n\nBe kind."
    assert body["messages"][-1] == {"role": "user", "content": "Hi"}


@EACH_DIALECT
def test_a_stream_is_handed_on_while_it_comes(scripted_server: ScriptedServer, make: Making, say):
    scripted_server.play(message_stream(list(PIECES)) if say is message_stream else stream(*PIECES))
    got, run = streamed(Agent(make(scripted_server)))
    assert len(got) > 1
    assert "".join(got) == LONG
    assert (run.usage.input_tokens, run.usage.output_tokens) == (1, 2)


def test_the_events_of_a_run_tell_reasoning_from_text(scripted_server: ScriptedServer):
    scripted_server.play(stream({"reasoning_content": "Hm."}, LONG))

    async def kinds() -> list[str]:
        found = []
        async with Agent(model_of(scripted_server)).iter("Hi") as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as events:
                        found += [each.event_kind async for each in events]
        return found

    assert asyncio.run(kinds()).count("part_start") == 2


@pytest.mark.parametrize("settings", [None, TAKEN_AS_IT_COMES], ids=["whole", "as_it_comes"])
def test_leaving_a_stream_closes_the_connection(scripted_server: ScriptedServer, settings):
    scripted_server.play(stream(LONG, end=Stall()))

    async def leave() -> None:
        agent = Agent(model_of(scripted_server), model_settings=settings)
        async with agent.run_stream("Hi") as run:
            async for _ in run.stream_text(delta=True, debounce_by=None):
                break

    asyncio.run(leave())
    assert scripted_server.wait_for_disconnect()


def test_cancelling_a_stream_ends_it_and_says_so_in_the_history(scripted_server: ScriptedServer):
    scripted_server.play(stream(LONG, end=Stall()))

    async def cancel() -> tuple[str, str | None]:
        async with Agent(model_of(scripted_server)).run_stream("Hi") as run:
            async for _ in run.stream_text(delta=True, debounce_by=None):
                await run.cancel()
            response = last_response(run.all_messages())
            return response.state, response.finish_reason

    assert asyncio.run(cancel()) == ("interrupted", None)
    assert scripted_server.wait_for_disconnect()


def test_cancelling_a_waiting_run_closes_the_connection(scripted_server: ScriptedServer):
    scripted_server.play(stream(end=Stall()))

    async def cancel() -> None:
        run = asyncio.create_task(Agent(model_of(scripted_server)).run("Hi"))
        await asyncio.to_thread(scripted_server.wait_for_requests, 1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(cancel())
    assert scripted_server.wait_for_disconnect()


def test_usage_has_the_parts_of_the_counts(scripted_server: ScriptedServer):
    counts = {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    scripted_server.play(stream("Hello", usage=counts))
    usage = ask(Agent(model_of(scripted_server))).response.usage
    assert (usage.input_tokens, usage.output_tokens) == (11, 7)
    assert (usage.cache_read_tokens, usage.details) == (3, {"reasoning_tokens": 2})


def test_usage_counts_what_was_written_into_the_cache(scripted_server: ScriptedServer):
    counts = {"input_tokens": 5, "output_tokens": 7, "cache_creation_input_tokens": 4}
    scripted_server.play(message_stream("Hello", usage=counts))
    usage = ask(Agent(claude_of(scripted_server))).response.usage
    assert (usage.input_tokens, usage.cache_write_tokens) == (9, 4)


def test_usage_that_the_server_kept_to_itself_is_not_called_zero(
    scripted_server: ScriptedServer,
):
    scripted_server.always(stream(LONG, usage=False))
    agent = Agent(model_of(scripted_server))
    assert ask(agent).usage.unmeasured_requests == 1
    _, run = streamed(agent)
    assert run.usage.unmeasured_requests == 1


def test_usage_limits_hold(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello"))
    with pytest.raises(UsageLimitExceeded):
        ask(Agent(model_of(scripted_server)), "Hi", usage_limits=UsageLimits(output_tokens_limit=1))


def test_a_response_says_where_it_came_from(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello", headers={"x-request-id": "req_1"}))
    response = ask(Agent(claude := model_of(scripted_server))).response
    assert (response.provider_name, response.provider_url) == (claude.system, scripted_server.url)
    assert (response.provider_response_id, response.finish_reason) == ("chatcmpl-1", "stop")
    assert response.provider_details == {
        "status": "complete",
        "finish_reason": "stop",
        "request_id": "req_1",
        "timestamp": "2023-11-14T22:13:20+00:00",
    }


def test_a_streamed_response_equals_a_whole_one(scripted_server: ScriptedServer):
    scripted_server.always(stream({"reasoning_content": "Hm."}, LONG))
    agent = Agent(model_of(scripted_server))
    whole = ask(agent).response
    _, run = streamed(agent)
    read = last_response(run.all_messages())
    assert read.parts == whole.parts
    for name in ("usage", "finish_reason", "provider_details", "provider_response_id"):
        assert getattr(read, name) == getattr(whole, name)


@EACH_DIALECT
def test_a_stored_history_goes_on_as_it_was(scripted_server: ScriptedServer, make: Making, say):
    scripted_server.play(say("Hello"), say("Still here."))
    agent = Agent(make(scripted_server))
    first = ask(agent)
    ask(agent, "And now?", message_history=stored(first.all_messages()))
    assert sent(scripted_server)["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And now?"},
    ]


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_signed_reasoning_goes_back_through_a_database(
    scripted_server: ScriptedServer, streams: bool
):
    redacted = {"type": "redacted_thinking", "data": "xyz"}
    blocks = [thinking_block("Hm.", "c2ln"), redacted, text_block(LONG)]
    scripted_server.play(message_stream(*blocks), message_stream("Yes."))
    agent = Agent(claude_of(scripted_server))
    if streams:
        _, first = streamed(agent)
    else:
        first = ask(agent)
    assert last_response(first.all_messages()).parts[0].signature == "c2ln"
    ask(agent, "Sure?", message_history=stored(first.all_messages()))
    assert sent(scripted_server)["messages"][1]["content"] == blocks


def test_reasoning_goes_back_in_the_field_that_it_came_in(scripted_server: ScriptedServer):
    scripted_server.play(stream({"reasoning_content": "Hm."}, "Hello"), stream("Yes."))
    agent = Agent(model_of(scripted_server))
    first = ask(agent)
    ask(agent, "Sure?", message_history=stored(first.all_messages()))
    assert sent(scripted_server)["messages"][1]["reasoning_content"] == "Hm."


def test_a_signature_of_another_provider_is_not_sent_back(scripted_server: ScriptedServer):
    scripted_server.play(message_stream(thinking_block("Hm."), "Hello"), message_stream("Yes."))
    first = ask(Agent(claude_of(scripted_server))).all_messages()
    for part in last_response(first).parts:
        if isinstance(part, ThinkingPart):
            part.provider_name = "somebody"
    ask(Agent(claude_of(scripted_server)), "Sure?", message_history=first)
    assert sent(scripted_server)["messages"][1] == {"role": "assistant", "content": "Hello"}


@pytest.mark.parametrize(("provider", "name"), [(None, "local"), ("groq", "groq")])
def test_the_answer_of_a_fallback_names_the_fallback(
    scripted_server: ScriptedServer, provider, name: str
):
    scripted_server.play(answer("Hello"))
    with ScriptedServer() as broken:
        spare = Chat(base_url=scripted_server.url, model="spare", provider=provider)
        model = model_of(broken, client={"fallbacks": [spare], "provider": "mistral"})
        response = ask(Agent(model)).response
    assert (response.provider_name, response.provider_url) == (name, scripted_server.url)


def test_a_model_answers_without_an_agent(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello"))
    request = ModelRequest.user_text_prompt("Hi", instructions="Be kind.")
    response = asyncio.run(model_request(model_of(scripted_server), [request]))
    assert response.parts == [TextPart("Hello")]
    assert sent(scripted_server)["messages"][0] == {"role": "system", "content": "Be kind."}


def test_requests_can_be_forbidden_as_for_every_model(scripted_server: ScriptedServer):
    agent = Agent(model_of(scripted_server))
    with override_allow_model_requests(allow_model_requests=False), pytest.raises(RuntimeError):
        ask(agent)
    assert not scripted_server.requests


def test_a_model_needs_a_name():
    with pytest.raises(ValidationError, match="pass model_name="):
        LexiluxModel(Chat(base_url="http://127.0.0.1:1/v1"))


def test_a_model_may_be_another_than_the_clients(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello"))
    model = model_of(scripted_server, model_name="other")
    ask(Agent(model))
    assert (sent(scripted_server)["model"], model.model_name) == ("other", "other")


def test_models_of_two_clients_are_not_equal(scripted_server: ScriptedServer):
    one, other = model_of(scripted_server), model_of(scripted_server)
    assert one != other
    assert one == LexiluxModel(one.chat)
