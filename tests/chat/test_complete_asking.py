"""What is sent to have the rest of an answer, to whom, and what is learnt from a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from sockets import (
    HALF,
    STORY,
    Model,
    asked,
    cut_answer,
    instantly,  # noqa: F401 - a fixture for each test
)

from lexilux_like import ChatIncompleteResponseError
from lexilux_like.testing import RecordedRequest, Reply, ScriptedServer, refuse, stream
from lexilux_like.testing.door import Doors

QUESTION = [{"role": "user", "content": "Tell me."}]
FLAGS = {"continue_final_message": True, "add_generation_prompt": False}
REJECTIONS = (
    "This model does not support assistant message prefill.",
    "The conversation must end with a user message.",
    "Assistant response prefill is incompatible with enable_thinking",
    "Cannot have 2 or more assistant messages at the end of the list.",
    "messages: final assistant content cannot end with trailing whitespace",
    "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
    "Cannot set both `add_generation_prompt` and `continue_final_message` to True.",
)


def sent(server: ScriptedServer) -> list[dict[str, Any]]:
    """The payload of each request."""
    return [each.json for each in server.requests]


def kinds(server: ScriptedServer) -> list[str]:
    """Whose message is the last one of each request."""
    return [each["messages"][-1]["role"] for each in sent(server)]


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_the_first_request_is_what_a_plain_stream_sends(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(stream("Whole."))
    options: dict[str, Any] = {"temperature": 0.3, "max_tokens": 50, "extra": {"top_k": 4}}
    door().stream("Tell me.", **options)
    asked(door, method, max_continues=3, continue_prompt="go on", prefill="off", **options)
    plain, complete = scripted_server.requests
    assert (complete.path, complete.json) == (plain.path, plain.json)


# User turns.


def test_a_user_turn_shows_the_part_and_ends_with_its_last_words(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF))
    asked(door, "complete", prefill="off", temperature=0.3)
    first, second = sent(scripted_server)
    question, part, prompt = second["messages"]
    assert [question] == QUESTION
    assert (part["role"], prompt["role"]) == ("assistant", "user")
    assert STORY[:HALF].startswith(part["content"])
    assert len(part["content"]) <= HALF - 20, "a tail that it has not seen must come back"
    instruction, _, anchor = prompt["content"].rpartition("\n")
    assert part["content"].rstrip().endswith(anchor)
    assert 35 <= len(anchor) <= 70
    assert "[[END]]" in instruction
    rest = {name: value for name, value in second.items() if name != "messages"}
    assert rest == {name: value for name, value in first.items() if name != "messages"}


def test_a_text_that_holds_the_sentinel_gets_another_one(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    text = f"It ends with [[END]], they say. {STORY}"
    scripted_server.always(Model(text, cut=HALF))
    assert asked(door, "complete", prefill="off")[0] == text
    prompt = sent(scripted_server)[1]["messages"][-1]["content"]
    assert "[[END-2]]" in prompt
    assert "[[END]]" not in prompt.partition("\n")[0]


def json_text() -> str:
    names = ("anna", "bert", "carl", "dora", "emil", "frieda", "gert", "hanna", "ivan", "jana")
    people = ", ".join(f'{{"name": "{name}", "age": {20 + 3 * i}}}' for i, name in enumerate(names))
    return f'{{"people": [{people}]}}'


@pytest.mark.parametrize("place", ["options", "extra"])
def test_a_user_turn_for_json_has_no_sentinel_and_no_response_format(
    door: Doors, scripted_server: ScriptedServer, place: str
) -> None:
    form = {"response_format": {"type": "json_object"}}
    scripted_server.always(Model(json_text(), cut=150))
    given = form if place == "options" else {"extra": form}
    assert asked(door, "complete", prefill="off", **given)[0] == json_text()
    first, second = sent(scripted_server)
    assert first["response_format"] == form["response_format"]
    assert "response_format" not in second
    assert "[[END" not in second["messages"][-1]["content"]


def test_an_assistant_message_of_the_callers_is_joined_with_the_part(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    opening = {"role": "assistant", "content": "Well: "}
    scripted_server.play(cut_answer())
    scripted_server.always(refuse(400, "enough"))
    with pytest.raises(ChatIncompleteResponseError):
        asked(door, "complete", [*QUESTION, opening], prefill="off")
    roles = [each["role"] for each in sent(scripted_server)[1]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert sent(scripted_server)[1]["messages"][1]["content"].startswith("Well: The harbour")


# Prefills.


PREFILLS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("deepseek", "/beta/chat/completions", {"prefix": True}, {}),
    ("mistral", "/v1/chat/completions", {"prefix": True}, {}),
    ("moonshot", "/v1/chat/completions", {"partial": True}, {}),
    ("qwen", "/v1/chat/completions", {"partial": True}, {}),
    ("vllm", "/v1/chat/completions", {}, FLAGS),
    ("sglang", "/v1/chat/completions", {}, FLAGS),
    ("groq", "/v1/chat/completions", {}, {}),
    ("openrouter", "/v1/chat/completions", {}, {}),
    ("ollama", "/v1/chat/completions", {}, {}),
    ("lmstudio", "/v1/chat/completions", {}, {}),
    ("llama.cpp", "/v1/chat/completions", {}, {}),
    ("tgi", "/v1/chat/completions", {}, {}),
]


@pytest.mark.parametrize(("provider", "path", "marks", "fields"), PREFILLS, ids=str)
def test_each_provider_is_asked_for_the_rest_in_its_own_form(
    door: Doors,
    scripted_server: ScriptedServer,
    provider: str,
    path: str,
    marks: dict[str, Any],
    fields: dict[str, Any],
) -> None:
    scripted_server.always(Model(cut=HALF))
    text, result = asked(door, "complete", client={"provider": provider})
    assert text == STORY
    assert [each.asked for each in result.segments] == ["first", "prefill"]
    first, second = scripted_server.requests
    part = second.json["messages"][-1]
    assert (first.path, second.path) == ("/v1/chat/completions", path)
    assert part == {"role": "assistant", "content": part["content"], **marks}
    assert STORY.startswith(part["content"])
    assert second.json == {**first.json, "messages": [*QUESTION, part], **fields}


@pytest.mark.parametrize(
    "provider", ["openai", "azure", "together", "fireworks", "cerebras", "xai", "gemini", "zai"]
)
def test_a_provider_without_a_prefill_is_asked_by_a_user_turn(
    door: Doors, scripted_server: ScriptedServer, provider: str
) -> None:
    scripted_server.always(Model(cut=HALF))
    assert asked(door, "complete", client={"provider": provider})[0] == STORY
    assert kinds(scripted_server) == ["user", "user"]


def test_a_prefill_never_ends_in_white_space(door: Doors, scripted_server: ScriptedServer) -> None:
    for cut in range(200, 240, 2):
        scripted_server.always(Model(cut=cut, prefill="strict_whitespace"))
        assert asked(door, "complete")[0] == STORY
        part = sent(scripted_server)[-1]["messages"][-1]
        assert (part["role"], part["content"][-1:].isspace()) == ("assistant", False)


@pytest.mark.parametrize("provider", ["deepseek", "moonshot", "qwen"])
def test_no_prefill_is_sent_where_it_excludes_reasoning(
    door: Doors, scripted_server: ScriptedServer, provider: str
) -> None:
    scripted_server.always(Model(cut=HALF))
    asked(door, "complete", client={"provider": provider}, reasoning=True)
    assert kinds(scripted_server) == ["user", "user"]


@pytest.mark.parametrize("off", [{"enabled": False}, {"effort": "none"}], ids=str)
def test_a_prefill_is_sent_where_reasoning_is_turned_off(
    door: Doors, scripted_server: ScriptedServer, off: dict[str, Any]
) -> None:
    scripted_server.always(Model(cut=HALF))
    asked(door, "complete", client={"provider": "deepseek"}, reasoning=off)
    assert kinds(scripted_server) == ["user", "assistant"]


def test_prefill_off_asks_by_user_turns_only(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(Model(cut=HALF))
    asked(door, "complete", client={"provider": "mistral"}, prefill="off")
    assert kinds(scripted_server) == ["user", "user"]


@pytest.mark.parametrize(
    ("form", "marks", "fields"),
    [
        ("prefix", {"prefix": True}, {}),
        ("partial", {"partial": True}, {}),
        ("trailing", {}, {}),
        ("continue_final_message", {}, FLAGS),
    ],
)
def test_a_form_that_is_asked_for_is_sent_to_any_provider(
    door: Doors,
    scripted_server: ScriptedServer,
    form: str,
    marks: dict[str, Any],
    fields: dict[str, Any],
) -> None:
    scripted_server.always(Model(cut=HALF))
    assert asked(door, "complete", client={"provider": "openai"}, prefill=form)[0] == STORY
    payload = sent(scripted_server)[1]
    assert payload["messages"][-1].items() >= {"role": "assistant", **marks}.items()
    assert payload.items() >= fields.items()


@pytest.mark.parametrize(("provider", "stays"), [("llama.cpp", True), ("mistral", False)])
def test_a_constraint_stays_in_a_prefill_only_where_it_holds_inside_of_it(
    door: Doors, scripted_server: ScriptedServer, provider: str, stays: bool
) -> None:
    form = {"type": "json_object"}
    scripted_server.always(Model(json_text(), cut=150))
    text, _ = asked(door, "complete", client={"provider": provider}, response_format=form)
    assert text == json_text()
    assert ("response_format" in sent(scripted_server)[1]) is stays


def test_a_prefill_that_comes_back_in_the_reply_is_recognised(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF, prefill="native_echo"))
    text, result = asked(door, "complete", client={"provider": "mistral"})
    assert (text, [each.asked for each in result.segments]) == (STORY, ["first", "prefill"])


# What is not proved.

STRANGE = (
    "Certainly! The old port is quiet at dawn, and fishermen arrive one after another.",
    "I'm sorry, but I can't continue with that.",
    "Sure, here is the rest: and so the keeper sleeps.",
)


@pytest.mark.parametrize("reply", STRANGE)
@pytest.mark.parametrize("provider", ["deepseek", "groq"])
def test_a_reply_that_does_not_follow_is_not_joined_to_a_prefill(
    door: Doors, scripted_server: ScriptedServer, provider: str, reply: str
) -> None:
    scripted_server.always(stream(reply))
    scripted_server.play(cut_answer())
    with pytest.raises(ChatIncompleteResponseError) as caught:
        asked(door, "complete", client={"provider": provider})
    assert caught.value.partial is not None
    assert caught.value.partial.text == STORY[:HALF]


def test_a_prefill_that_has_worked_once_is_not_believed_blindly(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF))
    asked(door, "complete")
    scripted_server.always(stream(STRANGE[0]))
    scripted_server.play(cut_answer())
    with pytest.raises(ChatIncompleteResponseError):
        asked(door, "complete")


# What is learnt.


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
@pytest.mark.parametrize("words", REJECTIONS)
def test_a_rejected_prefill_is_followed_by_a_user_turn_and_not_tried_again(
    door: Doors, scripted_server: ScriptedServer, method: str, words: str
) -> None:
    def reject(request: RecordedRequest) -> Reply:
        by_prefill = request.json["messages"][-1]["role"] == "assistant"
        return refuse(400, words) if by_prefill else model(request)

    model = Model(cut=HALF)
    scripted_server.always(reject)
    assert asked(door, method)[0] == STORY
    assert kinds(scripted_server) == ["user", "assistant", "user"]
    model = Model(cut=HALF)
    assert asked(door, method)[0] == STORY
    assert kinds(scripted_server)[3:] == ["user", "user"]


def test_a_rejection_costs_no_attempt_and_no_continuation(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF, prefill="refused"))
    _, result = asked(door, "complete", max_continues=1)
    assert result.continues == 1


def test_what_one_model_rejects_is_tried_with_another(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    client = door()
    for name in ("one", "two"):
        scripted_server.always(Model(cut=HALF, prefill="refused"))
        assert client.complete("Tell me.", model=name).text == STORY
    assert kinds(scripted_server) == ["user", "assistant", "user"] * 2


def test_what_one_server_rejects_is_tried_on_another(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    with ScriptedServer() as other:
        for server in (scripted_server, other):
            server.always(Model(cut=HALF, prefill="refused"))
            asked(door, "complete", client={"base_url": server.url})
        assert kinds(other) == ["user", "assistant", "user"]


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_a_prefill_that_is_answered_afresh_is_followed_by_a_user_turn(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model(cut=HALF, prefill="ignored"))
    assert asked(door, method)[0] == STORY
    assert kinds(scripted_server) == ["user", "assistant", "user"]


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_a_prefill_that_was_answered_afresh_is_not_tried_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model(cut=HALF, prefill="ignored"))
    assert asked(door, method)[0] == STORY
    scripted_server.always(Model(cut=HALF, prefill="ignored"))
    before = len(scripted_server.requests)
    assert asked(door, method)[0] == STORY
    assert "assistant" not in kinds(scripted_server)[before:]


@pytest.mark.parametrize("status", [404, 501])
def test_a_gateway_without_the_path_or_the_field_is_asked_by_a_user_turn(
    door: Doors, scripted_server: ScriptedServer, status: int
) -> None:
    model = Model(cut=HALF)

    def gateway(request: RecordedRequest) -> Reply:
        by_prefill = request.json["messages"][-1]["role"] == "assistant"
        return refuse(status, "prefix is not supported") if by_prefill else model(request)

    scripted_server.always(gateway)
    assert asked(door, "complete", client={"provider": "deepseek"})[0] == STORY
