"""Flows that run in place of others, one effect at a time. No server, no clock."""

from __future__ import annotations

from typing import Any

import pytest

from lexilux_like.turns.flow import (
    NOW,
    Chunks,
    Delegate,
    Effect,
    Flow,
    Sleep,
    Stepper,
    Track,
    relay,
)
from lexilux_like.values.errors import LexiluxError
from lexilux_like.values.results import ChatStreamChunk, StreamingResult


def stopped() -> float:
    """A clock that does not go."""
    return 0.0


def counting(*replies: int) -> Flow[list[int]]:
    """Sleeps, and says what it was told, once for each of the replies to come."""
    told: list[int] = []
    for _ in replies:
        told += [(yield Sleep(0))]
    return told


def stepped(flow: Flow[Any], *replies: int) -> Stepper[Any]:
    """The flow after these replies, each to a `Sleep`."""
    step = Stepper(flow, stopped)
    step.start()
    for reply in replies:
        assert type(step.effect) is Sleep
        step.reply(reply)
    return step


def handed_out(flow: Flow[Any]) -> list[str]:
    step = Stepper(flow, stopped)
    step.start()
    deltas: list[str] = []
    while (effect := step.effect) is not None:
        if isinstance(effect, Chunks):
            deltas += [each.delta for each in effect.chunks]
        elif isinstance(effect, ChatStreamChunk):
            deltas.append(effect.delta)
        step.reply(None)
    return deltas


def test_a_delegated_flow_gives_its_value_to_the_one_that_waits() -> None:
    def waiting() -> Flow[Any]:
        told = yield Delegate(counting(1, 2))
        return ["waited", *told]

    step = stepped(waiting(), 1, 2)
    assert (step.done, step.effect, step.value) == (True, None, ["waited", 1, 2])


def test_a_delegated_flow_may_delegate_again_and_end_without_an_effect() -> None:
    def empty() -> Flow[str]:
        yield from ()
        return "nothing asked"

    def middle() -> Flow[Any]:
        first = yield Delegate(empty())
        second = yield Delegate(counting(1))
        return [first, *second]

    def outer() -> Flow[Any]:
        return (yield Delegate(middle()))

    assert stepped(outer(), 1).value == ["nothing asked", 1]


def test_the_one_that_waits_is_not_resumed_for_each_effect() -> None:
    class Counted:
        """A flow that counts how often it is resumed."""

        def __init__(self, flow: Flow[Any]) -> None:
            self.flow, self.resumed = flow, 0

        def send(self, value: Any) -> Effect:
            self.resumed += 1
            return self.flow.send(value)

    def waiting() -> Flow[Any]:
        yield Delegate(counting(1, 2, 3, 4))

    flow: Any = Counted(waiting())
    assert stepped(flow, 1, 2, 3, 4).done
    assert flow.resumed == 2


def test_what_a_delegated_flow_raises_reaches_the_one_that_waits() -> None:
    def failing() -> Flow[None]:
        yield Sleep(0)
        raise LookupError("in here")

    def waiting() -> Flow[Any]:
        try:
            yield Delegate(failing())
        except LookupError as error:
            return f"caught: {error}"

    assert stepped(waiting(), 1).value == "caught: in here"


def test_a_failure_is_thrown_into_the_delegated_flow_first() -> None:
    failure = LexiluxError("down")

    def waiting(*, caught_within: bool) -> Flow[Any]:
        def asking() -> Flow[str]:
            try:
                yield Sleep(0)
            except LexiluxError:
                if not caught_within:
                    raise
            return "went on"

        try:
            return (yield Delegate(asking()))
        except LexiluxError as error:
            return error

    for within, value in ((True, "went on"), (False, failure)):
        step = stepped(waiting(caught_within=within))
        step.fail(failure)
        assert step.value is value


def test_what_nobody_catches_leaves_the_stepper() -> None:
    def waiting() -> Flow[Any]:
        yield Delegate(counting(1))

    step = stepped(waiting())
    with pytest.raises(LexiluxError, match="down"):
        step.fail(LexiluxError("down"))


def test_the_time_is_told_without_an_effect_of_the_world():
    def timing() -> Flow[float]:
        began: float = yield NOW
        yield Sleep(1)
        ended: float = yield NOW
        return ended - began

    instants = iter([100.0, 103.5])
    step = Stepper(timing(), instants.__next__)
    step.start()
    assert step.effect == Sleep(1)
    step.reply(None)
    assert step.value == 3.5


def test_a_delegated_flow_says_where_the_answer_is_kept() -> None:
    class Kept:
        def so_far(self) -> StreamingResult:
            return StreamingResult(text="kept")

    def tracking() -> Flow[None]:
        yield Track(Kept())
        yield Sleep(0)

    def waiting() -> Flow[Any]:
        yield Delegate(tracking())

    step = stepped(waiting())
    assert step.progress is not None
    assert step.progress.so_far().text == "kept"


def test_what_a_delegated_flow_hands_out_goes_through_every_relay() -> None:
    def speaking() -> Flow[None]:
        yield ChatStreamChunk("a")
        yield Chunks(iter([ChatStreamChunk("b"), ChatStreamChunk("c")]))

    def waiting() -> Flow[None]:
        yield ChatStreamChunk("0")
        yield Delegate(speaking())
        yield ChatStreamChunk("9")

    def doubled(effect: ChatStreamChunk | Track) -> list[Effect]:
        assert type(effect) is ChatStreamChunk
        return [ChatStreamChunk(effect.delta * 2)]

    assert handed_out(relay(relay(waiting(), doubled), doubled)) == [
        "0000", "aaaa", "bbbb", "cccc", "9999",
    ]  # fmt: skip


def test_a_relay_takes_the_value_of_a_delegated_flow_and_what_it_raises() -> None:
    def failing() -> Flow[None]:
        yield Sleep(0)
        raise LexiluxError("late")

    def waiting() -> Flow[Any]:
        told = yield Delegate(counting(1))
        try:
            yield Delegate(failing())
        except LexiluxError as error:
            return [*told, error.message]

    assert stepped(relay(waiting(), lambda _: ()), 7, 8).value == [7, "late"]
