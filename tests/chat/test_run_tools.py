"""The tool loop through the public methods, on a live server."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from pydantic import BaseModel
from sockets import (
    STORY,
    cut_answer,
    instantly,  # noqa: F401 - a fixture for each test
    pieces,
)

from lexilux_like import (
    ChatHistory,
    ChatIncompleteResponseError,
    LexiluxTimeoutError,
    NetworkError,
    ServerError,
    Tool,
    ToolCall,
    ValidationError,
)
from lexilux_like.testing import (
    Cut,
    RecordedRequest,
    Reply,
    ScriptedServer,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.door import Doors, Streamed
from lexilux_like.values.results import ChatResult, ToolStep

EACH_METHOD = pytest.mark.parametrize("method", ["run_tools", "run_tools_stream"])


def weather(city: str) -> dict[str, Any]:
    """The weather in a city."""
    return {"city": city, "degrees": 21}


def clock() -> str:
    """The time."""
    return "noon"


def calls(*given: dict[str, Any], text: str = "", finish_reason: str = "tool_calls") -> Reply:
    """An answer that calls tools."""
    deltas: list[Any] = [text] if text else []
    pieces = [{"index": i, **each} for i, each in enumerate(given)]
    return stream(*deltas, {"tool_calls": pieces}, finish_reason=finish_reason)


def ask_rome(call_id: str = "c1", text: str = "") -> Reply:
    return calls(tool_call("weather", {"city": "Rome"}, id=call_id), text=text)


def sent(server: ScriptedServer) -> list[dict[str, Any]]:
    return [request.json for request in server.requests]


def ran(doors: Doors, method: str, *args: Any, **options: Any) -> ChatResult:
    client = options.pop("client", {})
    asked = args or ("How warm is it in Rome?",)
    got = getattr(doors(**client), method)(*asked, **{"tools": [weather, clock], **options})
    return got.result if isinstance(got, Streamed) else got


class Report(BaseModel):
    degrees: int


@EACH_METHOD
class TestRun:
    def test_tools_run_until_there_is_an_answer(self, door, scripted_server, method):
        scripted_server.play(ask_rome(), stream("21 degrees."))
        result = ran(door, method)
        assert (result.text, result.status) == ("21 degrees.", "complete")
        first, second = sent(scripted_server)
        assert second["messages"] == [
            *first["messages"],
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [tool_call("weather", {"city": "Rome"}, id="c1")],
            },
            {"role": "tool", "tool_call_id": "c1", "content": '{"city":"Rome","degrees":21}'},
        ]
        assert second["tools"] == first["tools"]

    def test_an_answer_without_calls_takes_one_request(self, door, scripted_server, method):
        scripted_server.play(stream("Hello"))
        result = ran(door, method)
        assert [step.outcomes for step in result.steps] == [()]
        assert len(scripted_server.requests) == 1

    def test_every_step_is_on_the_result(self, door, scripted_server, method):
        scripted_server.play(
            ask_rome(text="Let me see."), calls(tool_call("clock", {}, id="c2")), stream("Done.")
        )
        result = ran(door, method)
        first, second, last = result.steps
        assert first.result.text == "Let me see."
        assert [each.value for each in first.outcomes] == [{"city": "Rome", "degrees": 21}]
        assert [each.content for each in second.outcomes] == ["noon"]
        assert (last.result.text, last.outcomes) == ("Done.", ())
        assert [step.result.steps for step in result.steps] == [(), (), ()]

    def test_usage_is_that_of_all_requests(self, door, scripted_server, method):
        scripted_server.play(ask_rome(), stream("21"))
        result = ran(door, method)
        assert result.usage.total_tokens == 6
        assert [step.result.usage.total_tokens for step in result.steps] == [3, 3]

    def test_a_history_takes_all_messages_of_the_run(self, door, scripted_server, method):
        history = ChatHistory("How warm is it in Rome?", system="Be brief.")
        scripted_server.play(ask_rome(), stream("21"), stream("It is noon."))
        result = ran(door, method, [], history=history)
        history.append_result(result)
        assert [each["role"] for each in history] == ["user", "assistant", "tool", "assistant"]
        assert history.messages == [history[0], *result.to_messages()]
        ran(door, method, "And the time?", history=history)
        assert sent(scripted_server)[2]["messages"] == [
            {"role": "system", "content": "Be brief."},
            *history,
            {"role": "user", "content": "And the time?"},
        ]

    def test_what_goes_wrong_is_told_to_the_model(self, door, scripted_server, method):
        def broken() -> None:
            raise RuntimeError("out of order")

        scripted_server.play(
            calls(
                tool_call("broken", {}, id="a"),
                tool_call("weather", {"town": "Rome"}, id="b"),
                tool_call("weather", "no JSON", id="c"),
                tool_call("nobody", {}, id="d"),
                tool_call("clock", {}, id="e"),
            ),
            stream("Sorry."),
        )
        result = ran(door, method, tools=[weather, clock, broken])
        *failed, last = result.steps[0].outcomes
        told = [json.loads(each.content)["error"] for each in failed]
        assert told[0] == "RuntimeError: out of order"
        assert "city: Missing" in told[1]
        assert "Invalid JSON" in told[2] or "not a JSON object" in told[2]
        assert "there is no tool 'nobody'; the tools are: broken, clock, weather" in told[3]
        assert all(each.error for each in failed)
        assert (last.content, last.error) == ("noon", None)
        messages = sent(scripted_server)[1]["messages"]
        assert [each["tool_call_id"] for each in messages[2:]] == ["a", "b", "c", "d", "e"]

    def test_a_forced_choice_holds_for_the_first_request_only(self, door, scripted_server, method):
        for choice in ("required", "weather"):
            scripted_server.play(ask_rome(), stream("21"))
            ran(door, method, tool_choice=choice)
        first, second, third, fourth = (each["tool_choice"] for each in sent(scripted_server))
        assert (first, second) == ("required", "auto")
        assert third == {"type": "function", "function": {"name": "weather"}}
        assert fourth == "auto"

    def test_a_choice_that_was_not_given_is_not_sent(self, door, scripted_server, method):
        scripted_server.play(ask_rome(), stream("21"))
        ran(door, method)
        assert not any("tool_choice" in each for each in sent(scripted_server))

    def test_several_calls_run_side_by_side(self, door, scripted_server, method):
        barrier = threading.Barrier(3, timeout=5)

        def meet(n: int) -> int:
            barrier.wait()
            return n

        scripted_server.play(
            calls(*(tool_call("meet", {"n": n}, id=f"c{n}") for n in range(3))), stream("met")
        )
        result = ran(door, method, tools=[meet])
        assert [each.value for each in result.steps[0].outcomes] == [0, 1, 2]

    def test_each_step_has_retries_of_its_own(self, door, scripted_server, method):
        busy = refuse(503, "busy", retry_after=0)
        scripted_server.play(busy, busy, ask_rome(), busy, busy, stream("21"))
        assert ran(door, method, client={"max_retries": 2}).text == "21"

    @pytest.mark.parametrize("provider", ["openai", "llama.cpp"])
    def test_the_last_answer_can_be_of_a_type(self, door, scripted_server, method, provider):
        scripted_server.play(ask_rome(text="Let me see."), stream('{"degrees": 21}'))
        result = ran(door, method, response_format=Report, client={"provider": provider})
        assert result.parsed == Report(degrees=21)
        assert result.text == '{"degrees": 21}'
        assert result.steps[0].result.text == "Let me see."
        assert sent(scripted_server)[1]["messages"][-2]["content"] == "Let me see."

    def test_a_schema_goes_with_the_tools_unless_it_bars_them(self, door, scripted_server, method):
        replies = (ask_rome(), stream('{"degrees": 21}'))
        scripted_server.play(*replies, *replies)
        for provider in ("openai", "llama.cpp"):
            ran(door, method, response_format=Report, client={"provider": provider})
        *enforced, told, told_again = sent(scripted_server)
        assert [each["response_format"]["type"] for each in enforced] == ["json_schema"] * 2
        for body in (told, told_again):
            assert "response_format" not in body
            assert '"degrees"' in body["messages"][0]["content"]

    def test_a_step_that_is_cut_is_gone_on_from(self, door, scripted_server, method):
        def rest(request: RecordedRequest) -> Reply:
            so_far = request.json["messages"][-1]["content"]
            return stream(*pieces(STORY[len(so_far) :]))

        scripted_server.play(ask_rome(), cut_answer())
        scripted_server.always(rest)
        result = ran(door, method)
        assert result.text == STORY
        assert [step.result.continues for step in result.steps] == [0, 1]


@EACH_METHOD
class TestEnds:
    def test_calls_in_the_last_step_are_an_error_and_are_not_run(
        self, door, scripted_server, method
    ):
        scripted_server.always(ask_rome())
        with pytest.raises(ChatIncompleteResponseError) as caught:
            ran(door, method, max_steps=2)
        error = caught.value
        assert error.reason == "max_steps"
        assert error.final_result is error.partial is not None
        assert [len(step.outcomes) for step in error.final_result.steps] == [1, 0]
        assert error.final_result.tool_calls
        assert error.final_result.usage.total_tokens == 6
        assert len(scripted_server.requests) == 2

    def test_without_ensure_complete_they_are_returned(self, door, scripted_server, method):
        scripted_server.always(ask_rome())
        result = ran(door, method, max_steps=2, ensure_complete=False)
        assert (result.status, len(result.tool_calls)) == ("tool_calls", 1)
        assert len(result.steps) == 2

    def test_half_a_call_is_never_run(self, door, scripted_server, method):
        ran_with: list[str] = []

        def write(text: str) -> None:
            ran_with.append(text)

        scripted_server.always(calls(tool_call("write", '{"text": "ha"}'), finish_reason="length"))
        with pytest.raises(ChatIncompleteResponseError) as caught:
            ran(door, method, tools=[write], max_continues=1)
        assert caught.value.reason == "tool_arguments"
        assert ran_with == []

    def test_a_failure_carries_the_steps_before_it(self, door, scripted_server, method):
        scripted_server.play(ask_rome(), refuse(500, "down"))
        with pytest.raises(ServerError) as caught:
            ran(door, method)
        partial = caught.value.partial
        assert partial is not None
        assert [len(step.outcomes) for step in partial.steps] == [1]
        history = ChatHistory("How warm is it in Rome?")
        history.append_result(partial)
        assert [each["role"] for each in history] == ["user", "assistant", "tool"]

    def test_a_break_carries_the_text_too(self, door, scripted_server, method):
        scripted_server.play(ask_rome(), stream("It is twenty", end=Cut()))
        with pytest.raises(ChatIncompleteResponseError) as caught:
            ran(door, method)  # and the script is empty
        result = caught.value.final_result
        assert result is caught.value.partial is not None
        assert (result.text, result.status) == ("It is twenty", "interrupted")
        assert [len(step.outcomes) for step in result.steps] == [1, 0]

    def test_a_failure_of_the_first_request_is_as_for_a_call(self, door, scripted_server, method):
        scripted_server.play(refuse(500, "down"))
        with pytest.raises(ServerError) as caught:
            ran(door, method)
        assert caught.value.partial is None

    def test_a_tool_without_a_function_is_an_honest_error(self, door, scripted_server, method):
        ran_it: list[int] = []
        lookup = Tool("lookup", parameters={"type": "object"})
        scripted_server.play(calls(tool_call("count", {}), tool_call("lookup", {}, id="c2")))
        with pytest.raises(ValidationError, match="'lookup', which has no function") as caught:
            ran(door, method, tools=[Tool("count", function=lambda: ran_it.append(1)), lookup])
        assert ran_it == []
        assert caught.value.partial is not None
        assert len(caught.value.partial.tool_calls) == 2

    def test_the_deadline_begins_no_request_and_interrupts_no_tool(
        self, door, scripted_server, method
    ):
        done: list[float] = []

        def slow() -> str:
            time.sleep(0.25)
            done.append(1)
            return "slept"

        scripted_server.play(calls(tool_call("slow", {})), stream("late"))
        with pytest.raises(LexiluxTimeoutError) as caught:
            ran(door, method, tools=[slow], deadline_s=0.2)
        assert caught.value.timeout == "deadline_s"
        assert done == [1]
        assert len(scripted_server.requests) == 1
        assert caught.value.partial is not None
        (step,) = caught.value.partial.steps
        assert step.outcomes[0].seconds >= 0.25
        assert step.seconds >= step.outcomes[0].seconds


@EACH_METHOD
class TestCallbacks:
    def test_nothing_runs_before_all_calls_are_approved(self, door, scripted_server, method):
        seen: list[str] = []

        def note(n: int) -> None:
            seen.append(f"run {n}")

        def approve(call: ToolCall) -> bool:
            seen.append(f"ask {call.get_arguments()['n']}")
            return True

        scripted_server.play(
            calls(tool_call("note", {"n": 1}), tool_call("note", {"n": 2}, id="c2")), stream("ok")
        )
        ran(door, method, tools=[note], approve=approve, max_parallel=1)
        assert seen == ["ask 1", "ask 2", "run 1", "run 2"]

    def test_what_is_not_approved_is_not_run_and_the_model_is_told_why(
        self, door, scripted_server, method
    ):
        scripted_server.play(
            calls(
                tool_call("weather", {"city": "Rome"}, id="c1"),
                tool_call("weather", {"city": "Oslo"}, id="c2"),
                tool_call("clock", {}, id="c3"),
            ),
            stream("ok"),
        )
        answers = {"c1": False, "c2": "not Oslo", "c3": True}
        result = ran(door, method, approve=lambda call: answers[call.id])
        first, second, third = result.steps[0].outcomes
        assert [each.denied for each in (first, second, third)] == [True, True, False]
        assert json.loads(first.content) == {"error": "this call was not allowed"}
        assert json.loads(second.content) == {"error": "not Oslo"}
        assert (third.content, first.value) == ("noon", None)

    def test_what_approve_raises_is_raised_as_it_is(self, door, scripted_server, method):
        class NoError(ConnectionError):
            pass

        problem = NoError("no")

        def approve(_call: ToolCall) -> bool:
            raise problem

        scripted_server.play(ask_rome())
        with pytest.raises(NoError) as caught:
            ran(door, method, approve=approve)
        assert caught.value is problem

    @pytest.mark.parametrize("answer", [None, 1, [True]])
    def test_only_true_is_a_yes(self, door, scripted_server, method, answer):
        scripted_server.play(ask_rome())
        with pytest.raises(ValidationError, match="approve answered"):
            ran(door, method, approve=lambda _call: answer)

    def test_on_step_is_told_each_step_with_tools(self, door, scripted_server, method):
        steps: list[ToolStep] = []
        scripted_server.play(ask_rome(), stream("21"))
        result = ran(door, method, on_step=steps.append)
        assert steps == [result.steps[0]]

    def test_what_a_tool_raises_can_end_the_run(self, door, scripted_server, method):
        problem = TimeoutError("my own")

        def broken() -> None:
            raise problem

        scripted_server.play(calls(tool_call("broken", {})))
        with pytest.raises(TimeoutError) as caught:
            ran(door, method, tools=[broken], on_tool_error="raise")
        assert caught.value is problem
        assert not isinstance(caught.value, NetworkError)


@EACH_METHOD
class TestBounds:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"tools": None}, "there are no tools"),
            ({"tools": []}, "there are no tools"),
            ({"max_steps": 0}, "max_steps=0"),
            ({"max_steps": True}, "max_steps=True"),
            ({"max_parallel": 0}, "max_parallel=0"),
            ({"approve": "yes"}, "approve='yes'"),
            ({"on_step": 3}, "on_step=3"),
            ({"on_tool_error": "ignore"}, "on_tool_error='ignore'"),
        ],
    )
    def test_what_is_wrong_is_refused_before_anything_is_sent(
        self, door, scripted_server, method, options, message
    ):
        with pytest.raises(ValidationError, match=message):
            ran(door, method, **options)
        assert not scripted_server.requests

    def test_an_async_on_step_is_refused(self, door, scripted_server, method):
        async def on_step(_step: ToolStep) -> None: ...

        with pytest.raises(ValidationError, match="on_step is async"):
            ran(door, method, on_step=on_step)

    def test_an_unknown_keyword_names_the_nearest_one(self, door, scripted_server, method):
        with pytest.raises(TypeError, match="did you mean 'max_steps'"):
            ran(door, method, max_step=3)
