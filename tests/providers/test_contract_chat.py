"""The contract of chat windows' providers: kept by a right one, and broken by each wrong one."""

from __future__ import annotations

import pytest
import toychat as toys
from wrongtoys import assert_caught, cases, claims, contract_of

from lexilux_like.testing.contracts import ChatProviderContract, PlayedModel

BOTH = ("generate", "stream")
WRONG: dict[str, list[tuple[type[toys.ToyChat], tuple[object, ...]]]] = {
    "test_generate_returns_the_whole_text": [(toys.Trimming, ()), (toys.Stumbling, ())],
    "test_stream_yields_the_text_in_order": [(toys.Trimming, ())],
    "test_a_piece_is_yielded_before_the_next_one_is_written": [(toys.Collecting, ())],
    "test_nothing_is_sent_before_the_first_piece_is_asked_for": [(toys.Eager, ())],
    "test_a_message_tells_the_model": [(toys.Uncounted, ())],
    "test_a_message_tells_its_tokens": [(toys.Uncounted, ()), (toys.AddingCached, ())],
    "test_the_conversation_reaches_the_model": [
        (wrong, (door,))
        for wrong in (toys.LastTurnOnly, toys.Unprompted, toys.AllUsers)
        for door in BOTH
    ],
    "test_a_system_message_reaches_the_model": [
        (wrong, (door,)) for wrong in (toys.SystemDropping, toys.Unprompted) for door in BOTH
    ],
    "test_the_config_reaches_the_model": [(toys.SetInItsWays, (door,)) for door in BOTH],
    "test_an_image_reaches_the_model_or_is_refused": [(toys.TextOnly, (door,)) for door in BOTH],
    "test_a_call_is_on_the_message_or_is_raised": [(toys.TextOnly, ()), (toys.Renaming, ())],
    "test_a_call_and_its_result_reach_the_model_or_are_refused": [
        (wrong, (door,)) for wrong in (toys.TextOnly, toys.Unlinking) for door in BOTH
    ],
    "test_messages_and_config_stay_as_they_are": [
        (wrong, (door,))
        for wrong in (toys.Appending, toys.Rewriting, toys.Reconfiguring)
        for door in BOTH
    ],
    "test_a_refusal_is_raised": [(toys.Swallowing, (door, 401)) for door in BOTH],
    "test_an_answer_that_breaks_off_is_raised": [(toys.Swallowing, (door,)) for door in BOTH],
    "test_an_answer_that_a_limit_cut_off_is_raised": [(toys.Swallowing, (door,)) for door in BOTH],
    "test_a_call_that_a_limit_cut_off_is_never_handed_out": [(toys.Swallowing, ())],
    "test_two_streams_at_once_do_not_mix": [(toys.Mixing, ())],
    "test_generate_does_not_block_the_loop": [(toys.Blocking, ())],
    "test_stream_does_not_block_the_loop": [(toys.Blocking, ())],
    "test_a_stalled_stream_is_cancelled_at_once": [
        (toys.Polite, ()),
        (toys.Forgetful, ()),
        (toys.Quiet, ()),
        (toys.Leaving, ()),
    ],
    "test_a_stream_is_cancelled_before_anything_has_come": [(toys.Polite, ()), (toys.Quiet, ())],
    "test_cancelling_reaches_the_model": [(toys.Leaving, ())],
    "test_a_cancelled_stream_yields_no_more": [(toys.Generous, ()), (toys.Forgetful, ())],
    "test_a_stream_that_is_cancelled_beforehand_asks_nothing": [(toys.Deaf, ())],
    "test_an_event_that_is_never_set_changes_nothing": [(toys.Impatient, ())],
    "test_breaking_off_reaches_the_model": [(toys.Clinging, ())],
    "test_a_cancelled_task_ends_its_stream": [(toys.Converting, ()), (toys.Leaving, ())],
    "test_a_cancelled_task_ends_its_generate": [(toys.Converting, ())],
}
"""For each claim who breaks it, and the parameters of the test that must tell."""


class TestARightOne(ChatProviderContract):
    def provider(self, model: PlayedModel) -> toys.ToyChat:
        return toys.ToyChat(model)


class TestACarefulOneThatSendsTextOnly(ChatProviderContract):
    has_images = has_results = False

    def provider(self, model: PlayedModel) -> toys.ToyChat:
        return toys.Refusing(model)


@pytest.mark.parametrize(("name", "wrong", "arguments"), cases(WRONG))
def test_a_wrong_one_is_caught(
    name: str,
    wrong: type[toys.ToyChat],
    arguments: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    try:
        assert_caught(ChatProviderContract, name, wrong, arguments, monkeypatch)
    finally:
        toys.KEPT.clear()


def test_every_claim_has_been_broken_by_somebody():
    assert claims(ChatProviderContract) == WRONG.keys()


@pytest.mark.parametrize("door", BOTH)
@pytest.mark.parametrize("capability", ["has_images", "has_results"])
def test_who_cannot_send_something_must_not_leave_it_out(door: str, capability: str):
    contract = contract_of(ChatProviderContract, toys.TextOnly)
    setattr(contract, capability, False)
    tests = {
        "has_images": contract.test_an_image_reaches_the_model_or_is_refused,
        "has_results": contract.test_a_call_and_its_result_reach_the_model_or_are_refused,
    }
    with PlayedModel() as model, pytest.raises(pytest.fail.Exception):
        tests[capability](model, door)


def test_who_cannot_send_something_must_say_so_before_the_model_is_asked():
    contract = contract_of(ChatProviderContract, toys.Late)
    contract.has_images = False
    with PlayedModel() as model, pytest.raises(AssertionError, match="the model was asked"):
        contract.test_an_image_reaches_the_model_or_is_refused(model, "generate")


def test_who_cannot_hand_out_calls_must_not_leave_them_out():
    contract = contract_of(ChatProviderContract, toys.TextOnly)
    contract.has_calls = False
    with PlayedModel() as model, pytest.raises(pytest.fail.Exception, match="nothing was raised"):
        contract.test_a_call_is_on_the_message_or_is_raised(model)


def test_what_a_provider_cannot_do_is_skipped_with_the_name_of_it():
    contract = contract_of(ChatProviderContract, toys.ToyChat)
    contract.knows_cuts = False
    reason = "Contract.knows_cuts is False"
    with PlayedModel() as model, pytest.raises(pytest.skip.Exception, match=reason):
        contract.test_an_answer_that_a_limit_cut_off_is_raised(model, "stream")


def test_a_contract_without_a_provider_says_what_to_write():
    write = r"write ChatProviderContract\.provider\(self, model\)"
    with PlayedModel() as model, pytest.raises(pytest.fail.Exception, match=write):
        ChatProviderContract().test_generate_returns_the_whole_text(model)


def test_a_provider_that_cannot_be_made_passes_no_test():
    contract = contract_of(ChatProviderContract, lambda model: model.no_such_thing)
    with PlayedModel() as model, pytest.raises(pytest.fail.Exception, match="no_such_thing"):
        contract.test_a_refusal_is_raised(model, "generate", 401)
