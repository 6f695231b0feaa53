"""How far resuming goes: attempts, the deadline, and what the server asks for."""

from __future__ import annotations

import time
from functools import partial

import pytest
from sockets import (
    METHODS,
    STORY,
    Model,
    asked,
    broken,
    instantly,  # noqa: F401 - a fixture for each test
)

from lexilux_like import (
    AuthenticationError,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    InvalidRequestError,
    LexiluxError,
    ServerError,
)
from lexilux_like.testing import (
    Cut,
    Pause,
    RecordedRequest,
    Reply,
    ScriptedServer,
    Send,
    chunk,
    events,
    refuse,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors
from lexilux_like.testing.script import Step
from lexilux_like.values.results import ChatResult

EACH_METHOD = pytest.mark.parametrize("method", METHODS)


def part_of(error: LexiluxError) -> ChatResult:
    """What the error carries."""
    assert error.partial is not None
    return error.partial


def crumbs(request: RecordedRequest) -> Reply:
    """A little more of the story, and then a break."""
    shown = request.json["messages"][-1]["content"] if len(request.json["messages"]) > 1 else ""
    return stream(STORY[len(shown) : len(shown) + 120], end=Cut())


@EACH_METHOD
@pytest.mark.parametrize(("max_retries", "requests"), [(0, 3), (1, 3), (4, 5)])
def test_breaks_without_end_cost_as_many_requests_as_are_allowed(
    door: Doors, scripted_server: ScriptedServer, method: str, max_retries: int, requests: int
) -> None:
    scripted_server.always(crumbs)
    with pytest.raises(LexiluxError) as caught:
        asked(door, method, client={"max_retries": max_retries})
    assert len(scripted_server.requests) == requests
    assert STORY.startswith(part_of(caught.value).text)
    assert len(part_of(caught.value).text) >= 120


@EACH_METHOD
def test_retries_before_the_first_content_leave_fewer_resumes(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(refuse(503, retry_after=0), crumbs, refuse(503, retry_after=0))
    scripted_server.always(crumbs)
    with pytest.raises(LexiluxError):
        asked(door, method)
    assert len(scripted_server.requests) == 3


def test_what_a_stream_could_not_resume_is_raised_as_it_was(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(crumbs)
    with pytest.raises(ChatStreamInterruptedError):
        door().stream("x", resume="auto")


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_what_could_not_be_completed_for_breaks_says_that_it_failed(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(crumbs)
    with pytest.raises(ChatIncompleteResponseError) as caught:
        asked(door, method)
    assert caught.value.reason == "failed"
    assert len(part_of(caught.value).segments) == 3


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_what_could_not_be_completed_for_a_failure_has_it_as_its_cause(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    wrong = refuse(401, "wrong key")
    scripted_server.always(Model(faults=[partial(broken, after=20), lambda _: wrong]))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        asked(door, method)
    assert isinstance(caught.value.__cause__, AuthenticationError)


@EACH_METHOD
def test_nothing_is_asked_once_the_deadline_is_over(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    slow: list[Step] = [Send(sse(chunk({"content": word + " "}))) for word in STORY.split()]
    scripted_server.always(Reply(steps=[x for s in slow for x in (s, Pause(0.05))]))
    began = time.monotonic()
    with pytest.raises(LexiluxError, match="deadline_s") as caught:
        asked(door, method, client={"deadline_s": 0.3})
    assert time.monotonic() - began < 2
    assert len(scripted_server.requests) == 1
    assert STORY.startswith(part_of(caught.value).text.rstrip())


@EACH_METHOD
def test_a_wait_that_does_not_fit_the_deadline_is_not_begun(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    busy = refuse(503, "busy", retry_after=30)
    scripted_server.always(Model(faults=[partial(broken, after=20), lambda _: busy]))
    began = time.monotonic()
    with pytest.raises(LexiluxError, match="busy") as caught:
        asked(door, method, client={"deadline_s": 5})
    assert time.monotonic() - began < 4
    assert len(scripted_server.requests) == 2
    assert STORY.startswith(part_of(caught.value).text)


@EACH_METHOD
def test_the_wait_that_the_server_asks_for_is_kept(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    busy = refuse(429, "slow down", retry_after_ms=200)
    scripted_server.always(Model(faults=[partial(broken, after=20), lambda _: busy]))
    assert asked(door, method)[0] == STORY
    _, second, third = scripted_server.requests
    assert 0.19 < third.at - second.at < 2


@EACH_METHOD
def test_a_wait_of_more_than_a_minute_is_not_begun(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    later = refuse(429, "in an hour", retry_after=3600)
    scripted_server.always(Model(faults=[partial(broken, after=20), lambda _: later]))
    with pytest.raises(LexiluxError, match="in an hour") as caught:
        asked(door, method)
    assert len(scripted_server.requests) == 2
    assert STORY.startswith(part_of(caught.value).text)


@EACH_METHOD
def test_a_failure_that_stays_is_not_tried_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    wrong = refuse(401, "wrong key")
    scripted_server.always(Model(faults=[partial(broken, after=20), lambda _: wrong]))
    with pytest.raises(LexiluxError, match="wrong key"):
        asked(door, method)
    assert len(scripted_server.requests) == 2


@EACH_METHOD
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refuse(400, "no such tool"), InvalidRequestError),
        (refuse(401, "wrong key"), AuthenticationError),
    ],
)
def test_a_first_request_that_is_refused_raises_as_a_call_does(
    door: Doors, scripted_server: ScriptedServer, method: str, reply: Reply, kind: type
) -> None:
    scripted_server.always(reply)
    with pytest.raises(kind):
        asked(door, method)
    assert len(scripted_server.requests) == 1


@EACH_METHOD
def test_a_first_request_that_is_refused_in_an_event_raises_as_a_call_does(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    wrong = sse({"error": {"type": "invalid_request_error", "message": "no such tool"}})
    scripted_server.always(events(wrong, done=False))
    with pytest.raises(InvalidRequestError):
        asked(door, method)


@EACH_METHOD
def test_a_first_request_that_fails_in_an_event_each_time_raises_as_a_call_does(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    busy = sse({"error": {"type": "server_error", "message": "busy"}})
    scripted_server.always(events(busy, done=False))
    with pytest.raises(ServerError):
        asked(door, method)


def test_a_resumable_stream_gives_a_filtered_answer_as_a_plain_one_does(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(stream("Some words", finish_reason="content_filter"))
    plain, resumable = door().stream("x").result, door().stream("x", resume="auto").result
    assert (resumable.status, resumable.text) == (plain.status, plain.text)


@pytest.mark.parametrize("word", ["stop", "length", "refusal", "a new word"])
def test_a_resumable_stream_that_does_not_break_gives_what_a_plain_one_gives(
    door: Doors, scripted_server: ScriptedServer, word: str
) -> None:
    scripted_server.always(stream("Some words, ", "and more.", finish_reason=word))
    plain, resumable = door().stream("x").result, door().stream("x", resume="auto").result
    for name in ("text", "status", "finish_reason", "raw_finish_reason", "usage", "model", "done"):
        assert getattr(resumable, name) == getattr(plain, name), name
    assert len(scripted_server.requests) == 2


def test_a_resumable_stream_of_two_answers_keeps_them_apart(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    one, two = {"content": "one "}, {"content": "two "}
    last = (
        chunk(one, finish_reason="stop"),
        chunk(two, index=1, finish_reason="stop"),
    )
    scripted_server.always(events(chunk(one), chunk(two, index=1), *last))
    result = door().stream("x", resume="auto", extra={"n": 2}).result
    assert [each.text for each in result.choices] == ["one one ", "two two "]


def test_a_resumable_stream_of_json_is_handed_out_as_it_came(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    fenced = 'Here it is:\n```json\n{"a": 1}\n```'
    scripted_server.always(stream(fenced))
    form = {"type": "json_object"}
    assert door().stream("x", resume="auto", response_format=form).result.text == fenced


@pytest.mark.parametrize("method", ["stream", "complete_stream"])
def test_the_iterator_knows_the_reasoning_as_it_comes(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(stream({"reasoning_content": "Hm. "}, "Yes.", gap_s=0.01))
    opened = door().open_stream("x", method=method, resume="auto", include_reasoning=True)
    first = opened.next_chunk()
    assert first is not None
    assert (first.reasoning, opened.result.reasoning) == ("Hm. ", "Hm. ")
