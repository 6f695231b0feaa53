"""What every `LLMProvider` must do about rate limits and answers with nothing in them."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import pytest

from ...providers.llm import LLMProvider
from .agent import DOORS, WHOLE_DOORS, DoorName, ask, hi
from .behaviours import Refuses, Says
from .model import PlayedModel
from .running import Contract, an_error

EMPTY = Says()
HELLO = Says(("Hello",))
MOST_ASKED = 4
"""Requests for an answer that stays empty: the first, and three more."""
WAIT_S = 0.2


class RetryingContract(Contract[LLMProvider]):
    """The part of `LLMProviderContract` that is about asking again."""

    retries: ClassVar[bool] = True
    """Whether a rate limit is waited for, as `max_retries` says."""
    retries_empty: ClassVar[bool] = True
    """Whether an answer with nothing in it is asked for again."""

    @pytest.mark.parametrize("door", DOORS)
    def test_an_empty_answer_is_asked_for_again(self, model: PlayedModel, door: DoorName) -> None:
        """Models fall silent now and then."""
        self.require("retries_empty")
        model.play(EMPTY, HELLO)
        assert ask(self, model, door, hi()).text == "Hello"
        assert len(model.asked) == 2

    @pytest.mark.parametrize("door", DOORS)
    def test_an_answer_that_stays_empty_is_handed_out_in_the_end(
        self, model: PlayedModel, door: DoorName
    ) -> None:
        """After at most three more requests."""
        model.play(EMPTY)
        answer = ask(self, model, door, hi())
        assert (answer.text, answer.calls) == ("", ())
        assert len(model.asked) <= MOST_ASKED

    @pytest.mark.parametrize("door", DOORS)
    def test_an_empty_answer_that_a_limit_cut_off_is_not_asked_for_again(
        self, model: PlayedModel, door: DoorName
    ) -> None:
        """It would be cut at the same place."""
        model.play(Says(ending="length"), HELLO)
        answer = ask(self, model, door, hi())
        assert (answer.text, answer.stop_reason, len(model.asked)) == ("", "length", 1)

    @pytest.mark.parametrize("door", WHOLE_DOORS)
    def test_a_rate_limit_is_waited_for(self, model: PlayedModel, door: DoorName) -> None:
        """For as long as the server says."""
        self.require("retries")
        model.play(Refuses(429, WAIT_S), HELLO)
        assert ask(self, model, door, hi(), max_retries=1).text == "Hello"
        [(first, second)] = pairwise(model.asked)
        assert second.at - first.at >= WAIT_S

    @pytest.mark.parametrize("door", WHOLE_DOORS)
    @pytest.mark.parametrize("max_retries", [0, 2])
    def test_max_retries_bounds_the_requests_of_a_call(
        self, model: PlayedModel, door: DoorName, max_retries: int
    ) -> None:
        """A rate limit that stays is raised."""
        self.require("retries")
        model.play(Refuses(429, 0.0))
        with an_error():
            ask(self, model, door, hi(), max_retries=max_retries)
        assert len(model.asked) == max_retries + 1
