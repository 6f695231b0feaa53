"""`complete()` and its kin: what each option does, through all four methods."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from sockets import (
    EACH_METHOD,
    HALF,
    PART,
    STORY,
    Model,
    asked,
    broken,
    instantly,  # noqa: F401 - a fixture for each test
    sliced,
)

from lexilux_like import ChatIncompleteResponseError, ChatResult
from lexilux_like.testing import Reply, ScriptedServer, answer, refuse, stream
from lexilux_like.testing.door import Doors


def error_of(doors: Doors, method: str, **options: Any) -> ChatIncompleteResponseError:
    """The error that a call ends with."""
    with pytest.raises(ChatIncompleteResponseError) as caught:
        asked(doors, method, **options)
    return caught.value


@EACH_METHOD
@pytest.mark.parametrize("prefill", ["off", "auto"])
def test_an_answer_in_parts_becomes_whole(
    door: Doors, scripted_server: ScriptedServer, method: str, prefill: str
) -> None:
    scripted_server.always(Model(cut=PART, part=PART))
    text, result = asked(door, method, prefill=prefill)
    assert (text, result.text) == (STORY, STORY)
    assert (result.status, result.finish_reason, result.complete) == ("complete", "stop", True)
    assert result.continues == sum(each.asked != "first" for each in result.segments) > 2


def test_an_answer_in_parts_becomes_whole_without_streams(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(sliced())
    result = door().complete("Tell me.", prefill="off", resume="off")
    assert (result.text, result.status) == (STORY, "complete")
    assert all("stream" not in each.json for each in scripted_server.requests)


@EACH_METHOD
def test_a_whole_answer_costs_one_request(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(stream("Short, but whole."))
    text, result = asked(door, method)
    assert (text, result.status, result.continues) == ("Short, but whole.", "complete", 0)
    assert result.segments == ()


def test_a_server_that_cannot_stream_is_understood(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("All at once."))
    assert door().complete("x").text == "All at once."


# max_continues and ensure_complete.


@EACH_METHOD
@pytest.mark.parametrize("most", [0, 1, 2])
def test_no_more_continuations_are_made_than_are_allowed(
    door: Doors, scripted_server: ScriptedServer, method: str, most: int
) -> None:
    scripted_server.always(sliced())
    error = error_of(door, method, max_continues=most, prefill="off")
    assert (error.reason, error.continue_count, error.max_continues) == (
        "max_continues",
        most,
        most,
    )
    assert len(scripted_server.requests) == 1 + most
    assert error.final_result is error.partial
    assert error.final_result is not None
    assert STORY.startswith(error.final_result.text)
    assert len(error.final_result.text) >= PART + 80 * most
    assert error.final_result.status == "truncated"


@EACH_METHOD
def test_five_continuations_are_allowed_unless_said(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model("".join(map(str, range(2_000))), cut=PART, part=PART))
    assert error_of(door, method, prefill="off").max_continues == 5
    assert len(scripted_server.requests) == 6


@EACH_METHOD
def test_without_ensure_complete_the_part_is_returned_with_its_verdict(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(sliced())
    text, result = asked(door, method, max_continues=1, ensure_complete=False, prefill="off")
    assert STORY.startswith(text)
    assert PART < len(text) == len(result.text) < 2 * PART
    assert (result.status, result.complete, result.finish_reason) == ("truncated", False, "length")


# continue_prompt.


def last_prompt(server: ScriptedServer) -> str:
    return server.requests[-1].json["messages"][-1]["content"]


def test_a_prompt_of_the_callers_own_is_used_and_the_anchor_put_behind_it(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF, prefill="refused"))
    result = door().complete("x", prefill="off", continue_prompt="Weiter, bitte.")
    assert result.text == STORY
    assert last_prompt(scripted_server).startswith("Weiter, bitte. ")
    shown = scripted_server.requests[-1].json["messages"][-2]["content"]
    anchor = last_prompt(scripted_server).rpartition("\n")[2]
    assert len(anchor) > 20
    assert shown.rstrip().endswith(anchor)


@EACH_METHOD
def test_a_prompt_function_is_called_with_count_limit_text_and_question(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    calls: list[tuple[int, int, str, str]] = []

    def prompt(*given: Any) -> str:
        calls.append(given)
        return f"Part {given[0]}, please."

    scripted_server.always(sliced())
    text, _ = asked(door, method, prefill="off", max_continues=6, continue_prompt=prompt)
    assert text == STORY
    assert calls[0] == (1, 6, STORY[:PART], "Tell me.")
    assert (calls[1][:2], calls[1][3]) == ((2, 6), "Tell me.")
    assert STORY.startswith(calls[1][2])
    assert len(calls[1][2]) > PART
    assert last_prompt(scripted_server).startswith(f"Part {len(calls)}, please. ")


# on_progress and continue_delay.


@EACH_METHOD
def test_progress_is_told_before_each_continuation(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    told: list[tuple[int, int, str, list[str], int]] = []

    def tell(count: int, most: int, so_far: ChatResult, results: list[ChatResult]) -> None:
        asked_yet = len(scripted_server.requests)
        told.append((count, most, so_far.text, [each.text for each in results], asked_yet))

    scripted_server.always(sliced())
    asked(door, method, prefill="off", max_continues=7, on_progress=tell)
    assert [each[:2] for each in told] == [(i + 1, 7) for i in range(len(told))]
    assert told[0][2:] == (STORY[:PART], [STORY[:PART]], 1)
    assert STORY.startswith(told[1][2])
    assert len(told[1][2]) > PART
    assert (len(told[1][3]), told[1][4]) == (2, 2)


def test_what_progress_raises_ends_the_call(door: Doors, scripted_server: ScriptedServer) -> None:
    def stop(*_: object) -> None:
        raise KeyError("enough")

    scripted_server.always(sliced())
    with pytest.raises(KeyError, match="enough"):
        door().complete("x", on_progress=stop)
    assert len(scripted_server.requests) == 1


def gaps(server: ScriptedServer) -> list[float]:
    """Seconds between one request and the next."""
    times = [each.at for each in server.requests]
    return [after - before for before, after in pairwise(times)]


@EACH_METHOD
@pytest.mark.parametrize(("delay", "least"), [(0.25, 0.25), ((0.2, 0.3), 0.2)])
def test_the_delay_is_kept_before_each_continuation_but_the_first(
    door: Doors, scripted_server: ScriptedServer, method: str, delay: float, least: float
) -> None:
    scripted_server.always(sliced())
    asked(door, method, prefill="off", continue_delay=delay)
    first, *others = gaps(scripted_server)
    assert first < least
    assert others
    assert all(least <= each < 2 for each in others)


@EACH_METHOD
def test_a_delay_that_does_not_fit_the_deadline_ends_with_the_part(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(sliced())
    options = {"prefill": "off", "continue_delay": 30.0, "client": {"deadline_s": 10}}
    error = error_of(door, method, **options)
    assert error.final_result is not None
    assert STORY.startswith(error.final_result.text)
    assert len(error.final_result.text) > PART


# on_error and on_error_callback.


def failing(times: int = 9, reply: Reply | None = None) -> Model:
    """A model that is cut, and a server that then refuses to go on so many times."""
    wrong = reply or refuse(401, "wrong key")
    return Model(cut=HALF, faults=[None, *[lambda _: wrong] * times])


@EACH_METHOD
def test_a_continuation_that_fails_is_an_error_with_the_part(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(failing())
    error = error_of(door, method)
    assert (error.reason, error.continue_count) == ("failed", 1)
    assert "wrong key" in str(error)
    assert error.final_result is not None
    assert error.final_result.text == STORY[:HALF]


@EACH_METHOD
def test_the_part_is_returned_on_an_error_when_asked_for(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(failing())
    text, result = asked(door, method, on_error="return_partial")
    assert (text, result.text, result.complete) == (STORY[:HALF], STORY[:HALF], False)


@EACH_METHOD
@pytest.mark.parametrize(
    "reply", [refuse(503, "busy", retry_after=30), refuse(400, "context length")]
)
def test_the_part_is_returned_whatever_the_error_was(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    reply: Reply,
) -> None:
    scripted_server.always(failing(reply=reply))
    options = {"on_error": "return_partial", "client": {"deadline_s": 5}}
    text, _ = asked(door, method, prefill="off", **options)
    assert text == STORY[:HALF]


@pytest.mark.parametrize(
    ("options", "raises"),
    [
        ({"on_error": "return_partial"}, "raise"),
        ({"on_error": "raise"}, "return_partial"),
        ({"on_error": "return_partial"}, None),
        ({}, None),
    ],
)
def test_what_the_error_callback_says_wins(
    door: Doors, scripted_server: ScriptedServer, options: dict[str, str], raises: str | None
) -> None:
    given: list[tuple[Exception, ChatResult]] = []

    def decide(error: Exception, part: ChatResult) -> dict[str, str] | None:
        given.append((error, part))
        return {"action": raises} if raises else None

    scripted_server.always(failing())
    expected = raises or options.get("on_error", "raise")
    if expected == "raise":
        error_of(door, "complete", on_error_callback=decide, **options)
    else:
        text, _ = asked(door, "complete", on_error_callback=decide, **options)
        assert text == STORY[:HALF]
    [(error, part)] = given
    assert "wrong key" in str(error)
    assert part.text == STORY[:HALF]


@EACH_METHOD
def test_the_error_callback_can_ask_for_another_attempt(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(failing(1))
    text, _ = asked(door, method, on_error_callback=lambda *_: {"action": "retry"})
    assert text == STORY


@EACH_METHOD
def test_the_error_callback_cannot_retry_for_ever(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(failing(99))
    error = error_of(door, method, on_error_callback=lambda *_: {"action": "retry"})
    assert error.reason == "failed"
    assert len(scripted_server.requests) == 4


def test_a_broken_continuation_is_not_counted_as_one(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=HALF, faults=[None, partial(broken, after=12)]))
    assert door().complete("x", max_continues=1).text == STORY
