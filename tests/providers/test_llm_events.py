"""Events as values: frozen, equal, hashable, and a snapshot that costs only those who read it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import threading
import tracemalloc
from typing import Any, get_args

import pytest

from lexilux_like.providers import (
    FinishEvent,
    ReasoningStartEvent,
    StreamErrorEvent,
    StreamEvent,
    TextDeltaEvent,
    ToolCallEvent,
)
from lexilux_like.providers.stream_events import TextSoFar

EVENTS = get_args(StreamEvent)


def grown(*pieces: str) -> list[TextDeltaEvent]:
    text = TextSoFar()
    return [text.add(piece) for piece in pieces]


@pytest.mark.parametrize("kind", EVENTS)
def test_events_are_frozen_and_hashable_and_need_no_arguments(kind: Any) -> None:
    event = kind()
    assert (event, hash(event)) == (kind(), hash(kind()))
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.type = "other"


def test_each_event_has_a_type_of_its_own() -> None:
    assert len({kind().type for kind in EVENTS}) == len(EVENTS) == 8


def test_events_with_dicts_in_them_are_hashable() -> None:
    call = ToolCallEvent(tool_input={"city": "Rome"})
    finish = FinishEvent(message={"role": "assistant"}, thinking_blocks=({"type": "thinking"},))
    assert len({call, finish, ReasoningStartEvent()}) == 3


def test_the_exception_of_an_error_is_not_what_makes_it_equal() -> None:
    assert StreamErrorEvent(error="no", exception=OSError()) == StreamErrorEvent(error="no")


def test_a_snapshot_is_all_the_text_up_to_its_event() -> None:
    events = grown("a", "bc", "d")
    assert [each.snapshot for each in events] == ["a", "abc", "abcd"]
    assert [each.snapshot for each in reversed(events)] == ["abcd", "abc", "a"]


def test_an_event_of_a_growing_text_is_as_good_as_any() -> None:
    event = grown("a", "bc")[1]
    plain = TextDeltaEvent(content="bc", snapshot="abc")
    assert (event, hash(event), repr(event)) == (plain, hash(plain), repr(plain))
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == plain
    assert dataclasses.asdict(event) == dataclasses.asdict(plain)
    assert dataclasses.replace(event, content="x").snapshot == "abc"


def test_an_attribute_that_is_none_is_refused() -> None:
    with pytest.raises(AttributeError, match="'TextDeltaEvent' object has no attribute 'text'"):
        grown("a")[0].text  # noqa: B018


def test_a_long_answer_is_kept_in_the_room_of_its_text() -> None:
    tracemalloc.start()
    try:
        events = grown(*(f"{i:010}" for i in range(20_000)))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20_000_000  # snapshots of their own would be 2,000,000,000
    assert events[-1].snapshot.endswith("0000019999")


def test_snapshots_are_right_while_the_text_grows_on_another_thread() -> None:
    text = TextSoFar()
    events = [text.add("x")]
    growing = threading.Event()

    def grow() -> None:
        growing.set()
        events.extend(text.add("x") for _ in range(20_000))

    thread = threading.Thread(target=grow)
    thread.start()
    growing.wait()
    seen = []
    while thread.is_alive():
        count = len(events)
        seen.append(len(events[count - 1].snapshot) == count)
    thread.join()
    assert all(seen)
    assert len(str(text)) == 20_001
