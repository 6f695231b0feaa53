"""Ends that are told apart: why an answer could not be made whole."""

from __future__ import annotations

from typing import Any

import pytest
from sockets import (
    ASKED,
    EACH_METHOD,
    HALF,
    STORY,
    THOUGHT,
    Model,
    asked,
    counted,
    cut_answer,
    instantly,  # noqa: F401 - a fixture for each test
    pieces,
    stopped,
)

from lexilux_like.testing import (
    RecordedRequest,
    Reply,
    ScriptedServer,
    json_reply,
    refuse,
    stream,
)
from lexilux_like.testing.door import Doors

# Ends.


@EACH_METHOD
def test_reasoning_that_ate_the_budget_gets_a_larger_one(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(stream(THOUGHT, finish_reason="length"), stream(THOUGHT, STORY))
    text, result = asked(door, method, max_tokens=10)
    assert (text, result.status) == (STORY, "complete")
    first, second = (each.json for each in scripted_server.requests)
    assert second == {**first, "max_tokens": 20}


@EACH_METHOD
@pytest.mark.parametrize("options", [{}, {"max_tokens": 9, "allow_larger_max_tokens": False}])
def test_reasoning_that_ate_the_budget_is_named_where_it_cannot_be_larger(
    door: Doors, scripted_server: ScriptedServer, method: str, options: dict[str, Any]
) -> None:
    scripted_server.always(stream(THOUGHT, finish_reason="length"))
    reason, result = stopped(door, method, **options)
    assert (reason, result.text) == ("reasoning_budget", "")
    assert result.reasoning == THOUGHT["reasoning_content"]
    assert len(scripted_server.requests) == 1


@EACH_METHOD
def test_the_budget_grows_no_further_than_the_continuations_allow(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(stream(THOUGHT, finish_reason="length"))
    reason, _ = stopped(door, method, max_completion_tokens=10, max_continues=4)
    assert reason == "reasoning_budget"
    sizes = [each.json["max_completion_tokens"] for each in scripted_server.requests]
    assert sizes == [10, 20, 40, 50]


@EACH_METHOD
@pytest.mark.parametrize("parts", [0, 1])
def test_a_content_filter_ends_it(
    door: Doors, scripted_server: ScriptedServer, method: str, parts: int
) -> None:
    def filtered(_: RecordedRequest) -> Reply:
        return stream(*pieces(STORY[:HALF]), finish_reason="content_filter")

    scripted_server.play(*[cut_answer()] * parts, filtered)
    reason, result = stopped(door, method, prefill="off")
    assert (reason, result.status) == ("content_filter", "filtered")
    assert result.text == STORY[:HALF]


@EACH_METHOD
def test_a_refusal_ends_it(door: Doors, scripted_server: ScriptedServer, method: str) -> None:
    scripted_server.play(stream({"refusal": "I will not."}))
    reason, result = stopped(door, method)
    assert (reason, result.status, result.refusal) == ("refused", "refused", "I will not.")
    assert len(scripted_server.requests) == 1


@EACH_METHOD
def test_a_refusal_to_go_on_ends_it(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(stream({"refusal": "No more."}))
    scripted_server.play(cut_answer())
    reason, result = stopped(door, method, prefill="off")
    assert (reason, result.text) == ("refused", STORY[:HALF])


@EACH_METHOD
def test_a_full_context_ends_it_by_its_finish_word(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(cut_answer(finish_reason="model_context_window_exceeded"))
    reason, result = stopped(door, method)
    assert (reason, result.status) == ("context_exceeded", "context_exceeded")
    assert result.text == STORY[:HALF]
    assert len(scripted_server.requests) == 1


@EACH_METHOD
@pytest.mark.parametrize("prefill", ["off", "auto"])
def test_a_full_context_ends_it_by_a_refused_continuation(
    door: Doors, scripted_server: ScriptedServer, method: str, prefill: str
) -> None:
    words = "This model's maximum context length is 4096 tokens. Please reduce the length."
    scripted_server.always(refuse(400, words, code="context_length_exceeded"))
    scripted_server.play(cut_answer())
    reason, result = stopped(door, method, prefill=prefill)
    assert (reason, result.text) == ("context_exceeded", STORY[:HALF])


@EACH_METHOD
def test_stop_on_unfinished_json_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    text = '{"names": ["anna", "bert", "carl", "dora", "emil", "frieda", "gert", "hanna"]}'

    def rest(request: RecordedRequest) -> Reply:
        shown = request.json["messages"][-1]["content"]
        return stream(text[len(shown) :])

    scripted_server.play(stream(text[:60]), rest)
    assert asked(door, method, expect="json", prefill="trailing")[1].text == text


@EACH_METHOD
def test_what_is_no_json_is_named(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(stream('{"a": nonsense}'))
    reason, result = stopped(door, method, expect="json")
    assert (reason, result.text) == ("invalid_json", '{"a": nonsense}')


@EACH_METHOD
def test_words_in_place_of_json_are_kept_for_the_caller(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    words = "I cannot write JSON about that."
    scripted_server.always(stream(words))
    _, result = stopped(door, method, expect="json")
    assert words in (result.text, *(each.text for each in result.segments))


@EACH_METHOD
def test_stop_with_all_tokens_spent_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    def rest(request: RecordedRequest) -> Reply:
        shown = request.json["messages"][-1]["content"]
        return stream(*pieces(STORY[len(shown) :]), usage=counted(50, 39))

    scripted_server.play(cut_answer(finish_reason="stop", usage=counted(5, 40)), rest)
    text, result = asked(door, method, max_tokens=40, prefill="trailing")
    assert (text, result.continues) == (STORY, 1)


@EACH_METHOD
@pytest.mark.parametrize("word", [None, "budget", "MAX_TOKENS", "model_length", "tool_calls"])
def test_an_end_that_is_not_known_to_be_one_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str, word: str | None
) -> None:
    scripted_server.play(cut_answer(finish_reason=word), Model().after_first(ASKED))
    text, result = asked(door, method, prefill="trailing")
    assert (text, result.status, result.continues) == (STORY, "complete", 1)


@EACH_METHOD
@pytest.mark.parametrize("options", [{"finish_reason": "length"}, {"finish_reason": None}])
def test_an_empty_answer_that_did_not_stop_is_no_answer(
    door: Doors, scripted_server: ScriptedServer, method: str, options: dict[str, Any]
) -> None:
    scripted_server.always(stream(**options))
    reason, result = stopped(door, method)
    assert (reason, result.text) == ("no_progress", "")
    assert len(scripted_server.requests) == 1


@EACH_METHOD
def test_an_empty_answer_is_no_json(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(stream())
    reason, result = stopped(door, method, expect="json")
    assert (reason, result.text) == ("no_progress", "")


@EACH_METHOD
def test_an_empty_continuation_ends_it_in_the_end(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(stream())
    scripted_server.play(cut_answer())
    reason, result = stopped(door, method, max_continues=9)
    assert reason in ("no_progress", "no_seam")
    assert result.text == STORY[:HALF]
    assert len(scripted_server.requests) < 7


@EACH_METHOD
@pytest.mark.parametrize("behaviour", ["self_echo", "endless_blank", "blank"])
def test_a_model_that_goes_in_circles_is_left(
    door: Doors, scripted_server: ScriptedServer, method: str, behaviour: str
) -> None:
    scripted_server.always(Model(behaviour=behaviour, cut=HALF, prefill="refused"))
    reason, result = stopped(door, method, max_continues=20)
    assert reason in ("no_progress", "no_seam", "repeating")
    assert len(scripted_server.requests) < 12
    assert result.text[:HALF] == STORY[:HALF]


@EACH_METHOD
def test_each_reply_is_kept_as_it_came(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    other = "Quite another story, which has nothing to do with the one that was begun before."
    scripted_server.play(cut_answer(), stream(other), stream(other), stream(other), stream(other))
    reason, result = stopped(door, method, prefill="off", max_continues=3)
    assert reason in ("no_seam", "max_continues")
    assert [each.text for each in result.segments[:2]] == [STORY[:HALF], other]
    assert [each.joined for each in result.segments[:2]] == ["first", "none"]
    assert result.text == STORY[:HALF]


@pytest.mark.parametrize("resume", ["auto", "off"])
def test_the_text_beside_an_error_in_one_body_is_kept(
    door: Doors, scripted_server: ScriptedServer, resume: str
) -> None:
    message = {"index": 0, "message": {"content": STORY[:HALF]}, "finish_reason": "error"}
    wrong = {"type": "invalid_request_error", "message": "boom"}
    scripted_server.always(json_reply({"choices": [message], "error": wrong}))
    with pytest.raises(Exception, match=r"'error'|boom") as caught:
        door().complete("x", resume=resume)
    assert caught.value.partial.text == STORY[:HALF]
