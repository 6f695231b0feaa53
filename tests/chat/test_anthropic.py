"""Anthropic's messages API on a live server, through the sync and the async door."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from sockets import (
    EACH_METHOD,
    PART,
    STORY,
    asked,
    instantly,  # noqa: F401 - a fixture for each test
    pieces,
)

from lexilux_like import (
    Chat,
    ChatHistory,
    ChatStreamInterruptedError,
    InvalidRequestError,
    ResponseFormatError,
    ServerError,
    ValidationError,
    execute_tool_calls,
)
from lexilux_like.testing import Cut, RecordedRequest, Reply, ScriptedServer, Send
from lexilux_like.testing.door import Door, Doors
from lexilux_like.testing.messages import (
    error_event,
    event,
    message,
    message_stream,
    refuse_message,
    text_block,
    thinking_block,
    tool_use_block,
)
from lexilux_like.testing.simulated.model import PrefillMode, SimulatedModel

OLD, NEW = "claude-sonnet-4-5", "claude-opus-4-6"
NO_SCHEMA = "'claude-opus-4-1' does not support structured outputs (output_config.format)"


@pytest.fixture
def claude(door: Doors) -> Door:
    return door(provider="anthropic", model=OLD)


def simulated(prefill: PrefillMode, document: str = STORY) -> SimulatedModel:
    return SimulatedModel(document, cut=PART, part=PART, prefill=prefill)


# The request on the wire.


def test_the_key_and_the_version_are_headers(claude: Door, scripted_server: ScriptedServer) -> None:
    scripted_server.play(message("Hi"))
    assert claude.call("Hi").text == "Hi"
    (request,) = scripted_server.requests
    assert (request.path, request.headers["x-api-key"]) == ("/v1/messages", "test-key")
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("of_the_call", [True, False])
def test_a_version_of_the_callers_own_wins(
    door: Doors, scripted_server: ScriptedServer, of_the_call: bool
) -> None:
    scripted_server.play(message("Hi"))
    headers = {"headers": {"anthropic-version": "2030-01-01"}}
    client, call = ({}, headers) if of_the_call else (headers, {})
    door(provider="anthropic", **client).call("Hi", **call)
    [value] = [v for k, v in scripted_server.requests[0].raw_headers if k == "anthropic-version"]
    assert value == "2030-01-01"


def test_the_host_is_enough_of_an_address(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(message("Hi"))
    root = scripted_server.url.removesuffix("/v1")
    door(base_url=root, provider="anthropic").call("Hi")
    assert scripted_server.requests[0].path == "/v1/messages"


def test_anthropics_host_speaks_it_unasked() -> None:
    with Chat(base_url="https://api.anthropic.com/v1", api_key="k", model=OLD) as chat:
        dialect = chat._calls.dialect
    assert type(dialect).__name__ == "AnthropicDialect"


def test_an_option_that_it_lacks_is_refused_and_nothing_is_sent(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    with pytest.raises(ValidationError, match="has no seed"):
        claude.call("Hi", seed=1)
    assert scripted_server.requests == []


# Answers.


def test_a_stream_hands_text_on_piece_by_piece(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(message_stream(thinking_block("hm"), ["Hel", "lo"]))
    streamed = claude.stream("Hi", include_reasoning=True)
    assert streamed.deltas == ["Hel", "lo"]
    assert "".join(chunk.reasoning for chunk in streamed.chunks) == "hm"
    assert (streamed.result.status, streamed.result.done) == ("complete", True)
    assert streamed.result.usage.total_tokens == 3


def test_a_whole_body_where_a_stream_was_asked_for_is_taken(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(message("Hi"))
    streamed = claude.stream("Hi")
    assert ("".join(streamed.deltas), streamed.result.status) == ("Hi", "complete")


def test_a_web_page_in_place_of_a_stream_is_refused(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(Reply(200, {"content-type": "text/html"}, b"<html>Login</html>"))
    with pytest.raises(ResponseFormatError, match="web page"):
        claude.stream("Hi")


def test_an_end_that_nobody_announced_raises(claude: Door, scripted_server: ScriptedServer) -> None:
    scripted_server.play(message_stream("Hel", stop_reason=None, stop=False))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        claude.stream("Hi")
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.status) == ("Hel", "unannounced")


def test_an_error_in_mid_stream_carries_the_part(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    busy = Send(event(error_event("overloaded_error", "busy")))
    scripted_server.play(message_stream("Hel", stop_reason=None, stop=False).then(busy))
    with pytest.raises(ServerError, match="busy") as caught:
        claude.stream("Hi")
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.status) == ("Hel", "interrupted")


def test_an_overloaded_server_is_asked_again(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse_message(529, "overloaded_error", "busy"), message("Hi"))
    assert door(provider="anthropic", max_retries=1).call("Hi").text == "Hi"


def test_an_error_has_its_words_and_the_id_of_the_request(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    reply = refuse_message(400, "invalid_request_error", "max_tokens: too many", request_id="req_7")
    scripted_server.play(reply)
    with pytest.raises(InvalidRequestError, match="max_tokens: too many") as caught:
        claude.call("Hi")
    assert caught.value.request_id == "req_7"


# Tools.


def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}."


def test_a_round_of_tools_keeps_the_thoughts(claude: Door, scripted_server: ScriptedServer) -> None:
    thought, use = thinking_block("I must look."), tool_use_block("weather", {"city": "Rome"})
    scripted_server.play(
        message_stream(thought, "I look.", use, stop_reason="tool_use"), message("Sunny.")
    )
    history = ChatHistory("Weather in Rome?")
    first = claude.stream(history, tools=[weather], reasoning=True).result
    assert [call.name for call in first.tool_calls] == ["weather"]
    history.append_result(first)
    history.extend(execute_tool_calls(first, [weather]))
    assert claude.call(history, tools=[weather], reasoning=True).text == "Sunny."
    assert scripted_server.requests[1].json["messages"][1:] == [
        {"role": "assistant", "content": [thought, text_block("I look."), use]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": "Sunny in Rome.",
                }
            ],
        },
    ]


def test_a_call_that_a_limit_cut_is_never_handed_out(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    use = tool_use_block("weather", {"city": "Rome"})
    scripted_server.play(message_stream(use, stop_reason="max_tokens"))
    result = claude.stream("Hi", tools=[weather]).result
    assert (result.tool_calls, result.status) == ((), "truncated")
    assert result.incomplete_tool_calls[0].name == "weather"


# Whole answers.


@EACH_METHOD
@pytest.mark.parametrize(
    ("model", "prefill", "roles"),
    [(OLD, "strict_whitespace", {"assistant"}), (NEW, "refused", {"user"})],
)
def test_an_answer_in_parts_is_joined_exactly(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    model: str,
    prefill: PrefillMode,
    roles: set[str],
) -> None:
    scripted_server.always(simulated(prefill))
    client = {"provider": "anthropic", "model": model}
    text, result = asked(door, method, client=client)
    assert (text, result.text, result.status) == (STORY, STORY, "complete")
    assert result.continues > 1
    last = [request.json["messages"][-1]["role"] for request in scripted_server.requests[1:]]
    assert set(last) == roles


def test_a_thinking_model_is_asked_for_the_rest_in_a_user_turn(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(simulated("refused"))
    result = claude.complete("Tell me.", reasoning=True)
    assert (result.text, result.status) == (STORY, "complete")
    last = {request.json["messages"][-1]["role"] for request in scripted_server.requests}
    assert last == {"user"}


def test_a_joined_answer_has_no_blocks_of_its_last_part_alone(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    model = simulated("strict_whitespace")

    def reply(request: RecordedRequest) -> Reply:
        said = model.reply(request.json)
        reason = "max_tokens" if said.finish_reason == "length" else "end_turn"
        cited = text_block(said.text, citations=[{"cited_text": "x"}])
        return message_stream(cited, stop_reason=reason)

    scripted_server.always(reply)
    result = claude.complete("Tell me.", max_continues=9)
    assert result.text == STORY
    assert "content_blocks" not in result.fields
    assert "content_blocks" not in result.choices[0].fields


def test_an_answer_in_one_part_keeps_its_blocks(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(message_stream(thinking_block("hm"), "Yes"))
    result = claude.complete("Hi")
    assert result.to_message()["content_blocks"] == [thinking_block("hm"), text_block("Yes")]


def test_an_answer_that_breaks_is_resumed(claude: Door, scripted_server: ScriptedServer) -> None:
    model = simulated("strict_whitespace")
    first = message_stream(pieces(STORY[:PART]), end=Cut())
    model.reply({"messages": [{"role": "user", "content": "Tell me."}]})
    replies = iter([first])
    scripted_server.always(lambda request: next(replies, None) or model(request))
    streamed = claude.stream("Tell me.", resume="auto")
    assert "".join(streamed.deltas)[:PART] == STORY[:PART]
    assert STORY.startswith(streamed.result.text)
    assert len(streamed.result.text) > PART


# Values.


@dataclass
class Person:
    """Somebody."""

    name: str
    age: int


ANN = Person("Ann", 30)
ANN_TEXT = json.dumps({"name": "Ann", "age": 30})


def test_a_type_is_asked_for_as_the_format_of_the_output(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(message_stream(ANN_TEXT))
    assert claude.parse("Who?", Person) == ANN
    body = scripted_server.requests[0].json
    assert body["output_config"]["format"]["schema"]["required"] == ["name", "age"]
    assert "system" not in body
    assert "tools" not in body


def test_an_older_model_is_told_in_words(door: Doors, scripted_server: ScriptedServer) -> None:
    refusal = refuse_message(400, "invalid_request_error", NO_SCHEMA)
    scripted_server.play(refusal, message_stream(ANN_TEXT), message_stream(ANN_TEXT))
    asked_ = door(provider="anthropic", model="claude-opus-4-1")
    assert asked_.parse("Who?", Person) == ANN
    assert asked_.parse("Who?", Person) == ANN  # and that is not forgotten
    first, second, third = [request.json for request in scripted_server.requests]
    assert "output_config" in first
    assert "output_config" not in second
    assert second["system"] == third["system"]
    assert '"age"' in second["system"]


def test_a_dict_is_asked_for_with_complete(claude: Door, scripted_server: ScriptedServer) -> None:
    scripted_server.play(message_stream('{"a": 1}'))
    result = claude.complete("Hi", response_format={"type": "json_object"})
    assert result.text == '{"a": 1}'
    assert "JSON object" in scripted_server.requests[0].json["system"]


# Histories.


def test_a_conversation_goes_on(claude: Door, scripted_server: ScriptedServer) -> None:
    scripted_server.play(message_stream("Hello, Ann!"), message_stream("Ann."))
    history = ChatHistory(system="Be brief.")
    history.add_user("I am Ann.")
    history.append_result(claude.stream(history).result)
    history.add_user("Who am I?")
    assert claude.stream(history).result.text == "Ann."
    body = scripted_server.requests[1].json
    assert body["system"] == "Be brief."
    assert [each["content"] for each in body["messages"]] == [
        "I am Ann.",
        "Hello, Ann!",
        "Who am I?",
    ]


def test_a_turn_that_paused_is_sent_back_to_go_on(
    claude: Door, scripted_server: ScriptedServer
) -> None:
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}}
    scripted_server.play(
        message_stream("I look.", use, stop_reason="pause_turn"), message("Found it.")
    )
    history = ChatHistory("Look it up.")
    paused = claude.stream(history).result
    assert (paused.status, paused.raw_finish_reason) == ("unknown", "pause_turn")
    history.append_result(paused)
    assert claude.call(history).text == "Found it."
    last = scripted_server.requests[1].json["messages"][-1]
    assert last == {"role": "assistant", "content": [text_block("I look."), use]}
