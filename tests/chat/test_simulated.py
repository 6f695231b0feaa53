"""Every simulated way of a model to go on, over sockets, through all four methods."""

from __future__ import annotations

import random

import pytest

from lexilux_like import ChatIncompleteResponseError
from lexilux_like.testing import ScriptedServer
from lexilux_like.testing.door import Doors
from lexilux_like.testing.simulated.behaviours import BEHAVIOURS
from lexilux_like.testing.simulated.documents import KINDS, document
from lexilux_like.testing.simulated.model import SimulatedModel


def case(name: str) -> SimulatedModel:
    """A document that the behaviour is about, cut somewhere behind its first third."""
    chance = random.Random(name)
    behaviour = BEHAVIOURS[name]
    texts = [document(kind, 6, 300) for kind in KINDS if kind != "periodic"]
    fitting = [text for text in texts if behaviour.fits(text) and behaviour.decidable(text)]
    text = chance.choice(fitting or texts)
    cut = chance.randrange(len(text) // 3, len(text))
    return SimulatedModel(text, behaviour, cut=cut, part=chance.choice([None, 120]), seed=cut)


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
@pytest.mark.parametrize("name", [n for n, b in BEHAVIOURS.items() if b.undecidable != "always"])
def test_an_answer_is_exact_or_an_honest_error(
    door: Doors, scripted_server: ScriptedServer, name: str, method: str
) -> None:
    model = case(name)
    scripted_server.always(model)
    ask = getattr(door(provider="openai"), method)
    try:
        got = ask("Write the document.", max_tokens=model.cut, max_continues=12)
        text = got.text if method == "complete" else "".join(got.deltas)
        kept = None
    except ChatIncompleteResponseError as error:
        text, kept = "", error.final_result
    assert model.judge(text) if kept is None else kept.segments
