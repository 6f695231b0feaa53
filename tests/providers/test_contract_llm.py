"""The contract of agents' providers: kept by right ones, and broken by each wrong one."""

from __future__ import annotations

from itertools import product

import pytest
import toyllm as toys
import toystreams
from wrongtoys import assert_caught, cases, claims

from lexilux_like.providers.llm import LLMProvider
from lexilux_like.testing.contracts import (
    Call,
    LLMProviderContract,
    PlayedModel,
    Refuses,
    Says,
)

DOORS = ("complete", "acomplete", "stream")
WHOLE = ("complete", "acomplete")
SECRET = Says(("what-nobody-else-may-read",))
TEXT = Says(("Hel", "lo"))
CUT_CALL = Says(calls=(Call("clock", "{}"),), ending="length")
THINKS = Says(("Hello",), reasoning=("Let me ", "think."), calls=(Call("clock", ""),))


def by(doors: tuple[str, ...], *wrong: type[toys.ToyLLM], more: tuple[object, ...] = ()):
    """Each of them by each door."""
    return [(each, (door, *more)) for each, door in product(wrong, doors)]


WRONG: dict[str, list[tuple[type[toys.ToyLLM], tuple[object, ...]]]] = {
    "test_the_text_comes_whole": by(DOORS, toys.Trimming),
    "test_tokens_and_model_are_told": by(DOORS, toys.AddingCached),
    "test_the_conversation_reaches_the_model": by(DOORS, toys.LastTurnOnly, toys.Unprompted),
    "test_a_tool_reaches_the_model_whole": by(DOORS, toys.PropertiesOnly),
    "test_a_call_and_its_result_reach_the_model": by(DOORS, toys.Flattening),
    "test_calls_come_whole": by(DOORS, toys.RawArguments, toys.LastCallOnly),
    "test_a_call_that_a_limit_cut_off_is_never_handed_out": [
        *by(DOORS, toys.Trusting, toys.Honest, more=('{"path": "/tmp',)),
        *by(DOORS, toys.Trusting, toys.Honest, more=('{"path": "/tmp"}',)),
    ],
    "test_an_answer_that_a_limit_cut_off_says_so": by(DOORS, toys.Trusting),
    "test_messages_and_tools_stay_as_they_are": by(DOORS, toys.Rewriting),
    "test_json_mode_is_asked_for_and_leaves_no_trace": by(WHOLE, toys.Rewriting, toys.Prosaic),
    "test_a_refusal_is_told": by(DOORS, toys.Swallowing, more=(401,)),
    "test_an_answer_that_breaks_off_is_told": by(DOORS, toys.Swallowing),
    "test_acomplete_does_not_block_the_loop": [(toys.Blocking, ())],
    "test_nothing_of_a_conversation_is_kept": [
        *by(DOORS, toys.Dumping, toys.Logging, more=(SECRET,)),
        *by(DOORS, toys.Dumping, more=(Refuses(400),)),
    ],
    "test_a_delta_comes_before_the_next_one_is_written": [(toystreams.Collecting, ())],
    "test_the_events_obey_their_grammar": [
        (toystreams.Endless, (TEXT,)),
        (toystreams.Endless, (Refuses(400),)),
        (toystreams.TwiceOver, (Refuses(400),)),
        (toystreams.Snapshotless, (TEXT,)),
        (toystreams.Unended, (TEXT,)),
        (toystreams.StartingTwice, (THINKS,)),
        (toystreams.Unstarted, (THINKS,)),
        (toys.Honest, (CUT_CALL,)),
    ],
    "test_deltas_never_repeat": [(toystreams.StartingOver, ()), (toys.Swallowing, ())],
    "test_reasoning_is_told_before_the_text": [(toystreams.Thoughtless, ())],
    "test_a_call_whose_arguments_are_no_object_is_not_handed_out": [
        (wrong, (arguments,))
        for wrong in (toystreams.Repairing, toys.RawArguments, toystreams.Dropping)
        for arguments in ('["a"]', '{"a": 1')
    ],
    "test_two_streams_at_once_do_not_mix": [(toystreams.Mixing, ())],
    "test_stream_does_not_block_the_loop": [(toys.Blocking, ())],
    "test_breaking_off_reaches_the_model": [(toystreams.Clinging, ())],
    "test_a_cancelled_task_ends_its_stream": [(toystreams.Reporting, ()), (toystreams.Leaving, ())],
    "test_a_cancelled_task_ends_its_acomplete": [
        (toystreams.Reporting, ()),
        (toystreams.Leaving, ()),
    ],
    "test_an_empty_answer_is_asked_for_again": by(DOORS, toys.Content),
    "test_an_answer_that_stays_empty_is_handed_out_in_the_end": by(DOORS, toys.Stubborn),
    "test_an_empty_answer_that_a_limit_cut_off_is_not_asked_for_again": by(DOORS, toys.Hopeful),
    "test_a_rate_limit_is_waited_for": by(WHOLE, toys.Impatient),
    "test_max_retries_bounds_the_requests_of_a_call": [
        *by(WHOLE, toys.Unheeding, more=(0,)),
        *by(WHOLE, toys.Unheeding, more=(2,)),
    ],
}
"""For each claim who breaks it, and the parameters of the test that must tell."""


class TestARightOne(LLMProviderContract):
    def provider(self, model: PlayedModel) -> LLMProvider:
        return toys.ToyLLM(model)


class TestOneThatHasCompleteOnly(LLMProviderContract):
    streams = closes = has_reasoning = retries = retries_empty = False

    def provider(self, model: PlayedModel) -> LLMProvider:
        return toys.CompleteOnly(model)


@pytest.mark.parametrize(("name", "wrong", "arguments"), cases(WRONG))
def test_a_wrong_one_is_caught(
    name: str,
    wrong: type[toys.ToyLLM],
    arguments: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    try:
        assert_caught(LLMProviderContract, name, wrong, arguments, monkeypatch)
    finally:
        toystreams.KEPT.clear()


def test_every_claim_has_been_broken_by_somebody():
    assert claims(LLMProviderContract) == WRONG.keys()
