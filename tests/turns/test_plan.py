"""What is asked next when an answer is not whole: which request, and when none is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sockets import STORY

from lexilux_like.turns.draft import Draft
from lexilux_like.turns.plan import Ask, Planner, Reply, StopError
from lexilux_like.turns.rules import Learned, Rules, Server
from lexilux_like.values.errors import (
    ChatStreamInterruptedError,
    InvalidRequestError,
    LexiluxError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, Join, Status, ToolCall, Usage
from lexilux_like.wire.profile import Profile
from lexilux_like.wire.profiles import LOCAL, UNKNOWN

MESSAGES = [{"role": "user", "content": "Tell me."}]
PART = STORY[:300]
BROKEN = ChatStreamInterruptedError("cut off")


def planner(
    profile: Profile = LOCAL,
    *,
    learned: Learned | None = None,
    tokens: int | None = 100,
    **rules: Any,
) -> Planner:
    request = ChatRequest("m", MESSAGES, {"max_tokens": tokens} if tokens else {})
    return Planner(request, Rules(**rules), Server("http://host/v1", profile, learned or Learned()))


def drafted(text: str = PART, *, is_json: bool = False) -> Draft:
    """An answer of which so much has come."""
    draft = Draft(expects_json=is_json, live=False)
    draft.begin(None)
    draft.feed(text)
    draft.end(cut_again=True)
    return draft


def reply(
    ask: Ask,
    text: str = PART,
    *,
    status: Status = "truncated",
    joined: Join = "first",
    grown: str | None = None,
    error: LexiluxError | None = None,
    **result: Any,
) -> Reply:
    """What came of a request; all of it is new unless said."""
    came = ChatResult(text=text, status=status, **result)
    return Reply(ask, came, joined, text if grown is None else grown, error=error)


def second(plan: Planner, draft: Draft | None = None, **given: Any) -> Ask:
    """The request behind a first one that was cut."""
    return plan.after(reply(plan.first(), **given), draft or drafted(), count=1)


def stop(plan: Planner, last: Reply, draft: Draft | None = None) -> StopError:
    with pytest.raises(StopError) as caught:
        plan.after(last, draft or drafted(), count=1)
    return caught.value


def refused(words: str) -> InvalidRequestError:
    return InvalidRequestError(words, provider_message=words, status_code=400)


def test_the_first_request_is_the_callers() -> None:
    plan = planner()
    assert plan.first().asked == "first"
    assert plan.first().request.messages is MESSAGES


# The ladder.


def test_a_prefill_comes_first_where_there_is_one() -> None:
    ask = second(planner(LOCAL))
    assert (ask.asked, ask.request.prefill, ask.sentinel) == ("prefill", "trailing", None)
    assert ask.cut is not None
    assert ask.request.messages[-1]["content"] == ask.cut.kept.rstrip()


def test_a_user_turn_comes_first_where_there_is_none() -> None:
    ask = second(planner(UNKNOWN))
    assert (ask.asked, ask.request.prefill, ask.sentinel) == ("turn", None, "[[END]]")
    assert ask.cut is not None
    assert ask.request.messages[-1]["content"].endswith(ask.cut.anchor)


def test_a_turn_for_json_has_no_sentinel() -> None:
    text = '{"names": ["anna", "bert", "carl", "dora", "emil", "frieda", "ge'
    ask = second(planner(UNKNOWN), drafted(text, is_json=True), text=text)
    assert (ask.asked, ask.sentinel) == ("turn", None)


def test_each_reply_that_does_not_join_leads_a_step_further() -> None:
    plan, draft = planner(LOCAL), drafted()
    asks = [second(plan, draft)]
    for _ in range(3):
        lost = reply(asks[-1], "Something else.", joined="none", grown="", status="complete")
        asks.append(plan.after(lost, draft, count=1))
    assert [each.asked for each in asks] == ["prefill", "turn", "turn", "again"]
    _, near, far, again = asks
    assert near.cut is not None
    assert far.cut is not None
    assert far.cut.at < near.cut.at
    assert again.cut is None
    lost = reply(again, "Something else.", joined="none", grown="", status="complete")
    assert stop(plan, lost, draft).reason == "no_seam"


def test_a_way_that_led_on_is_used_again() -> None:
    plan = planner(UNKNOWN)
    asked = second(plan)
    longer = reply(asked, STORY[250:520], joined="repeated", grown=STORY[300:520])
    assert plan.after(longer, drafted(STORY[:520]), count=2).asked == "turn"


def test_a_short_answer_is_asked_again_with_more_room() -> None:
    ask = second(planner(), drafted("Too short"), text="Too short")
    assert (ask.asked, ask.cut) == ("again", None)
    assert ask.request.options["max_tokens"] > 100
    assert ask.request.messages is MESSAGES


def test_a_short_answer_is_asked_again_with_twice_the_room_where_that_is_all_there_is() -> None:
    ask = second(planner(max_continues=1), drafted("Too short"), text="Too short")
    assert ask.request.options["max_tokens"] == 200


def test_a_short_answer_that_broke_is_asked_again_as_it_was() -> None:
    plan = planner()
    ask = second(plan, drafted("Too short"), text="Too short", status="interrupted", error=BROKEN)
    assert ask.request is plan.first().request


def test_what_was_handed_out_must_come_back_when_it_is_asked_again() -> None:
    draft = Draft(expects_json=False, live=True)
    draft.begin(None)
    seen = "".join(draft.feed(each) for each in PART)
    draft.end(cut_again=True)
    calls = (ToolCall("c", "f", '{"a'),)
    ask = second(planner(), draft, incomplete_tool_calls=calls)
    assert ask.cut is not None
    assert (ask.asked, ask.cut.at, ask.cut.tail) == ("again", 0, seen)


# The budget.


def test_a_larger_budget_stays_within_what_the_continuations_allow() -> None:
    plan = planner(max_continues=4)
    asks = [plan.first()]
    for _ in range(3):
        thought = reply(asks[-1], "", reasoning="Hm.")
        asks.append(plan.after(thought, drafted(""), count=1))
    sizes = [each.request.options["max_tokens"] for each in asks]
    assert sizes == [100, 200, 400, 500]
    assert (
        stop(plan, reply(asks[-1], "", reasoning="Hm."), drafted("")).reason == "reasoning_budget"
    )


@pytest.mark.parametrize(
    ("tokens", "rules"),
    [(None, {}), (100, {"allow_larger_max_tokens": False}), (100, {"max_continues": 0})],
)
def test_no_larger_budget_is_asked_for_where_none_may_be(
    tokens: int | None, rules: dict[str, Any]
) -> None:
    plan = planner(tokens=tokens, **rules)
    thought = reply(plan.first(), "", reasoning="Hm.")
    assert stop(plan, thought, drafted("")).reason == "reasoning_budget"


def test_a_budget_that_the_server_refuses_is_given_up() -> None:
    plan = planner()
    larger = second(plan, drafted("Too short"), text="Too short")
    assert plan.learn(refused("max_tokens must be at most 150 tokens"), larger)
    failed = reply(larger, "", status="interrupted", error=refused("max_tokens"), joined="none")
    assert stop(plan, failed, drafted("Too short")).reason == "no_seam"


# Ends.


@pytest.mark.parametrize(
    ("text", "result", "reason"),
    [
        ("", {"reasoning": "Hm."}, "reasoning_budget"),
        ("", {}, "no_progress"),
        ("  \n", {}, "no_progress"),
        (PART, {"incomplete_tool_calls": (ToolCall("c", "f", '{"a'),)}, "tool_arguments"),
        (PART, {"tool_calls": (ToolCall("c", "f", '{"a'),)}, "tool_arguments"),
    ],
)
def test_what_stands_in_the_way_is_named(text: str, result: dict[str, Any], reason: str) -> None:
    plan = planner(tokens=None)
    assert stop(plan, reply(plan.first(), text, **result), drafted(text)).reason == reason


def test_a_model_that_says_the_same_twice_goes_in_circles() -> None:
    plan = planner(UNKNOWN)
    ask, more = second(plan), "And the band plays on, and on, and on, until it stops. "
    once = reply(ask, more, joined="repeated", grown=more)
    ask = plan.after(once, drafted(PART + more), count=2)
    again = replace(once, ask=ask)
    assert stop(plan, again, drafted(PART + more + more)).reason == "repeating"


def test_a_short_piece_may_come_twice() -> None:
    plan = planner(UNKNOWN)
    once = reply(second(plan), "ha ha ", joined="repeated", grown="ha ha ")
    ask = plan.after(once, drafted(PART + "ha ha "), count=2)
    assert (
        plan.after(replace(once, ask=ask), drafted(PART + "ha ha ha ha "), count=3).asked == "turn"
    )


def test_a_model_that_only_repeats_at_its_limit_makes_no_progress() -> None:
    plan = planner(UNKNOWN, tokens=None)
    ask = second(plan)
    assert ask.cut is not None
    nothing = reply(ask, ask.cut.tail, joined="repeated", grown="")
    assert stop(plan, nothing).reason == "no_progress"


def test_what_may_not_belong_to_the_answer_ends_it() -> None:
    draft = drafted()
    draft.spoiled = True
    plan = planner()
    assert stop(plan, reply(plan.first()), draft).reason == "unconfirmed_end"


# What is learnt.


@pytest.mark.parametrize(
    "words",
    [
        "This model does not support assistant message prefill.",
        "Assistant response prefill is incompatible with enable_thinking",
        "Cannot have 2 or more assistant messages at the end of the list.",
        "final assistant content cannot end with trailing whitespace",
        "The conversation must end with a user message.",
        "Expected last role User or Tool (or Assistant with prefix True)",
        "Cannot set both `add_generation_prompt` and `continue_final_message` to True.",
        "body.messages.2.partial: Extra inputs are not permitted",
        "Unknown parameter: 'continue_final_message'.",
    ],
)
def test_a_rejected_prefill_is_remembered_and_not_sent_again(words: str) -> None:
    learned = Learned()
    plan = planner(learned=learned)
    ask = second(plan)
    assert plan.learn(refused(words), ask)
    assert learned.works("http://host/v1", "m", "trailing") is False
    failed = reply(ask, "", status="interrupted", joined="none", error=refused(words))
    assert plan.after(failed, drafted(), count=1).asked == "turn"
    assert second(planner(learned=learned)).asked == "turn"


def test_a_prefill_refused_for_another_reason_is_not_sent_again_in_this_call_only() -> None:
    learned = Learned()
    plan = planner(learned=learned)
    ask = second(plan)
    assert plan.learn(refused("no"), ask)
    failed = reply(ask, "", status="interrupted", joined="none", error=refused("no"))
    assert plan.after(failed, drafted(), count=1).asked == "turn"
    assert second(planner(learned=learned)).asked == "prefill"


def test_a_prefill_whose_reply_does_not_join_is_remembered() -> None:
    learned = Learned()
    plan = planner(learned=learned)
    other = reply(second(plan), "Other.", joined="none", grown="", status="complete")
    plan.after(other, drafted(), count=1)
    assert learned.works("http://host/v1", "m", "trailing") is False


def test_a_prefill_that_broke_says_nothing_about_the_form() -> None:
    learned = Learned()
    plan = planner(learned=learned)
    ask = second(plan)
    broke = reply(ask, "", joined="none", grown="", status="interrupted", error=BROKEN)
    assert plan.after(broke, drafted(), count=1).asked == "prefill"
    assert learned.works("http://host/v1", "m", "trailing") is None


def test_an_overflow_ends_it() -> None:
    plan = planner(UNKNOWN)
    error = refused("This model's maximum context length is 4096 tokens")
    error.context_exceeded = True
    with pytest.raises(StopError) as caught:
        plan.learn(error, second(plan))
    assert (caught.value.reason, caught.value.cause) == ("context_exceeded", error)


@pytest.mark.parametrize("error", [refused("no such tool"), ServerError("500"), BROKEN], ids=repr)
def test_other_failures_teach_nothing(error: LexiluxError) -> None:
    plan = planner(UNKNOWN)
    assert not plan.learn(error, second(plan))


# What a reply says of its end.


@pytest.mark.parametrize(
    ("spent", "status", "error", "cut"),
    [
        (100, "complete", None, True),
        (99, "complete", None, False),
        (None, "complete", None, False),
        (5, "truncated", None, True),
        (100, "interrupted", BROKEN, False),
    ],
)
def test_a_reply_was_cut_by_a_limit_when_its_word_or_its_usage_says_so(
    spent: int | None, status: Status, error: LexiluxError | None, cut: bool
) -> None:
    usage = Usage(output_tokens=spent)
    got = reply(planner().first(), status=status, error=error, usage=usage)
    assert got.cut_by_limit is cut


# The callers words.


def test_a_prompt_function_is_given_the_count_the_limit_the_text_and_the_question() -> None:
    given: list[tuple[int, int, str, str]] = []

    def words(*args: Any) -> str:
        given.append(args)
        return "Weiter!"

    ask = second(planner(UNKNOWN, continue_prompt=words, max_continues=3))
    assert given == [(1, 3, PART, "Tell me.")]
    assert ask.request.messages[-1]["content"].startswith("Weiter! ")
