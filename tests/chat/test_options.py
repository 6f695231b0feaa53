"""What each option sends: nothing that was not given, and each one where it belongs."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from lexilux_like import (
    Chat,
    ChatHistory,
    ChatParams,
    ToolChoice,
    ValidationError,
    image_part,
    text_part,
    tool,
)
from lexilux_like.testing import ScriptedServer, answer, stream
from lexilux_like.testing.door import Doors
from lexilux_like.values.options import (
    BoundedOptions,
    CallOptions,
    EventOptions,
    SamplingOptions,
    StreamOptions,
    WholeOptions,
)

USER = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
OPTIONS: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "max_tokens": 7,
    "max_completion_tokens": 8,
    "presence_penalty": -1,
    "frequency_penalty": 1.5,
    "seed": 3,
    "logprobs": True,
    "top_logprobs": 2,
    "user": "u-1",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "response_format": SCHEMA,
    "parallel_tool_calls": False,
}
"""Options that go out as they are."""


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def sent(server: ScriptedServer) -> dict[str, Any]:
    body: dict[str, Any] = server.requests[-1].json
    return body


def test_a_prompt_alone_sends_model_and_message_alone(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi")
    assert sent(scripted_server) == {"model": "m", "messages": USER}


def test_a_stream_adds_stream_and_usage_alone(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("hi"))
    door().stream("Hi")
    assert sent(scripted_server) == {
        "model": "m",
        "messages": USER,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_usage_can_be_left_out_of_a_stream(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("hi"))
    door().stream("Hi", include_usage=False)
    assert "stream_options" not in sent(scripted_server)


def test_the_request_goes_to_chat_completions_as_json(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("hi"), stream("hi"))
    asked = door()
    asked.call("Hi")
    asked.stream("Hi")
    whole, streamed = scripted_server.requests
    assert (whole.method, whole.path) == ("POST", "/v1/chat/completions")
    assert whole.headers["content-type"] == "application/json"
    assert (whole.headers["accept"], streamed.headers["accept"]) == (
        "application/json",
        "text/event-stream",
    )


@pytest.mark.parametrize("method", ["call", "stream"])
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_moves_the_payload(
    door: Doors, scripted_server: ScriptedServer, method: str, name: str
) -> None:
    scripted_server.play(answer("hi") if method == "call" else stream("hi"))
    getattr(door(), method)("Hi", **{name: OPTIONS[name]})
    assert sent(scripted_server)[name] == OPTIONS[name]


def test_every_sampling_option_is_in_the_table() -> None:
    elsewhere = {"stop", "logit_bias", "tools", "tool_choice"}
    assert set(OPTIONS) | elsewhere == SamplingOptions.__optional_keys__


@pytest.mark.parametrize("name", sorted(SamplingOptions.__optional_keys__ | {"reasoning", "n"}))
def test_none_means_not_given(door: Doors, scripted_server: ScriptedServer, name: str) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi", **{name: None})
    assert sent(scripted_server) == {"model": "m", "messages": USER}


@pytest.mark.parametrize("stop", ["END", ["END", "STOP"]])
def test_stop_is_one_text_or_several(
    door: Doors, scripted_server: ScriptedServer, stop: str | list[str]
) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi", stop=stop)
    assert sent(scripted_server)["stop"] == stop


def test_logit_bias_has_token_ids_for_keys(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi", logit_bias={50256: -100})
    assert sent(scripted_server)["logit_bias"] == {"50256": -100}


def test_tools_are_functions_tools_or_dicts(door: Doors, scripted_server: ScriptedServer) -> None:
    def subtract(a: int, b: int) -> int:
        """Take one number from another."""
        return a - b

    own = {"type": "function", "function": {"name": "own", "parameters": {"type": "object"}}}
    scripted_server.play(answer("hi"))
    door().call("Hi", tools=[add, subtract, own], tool_choice="add")
    body = sent(scripted_server)
    assert [each["function"]["name"] for each in body["tools"]] == ["add", "subtract", "own"]
    assert body["tools"][0]["function"]["description"] == "Add two numbers."
    assert set(body["tools"][0]["function"]["parameters"]["properties"]) == {"a", "b"}
    assert body["tools"][2] == own
    assert body["tool_choice"] == {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize("choice", ["auto", "none", "required", ToolChoice.required()])
def test_tool_choice_is_a_word_or_a_value(
    door: Doors, scripted_server: ScriptedServer, choice: str | ToolChoice
) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi", tools=[add], tool_choice=choice)
    want = choice if isinstance(choice, str) else "required"
    assert sent(scripted_server)["tool_choice"] == want


def test_n_gives_every_choice(door: Doors, scripted_server: ScriptedServer) -> None:
    def two(_: object) -> Any:
        from lexilux_like.testing import json_reply  # noqa: PLC0415

        texts = enumerate(["one", "two"])
        return json_reply(
            {
                "choices": [
                    {"index": i, "message": {"content": t}, "finish_reason": "stop"}
                    for i, t in texts
                ]
            }
        )

    scripted_server.play(two)
    result = door().call("Hi", n=2)
    assert sent(scripted_server)["n"] == 2
    assert [choice.text for choice in result.choices] == ["one", "two"]
    assert result.text == "one"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 2.1),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("top_p", 1.1),
        ("max_tokens", 0),
        ("max_completion_tokens", -1),
        ("presence_penalty", 3),
        ("frequency_penalty", -3),
        ("top_logprobs", -1),
        ("stop", 3),
        ("n", 0),
        ("n", True),
        ("n", "two"),
    ],
)
def test_an_option_out_of_bounds_is_named_and_nothing_is_sent(
    door: Doors, scripted_server: ScriptedServer, name: str, value: object
) -> None:
    with pytest.raises(ValidationError, match=name) as caught:
        door().call("Hi", **{name: value})
    assert isinstance(caught.value, ValueError)
    assert scripted_server.requests == []


@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_misspelt_option_names_the_nearest(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    with pytest.raises(TypeError, match="did you mean 'temperature'"):
        getattr(door(), method)("Hi", temprature=1)
    assert scripted_server.requests == []


def test_a_misspelt_option_of_the_client_names_the_nearest() -> None:
    with pytest.raises(TypeError, match="did you mean 'max_retries'"):
        Chat(base_url="http://x.example", max_retry=1)  # type: ignore[call-arg]


def test_an_option_of_the_other_kind_of_method_is_refused(door: Doors) -> None:
    with pytest.raises(TypeError, match="include_usage"):
        door().call("Hi", include_usage=True)
    with pytest.raises(TypeError, match="'n'"):
        door().stream("Hi", n=2)


def test_params_are_sent_and_keywords_win(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    params = ChatParams(temperature=0.1, max_tokens=5)
    door().call("Hi", params=params, temperature=0.9)
    body = sent(scripted_server)
    assert (body["temperature"], body["max_tokens"]) == (0.9, 5)
    assert params.to_dict() == {"temperature": 0.1, "max_tokens": 5}


def test_extra_is_merged_last(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    extra = {"temperature": 7, "grammar": "root ::= x"}
    door().call("Hi", temperature=1, extra=extra)
    body = sent(scripted_server)
    assert (body["temperature"], body["grammar"]) == (7, "root ::= x")
    assert extra == {"temperature": 7, "grammar": "root ::= x"}


def test_a_payload_that_is_no_json_is_refused(door: Doors, scripted_server: ScriptedServer) -> None:
    with pytest.raises(ValidationError, match="JSON"):
        door().call("Hi", extra={"x": object()})
    assert scripted_server.requests == []


def test_the_model_of_the_call_wins(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi", model="other")
    assert sent(scripted_server)["model"] == "other"


def test_a_call_without_a_model_is_refused(door: Doors) -> None:
    with pytest.raises(ValidationError, match="pass model="):
        door(model=None).call("Hi")


@pytest.mark.parametrize(
    ("messages", "want"),
    [
        ("Hi", USER),
        (["Hi", "there"], [*USER, {"role": "user", "content": "there"}]),
        ({"role": "user", "content": "Hi"}, USER),
        (
            [{"role": "assistant", "content": "Yes?"}, "Hi"],
            [{"role": "assistant", "content": "Yes?"}, *USER],
        ),
        (
            [text_part("Look:"), image_part("https://x.example/a.png")],
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look:"},
                        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                    ],
                }
            ],
        ),
    ],
)
def test_messages_come_in_many_shapes(
    door: Doors, scripted_server: ScriptedServer, messages: Any, want: list[object]
) -> None:
    scripted_server.play(answer("hi"))
    door().call(messages)
    assert sent(scripted_server)["messages"] == want


@pytest.mark.parametrize("messages", [[], None, 3, b"Hi", {"content": "Hi"}, [None]])
def test_messages_that_cannot_be_meant_are_refused(
    door: Doors, scripted_server: ScriptedServer, messages: Any
) -> None:
    with pytest.raises(ValidationError):
        door().call(messages)
    assert scripted_server.requests == []


def test_history_goes_before_the_message_and_is_not_changed(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    history = ChatHistory(system="Be brief.")
    history.add_user("One?")
    history.add_assistant("1")
    before = history.to_dict()
    scripted_server.play(answer("2"), stream("3"))
    asked = door()
    asked.call("Two?", history=history)
    asked.stream("Three?", history=history)
    assert history.to_dict() == before
    assert sent(scripted_server)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Three?"},
    ]


def test_system_takes_the_place_of_that_of_a_history_passed_as_messages(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("2"), answer("3"))
    asked = door()
    history = ChatHistory("Hi", system="Be brief.")
    asked.call(history)
    assert sent(scripted_server)["messages"][0]["content"] == "Be brief."
    asked.call(history, system="Be long.")
    assert sent(scripted_server)["messages"] == [{"role": "system", "content": "Be long."}, *USER]


def test_system_takes_the_place_of_the_historys(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    history = ChatHistory(system="Be brief.")
    scripted_server.play(answer("2"))
    door().call("Hi", history=history, system="Be long.")
    assert sent(scripted_server)["messages"] == [{"role": "system", "content": "Be long."}, *USER]
    assert history.system == "Be brief."


@pytest.mark.parametrize("method", ["chat_with_history", "stream_with_history"])
def test_with_history_sends_the_history_as_it_is_or_with_one_more_message(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    good = answer("hi") if method.startswith("chat") else stream("hi")
    scripted_server.play(good, good)
    history = ChatHistory.from_messages("Hi")
    asked = door()
    getattr(asked, method)(history, temperature=0.7)
    assert sent(scripted_server)["messages"] == USER
    assert sent(scripted_server)["temperature"] == 0.7
    getattr(asked, method)(history, "More")
    assert sent(scripted_server)["messages"] == [*USER, {"role": "user", "content": "More"}]
    assert len(history) == 1


@pytest.mark.parametrize("method", ["chat_with_history", "stream_with_history"])
def test_with_history_wants_a_user_message(door: Doors, method: str) -> None:
    with pytest.raises(ValidationError, match="no user message"):
        getattr(door(), method)(ChatHistory(system="Be brief."))


def test_reasoning_is_spelled_as_the_provider_wants_it(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("hi"))
    door().call("Hi", reasoning={"effort": "high"})
    assert sent(scripted_server)["reasoning_effort"] == "high"


TWINS = {
    "__call__": "acall",
    "stream": "astream",
    "chat_with_history": "achat_with_history",
    "stream_with_history": "astream_with_history",
}


@pytest.mark.parametrize(("method", "twin"), TWINS.items())
def test_twins_take_the_same(method: str, twin: str) -> None:
    one, other = (inspect.signature(getattr(Chat, name)) for name in (method, twin))
    assert list(one.parameters.values()) == list(other.parameters.values())


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("__call__", CallOptions),
        ("stream", StreamOptions),
        ("chat_with_history", WholeOptions),
        ("stream_with_history", EventOptions),
    ],
)
def test_help_shows_every_option(method: str, kind: type[Any]) -> None:
    shown = inspect.signature(getattr(Chat, method)).parameters
    assert kind.__optional_keys__ <= set(shown)


@pytest.mark.parametrize("retries", [-1, 1.5, "2", True, None])
def test_a_number_of_retries_that_makes_no_sense_is_refused(retries: Any) -> None:
    with pytest.raises(ValidationError, match="max_retries"):
        Chat(base_url="http://x.example", max_retries=retries)


@pytest.mark.parametrize("limit", [(10,), 10, (1, 2, 3), (0, 60), (10, 0), ("a", 1)])
def test_a_rate_limit_that_makes_no_sense_is_refused(limit: Any) -> None:
    with pytest.raises(ValidationError, match="rate_limit"):
        Chat(base_url="http://x.example", rate_limit=limit)


def test_timeout_s_stands_in_for_the_time_limits_that_are_not_given() -> None:
    chat = Chat(base_url="http://x.example", timeout_s=9, connect_timeout_s=2)
    assert (chat.timeouts.connect_timeout_s, chat.timeouts.read_timeout_s) == (2, 9)
    assert chat.timeout_s == 9
    assert Chat(base_url="http://x.example").timeout_s == 60


def test_bounded_options_are_the_sampling_options_without_tools_and_formats() -> None:
    assert SamplingOptions.__optional_keys__ - BoundedOptions.__optional_keys__ == {
        "response_format",
        "tools",
        "tool_choice",
    }
