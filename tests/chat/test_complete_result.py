"""Tool calls that were cut, and what the result of several requests adds up to."""

from __future__ import annotations

from typing import Any

import pytest
from sockets import (
    ASKED,
    EACH_METHOD,
    HALF,
    PART,
    STORY,
    THOUGHT,
    Model,
    asked,
    counted,
    cut_answer,
    instantly,  # noqa: F401 - a fixture for each test
    pieces,
    stopped,
)

from lexilux_like.testing import (
    RecordedRequest,
    Reply,
    ScriptedServer,
    Stall,
    answer,
    chunk,
    events,
    stream,
)
from lexilux_like.testing.door import Doors

# Tool calls.


def calling(arguments: str, word: str, **fields: Any) -> Reply:
    """A tool call whose arguments come in pieces, behind a few words."""
    begun = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look"}}
    more = [{"index": 0, "function": {"arguments": part}} for part in pieces(arguments, 5)]
    deltas = [{"content": "I look. "}, *({"tool_calls": [each]} for each in (begun, *more))]
    return stream(*deltas, finish_reason=word, **fields)


@EACH_METHOD
def test_whole_tool_calls_are_returned(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(calling('{"at": "sea"}', "tool_calls"))
    text, result = asked(door, method)
    assert (text, result.status, result.finish_reason) == ("I look. ", "tool_calls", "tool_calls")
    assert result.tool_calls[0].get_arguments() == {"at": "sea"}
    assert len(scripted_server.requests) == 1


@EACH_METHOD
@pytest.mark.parametrize("word", ["length", "tool_calls", "stop"])
def test_cut_arguments_are_asked_for_again_with_a_larger_budget(
    door: Doors, scripted_server: ScriptedServer, method: str, word: str
) -> None:
    cut = calling('{"at": "s', word)
    scripted_server.play(cut, calling('{"at": "sea"}', "tool_calls"))
    text, result = asked(door, method, max_tokens=10)
    assert (text, result.status) == ("I look. ", "tool_calls")
    assert [call.get_arguments() for call in result.tool_calls] == [{"at": "sea"}]
    first, second = (each.json for each in scripted_server.requests)
    assert second == {**first, "max_tokens": 20}


def test_a_stream_hands_tool_calls_out_whole_and_at_the_end(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(calling('{"at": "s', "length"), calling('{"at": "sea"}', "tool_calls"))
    streamed = door().complete_stream("x", max_tokens=10)
    found = [(i, each) for i, chunk in enumerate(streamed.chunks) for each in chunk.tool_calls]
    [(place, call)] = found
    assert (call.index, call.id, call.name, call.arguments) == (0, "c1", "look", '{"at": "sea"}')
    assert place == len(streamed.chunks) - 2


@EACH_METHOD
@pytest.mark.parametrize("word", ["length", "tool_calls"])
def test_cut_arguments_are_never_handed_out(
    door: Doors, scripted_server: ScriptedServer, method: str, word: str
) -> None:
    scripted_server.always(calling('{"at": "s', word))
    reason, result = stopped(door, method)
    assert (reason, result.tool_calls) == ("tool_arguments", ())
    _, partial = asked(door, method, ensure_complete=False)
    assert (partial.tool_calls, partial.complete) == ((), False)


@EACH_METHOD
@pytest.mark.parametrize("word", ["length", "tool_calls"])
def test_what_came_of_cut_arguments_can_be_looked_at(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    word: str,
) -> None:
    scripted_server.always(calling('{"at": "s', word))
    _, result = stopped(door, method)
    assert [each.arguments for each in result.incomplete_tool_calls] == ['{"at": "s']


# What a result adds up to.


@EACH_METHOD
def test_usage_and_segments_add_up(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    def rest(request: RecordedRequest) -> Reply:
        shown = request.json["messages"][-1]["content"]
        head = {"x-request-id": "req-2"}
        return stream(*pieces(STORY[len(shown) :]), usage=counted(30, 7), headers=head)

    scripted_server.play(cut_answer(usage=counted(10, 5), headers={"x-request-id": "req-1"}), rest)
    text, result = asked(door, method, prefill="trailing")
    usage = result.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (40, 12, 52)
    first, second = result.segments
    assert (first.asked, first.joined, first.start, first.status) == (
        "first",
        "first",
        0,
        "truncated",
    )
    assert (second.asked, second.joined, second.status) == ("prefill", "repeated", "complete")
    assert (first.request_id, second.request_id) == ("req-1", "req-2")
    assert (first.raw_finish_reason, second.raw_finish_reason) == ("length", "stop")
    assert (first.usage.output_tokens, second.usage.output_tokens) == (5, 7)
    assert text == first.text + STORY[second.start :] == STORY
    assert second.start == HALF
    assert (result.continues, result.choices[0].text) == (1, STORY)


@EACH_METHOD
def test_the_reasoning_of_all_parts_is_kept(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    model = Model().after_first(ASKED)

    def rest(request: RecordedRequest) -> Reply:
        reply = model(request)
        thought = stream({"reasoning_content": "And now the rest."}).steps[1]
        return Reply(200, reply.headers, steps=(thought, *reply.steps), framing="chunked")

    scripted_server.play(stream(THOUGHT, *pieces(STORY[:HALF]), finish_reason="length"), rest)
    _, result = asked(door, method, prefill="trailing")
    assert result.text == STORY
    assert result.reasoning == THOUGHT["reasoning_content"] + "And now the rest."


def test_a_stream_ends_with_one_chunk_that_is_done(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=250, part=250))
    streamed = door().complete_stream("Tell me.", max_continues=9)
    *others, last = streamed.chunks
    assert (last.done, last.finish_reason, last.usage) == (True, "stop", streamed.result.usage)
    assert not any(each.done or each.finish_reason or each.usage for each in others)
    assert "".join(streamed.deltas) == streamed.result.text == STORY
    assert streamed.result.done


def test_the_iterators_result_is_what_was_handed_out_at_every_moment(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(Model(cut=250, part=250))
    opened = door().open_stream("Tell me.", method="complete_stream", max_continues=9)
    seen = ""
    while (each := opened.next_chunk()) is not None:
        seen += each.delta
        assert opened.result.text == seen
    assert seen == STORY


def test_a_stream_that_is_left_shows_what_it_held_back(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream(STORY[:PART], end=Stall(5)))
    opened = door().open_stream("x", method="complete_stream")
    seen = ""
    while len(seen) < PART - 60:
        each = opened.next_chunk()
        assert each is not None
        seen += each.delta
    assert opened.result.text == seen
    opened.close()
    assert len(seen) < PART
    assert (opened.result.text, opened.result.done) == (STORY[:PART], False)


def test_the_iterator_knows_the_verdict_at_the_last_chunk(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("All of it."))
    opened = door().open_stream("x", method="complete_stream")
    while not (each := opened.next_chunk()) or not each.done:
        assert each is not None
    assert (opened.result.status, opened.result.done) == ("complete", True)
    assert opened.result.usage == each.usage


def test_raw_events_are_handed_on(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(events(chunk({"content": "Hi"}), chunk({}, finish_reason="stop")))
    chunks = door().complete_stream("x", return_raw_events=True).chunks
    assert [bool(each.raw) for each in chunks][:2] == [True, True]


def test_a_call_that_takes_one_request_gives_what_a_plain_call_gives(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(answer("All of it.", reasoning="Hm."))
    plain, whole = door().call("x"), door().complete("x", resume="off")
    for name in ("text", "reasoning", "status", "usage", "id", "model", "created", "choices"):
        assert getattr(whole, name) == getattr(plain, name), name
