"""The models of the plugin for `llm`: whole answers, or an error that has what came."""

from __future__ import annotations

import json

import pytest
from asked_by_llm import LLMDoor, llm, llm_door, text_of

from lexilux_like import AuthenticationError
from lexilux_like.bridges.llm import AnswerError
from lexilux_like.testing import (
    SimulatedModel,
    answer,
    call_stream,
    cut,
    refuse,
    reset,
    stream,
    tool_call,
    truncate,
)

__all__ = ["llm_door"]  # pytest finds it here
STORY = "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."


def last(server) -> dict:
    return server.requests[-1].json


def test_text_comes_piece_by_piece(llm_door, scripted_server):
    pieces = ["The harbour wakes before ", "the town does. Nets are mended ", "by lamplight."]
    scripted_server.play(stream(*pieces))
    events, error = llm_door.run(llm_door.model().prompt("Hi"))
    assert error is None
    assert text_of(events) == "".join(pieces)
    assert len(events) > 1


def test_without_streaming_the_text_comes_at_once(llm_door, scripted_server):
    scripted_server.play(stream("Hel", "lo"))
    events, error = llm_door.run(llm_door.model().prompt("Hi", stream=False))
    assert error is None
    assert [event.chunk for event in events] == ["Hello"]


def test_a_server_that_cannot_stream_is_not_asked_to(llm_door, scripted_server):
    llm_door.add("plain", scripted_server.url, can_stream=False)
    scripted_server.play(answer("Hello"))
    assert llm_door.text(llm_door.model("plain").prompt("Hi")) == "Hello"
    assert "stream" not in last(scripted_server)


def test_the_conversation_is_sent(llm_door, scripted_server):
    scripted_server.play(stream("First."), stream("Second."))
    conversation = llm_door.model().conversation()
    llm_door.prompt("One", on=conversation, system="Be brief.")
    llm_door.prompt("Two", on=conversation)
    assert last(scripted_server)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "First."},
        {"role": "user", "content": "Two"},
    ]


def test_a_system_prompt_of_a_later_turn_is_the_one_that_is_sent(llm_door, scripted_server):
    scripted_server.play(stream("First."), stream("Second."))
    conversation = llm_door.model().conversation()
    llm_door.prompt("One", on=conversation, system="Be brief.")
    llm_door.prompt("Two", on=conversation, system="Be long.")
    said = [each["content"] for each in last(scripted_server)["messages"]]
    assert said == ["Be long.", "One", "First.", "Two"]


def test_a_system_prompt_beside_a_list_of_messages_is_sent(llm_door, scripted_server):
    scripted_server.play(stream("Hello"))
    llm_door.prompt(messages=[llm.user("Hi")], system="Be brief.")
    said = [each["content"] for each in last(scripted_server)["messages"]]
    assert said == ["Be brief.", "Hi"]


@pytest.mark.parametrize(
    ("option", "value", "field", "sent"),
    [
        ("temperature", "0.5", "temperature", 0.5),
        ("max_tokens", 7, "max_tokens", 7),
        ("top_p", 0.25, "top_p", 0.25),
        ("presence_penalty", 1, "presence_penalty", 1),
        ("frequency_penalty", -1, "frequency_penalty", -1),
        ("stop", "END", "stop", "END"),
        ("seed", 3, "seed", 3),
        ("reasoning_effort", "low", "reasoning_effort", "low"),
        ("json_object", True, "response_format", {"type": "json_object"}),
        ("extra", '{"top_k": 40}', "top_k", 40),
        ("extra", {"top_k": 40}, "top_k", 40),
    ],
)
def test_an_option_moves_the_payload(llm_door, scripted_server, option, value, field, sent):
    scripted_server.play(stream("{}"))
    llm_door.prompt("Hi", **{option: value})
    assert last(scripted_server)[field] == sent


def test_what_is_not_given_is_not_sent(llm_door, scripted_server):
    scripted_server.play(stream("Hello"))
    llm_door.prompt("Hi")
    assert last(scripted_server).keys() == {"messages", "model", "stream", "stream_options"}


@pytest.mark.parametrize(
    "options", [{"temperature": 3}, {"max_tokens": 0}, {"extra": "{"}, {"max_continues": -1}]
)
def test_an_option_out_of_bounds_is_refused_before_anything_is_sent(
    llm_door, scripted_server, options
):
    with pytest.raises(ValueError, match=next(iter(options))):
        llm_door.model().prompt("Hi", **options)
    assert scripted_server.requests == []


@pytest.mark.parametrize("streams", [True, False])
def test_an_answer_that_a_limit_cuts_is_completed(llm_door, scripted_server, streams):
    scripted_server.always(SimulatedModel(STORY, cut=40))
    response = llm_door.prompt("Tell me a story.", stream=streams)
    assert llm_door.text(response) == STORY
    assert response.response_json["continues"] > 0


def test_an_answer_that_breaks_off_is_completed(llm_door, scripted_server):
    model = SimulatedModel(STORY)
    scripted_server.play(cut(model, at_byte=2000))
    scripted_server.always(model)
    assert llm_door.text(llm_door.model().prompt("Tell me a story.")) == STORY
    assert len(scripted_server.requests) > 1


def test_what_cannot_be_made_whole_is_an_error_behind_what_came(llm_door, scripted_server):
    scripted_server.play(stream("One, two", finish_reason="length"))
    response = llm_door.model().prompt("Count.", max_continues=0)
    events, error = llm_door.run(response)
    assert text_of(events) == "One, two"
    assert isinstance(error, AnswerError)
    assert error.partial.text == "One, two"
    assert "One, two" not in str(error)  # it was shown
    assert response.response_json["status"] == "truncated"
    assert response.output_tokens == 2


@pytest.mark.parametrize("behaviour", ["restart_document", "postamble", "repeat_word"])
@pytest.mark.parametrize("max_continues", [0, 1])
def test_what_was_shown_is_all_that_came(llm_door, scripted_server, behaviour, max_continues):
    scripted_server.always(SimulatedModel(STORY * 3, behaviour, cut=60))
    response = llm_door.model().prompt("Tell me a story.", max_continues=max_continues)
    events, error = llm_door.run(response)
    assert isinstance(error, AnswerError)
    assert text_of(events) == error.partial.text != ""


def test_without_streaming_the_error_has_what_came(llm_door, scripted_server):
    scripted_server.play(stream("One, two", finish_reason="length"))
    _, error = llm_door.run(llm_door.model().prompt("Count.", max_continues=0, stream=False))
    assert isinstance(error, llm.ModelError)
    assert str(error).endswith("What had come:\nOne, two")


def test_an_answer_that_is_not_whole_joins_no_conversation(llm_door, scripted_server):
    scripted_server.play(stream("One, two", finish_reason="length"))
    conversation = llm_door.model().conversation()
    llm_door.run(conversation.prompt("Count.", max_continues=0))
    assert conversation.responses == []


def test_a_refusal_is_an_error_in_the_models_words(llm_door, scripted_server):
    scripted_server.play(stream({"refusal": "I will not say that."}))
    _, error = llm_door.run(llm_door.model().prompt("Say it."))
    assert "I will not say that." in str(error)


def test_a_failure_is_a_model_error_with_its_cause(llm_door, scripted_server):
    scripted_server.play(refuse(401, "wrong key"))
    _, error = llm_door.run(llm_door.model().prompt("Hi"))
    assert isinstance(error, llm.ModelError)
    assert "wrong key" in str(error)
    assert isinstance(error.__cause__, AuthenticationError)


def test_leaving_a_stream_closes_its_connection(tmp_path, monkeypatch, scripted_server):
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    door = LLMDoor(tmp_path, is_async=False)
    door.add("m", scripted_server.url)
    scripted_server.play(stream(STORY * 5, STORY, gap_s=0.2))
    chunks = iter(door.model().prompt("Hi"))
    next(chunks)
    chunks.close()
    assert scripted_server.wait_for_disconnect()


def test_usage_and_model_are_told(llm_door, scripted_server):
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    scripted_server.play(stream("Hello", usage=usage))
    response = llm_door.prompt("Hi")
    assert (response.input_tokens, response.output_tokens) == (9, 5)
    assert response.token_details == {"cached_tokens": 4, "reasoning_tokens": 3}
    assert response.resolved_model == "m"
    assert response.response_json["status"] == "complete"


def test_reasoning_that_is_only_counted_leaves_a_mark(llm_door, scripted_server):
    usage = {"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}
    scripted_server.play(stream("Hello", usage=usage))
    (reasoning, _) = llm_door.parts(llm_door.prompt("Hi"))
    assert reasoning.redacted


def test_a_schema_is_sent_and_the_json_comes_whole(llm_door, scripted_server):
    document = json.dumps({"name": "Alice", "about": STORY})
    scripted_server.always(SimulatedModel(document, cut=40))
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    response = llm_door.prompt("Who?", schema=schema)
    assert json.loads(llm_door.text(response))["about"] == STORY
    sent = scripted_server.requests[0].json["response_format"]
    assert sent["json_schema"]["schema"] == schema


def test_a_model_without_schemas_says_so(llm_door, scripted_server):
    llm_door.add("loose", scripted_server.url, supports_schema=False, supports_tools=False)
    with pytest.raises(ValueError, match="does not support schemas"):
        llm_door.model("loose").prompt("Who?", schema={"type": "object"})
    with pytest.raises(ValueError, match="does not support tools"):
        llm_door.model("loose").prompt("Who?", tools=[llm.Tool("add")])


def test_a_call_that_was_cut_is_never_added(llm_door, scripted_server):
    call = tool_call("add", {"a": 1, "b": 2})
    scripted_server.always(call_stream(call, form="cut_off"))
    response = llm_door.model().prompt("Add.", tools=[llm.Tool("add")], max_continues=0)
    events, error = llm_door.run(response)
    assert isinstance(error, AnswerError)
    assert [event for event in events if event.type.startswith("tool_call")] == []
    assert response._tool_calls == []


def test_a_call_whose_arguments_are_no_object_is_an_error(llm_door, scripted_server):
    scripted_server.always(call_stream(tool_call("add", {}), tool_call("add", "[1]", id="two")))
    response = llm_door.model().prompt("Add.", tools=[llm.Tool("add")])
    _, error = llm_door.run(response)
    assert isinstance(error, AnswerError)
    assert "'add'" in str(error)
    assert response._tool_calls == []


def test_a_broken_connection_is_a_model_error(llm_door, scripted_server):
    scripted_server.always(reset(answer("Hello"), at_byte=0))
    llm_door.add("once", scripted_server.url)
    _, error = llm_door.run(llm_door.model("once").prompt("Hi", timeout_s=0.2, max_continues=0))
    assert isinstance(error, llm.ModelError)


def test_a_truncated_plain_answer_is_told_from_a_whole_one(llm_door, scripted_server):
    llm_door.add("plain", scripted_server.url, can_stream=False)
    scripted_server.play(truncate(answer("One, two, three."), tokens=2))
    _, error = llm_door.run(llm_door.model("plain").prompt("Count.", max_continues=0))
    assert "One, two," in str(error)
