"""What a call and a stream give back, and that both give the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lexilux_like import (
    APIError,
    AuthenticationError,
    ChatHistory,
    ChatStreamInterruptedError,
    ConflictError,
    InvalidRequestError,
    LexiluxError,
    NotFoundError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
)
from lexilux_like.testing import (
    Cut,
    Pause,
    Reply,
    Reset,
    ScriptedServer,
    answer,
    chunk,
    events,
    json_reply,
    refuse,
    sse,
    stream,
    tool_call,
)
from lexilux_like.testing.door import Doors

METHODS = pytest.mark.parametrize("method", ["call", "stream"])


def ask(door: Doors, method: str, **options: Any) -> Any:
    """The result of a call, or of a stream read to its end."""
    got = getattr(door(), method)("x", **options)
    return got if method == "call" else got.result


def reply(method: str, **given: Any) -> Reply:
    """One answer with one text, for either kind of method."""
    text = given.pop("text", "hi")
    return answer(text, **given) if method == "call" else stream(text, **given)


def test_a_whole_answer_says_all_it_knows(door: Doors, scripted_server: ScriptedServer) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    scripted_server.play(
        answer("hi", reasoning="hm", usage=usage, headers={"x-request-id": "req-7"})
    )
    result = door().call("x")
    assert (result.text, result.reasoning, str(result)) == ("hi", "hm", "hi")
    assert (result.status, result.complete, result.truncated) == ("complete", True, False)
    assert (result.finish_reason, result.raw_finish_reason) == ("stop", "stop")
    assert (result.usage.input_tokens, result.usage.output_tokens) == (10, 5)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (10, 5)
    assert (result.usage.cached_tokens, result.usage.reasoning_tokens) == (4, 2)
    assert (result.model, result.id, result.request_id) == ("m", "chatcmpl-1", "req-7")
    assert result.created == 1_700_000_000
    assert result.raw is None


def test_raw_is_kept_when_asked_for(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi", odd_field=7))
    result = door().call("x", return_raw=True)
    assert result.raw is not None
    assert result.raw["choices"][0]["message"]["odd_field"] == 7


@METHODS
@pytest.mark.parametrize(
    ("word", "reason", "status"),
    [
        ("stop", "stop", "complete"),
        ("length", "length", "truncated"),
        ("content_filter", "content_filter", "filtered"),
        ("model_context_window_exceeded", "length", "context_exceeded"),
        ("banana", "unknown", "unknown"),
    ],
)
def test_each_end_has_its_verdict(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    word: str,
    reason: str,
    status: str,
) -> None:
    scripted_server.play(reply(method, finish_reason=word))
    result = ask(door, method)
    assert (result.raw_finish_reason, result.finish_reason, result.status) == (word, reason, status)
    assert result.complete is (status == "complete")
    assert result.text == "hi"


def test_chunks_carry_text_finish_reason_and_usage_and_the_last_one_is_done(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("a", "b", finish_reason="length"))
    streamed = door().stream("x")
    assert streamed.deltas == ["a", "b"]
    assert [c.done for c in streamed.chunks] == [False] * (len(streamed.chunks) - 1) + [True]
    last = streamed.chunks[-1]
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.total_tokens == 3
    assert streamed.result.done
    assert streamed.result.to_chat_result().usage == last.usage


def test_result_is_true_at_every_moment(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b", "c"))
    opened = door().open_stream("x")
    assert (opened.result.text, opened.result.status) == ("", "unannounced")
    seen = ""
    while (piece := opened.next_chunk()) is not None:
        seen += piece.delta
        assert opened.result.text == seen
        assert opened.result.done is piece.done
    assert (seen, opened.result.status) == ("abc", "complete")


def test_result_never_runs_ahead_of_the_consumer_when_events_come_together(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    together = b"".join(sse(chunk({"content": letter})) for letter in "abc")
    scripted_server.play(events(together, chunk({}, finish_reason="stop")))
    opened = door().open_stream("x")
    seen = [(opened.next_chunk().delta, opened.result.text) for _ in range(3)]  # type: ignore[union-attr]
    assert seen == [("a", "a"), ("b", "ab"), ("c", "abc")]


def test_reasoning_is_shown_when_asked_for_and_kept_in_any_case(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    thinking = stream({"reasoning_content": "hm"}, "hi")
    scripted_server.play(thinking, thinking)
    asked = door()
    silent, open_minded = asked.stream("x"), asked.stream("x", include_reasoning=True)
    assert [c.reasoning for c in silent.chunks if c.reasoning] == []
    assert [c.reasoning for c in open_minded.chunks if c.reasoning] == ["hm"]
    assert silent.result.reasoning == open_minded.result.reasoning == "hm"


def test_raw_events_are_kept_when_asked_for(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a"), stream("a"))
    asked = door()
    assert all(c.raw is None for c in asked.stream("x").chunks)
    raws = [c.raw for c in asked.stream("x", return_raw_events=True).chunks if c.raw]
    assert [raw["choices"][0]["delta"] for raw in raws if raw["choices"]][:2] == [
        {"role": "assistant", "content": ""},
        {"content": "a"},
    ]


CALLS = [tool_call("add", '{"a": 1}', id="c1"), tool_call("sub", '{"b": 2}', id="c2")]
FRAGMENTS = [
    {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a"'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "sub", "arguments": ""}}]},
    {"tool_calls": [{"index": 1, "function": {"arguments": '{"b": 2}'}}]},
]


def tool_reply(method: str, finish_reason: str) -> Reply:
    if method == "call":
        return answer(None, tool_calls=CALLS, finish_reason=finish_reason)
    return stream(*FRAGMENTS, finish_reason=finish_reason)


@METHODS
@pytest.mark.parametrize("finish_reason", ["tool_calls", "stop"])
def test_whole_tool_calls_are_offered(
    door: Doors, scripted_server: ScriptedServer, method: str, finish_reason: str
) -> None:
    scripted_server.play(tool_reply(method, finish_reason))
    result = ask(door, method)
    assert [call.to_dict() for call in result.tool_calls] == CALLS
    assert [call.get_arguments() for call in result.tool_calls] == [{"a": 1}, {"b": 2}]
    assert (result.status, result.complete) == ("tool_calls", True)
    assert result.incomplete_tool_calls == ()


@METHODS
@pytest.mark.parametrize("finish_reason", ["length", "content_filter", "banana"])
def test_calls_of_an_answer_that_is_not_whole_are_never_offered_though_they_parse(
    door: Doors, scripted_server: ScriptedServer, method: str, finish_reason: str
) -> None:
    scripted_server.play(tool_reply(method, finish_reason))
    result = ask(door, method)
    assert result.tool_calls == ()
    assert [call.name for call in result.incomplete_tool_calls] == ["add", "sub"]


def test_no_call_is_offered_while_the_stream_runs(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(tool_reply("stream", "tool_calls"))
    opened = door().open_stream("x")
    while (piece := opened.next_chunk()) is not None and not piece.finish_reason:
        assert opened.result.tool_calls == ()
    assert len(opened.drain().result.tool_calls) == 2


def test_call_fragments_are_handed_on_as_deltas(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(tool_reply("stream", "tool_calls"))
    deltas = [d for c in door().stream("x").chunks for d in c.tool_calls]
    assert "".join(d.arguments for d in deltas if d.index == 1) == '{"b": 2}'
    assert {d.index: d.name for d in deltas if d.name} == {0: "add", 1: "sub"}


@METHODS
def test_a_result_goes_into_the_history_with_its_tool_calls(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(tool_reply(method, "tool_calls"))
    history = ChatHistory()
    history.add_user("x")
    history.append_result(ask(door, method))
    assert history.get_messages()[-1]["tool_calls"] == CALLS


@METHODS
def test_a_refusal_is_told(door: Doors, scripted_server: ScriptedServer, method: str) -> None:
    scripted_server.play(
        answer(None, refusal="I will not.")
        if method == "call"
        else stream({"refusal": "I will "}, {"refusal": "not."})
    )
    result = ask(door, method)
    assert (result.refusal, result.status, result.complete) == ("I will not.", "refused", False)


def test_a_stream_of_several_choices_keeps_them_apart(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(
        events(
            chunk({"content": "a1"}, index=0),
            chunk({"content": "b1"}, index=1),
            chunk({"content": "a2"}, index=0),
            chunk({}, index=1, finish_reason="stop"),
            chunk({}, index=0, finish_reason="length"),
        )
    )
    streamed = door().stream("x", extra={"n": 2})
    assert [(c.text, c.status) for c in streamed.result.choices] == [
        ("a1a2", "truncated"),
        ("b1", "complete"),
    ]
    assert [c.index for c in streamed.chunks if c.delta] == [0, 1, 0]


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_clean_end_that_nobody_announced_is_an_error_with_the_part(
    door: Doors, scripted_server: ScriptedServer, framing: Any
) -> None:
    scripted_server.play(stream("par", "t", finish_reason=None, done=False, framing=framing))
    with pytest.raises(ChatStreamInterruptedError, match="without a finish reason") as caught:
        door().stream("x")
    assert caught.value.clean
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.status) == ("part", "unannounced")


@pytest.mark.parametrize("cut", [False, True])
def test_a_choice_that_never_began_is_missed(
    door: Doors, scripted_server: ScriptedServer, cut: bool
) -> None:
    first = chunk({"content": "a"}, index=0, finish_reason="stop")
    scripted_server.play(events(first, *([Cut()] if cut else []), done=False))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        door().stream("x", extra={"n": 2})
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"


@pytest.mark.parametrize("kind", [None, "text/plain", "application/json"])
def test_a_missing_or_wrong_content_type_changes_nothing(
    door: Doors, scripted_server: ScriptedServer, kind: str | None
) -> None:
    headers = {"content-type": kind} if kind else {}
    good = stream("hi"), answer("hi")
    for reply in good:
        others = {n: v for n, v in reply.headers.items() if n != "content-type"}
        scripted_server.play(replace(reply, headers={**others, **headers}))
    asked = door()
    assert asked.stream("x").result.text == asked.call("x").text == "hi"


@pytest.mark.parametrize("shown", [False, True])
def test_a_whole_body_shows_reasoning_only_when_asked_for(
    door: Doors, scripted_server: ScriptedServer, shown: bool
) -> None:
    scripted_server.play(answer("hi", reasoning="hm"))
    streamed = door().stream("x", include_reasoning=shown)
    assert [c.reasoning for c in streamed.chunks] == ["hm" if shown else ""]
    assert streamed.result.reasoning == "hm"


@pytest.mark.parametrize("end", [Cut(), Reset()])
def test_a_broken_connection_is_an_error_with_the_part(
    door: Doors, scripted_server: ScriptedServer, end: Any
) -> None:
    whole_first = stream("par", "t", end=None, finish_reason=None, done=False)
    scripted_server.play(events(*whole_first.steps, Pause(0.05), end, done=False))
    asked = door()
    opened = asked.open_stream("x")
    with pytest.raises(ChatStreamInterruptedError, match="connection broke") as caught:
        opened.drain()
    assert not caught.value.clean
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.status) == ("part", "interrupted")
    assert (opened.result.text, opened.result.status) == ("part", "interrupted")


def test_a_stream_with_a_finish_reason_and_no_done_marker_is_whole(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("hi", done=False))
    result = door().stream("x").result
    assert (result.text, result.status, result.done) == ("hi", "complete", True)


def test_a_break_after_the_finish_reason_takes_nothing_away(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(
        events(chunk({"content": "hi"}), chunk({}, finish_reason="stop"), Cut(), done=False)
    )
    assert door().stream("x").result.status == "complete"


def test_done_without_a_finish_reason_is_of_unknown_completeness(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("hi", finish_reason=None))
    result = door().stream("x").result
    assert (result.text, result.status, result.complete) == ("hi", "unknown", False)


ERRORS = [
    b'data: {"error": {"message": "boom", "type": "server_error", "code": 500}}\n\n',
    b'event: error\ndata: {"error": {"message": "boom"}}\n\n',
    b'event: error\ndata: {"message": "boom"}\n\n',
    b"event: error\ndata: boom\n\n",
    b'error: {"message": "boom"}\n\n',
    b'data: {"error": "boom"}\n\n',
    b'data: {"object": "error", "message": "boom"}\n\n',
    b'data: {"choices": [{"delta": {}, "finish_reason": "error"}], "error": "boom"}\n\n',
]


def test_an_error_event_behind_others_in_one_read_comes_after_their_chunks(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    together = b"".join(sse(chunk({"content": each})) for each in "bc") + ERRORS[0]
    scripted_server.play(events(chunk({"content": "a"}), together))
    opened = door().open_stream("x")
    deltas = [chunk.delta for chunk in (opened.next_chunk() for _ in range(3)) if chunk]
    assert (deltas, opened.result.text) == (["a", "b", "c"], "abc")
    with pytest.raises(APIError, match="boom") as caught:
        opened.next_chunk()
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.status) == ("abc", "interrupted")
    assert not caught.value.retryable


@pytest.mark.parametrize("event", ERRORS)
def test_an_error_event_raises_with_the_part(
    door: Doors, scripted_server: ScriptedServer, event: bytes
) -> None:
    scripted_server.play(events(chunk({"content": "par"}), event))
    opened = door().open_stream("x")
    with pytest.raises(APIError, match="boom") as caught:
        opened.drain()
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.status) == ("par", "interrupted")
    assert not caught.value.retryable


@METHODS
def test_an_error_in_a_200_body_raises(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(json_reply({"error": {"message": "boom", "code": 429}}))
    with pytest.raises(RateLimitError, match="boom") as caught:
        ask(door, method)
    assert caught.value.status_code == 200


def test_a_whole_body_where_a_stream_was_asked_for_is_taken(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer(None, tool_calls=CALLS, finish_reason="tool_calls"), answer("hi"))
    asked = door()
    called, said = asked.stream("x"), asked.stream("x")
    assert [call.name for call in called.result.tool_calls] == ["add", "sub"]
    assert [(c.delta, c.done) for c in said.chunks] == [("hi", True)]
    assert said.result.done


@METHODS
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><title>Welcome to nginx</title></html>", "text/html"),
        (b"", "text/event-stream"),
        (b'{"hello": "world"}', "application/json"),
        (b'{"choices": [{"message": {"conte', "application/json"),
    ],
)
def test_a_200_that_is_no_completion_says_what_came(
    door: Doors, scripted_server: ScriptedServer, method: str, body: bytes, kind: str
) -> None:
    scripted_server.play(Reply(200, {"content-type": kind}, body))
    with pytest.raises(ResponseFormatError) as caught:
        ask(door, method)
    assert (caught.value.status_code, caught.value.body) == (200, body)
    assert not caught.value.retryable


@METHODS
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, InvalidRequestError),
        (418, APIError),
        (422, InvalidRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (529, ServerError),
    ],
)
def test_each_status_has_its_error(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    status: int,
    kind: type[APIError],
) -> None:
    scripted_server.play(
        refuse(status, "because", code="c", type="t", x_request_id="r-1", retry_after=7)
    )
    with pytest.raises(kind, match="because") as caught:
        ask(door, method)
    error = caught.value
    assert type(error) is kind
    assert (error.status_code, error.code, error.type) == (status, "c", "t")
    assert (error.provider_message, error.request_id) == ("because", "r-1")
    assert error.retry_after == 7
    assert b"because" in error.body
    assert error.headers["x-request-id"] == "r-1"
    assert isinstance(error, LexiluxError)


@METHODS
def test_an_html_error_page_is_told_by_its_title(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    scripted_server.play(Reply(502, {"content-type": "text/html"}, page))
    with pytest.raises(ServerError, match="Bad Gateway"):
        ask(door, method)


@METHODS
def test_leading_think_tags_are_reasoning_when_reasoning_was_asked_for(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    text = "<think>\nhm\n</think>\n\nhi"
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    good = answer(text) if method == "call" else stream(*pieces)
    scripted_server.play(good, good)
    plain, split = ask(door, method), ask(door, method, reasoning=True)
    assert (plain.text, plain.reasoning) == (text, "")
    assert (split.text.strip(), split.reasoning.strip()) == ("hi", "hm")
