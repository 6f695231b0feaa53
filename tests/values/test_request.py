"""A call, resolved: defaults applied, history read, nothing invented."""

from __future__ import annotations

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.options import ChatParams
from lexilux_like.values.request import ChatRequest, resolve

USER = {"role": "user", "content": "Hi"}


def resolved(messages="Hi", default_model="m", **options) -> ChatRequest:
    return resolve(messages, options, default_model=default_model)


def test_a_prompt_becomes_a_user_message_and_nothing_else_is_set():
    assert resolved() == ChatRequest("m", [USER])


def test_the_model_of_the_call_wins():
    assert resolved(model="other").model == "other"


@pytest.mark.parametrize("model", [None, ""])
def test_a_call_without_a_model_is_refused(model: str | None):
    with pytest.raises(ValidationError, match="no model"):
        resolved(default_model=model)


def test_the_system_prompt_comes_first():
    assert resolved(system="Be brief.").messages == [
        {"role": "system", "content": "Be brief."},
        USER,
    ]


def test_the_history_comes_before_the_new_message_and_is_not_changed():
    history = ChatHistory(["one"], system="Be brief.")
    request = resolved(history=history)
    assert request.messages == [*history.get_messages(), USER]
    assert history == ChatHistory(["one"], system="Be brief.")


def test_the_system_prompt_of_the_call_takes_the_place_of_the_history_s():
    request = resolved(system="Rhyme.", history=ChatHistory(["one"], system="Be brief."))
    assert [m["content"] for m in request.messages] == ["Rhyme.", "one", "Hi"]


def test_a_history_alone_is_enough():
    assert resolved([], history=ChatHistory(["one"])).messages == [
        {"role": "user", "content": "one"}
    ]


@pytest.mark.parametrize("options", [{}, {"history": ChatHistory()}, {"system": "Be brief."}])
def test_a_call_without_messages_is_refused(options: dict[str, object]):
    with pytest.raises(ValidationError, match="messages must not be empty"):
        resolved([], **options)


def test_messages_are_passed_by_reference():
    message = {"role": "user", "content": "Hi"}
    assert resolved([message]).messages[0] is message


def test_sampling_options_are_collected_from_params_and_keywords():
    request = resolved(params=ChatParams(seed=1, top_p=0.5), seed=2, temperature=None)
    assert request.options == {"seed": 2, "top_p": 0.5}


def test_n_is_an_option():
    assert resolved(n=3).options == {"n": 3}


@pytest.mark.parametrize("n", [0, -1, 1.0, "2"])
def test_n_is_a_whole_number_from_one(n: object):
    with pytest.raises(ValidationError, match=r"^n="):
        resolved(n=n)


def test_extra_fields_are_kept_apart_and_unchecked():
    assert resolved(extra={"top_k": "anything"}).extra == {"top_k": "anything"}


def test_reasoning_is_passed_on():
    assert resolved(reasoning={"effort": "high"}).reasoning == {"effort": "high"}


def test_headers_of_the_call_are_checked():
    assert resolved(headers={"X-Trace": "1"}).headers == {"x-trace": "1"}
    with pytest.raises(ValidationError, match="'x-trace'"):
        resolved(headers={"x-trace": "1\r\nx-evil: 2"})


def test_usage_is_asked_for_unless_declined():
    assert resolved().include_usage
    assert not resolved(include_usage=False).include_usage


def test_reasoning_is_shown_in_chunks_when_asked_for():
    assert not resolved().include_reasoning
    assert resolved(include_reasoning=True).include_reasoning


@pytest.mark.parametrize("option", ["return_raw", "return_raw_events"])
def test_raw_json_is_kept_when_asked_for(option: str):
    assert not resolved(**{option: False}).keep_raw
    assert resolved(**{option: True}).keep_raw


def test_neither_messages_nor_headers_are_in_the_repr():
    request = resolved("a secret", headers={"x-token": "another"})
    assert "secret" not in repr(request)
    assert "another" not in repr(request)
