"""The options of `complete()` and of resuming, checked; and what is known of a server."""

from __future__ import annotations

from typing import Any

import pytest

from lexilux_like.turns.rules import LEARNED, Learned, Rules, Server, checked_rules
from lexilux_like.values.errors import ValidationError
from lexilux_like.values.options import Reasoning
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.profile import Prefill, Profile
from lexilux_like.wire.profiles import UNKNOWN
from lexilux_like.wire.registry import find_profile

MESSAGES = [{"role": "user", "content": "Hi"}]
REQUEST = ChatRequest("m", MESSAGES)
FLAG = Prefill("continue_final_message")
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}


def rules(request: ChatRequest = REQUEST, *, continues: bool = True, **options: Any) -> Rules:
    return checked_rules(options, request, continues=continues)


def test_what_is_not_given_has_its_default() -> None:
    assert rules() == Rules()


def test_none_counts_as_not_given() -> None:
    names = ("continue_prompt", "on_progress", "on_error_callback", "expect", "max_continues")
    assert rules(**dict.fromkeys(names)) == Rules()


def test_what_is_given_is_kept() -> None:
    given: dict[str, Any] = {
        "max_continues": 0,
        "ensure_complete": False,
        "continue_prompt": "Go on.",
        "on_error": "return_partial",
        "prefill": "partial",
        "allow_larger_max_tokens": False,
        "resume": "require",
    }
    kept = rules(**given)
    assert {name: getattr(kept, name) for name in given} == given


def test_options_that_are_not_about_continuing_are_left_alone() -> None:
    assert rules(temperature=0.5, history=None, model="x") == Rules()


@pytest.mark.parametrize(("continues", "default"), [(True, "auto"), (False, "off")])
def test_only_what_is_to_be_whole_is_resumed_unasked(continues: bool, default: str) -> None:
    assert rules(continues=continues).resume == default


@pytest.mark.parametrize("resume", ["auto", "off", "require"])
@pytest.mark.parametrize("continues", [True, False])
def test_resume_is_what_was_asked_for(continues: bool, resume: str) -> None:
    assert rules(continues=continues, resume=resume).resume == resume


@pytest.mark.parametrize(
    ("delay", "bounds"), [(0, (0, 0)), (0.5, (0.5, 0.5)), ((1, 2.5), (1, 2.5)), ((2, 2), (2, 2))]
)
def test_a_delay_is_a_number_or_two(delay: Any, bounds: tuple[float, float]) -> None:
    assert rules(continue_delay=delay).continue_delay == bounds


@pytest.mark.parametrize(
    "delay",
    [-1, True, "1", (2, 1), (1,), (1, 2, 3), (-1, 1), [1, 2], float("nan"), (0, float("inf"))],
    ids=str,
)
def test_a_delay_that_makes_no_sense_is_refused(delay: Any) -> None:
    with pytest.raises(ValidationError, match=r"continue_delay=.*seconds"):
        rules(continue_delay=delay)


@pytest.mark.parametrize("count", [-1, 2.0, True, "3"], ids=repr)
def test_a_count_that_makes_no_sense_is_refused(count: Any) -> None:
    with pytest.raises(ValidationError, match=r"max_continues=.*whole number"):
        rules(max_continues=count)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("on_error", "'raise', 'return_partial'"),
        ("expect", "'json'"),
        ("resume", "'auto', 'off', 'require'"),
        ("prefill", "'auto', 'off', 'trailing', 'prefix', 'partial', 'continue_final_message'"),
    ],
)
@pytest.mark.parametrize("value", ["nonsense", 1, ["auto"]], ids=repr)
def test_a_word_that_is_not_known_is_refused_with_those_that_are(
    name: str, known: str, value: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        rules(**{name: value})
    assert str(caught.value) == f"{name}={value!r}: it must be one of {known}"


@pytest.mark.parametrize(
    ("options", "form", "expected"),
    [
        ({}, None, False),
        ({"expect": "json"}, None, True),
        ({}, {"type": "text"}, False),
        ({}, {"type": "json_object"}, True),
        ({}, SCHEMA, True),
        ({"expect": "json"}, {"type": "text"}, True),
    ],
)
@pytest.mark.parametrize("place", ["options", "extra"])
def test_json_is_expected_when_it_is_said_in_any_way(
    options: dict[str, Any], form: Any, expected: bool, place: Any
) -> None:
    request = ChatRequest("m", MESSAGES, **{place: {"response_format": form} if form else {}})
    assert rules(request, **options).expects_json is expected


def test_extra_wins_over_the_option_that_it_takes_the_place_of() -> None:
    request = ChatRequest(
        "m",
        MESSAGES,
        {"response_format": {"type": "json_object"}},
        extra={"response_format": {"type": "text"}},
    )
    assert not rules(request).expects_json


@pytest.mark.parametrize("place", ["options", "extra"])
def test_several_answers_cannot_be_continued(place: Any) -> None:
    several = ChatRequest("m", MESSAGES, **{place: {"n": 2}})
    with pytest.raises(ValidationError, match="n=2"):
        rules(several)
    with pytest.raises(ValidationError, match="n=2"):
        rules(several, continues=False, resume="require")


def test_one_answer_is_fine() -> None:
    assert rules(ChatRequest("m", MESSAGES, {"n": 1})) == Rules()


# What is known of a server.


def server(profile: Profile = UNKNOWN, learned: Learned | None = None) -> Server:
    return Server("http://host/v1", profile, learned or Learned())


def row(name: str) -> Profile:
    return find_profile("http://host/v1", name)


def test_nothing_is_known_of_what_has_not_been_tried() -> None:
    assert Learned().works("http://host/v1", "m", "prefix") is None


@pytest.mark.parametrize("works", [True, False])
def test_what_was_seen_is_remembered_for_that_server_model_and_form(works: bool) -> None:
    learned = Learned()
    learned.note("http://host/v1", "m", "prefix", works=works)
    assert learned.works("http://host/v1", "m", "prefix") is works
    for other in (
        ("http://other/v1", "m", "prefix"),
        ("http://host/v1", "n", "prefix"),
        ("http://host/v1", "m", "partial"),
    ):
        assert learned.works(*other) is None


def test_what_was_seen_last_counts() -> None:
    learned = Learned()
    for works in (True, False):
        learned.note("u", "m", "prefix", works=works)
    assert learned.works("u", "m", "prefix") is False


def test_only_the_last_thousand_are_remembered() -> None:
    learned = Learned()
    for number in range(Learned.MOST):
        learned.note("u", f"m{number}", "prefix", works=True)
    learned.note("u", "m0", "prefix", works=True)
    learned.note("u", "new", "prefix", works=True)
    assert learned.works("u", "m0", "prefix") is True
    assert learned.works("u", "m1", "prefix") is None
    assert learned.works("u", "m2", "prefix") is True


def test_what_is_learnt_is_shared_by_the_process() -> None:
    assert isinstance(LEARNED, Learned)


def test_a_row_without_a_prefill_has_none() -> None:
    assert server().prefill(REQUEST, Rules()) is None


def test_a_rows_prefill_is_used_until_it_is_seen_not_to_work() -> None:
    known = server(row("vllm"))
    assert known.prefill(REQUEST, Rules()) == FLAG
    known.note(REQUEST, FLAG, works=False)
    assert known.prefill(REQUEST, Rules()) is None
    assert known.prefill(ChatRequest("other", MESSAGES), Rules()) == FLAG


def test_prefill_off_turns_it_off() -> None:
    assert server(row("deepseek")).prefill(REQUEST, Rules(prefill="off")) is None


def test_a_form_that_is_asked_for_is_used_where_none_is_known() -> None:
    assert server().prefill(REQUEST, Rules(prefill="continue_final_message")) == FLAG


def test_a_form_that_is_the_rows_own_keeps_what_is_known_of_it() -> None:
    known = server(row("deepseek")).prefill(REQUEST, Rules(prefill="prefix"))
    assert known is row("deepseek").prefill


@pytest.mark.parametrize("reasoning", [True, {"effort": "high"}], ids=str)
def test_a_prefill_that_excludes_reasoning_is_not_used_with_it(reasoning: Reasoning) -> None:
    request = ChatRequest("m", MESSAGES, reasoning=reasoning)
    assert server(row("deepseek")).prefill(request, Rules()) is None
    assert server(row("mistral")).prefill(request, Rules()) is not None


@pytest.mark.parametrize("reasoning", [None, False], ids=str)
def test_a_prefill_that_excludes_reasoning_is_used_without_it(reasoning: Reasoning | None) -> None:
    request = ChatRequest("m", MESSAGES, reasoning=reasoning)
    assert server(row("deepseek")).prefill(request, Rules()) is row("deepseek").prefill


def test_only_a_documented_prefill_works_unseen() -> None:
    documented = row("mistral").prefill
    assert documented is not None
    at_home = Server("https://api.mistral.ai/v1", row("mistral"), Learned())
    assert at_home.works(REQUEST, documented) is True
    assert server(row("mistral")).works(REQUEST, documented) is None
    assert server(row("vllm")).works(REQUEST, FLAG) is None


def test_what_was_seen_wins_over_the_documentation() -> None:
    documented = row("mistral").prefill
    assert documented is not None
    known = server(row("mistral"))
    known.note(REQUEST, documented, works=False)
    assert known.works(REQUEST, documented) is False
