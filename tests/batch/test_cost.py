"""What a batch cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from batches import prompt_of

from lexilux_like import ValidationError, prices
from lexilux_like.batch import batches, run
from lexilux_like.testing import answer, refuse

CENT = Decimal("0.01")


@pytest.fixture(autouse=True)
def _a_cent_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests is in no price list: answers cost a cent, and "free" has no price."""
    monkeypatch.setattr(run, "cost", lambda result: None if result.text == "FREE" else CENT)


def test_without_asking_there_is_no_cost(maps, echoing):
    batch = maps.open(["a"])
    assert [outcome.cost for outcome in batch.rest()] == [None]
    assert (batch.totals.cost, batch.totals.unpriced) == (None, 0)


def test_outcomes_and_totals_have_their_cost(maps, echoing):
    batch = maps.open(["a", "b"], cost=True)
    assert [outcome.cost for outcome in batch.rest()] == [CENT, CENT]
    assert batch.totals.cost == 2 * CENT


def test_what_has_no_price_is_counted_and_not_guessed(maps, echoing):
    batch = maps.open(["a", "free"], cost=True)
    assert [outcome.cost for outcome in batch.rest()] == [CENT, None]
    assert (batch.totals.cost, batch.totals.unpriced) == (CENT, 1)


def test_a_refused_item_costs_nothing(maps, scripted_server):
    scripted_server.always(
        lambda request: refuse(500, "no") if prompt_of(request) == "b" else answer("yes")
    )
    batch = maps.open(["a", "b"], cost=True)
    assert [outcome.cost for outcome in batch.rest()] == [CENT, None]
    assert (batch.totals.cost, batch.totals.unpriced) == (CENT, 0)


def test_the_part_of_an_answer_has_its_cost(maps, scripted_server):
    scripted_server.always(answer("on", finish_reason="length"))
    batch = maps.open(["a"], cost=True, method="complete", resume="off", max_continues=0)
    (outcome,) = batch.rest()
    assert not outcome.ok
    assert outcome.cost == batch.totals.cost == CENT


def test_what_comes_from_a_journal_was_paid_before(maps, echoing, journal_path):
    maps(["a"], journal=journal_path)
    batch = maps.open(["a", "b"], journal=journal_path, cost=True)
    assert [outcome.cost for outcome in batch.rest()] == [CENT, CENT]
    assert batch.totals.cost == CENT


def test_without_the_package_nothing_is_asked(maps, echoing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prices, "find_spec", lambda name: None)
    assert batches.check_installed is prices.check_installed
    with pytest.raises(ValidationError, match=r'pip install "lexilux_like\[prices\]"'):
        maps(["a"], cost=True)
    assert not echoing.requests
