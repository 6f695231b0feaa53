"""What a completed call leaves alone, what it refuses, and the client's limits on it."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import pytest
from sockets import (
    EACH_METHOD,
    HALF,
    STORY,
    Model,
    asked,
    cut_answer,
    instantly,  # noqa: F401 - a fixture for each test
    sliced,
)

from lexilux_like import ChatHistory, ValidationError
from lexilux_like.testing import RecordedRequest, Reply, ScriptedServer, stream
from lexilux_like.testing.door import Doors

# history.


@EACH_METHOD
def test_the_history_is_read_and_never_changed(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    earlier = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    history = ChatHistory(earlier, system="Be brief.")
    before, messages = deepcopy(history.to_dict()), history.messages
    scripted_server.always(sliced())
    asked(door, method, history=history, prefill="off", max_continues=9)
    assert history.to_dict() == before
    assert (history.messages, len(earlier)) == (messages, 2)
    for sent in scripted_server.requests:
        assert sent.json["messages"][:3] == [{"role": "system", "content": "Be brief."}, *earlier]


@EACH_METHOD
def test_messages_of_any_kind_are_passed_on_as_they_are(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "One."},
        {"role": "developer", "content": "Two."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "ann"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        {"role": "user", "content": "And?", "cache_control": {"type": "ephemeral"}},
    ]
    before = deepcopy(messages)
    scripted_server.play(cut_answer(), Model(cut=HALF).after_first(messages))
    asked(door, method, messages, prefill="off")
    assert messages == before
    assert [each.json["messages"][:6] for each in scripted_server.requests] == [before, before]


# What is refused before anything is sent.


@EACH_METHOD
@pytest.mark.parametrize(
    "options",
    [
        {"max_continues": -1},
        {"max_continues": 1.5},
        {"max_continues": True},
        {"continue_delay": -0.1},
        {"continue_delay": (0.2, 0.1)},
        {"continue_delay": (0.1,)},
        {"continue_delay": "soon"},
        {"continue_delay": float("nan")},
        {"continue_delay": float("inf")},
        {"on_error": "ignore"},
        {"prefill": "magic"},
        {"expect": "xml"},
        {"resume": "sometimes"},
        {"max_tokens": 0},
    ],
    ids=str,
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_sent(
    door: Doors, scripted_server: ScriptedServer, method: str, options: dict[str, Any]
) -> None:
    [(name, value)] = options.items()
    with pytest.raises(ValidationError, match=f"{name}=") as caught:
        asked(door, method, **options)
    assert repr(value) in str(caught.value)
    assert scripted_server.requests == []


@pytest.mark.parametrize("name", ["continue_prompt", "on_progress", "on_error_callback"])
def test_what_cannot_be_called_is_refused_before_anything_is_sent(
    door: Doors, scripted_server: ScriptedServer, name: str
) -> None:
    scripted_server.always(sliced())
    with pytest.raises(ValidationError, match=f"{name}=5"):
        door().complete("x", prefill="off", **{name: 5})
    assert scripted_server.requests == []


@EACH_METHOD
def test_an_unknown_keyword_is_refused_with_the_nearest_name(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    with pytest.raises(TypeError, match="'max_continue'; did you mean 'max_continues'"):
        asked(door, method, max_continue=3)
    assert scripted_server.requests == []


@EACH_METHOD
def test_several_answers_are_refused(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    with pytest.raises(ValidationError, match="n=2"):
        asked(door, method, extra={"n": 2})
    with pytest.raises(TypeError, match="unexpected keyword 'n'"):
        asked(door, method, n=2)
    assert scripted_server.requests == []


# The client's own limits.


@EACH_METHOD
def test_the_rate_limit_counts_continuations(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(sliced())
    began = time.monotonic()
    asked(door, method, prefill="off", client={"rate_limit": (2, 0.25)})
    assert len(scripted_server.requests) >= 3
    assert scripted_server.requests[2].at - began >= 0.24


def test_leaving_a_continued_stream_hangs_up(door: Doors, scripted_server: ScriptedServer) -> None:
    def endless(request: RecordedRequest) -> Reply:
        shown = request.json["messages"][-1]["content"]
        return stream(STORY[len(shown) :], *(f"{i}, " for i in range(500)), gap_s=0.02)

    scripted_server.play(cut_answer(), endless)
    opened = door().open_stream("x", method="complete_stream", prefill="trailing")
    seen = ""
    while len(seen) < len(STORY):
        each = opened.next_chunk()
        assert each is not None
        seen += each.delta
    opened.close()
    assert scripted_server.wait_for_disconnect()
    assert len(scripted_server.requests) == 2
    assert opened.next_chunk() is None
