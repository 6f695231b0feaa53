"""What is said to a model that is asked for the rest, and in which request."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from lexilux_like.turns.asking import (
    BEGIN,
    budget,
    prompt_of,
    rest_prompt,
    sentinel_for,
    with_budget,
    with_prefill,
    with_turn,
)
from lexilux_like.turns.cut import Cut
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.request import ChatRequest

QUESTION = {"role": "user", "content": "Tell me."}
CUT = Cut("One two three. Four five", at=15, anchor_at=4)
FORM = {"type": "json_object"}


def request(*messages: Any, **fields: Any) -> ChatRequest:
    return ChatRequest("m", list(messages) or [QUESTION], **fields)


def history_of(asked: ChatRequest) -> ChatHistory:
    return ChatHistory.from_messages(list(asked.messages))


def turned(asked: ChatRequest, cut: Cut = CUT) -> ChatRequest:
    return with_turn(asked, history_of(asked), cut, "And?")


def prefilled(asked: ChatRequest, cut: Cut = CUT, *, keeps: bool = False) -> ChatRequest:
    return with_prefill(asked, history_of(asked), cut, "partial", keeps_constraint=keeps)


# The prompt.


def test_the_prompt_ends_with_the_anchor() -> None:
    assert rest_prompt(CUT, sentinel="[[END]]").endswith(f"\n\n{BEGIN}\ntwo three.")


def test_the_prompt_asks_for_the_sentinel_where_there_is_one() -> None:
    assert "Write [[END]] right after" in rest_prompt(CUT, sentinel="[[END]]")
    assert "Write" not in rest_prompt(CUT, sentinel=None)


def test_the_callers_words_take_the_place_of_ours_and_nothing_else() -> None:
    ours, theirs = (rest_prompt(CUT, sentinel="[[END]]", words=words) for words in (None, "Go on!"))
    assert theirs.startswith("Go on! Send nothing else")
    assert theirs.partition("Send nothing else")[2] == ours.partition("Send nothing else")[2]


@pytest.mark.parametrize("words", ["{sentinel}", "100 % {}", "\\1"])
def test_the_callers_words_are_taken_as_they_are(words: str) -> None:
    assert rest_prompt(CUT, sentinel="[[END]]", words=words).startswith(words)


@pytest.mark.parametrize(
    ("text", "sentinel"),
    [
        ("", "[[END]]"),
        ("END", "[[END]]"),
        ("a [[END]] b", "[[END-2]]"),
        ("[[END]] [[END-2]]", "[[END-3]]"),
        ("[[END-2]]", "[[END]]"),
    ],
)
def test_the_sentinel_is_not_in_the_text(text: str, sentinel: str) -> None:
    assert sentinel_for(text) == sentinel


# A user turn.


def test_a_turn_follows_the_answer_so_far() -> None:
    assert turned(request()).messages == [
        QUESTION,
        {"role": "assistant", "content": "One two three. "},
        {"role": "user", "content": "And?"},
    ]


def test_a_turn_keeps_every_message_before_it() -> None:
    messages = [
        {"role": "system", "content": "Brief."},
        {"role": "developer", "content": "More."},
        {"role": "user", "content": [{"type": "text", "text": "x"}], "name": "ann"},
        {"role": "tool", "tool_call_id": "c", "content": "4"},
        {**QUESTION, "cache_control": {"type": "ephemeral"}},
    ]
    asked = request(*messages)
    before = deepcopy(messages)
    assert list(turned(asked).messages)[:-2] == before
    assert list(asked.messages) == before


def test_a_turn_joins_the_answer_with_an_assistant_message_that_it_began_from() -> None:
    asked = request(QUESTION, {"role": "assistant", "content": "Well: "})
    assert [each["content"] for each in turned(asked).messages] == [
        "Tell me.",
        "Well: One two three. ",
        "And?",
    ]


def test_asking_changes_neither_history_nor_request() -> None:
    asked = request(QUESTION, {"role": "assistant", "content": "Well: "}, options={"seed": 1})
    history = history_of(asked)
    before = history.to_dict(), list(asked.messages)
    with_turn(asked, history, CUT, "And?")
    with_prefill(asked, history, CUT, "prefix", keeps_constraint=False)
    assert (history.to_dict(), list(asked.messages)) == before


@pytest.mark.parametrize(
    "name",
    ["response_format", "grammar", "json_schema", "guided_json", "structured_outputs"],
)
def test_a_turn_is_without_what_holds_an_answer_to_a_form(name: str) -> None:
    asked = turned(request(options={"response_format": FORM, "seed": 1}, extra={name: "x", "k": 2}))
    assert (asked.options, asked.extra) == ({"seed": 1}, {"k": 2})


# A prefill.


def test_a_prefill_ends_with_the_answer_so_far_without_white_space() -> None:
    asked = prefilled(request())
    assert asked.messages == [QUESTION, {"role": "assistant", "content": "One two three."}]
    assert asked.prefill == "partial"


@pytest.mark.parametrize("keeps", [True, False])
def test_a_prefill_keeps_the_form_only_where_it_holds_inside_of_it(keeps: bool) -> None:
    asked = prefilled(request(options={"response_format": FORM}), keeps=keeps)
    assert asked.options == ({"response_format": FORM} if keeps else {})


# The budget.


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({}, None),
        ({"options": {"max_tokens": 5}}, 5),
        ({"options": {"max_completion_tokens": 6}}, 6),
        ({"extra": {"max_tokens": 7}}, 7),
        ({"options": {"max_tokens": 5}, "extra": {"max_tokens": 9}}, 9),
        ({"options": {"max_tokens": 5, "max_completion_tokens": 4}}, 4),
        ({"extra": {"max_tokens": None}}, None),
        ({"extra": {"max_tokens": True}}, None),
    ],
)
def test_the_budget_is_what_the_request_allows(fields: dict[str, Any], tokens: int | None) -> None:
    assert budget(request(**fields)) == tokens


def test_another_budget_goes_where_the_caller_put_it() -> None:
    asked = request(options={"max_completion_tokens": 5, "seed": 1}, extra={"top_k": 3})
    larger = with_budget(asked, 10)
    assert (larger.options, larger.extra) == (
        {"max_completion_tokens": 10, "seed": 1},
        {"top_k": 3},
    )
    assert with_budget(request(extra={"max_tokens": 5}), 10).extra == {"max_tokens": 10}
    assert budget(asked) == 5


# For callbacks.


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([QUESTION], "Tell me."),
        ([QUESTION, {"role": "assistant", "content": "x"}], "Tell me."),
        ([{"role": "user", "content": "first"}, QUESTION], "Tell me."),
        ([{"role": "system", "content": "x"}], ""),
    ],
)
def test_the_prompt_is_the_last_user_message(messages: list[Any], prompt: str) -> None:
    assert prompt_of(request(*messages)) == prompt


def test_the_prompt_of_a_message_in_parts_is_its_text() -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {}}]
    assert prompt_of(request(QUESTION, {"role": "user", "content": parts})) == "What is this?"
