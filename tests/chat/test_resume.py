"""Answers that break on the way are gone on from, and each character is delivered once."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

import pytest
from sockets import (
    HALF,
    METHODS,
    STORY,
    Model,
    asked,
    broken,
    broken_inside,
    instantly,  # noqa: F401 - a fixture for each test
)

from lexilux_like import (
    ChatStreamInterruptedError,
    LexiluxError,
    ValidationError,
)
from lexilux_like.testing import (
    Cut,
    RecordedRequest,
    Reply,
    Reset,
    ScriptedServer,
    Send,
    Stall,
    Step,
    chunk,
    events,
    refuse,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors

EACH_METHOD = pytest.mark.parametrize("method", METHODS)
EACH_END = pytest.mark.parametrize("end", [Cut(), Reset()], ids=["FIN", "RST"])
SHORT = STORY[: STORY.index(" By noon")]
WIDE = (
    "Die Mühle steht am Fluß, 水車は夜も回り、猫は屋根で眠る。 Nur der Müller wacht: 🙂 und zählt."
)
EVENTS = {
    "overloaded": {"type": "overloaded_error", "message": "Overloaded"},
    "internal": {"type": "server_error", "message": "The server had an error"},
    "upstream": {"code": 502, "message": "Provider disconnected"},
}


def told(message: dict[str, Any]) -> list[Step]:
    """An error object in an event of its own."""
    return [Send(sse({"error": message}))]


def ending(reply: Reply, *steps: Step, after: int = 20) -> Reply:
    """The reply up to so many events, then the steps, then nothing more."""
    return Reply(
        reply.status,
        reply.headers,
        steps=(*reply.steps[:after], *steps),
        framing=reply.framing,
    )


@EACH_END
@EACH_METHOD
def test_a_break_behind_any_event_loses_and_repeats_nothing(
    door: Doors, scripted_server: ScriptedServer, method: str, end: Cut | Reset
) -> None:
    for after in count():
        model = Model(SHORT, faults=[partial(broken, after=after, end=end)])
        scripted_server.always(model)
        text, result = asked(door, method)
        assert (text, result.text, result.status) == (SHORT, SHORT, "complete"), after
        if after > model.sizes[0][0]:
            break
    assert after > 20, "it was broken in many places"


@EACH_METHOD
def test_a_break_inside_characters_and_lines_loses_and_repeats_nothing(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    size = 10_000
    for at in range(300, size, 41):
        model = Model(WIDE, faults=[partial(broken_inside, at=at)])
        scripted_server.always(model)
        text, result = asked(door, method)
        assert (text, result.text, result.status) == (WIDE, WIDE, "complete"), at
        if at > model.sizes[0][1]:
            break
    assert at < size


@EACH_METHOD
def test_two_breaks_in_one_answer_are_both_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    twice = [partial(broken, after=20), partial(broken, after=16, end=Reset())]
    scripted_server.always(Model(faults=twice))
    text, result = asked(door, method)
    assert (text, result.text, result.status) == (STORY, STORY, "complete")
    assert len(scripted_server.requests) == 3
    assert [each.status for each in result.segments] == ["interrupted", "interrupted", "complete"]


@EACH_METHOD
def test_a_break_is_resumed_by_a_user_turn_where_a_prefill_is_refused(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model(prefill="refused", faults=[partial(broken, after=30)]))
    text, result = asked(door, method)
    assert (text, result.text) == (STORY, STORY)
    assert [each.asked for each in result.segments] == ["first", "prefill", "turn"]


@EACH_METHOD
@pytest.mark.parametrize("kind", EVENTS)
def test_an_error_event_that_may_pass_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str, kind: str
) -> None:
    fault = partial(ending, after=20)
    scripted_server.always(Model(faults=[lambda reply: fault(reply, *told(EVENTS[kind]))]))
    text, result = asked(door, method)
    assert (text, result.text, len(scripted_server.requests)) == (STORY, STORY, 2)


@EACH_METHOD
def test_an_error_event_that_stays_is_raised_with_the_part(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    wrong = {"type": "invalid_request_error", "message": "no such tool"}
    scripted_server.always(Model(faults=[lambda reply: ending(reply, *told(wrong))]))
    with pytest.raises(LexiluxError, match="no such tool") as caught:
        asked(door, method)
    assert caught.value.partial is not None
    assert STORY.startswith(caught.value.partial.text)
    assert len(caught.value.partial.text) > 50
    assert len(scripted_server.requests) == 1


@EACH_METHOD
@pytest.mark.parametrize("limit", ["idle_timeout_s", "read_timeout_s"])
def test_a_stream_that_falls_silent_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str, limit: str
) -> None:
    scripted_server.always(Model(faults=[partial(broken, after=20, end=Stall(5))]))
    text, result = asked(door, method, client={limit: 0.15})
    assert (text, result.text, len(scripted_server.requests)) == (STORY, STORY, 2)


@EACH_METHOD
def test_a_stream_that_ends_without_an_announcement_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model(faults=[ending]))
    text, result = asked(door, method)
    assert (text, result.text, len(scripted_server.requests)) == (STORY, STORY, 2)


@pytest.mark.parametrize("options", [{}, {"resume": "off"}])
def test_a_plain_stream_raises_a_break_with_the_part(
    door: Doors, scripted_server: ScriptedServer, options: dict[str, str]
) -> None:
    scripted_server.always(Model(faults=[partial(broken, after=20)]))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        door().stream("x", **options)
    assert caught.value.partial is not None
    assert STORY.startswith(caught.value.partial.text)
    assert len(scripted_server.requests) == 1


def test_complete_stream_with_resume_off_raises_a_break_with_the_part(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(faults=[partial(broken, after=20)]))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        door().complete_stream("x", resume="off")
    assert caught.value.partial is not None
    assert len(caught.value.partial.text) > 50
    assert len(scripted_server.requests) == 1


def test_require_refuses_beforehand_what_cannot_be_resumed(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    with pytest.raises(ValidationError, match="n=2"):
        door().stream("x", resume="require", extra={"n": 2})
    assert scripted_server.requests == []


def test_require_resumes_as_auto_does(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(Model(faults=[partial(broken, after=20)]))
    assert door().stream("x", resume="require").result.text == STORY


@EACH_METHOD
def test_a_break_before_any_content_is_a_retry(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model(faults=[partial(broken, after=1)]))
    text, result = asked(door, method)
    assert (text, result.segments) == (STORY, ())
    first, second = scripted_server.requests
    assert first.json == second.json


@EACH_METHOD
def test_a_break_in_the_middle_of_reasoning_is_asked_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    thought = [chunk({"reasoning_content": "Let me think. "})] * 3
    scripted_server.play(events(*thought, Cut(), done=False), stream(STORY))
    text, result = asked(door, method)
    first, second = scripted_server.requests
    assert (text, result.status, first.json) == (STORY, "complete", second.json)
    assert result.reasoning.startswith("Let me think.")


@EACH_METHOD
def test_a_break_in_the_middle_of_a_tool_call_is_asked_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    begun = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"at": "th'}}
    whole = {"index": 0, "id": "c2", "function": {"name": "look", "arguments": '{"at": "sea"}'}}
    scripted_server.play(
        stream({"tool_calls": [begun]}, end=Cut()),
        stream({"tool_calls": [whole]}, finish_reason="tool_calls"),
    )
    _, result = asked(door, method)
    assert [call.get_arguments() for call in result.tool_calls] == [{"at": "sea"}]
    assert result.status == "tool_calls"
    assert len(scripted_server.requests) == 2


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_a_break_during_a_continuation_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(Model(cut=HALF, faults=[None, partial(broken, after=12)]))
    text, result = asked(door, method)
    assert (text, result.text, result.status) == (STORY, STORY, "complete")
    assert result.continues == 1, "resuming is no continuation"
    assert [each.status for each in result.segments] == ["truncated", "interrupted", "complete"]


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_a_continuation_that_is_refused_for_now_is_tried_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    busy = refuse(503, "busy", retry_after=0)
    scripted_server.always(Model(cut=HALF, faults=[None, lambda _: busy]))
    assert asked(door, method)[0] == STORY


def test_a_whole_json_value_needs_nothing_more_when_the_connection_breaks(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream('{"a": 1}', end=Cut()))
    result = door().complete("x", expect="json")
    assert (result.text, result.status, len(scripted_server.requests)) == (
        '{"a": 1}',
        "complete",
        1,
    )


def test_a_resumed_stream_may_be_truncated(door: Doors, scripted_server: ScriptedServer) -> None:
    def rest(request: RecordedRequest) -> Reply:
        shown = request.json["messages"][-1]["content"]
        return stream(STORY[len(shown) : HALF * 2], finish_reason="length")

    scripted_server.play(stream(STORY[:HALF], end=Cut()), rest)
    result = door().stream("x", resume="auto").result
    assert (result.text, result.status) == (STORY[: HALF * 2], "truncated")


def test_text_behind_an_early_sentinel_is_not_left_out_unsaid(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    fault = partial(broken, after=20)
    scripted_server.always(Model(behaviour="sentinel_early", prefill="refused", faults=[fault]))
    try:
        text, _ = asked(door, "stream")
    except LexiluxError:
        return
    assert text == STORY


def test_the_iterator_knows_what_it_has_handed_out_across_a_break(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(faults=[partial(broken, after=25)]))
    opened = door().open_stream("x", resume="auto")
    seen = ""
    while (each := opened.next_chunk()) is not None:
        seen += each.delta
        assert opened.result.text == seen
    assert seen == STORY


def test_a_break_that_cannot_be_joined_is_raised_with_what_was_handed_out(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(stream("Something else altogether, and then some more of it."))
    scripted_server.play(stream(STORY[:HALF], end=Cut()))
    opened = door().open_stream("x", resume="auto")
    first = opened.next_chunk()
    assert first is not None
    assert STORY.startswith(first.delta)
    with pytest.raises(LexiluxError) as caught:
        opened.drain()
    assert caught.value.partial is not None
    assert caught.value.partial.text == STORY[:HALF]
