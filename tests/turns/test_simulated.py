"""Answers that simulated models were cut in: joined exactly, or refused, but never wrong.

Models are played in the process, step by step; `tests/chat/test_simulated.py` plays some of
them over sockets.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from continuing import Outcome, complete

from lexilux_like.testing.simulated.behaviours import BEHAVIOURS
from lexilux_like.testing.simulated.documents import KINDS, document
from lexilux_like.testing.simulated.model import PrefillMode, SimulatedModel
from lexilux_like.turns.rules import Learned
from lexilux_like.values.options import PrefillForm
from lexilux_like.wire.profile import Prefill, Profile

CUTS = 5
"""Places per document and behaviour; the behaviours cut at different ones."""
HOPELESS = {"filtered", "overfull", "capped"}
"""What no client can mend."""
STREAM_HOPELESS = {
    "postamble": "the courtesy was handed out before it could be told from the answer",
    "postamble_foreign": "the same",
    "postamble_stubborn": "the same",
    "sentinel_early": "asking from the start does not help once text was handed out",
}
HARD = {
    "blank",
    "cut_stop_uncounted",
    "empty",
    "endless_blank",
    "never_advances",
    "paraphrased",
    "postamble_only",
    "refuses",
    "reworded_stubborn",
    "self_echo",
    "skips_passage_stubborn",
}
"""Only a larger max_tokens helps, and for an early cut the largest is too small."""


def cases(name: str) -> Iterator[tuple[str, SimulatedModel]]:
    behaviour = BEHAVIOURS[name]
    for kind in KINDS:
        text = document(kind, seed=3, size=300)
        if behaviour.fits(text) and behaviour.decidable(text):
            chance = random.Random(f"{name}/{kind}")
            for cut in chance.sample(range(1, len(text)), CUTS):
                part = chance.choice([None, None, 120])
                yield kind, SimulatedModel(text, behaviour, cut=cut, part=part, seed=cut)


def describe(kind: str, model: SimulatedModel, outcome: Outcome) -> str:
    name = model.behaviour.name
    return f"{name} {kind} cut={model.cut} part={model.part}: {outcome.verdict} {outcome.reason}"


@pytest.mark.parametrize("live", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_no_answer_is_silently_wrong_and_nearly_all_are_exact(name: str, live: bool) -> None:
    outcomes = [(kind, model, complete(model, live=live)) for kind, model in cases(name)]
    if not outcomes:
        assert BEHAVIOURS[name].undecidable == "always"
        return
    assert [describe(*each) for each in outcomes if each[2].verdict == "wrong"] == []
    verdicts = Counter(outcome.verdict for kind, _, outcome in outcomes if kind != "periodic")
    if name in HOPELESS:
        assert verdicts["exact"] == 0
    else:
        hopeless = live and name in STREAM_HOPELESS
        least = 0.25 if hopeless else 0.6 if name in HARD else 0.9
        assert verdicts["exact"] >= least * verdicts.total(), verdicts


@pytest.mark.parametrize("live", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "periodic"])
def test_an_answer_cut_at_any_place_is_exact(kind: str, live: bool) -> None:
    text = document(kind, seed=4, size=250)
    name = "exact" if live else "obedient"
    for cut in range(len(text) // 12, len(text) + 1):
        model = SimulatedModel(text, name, cut=cut, seed=cut)
        outcome = complete(model, live=live)
        assert outcome.verdict == "exact", describe(kind, model, outcome)


LIKE_JSON = [
    (
        "[1] Smith wrote about kettles, and [2] Jones answered him in a long letter that nobody has"
        " read to its end. [3] Ada did, though, and found it good."
    ),
    (
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] are the pages on which it stands, and"
        " there is more on the pages [17, 18] and in the index."
    ),
    (
        '{"a": 1}\n{"a": 2}\n{"b": [1, 2, 3]}\n{"c": "a longer line of words, as logs have them"}\n'
        '{"d": null}\n{"e": "the last of the lines of this log file"}'
    ),
    (
        "{name} is a placeholder, and {age} is another one; a template has many of them, and a"
        " program puts words in their places before it is sent."
    ),
]


@pytest.mark.parametrize("live", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("text", LIKE_JSON, ids=["notes", "pages", "lines", "template"])
@pytest.mark.parametrize("name", ["exact", "obedient", "fence", "postamble_signed"])
def test_a_text_that_begins_like_json_is_never_taken_for_a_value(
    name: str, text: str, live: bool
) -> None:
    for cut in range(1, len(text), 3):
        model = SimulatedModel(text, name, cut=cut, seed=cut)
        outcome = complete(model, live=live)
        assert outcome.verdict != "wrong", describe("text", model, outcome)
        assert outcome.verdict == "exact" or cut < len(text) // 3


PREFILLS: list[tuple[PrefillMode, PrefillForm]] = [
    ("refused", "trailing"),
    ("native", "trailing"),
    ("native_echo", "trailing"),
    ("llama.cpp", "trailing"),
    ("needs_flag:prefix", "prefix"),
    ("needs_flag:partial", "partial"),
    ("needs_flag:continue_final_message", "continue_final_message"),
    ("needs_flag:prefix", "trailing"),
    ("ignored", "trailing"),
    ("as_continue", "trailing"),
    ("sampled", "trailing"),
    ("strict_whitespace", "trailing"),
]


@pytest.mark.parametrize("live", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("documented", [False, True], ids=["tried", "documented"])
@pytest.mark.parametrize(("mode", "form"), PREFILLS)
def test_a_prefill_is_exact_whatever_the_server_makes_of_it(
    mode: PrefillMode, form: PrefillForm, documented: bool, live: bool
) -> None:
    profile = Profile(name="simulated", prefill=Prefill(form, documented=documented))
    for kind in KINDS:
        text = document(kind, seed=5, size=300)
        for cut in (len(text) // 3, len(text) * 2 // 3):
            model = SimulatedModel(text, cut=cut, seed=cut, prefill=mode)
            outcome = complete(model, live=live, profile=profile)
            assert outcome.verdict == "exact", describe(kind, model, outcome)


def test_a_prefill_that_failed_is_not_tried_again_for_that_model() -> None:
    profile = Profile(name="simulated", prefill=Prefill("trailing"))
    learned = Learned()
    text = document("prose", seed=1, size=400)
    roles: list[list[str]] = []
    for _ in range(2):
        model = SimulatedModel(text, cut=200, prefill="refused")
        assert complete(model, profile=profile, learned=learned).verdict == "exact"
        roles.append([request["messages"][-1]["role"] for request in model.requests])
    assert roles == [["user", "assistant", "user"], ["user", "user"]]
