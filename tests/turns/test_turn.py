"""One question as a flow: which effects it yields, in which order. No server, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.turns.flow import (
    Chunks,
    Drain,
    Effect,
    Flow,
    Now,
    Open,
    Read,
    Send,
    Stepper,
    Track,
)
from lexilux_like.turns.turn import streamed, whole
from lexilux_like.values.errors import (
    ChatStreamInterruptedError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    ResponseFormatError,
    ServerError,
)
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, ChatStreamChunk
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect

REQUEST = ChatRequest("m", [{"role": "user", "content": "Hi"}])
BODY = b'{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}'


class World:
    """Gives scripted replies and remembers what it was asked to do."""

    def __init__(self, *replies: bytes | Response | LexiluxError) -> None:
        self.replies = iter(replies)
        self.asked: list[Effect] = []
        self.clock = 0.0

    def run(self, flow: Flow[ChatResult]) -> ChatResult:
        step = Stepper(flow, self.later)
        step.start()
        while (effect := step.effect) is not None:
            if isinstance(effect, Chunks):
                self.hand_on(step, effect)
                continue
            self.asked.append(effect)
            reply: Any = None
            if isinstance(effect, Send | Open | Read):
                reply = next(self.replies)
            if isinstance(reply, LexiluxError):
                step.fail(reply)
            else:
                step.reply(reply)
        return step.value

    def later(self) -> float:
        self.clock += 1
        return self.clock

    def hand_on(self, step: Stepper[ChatResult], effect: Chunks) -> None:
        try:
            self.asked.extend(effect.chunks)
        except LexiluxError as error:
            step.fail(error)
        else:
            step.reply(None)

    @property
    def kinds(self) -> list[str]:
        return [type(effect).__name__ for effect in self.asked]


def stream(*reads: bytes | LexiluxError, status: int = 200) -> World:
    return World(Response(status, {}), *reads)


def text(piece: str) -> bytes:
    return sse(chunk({"content": piece}))


END = sse(chunk({}, finish_reason="stop"))


def test_a_whole_answer_is_sent_for() -> None:
    world = World(Response(200, {}, BODY))
    assert world.run(whole(OpenAIDialect())(REQUEST)).text == "hi"
    assert world.kinds == ["Send"]


def test_a_stream_is_opened_read_and_drained() -> None:
    world = stream(text("hi"), END + DONE)
    result = world.run(streamed(OpenAIDialect())(REQUEST))
    assert (result.text, result.status) == ("hi", "complete")
    assert world.kinds == [
        "Open",
        "Read",
        "ChatStreamChunk",
        "Read",
        "ChatStreamChunk",
        "Drain",
        "ChatStreamChunk",
    ]


def test_a_read_says_whether_content_has_come_since_the_last() -> None:
    comment = b": on\n\n"
    world = stream(comment, text("a"), comment, text("b"), END + DONE)
    world.run(streamed(OpenAIDialect())(REQUEST))
    reads = [effect.content for effect in world.asked if isinstance(effect, Read)]
    assert reads == [False, False, True, False, True]


def test_nothing_is_read_after_done() -> None:
    world = stream(END + DONE + text("never"))
    assert world.run(streamed(OpenAIDialect())(REQUEST)).text == ""
    assert world.kinds.count("Read") == 1
    assert isinstance(world.asked[-2], Drain)


def test_first_content_is_timed_from_the_attempts_own_request() -> None:
    world = stream(text("a"), END + DONE)
    result = world.run(streamed(OpenAIDialect())(REQUEST))
    assert result.timing.first_content_s == 1


def test_reasoning_that_is_not_shown_counts_as_first_content() -> None:
    thought = sse(chunk({"reasoning_content": "hm"}))
    world = stream(thought, text("a"), END + DONE)
    assert world.run(streamed(OpenAIDialect())(REQUEST)).timing.first_content_s == 1


def test_progress_is_tracked_from_the_head_on() -> None:
    flow = streamed(OpenAIDialect())(REQUEST)
    replies: Iterable[Any] = [None, 0.0, Response(200, {})]
    effects = [flow.send(reply) for reply in replies]
    assert isinstance(effects[0], Now)
    assert isinstance(effects[1], Open)
    assert isinstance(effects[2], Track)
    assert effects[2].progress.so_far().status == "unannounced"


@pytest.mark.parametrize(
    ("reads", "retryable"), [([], True), ([text("a")], False), ([b": on\n\n"], True)]
)
def test_a_break_may_be_tried_again_only_before_content(
    reads: list[bytes], retryable: bool
) -> None:
    world = stream(*reads, LexiluxConnectionError("reset"))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        world.run(streamed(OpenAIDialect())(REQUEST))
    assert caught.value.retryable is retryable
    assert isinstance(caught.value.__cause__, LexiluxConnectionError)


def test_a_time_out_in_mid_stream_stays_one_and_carries_the_part() -> None:
    world = stream(text("par"), LexiluxTimeoutError("late", timeout="idle_timeout_s"))
    with pytest.raises(LexiluxTimeoutError) as caught:
        world.run(streamed(OpenAIDialect())(REQUEST))
    assert caught.value.partial is not None
    assert caught.value.partial.text == "par"


def test_a_break_keeps_the_verdict_of_choices_that_had_finished() -> None:
    reads = [
        sse(chunk({"content": "a"}, index=0)),
        sse(chunk({"content": "b"}, index=1, finish_reason="stop")),
    ]
    world = stream(*reads, b"")
    with pytest.raises(ChatStreamInterruptedError) as caught:
        world.run(streamed(OpenAIDialect())(REQUEST))
    assert caught.value.partial is not None
    assert [c.status for c in caught.value.partial.choices] == ["unannounced", "complete"]


def test_lines_that_are_no_events_are_shown_when_the_end_was_not_announced() -> None:
    world = stream(text("a"), b"gateway: going down\n\n", b"")
    with pytest.raises(ChatStreamInterruptedError, match="gateway: going down"):
        world.run(streamed(OpenAIDialect())(REQUEST))


def test_an_empty_stream_is_no_completion_and_comments_alone_are_an_interruption() -> None:
    with pytest.raises(ResponseFormatError):
        stream(b"").run(streamed(OpenAIDialect())(REQUEST))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        stream(b": on\n\n", b"").run(streamed(OpenAIDialect())(REQUEST))
    assert caught.value.clean
    assert caught.value.retryable


def test_a_whole_body_makes_one_last_chunk_with_all_of_it() -> None:
    world = stream(BODY[:20], BODY[20:], b"")
    result = world.run(streamed(OpenAIDialect())(REQUEST))
    assert result.text == "hi"
    chunks = [effect for effect in world.asked if isinstance(effect, ChatStreamChunk)]
    assert [(c.delta, c.done, c.finish_reason) for c in chunks] == [("hi", True, "stop")]


def test_an_error_status_is_raised_and_nothing_is_read() -> None:
    world = World(Response(503, {}, b'{"error": {"message": "busy"}}'))
    with pytest.raises(ServerError, match="busy"):
        world.run(streamed(OpenAIDialect())(REQUEST))
    assert "Read" not in world.kinds


def test_a_stepper_that_is_closed_ends_its_flow() -> None:
    flow = whole(OpenAIDialect())(REQUEST)
    step = Stepper(flow, lambda: 0.0)
    step.start()
    flow.close()
    with pytest.raises(StopIteration):
        next(flow)
