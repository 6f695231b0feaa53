"""The tool loop as a flow: which effects it yields, and what it makes of the replies. No server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lexilux_like.turns.flow import Effect, Flow, Ran, RunTools, Stepper
from lexilux_like.turns.toolloop import MOST_AT_ONCE, ToolRules, checked_tool_rules, with_tools
from lexilux_like.values.errors import (
    ChatIncompleteResponseError,
    LexiluxError,
    ServerError,
    ValidationError,
)
from lexilux_like.values.execution import Job
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import (
    ChatResult,
    ChatStreamChunk,
    Timing,
    ToolCall,
    ToolOutcome,
    Usage,
)
from lexilux_like.values.tools import ToolChoice, relaxed, tools_by_name

USER = {"role": "user", "content": "Hi"}
CALL = ToolCall("c1", "clock", "{}")


def clock() -> str:
    """The time."""
    return "noon"


REQUEST = ChatRequest("m", [USER], {"tools": [clock], "temperature": 0})
TOOLS = tools_by_name([clock])


def calling(*calls: ToolCall, **fields: Any) -> ChatResult:
    return ChatResult(tool_calls=calls or (CALL,), status="tool_calls", usage=Usage(1, 2), **fields)


def said(text: str, **fields: Any) -> ChatResult:
    return ChatResult(**{"text": text, "status": "complete", "usage": Usage(10, 20), **fields})


class Play:
    """A run against a scripted model; tools answer their names."""

    def __init__(
        self,
        *answers: ChatResult | LexiluxError,
        request: ChatRequest = REQUEST,
        live: bool = False,
        **rules: Any,
    ) -> None:
        self.answers: Iterator[ChatResult | LexiluxError] = iter(answers)
        self.live = live
        self.asked: list[ChatRequest] = []
        self.effects: list[Effect] = []
        self.clock = 0.0
        turn = with_tools(self.turn, ToolRules(**{"tools": TOOLS, **rules}), live=live)
        self.step = Stepper(turn(request), self.later)

    def turn(self, request: ChatRequest) -> Flow[ChatResult]:
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, LexiluxError):
            raise answer
        if self.live:
            yield ChatStreamChunk(answer.text)
            yield ChatStreamChunk(done=True, usage=answer.usage)
        return answer

    def run(self) -> ChatResult:
        self.step.start()
        while (effect := self.step.effect) is not None:
            self.effects.append(effect)
            reply: Any = None
            if isinstance(effect, RunTools):
                reply = self.ran(effect.jobs)
            self.step.reply(reply)
        return self.step.value

    def later(self) -> float:
        self.clock += 1
        return self.clock

    def ran(self, jobs: Sequence[Job]) -> Ran:
        return Ran(tuple(ToolOutcome(job.call, job.call.name) for job in jobs), None)


def test_one_effect_runs_all_calls_of_an_answer():
    played = Play(calling(CALL, ToolCall("c2", "clock")), said("noon"))
    played.run()
    (effect,) = [each for each in played.effects if isinstance(each, RunTools)]
    assert [job.call.id for job in effect.jobs] == ["c1", "c2"]
    assert effect.approve is None
    assert (effect.raises, effect.at_once) == (False, MOST_AT_ONCE)


def test_the_next_request_has_the_calls_and_what_they_returned():
    played = Play(calling(), said("noon"))
    played.run()
    first, second = played.asked
    assert first is REQUEST
    assert second.options == REQUEST.options
    assert second.messages == [
        USER,
        calling().to_message(),
        {"role": "tool", "tool_call_id": "c1", "content": "clock"},
    ]
    assert REQUEST.messages == [USER]


def test_the_time_that_tools_took_is_on_the_step():
    assert Play(calling(), said("noon")).run().steps[0].seconds == 1.0


def test_first_content_is_that_of_the_first_answer():
    played = Play(calling(timing=Timing(0.5)), said("noon", timing=Timing(0.1, 3.0)))
    assert played.run().timing == Timing(0.5, 3.0)


def test_the_last_answer_alone_keeps_its_own_usage():
    result = Play(calling(), said("noon")).run()
    assert result.usage == Usage(11, 22)
    assert result.steps[-1].result == said("noon")


def test_a_whole_answer_with_an_odd_status_is_an_answer():
    result = Play(ChatResult(status="tool_calls")).run()  # it has none
    assert len(result.steps) == 1


@pytest.mark.parametrize("status", ["truncated", "unknown", "interrupted", "filtered"])
def test_calls_of_an_answer_that_is_not_whole_are_not_run(status: Any):
    played = Play(ChatResult(status=status, tool_calls=(CALL,)))
    assert played.run().status == status
    assert not any(isinstance(each, RunTools) for each in played.effects)


def test_max_steps_counts_requests():
    played = Play(calling(), calling(), calling(), max_steps=3)
    with pytest.raises(ChatIncompleteResponseError, match="max_steps=3") as caught:
        played.run()
    assert len(played.asked) == 3
    assert caught.value.reason == "max_steps"
    assert [len(step.outcomes) for step in caught.value.final_result.steps] == [1, 1, 0]  # type: ignore[union-attr]


def test_one_step_runs_no_tools():
    result = Play(calling(), max_steps=1, ensure_complete=False).run()
    assert result.status == "tool_calls"
    assert [step.outcomes for step in result.steps] == [()]


def test_what_the_callers_code_raised_is_raised_as_it_is():
    played, problem = Play(calling(), said("noon")), KeyError("mine")
    played.ran = lambda _jobs: Ran((), problem)  # type: ignore[method-assign]
    with pytest.raises(KeyError) as caught:
        played.run()
    assert caught.value is problem


def test_a_failure_takes_the_steps_with_it():
    played = Play(calling(), ServerError("down", partial=said("no", status="interrupted")))
    with pytest.raises(ServerError) as caught:
        played.run()
    partial = caught.value.partial
    assert partial is not None
    assert [step.result.text for step in partial.steps] == ["", "no"]
    assert (partial.text, partial.status, partial.usage) == ("no", "interrupted", Usage(11, 22))


def test_an_incomplete_answer_takes_the_steps_with_it():
    failure = ChatIncompleteResponseError("cut", final_result=said("no", status="truncated"))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        Play(calling(), failure).run()
    assert caught.value.final_result is caught.value.partial is not None
    assert len(caught.value.partial.steps) == 2


def test_the_first_failure_is_left_alone():
    partial = said("no", status="interrupted")
    with pytest.raises(ServerError) as caught:
        Play(ServerError("down", partial=partial)).run()
    assert caught.value.partial is partial


def test_a_stream_has_one_last_chunk_and_one_for_each_step():
    played = Play(calling(text="So."), said("noon"), live=True)
    result = played.run()
    chunks = [each for each in played.effects if isinstance(each, ChatStreamChunk)]
    assert chunks == [
        ChatStreamChunk("So."),
        ChatStreamChunk(step=result.steps[0]),
        ChatStreamChunk("noon"),
        ChatStreamChunk(done=True, usage=Usage(11, 22)),
    ]


def test_nothing_is_streamed_where_nobody_asked():
    played = Play(calling(), said("noon"))
    played.run()
    assert not any(isinstance(each, ChatStreamChunk) for each in played.effects)


@pytest.mark.parametrize(
    ("choice", "later"),
    [
        ("required", "auto"),
        ("clock", "auto"),
        (ToolChoice.tool("clock"), "auto"),
        ({"type": "function", "function": {"name": "clock"}}, "auto"),
        ("auto", "auto"),
        ("none", "none"),
        (ToolChoice.none(), ToolChoice.none()),
        ({"type": "none"}, {"type": "none"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [1]}},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [1]}},
        ),
    ],
)
def test_a_choice_that_forces_a_call_does_so_once(choice: Any, later: Any):
    assert relaxed(choice) == later


class TestRules:
    def test_the_defaults(self):
        rules = checked_tool_rules({}, REQUEST, awaits=False)
        assert rules == ToolRules(tools=rules.tools)
        assert (rules.max_steps, rules.at_once, rules.raises) == (10, 16, False)

    def test_every_option_counts(self):
        options = {
            "max_steps": 3,
            "approve": print,
            "on_step": len,
            "on_tool_error": "raise",
            "max_parallel": 2,
            "ensure_complete": False,
        }
        rules = checked_tool_rules(options, REQUEST, awaits=False)
        assert rules == ToolRules(
            tools=rules.tools,
            max_steps=3,
            approve=print,  # type: ignore[arg-type]
            on_step=len,  # type: ignore[arg-type]
            raises=True,
            at_once=2,
            ensure_complete=False,
        )

    def test_async_is_for_who_awaits(self):
        async def later() -> None: ...

        request = ChatRequest("m", [USER], {"tools": [later]})
        checked_tool_rules({"approve": later}, request, awaits=True)
        with pytest.raises(ValidationError, match="'later' is async"):
            checked_tool_rules({}, request, awaits=False)
        with pytest.raises(ValidationError, match="approve is async"):
            checked_tool_rules({"approve": later}, REQUEST, awaits=False)
