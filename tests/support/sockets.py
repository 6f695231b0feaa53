"""Answers that break on a live server: where, how, and how often."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lexilux_like.testing import Cut, RecordedRequest, Reply, Send, stream
from lexilux_like.testing.door import Doors, Streamed
from lexilux_like.testing.script import End
from lexilux_like.testing.simulated.model import PrefillMode, SimulatedModel
from lexilux_like.turns import policy
from lexilux_like.turns.rules import LEARNED
from lexilux_like.values.errors import ChatIncompleteResponseError, IncompleteReason
from lexilux_like.values.results import ChatResult

METHODS = ("stream", "complete", "complete_stream")
STORY = (
    "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks"
    " until the kettle boils. At six the ferry leaves for the islands with bread, letters and"
    " one sleepy goat. By noon the quay smells of tar and oranges. Children dive for coins that"
    " tourists throw. When evening comes the boats return in a long line, and the bell counts"
    " them home, one by one. After supper somebody plays an accordion badly, and nobody minds."
    " The lighthouse keeper, who has never learned to swim, writes down the wind in a green book."
    " In winter the same square belongs to gulls and to a single fishmonger called Agnes. She"
    " knows every ship by its cough. Once a year, on the shortest day, they hang lanterns from"
    " the masts, pour cider for strangers, and argue until dawn about whose grandmother saw the"
    " whale. Then the ice comes, the ropes turn stiff as bone, and everything waits for April."
)
"""Prose without a repeated phrase."""
HALF, PART = 300, 250
EACH_METHOD = pytest.mark.parametrize("method", ["complete", "complete_stream"])
ASKED = [{"role": "user", "content": "Tell me."}]
THOUGHT = {"reasoning_content": "Let me think about the harbour first. "}


@pytest.fixture(autouse=True)
def instantly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits between attempts take no time, and what one test taught the client is forgotten."""
    monkeypatch.setattr(policy, "_backoff", lambda _state: 0.0)
    LEARNED._works.clear()
    yield
    LEARNED._works.clear()


def pieces(text: str, size: int = 7) -> list[str]:
    """A text in deltas."""
    return [text[i : i + size] for i in range(0, len(text), size)]


def cut_answer(text: str = STORY[:HALF], **options: Any) -> Reply:
    """A streamed answer that the token limit ends."""
    return stream(*pieces(text), **{"finish_reason": "length", **options})


def broken(reply: Reply, *, after: int, end: End | None = None) -> Reply:
    """The reply up to so many writes, and then the end: a hang-up (FIN) unless given."""
    return replace(reply, steps=(*reply.steps[:after], end or Cut()))


def broken_inside(reply: Reply, *, at: int, end: End | None = None) -> Reply:
    """The reply up to so many bytes of its body, and then the end: a hang-up unless given."""
    return replace(reply, steps=(Send(body_of(reply)[:at]), end or Cut()))


def body_of(reply: Reply) -> bytes:
    """All that a reply writes."""
    return b"".join(step.data for step in reply.steps if isinstance(step, Send))


@dataclass
class Model:
    """A simulated model behind a server that spoils some of its replies.

    `faults[i]` changes the i-th reply; None, and what is behind the last one, leaves it alone.
    """

    document: str = STORY
    prefill: PrefillMode = "native"
    faults: Sequence[Callable[[Reply], Reply] | None] = ()
    behaviour: str = "obedient"
    cut: int | None = None
    part: int | None = None

    def __post_init__(self) -> None:
        self.model = SimulatedModel(
            self.document,
            self.behaviour,
            cut=self.cut or len(self.document),
            part=self.part,
            prefill=self.prefill,
        )
        self.sizes: list[tuple[int, int]] = []
        """Of each reply, unspoilt: the number of its writes, and of its bytes."""

    def after_first(self, messages: Sequence[Any]) -> Model:
        """The same, when the first request, of these messages, has been answered by others."""
        self.model(
            RecordedRequest("POST", "", {}, [], json.dumps({"messages": messages}).encode(), 1)
        )
        return self

    def __call__(self, request: RecordedRequest) -> Reply:
        reply = self.model(request)
        place = len(self.sizes)
        self.sizes.append((len(reply.steps), len(body_of(reply))))
        fault = self.faults[place] if place < len(self.faults) else None
        return fault(reply) if fault else reply


def asked(doors: Doors, method: str, *args: Any, **options: Any) -> tuple[str, ChatResult]:
    """The text as the caller got it, piece by piece where it is a stream; and the result."""
    client = options.pop("client", {})
    given = {"resume": "auto", **options} if method == "stream" else options
    got = getattr(doors(**client), method)(*(args or ("Tell me.",)), **given)
    if isinstance(got, Streamed):
        return "".join(got.deltas), got.result
    return got.text, got


def stopped(doors: Doors, method: str, **options: Any) -> tuple[IncompleteReason, ChatResult]:
    """Why a call ends with an error, and what it has received."""
    with pytest.raises(ChatIncompleteResponseError) as caught:
        asked(doors, method, **options)
    assert caught.value.final_result is not None
    return caught.value.reason, caught.value.final_result


def counted(prompt: int, written: int) -> dict[str, int]:
    """Usage, as a server reports it."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }


def sliced() -> Model:
    """A model that says the story in some parts, asked by user turns."""
    return Model(cut=PART, part=PART, prefill="refused")
