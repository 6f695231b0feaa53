"""Running what the model asks for: every call is answered, no half call is run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.execution import aexecute_tool_calls, execute_tool_calls
from lexilux_like.values.results import ChatResult, StreamingResult, ToolCall
from lexilux_like.values.tools import FunctionTool


class Weather(BaseModel):
    city: str
    degrees: float


@dataclass
class Clock:
    hour: int


def echo(x):
    return x


def fail(x: int = 0) -> None:
    raise RuntimeError(f"no\x1b[2J {x}")


def unsayable(x) -> object:
    return object()


async def aecho(x):
    await asyncio.sleep(0)
    return x


def run_sync(result, tools, **options):
    return execute_tool_calls(result, tools, **options)


def run_async(result, tools, **options):
    return asyncio.run(aexecute_tool_calls(result, tools, **options))


both = pytest.mark.parametrize("run", [run_sync, run_async])


def call(name: str, arguments: object = None, call_id: str = "c1") -> ToolCall:
    return ToolCall(call_id, name, "" if arguments is None else json.dumps(arguments))


def content_of(messages) -> str:
    (message,) = messages
    return message["content"]


def error_of(messages) -> str:
    told = json.loads(content_of(messages))
    assert told.keys() == {"error"}
    return told["error"]


@both
def test_each_call_is_answered_in_order(run):
    result = ChatResult(tool_calls=(call("echo", {"x": "a"}, "c1"), call("echo", {"x": "b"}, "c2")))
    assert run(result, [echo]) == [
        {"role": "tool", "tool_call_id": "c1", "content": "a"},
        {"role": "tool", "tool_call_id": "c2", "content": "b"},
    ]


@both
@pytest.mark.parametrize(
    "tools",
    [
        [echo],
        (echo,),
        [FunctionTool.from_function(echo)],
        {"echo": echo},
        {"echo": lambda x: x},
        {"echo": FunctionTool("another_name", function=echo)},
    ],
)
def test_tools_come_in_many_shapes(run, tools):
    assert content_of(run([call("echo", {"x": "a"})], tools)) == "a"


@both
def test_calls_and_tools_may_be_iterators(run):
    assert content_of(run(iter([call("echo", {"x": "a"})]), iter([echo]))) == "a"


@both
@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("as it is\n", "as it is\n"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        ({"a": [1, 2.5]}, '{"a":[1,2.5]}'),
        ("é", "é"),
        (["é"], '["é"]'),
        (Weather(city="Paris", degrees=20), '{"city":"Paris","degrees":20.0}'),
        ([Clock(12)], '[{"hour":12}]'),
        (float("nan"), '"NaN"'),
    ],
)
def test_a_string_is_sent_as_it_is_and_all_else_as_json(run, value, content):
    assert content_of(run([call("f")], {"f": lambda: value})) == content


@both
def test_no_calls_are_no_messages(run):
    assert run(ChatResult(text="Hi", status="complete"), [echo]) == []


@both
@pytest.mark.parametrize("kind", [ChatResult, StreamingResult])
def test_a_call_that_was_cut_off_is_never_run(run, kind):
    cut = kind(incomplete_tool_calls=(call("echo", {"x": "rm -rf /"}),), status="truncated")
    with pytest.raises(ValidationError, match="cut off inside a tool call"):
        run(cut, [fail])


@both
def test_a_whole_call_is_run_even_beside_a_cut_one(run):
    result = ChatResult(
        tool_calls=(call("echo", {"x": "a"}),), incomplete_tool_calls=(call("fail"),)
    )
    assert content_of(run(result, [echo])) == "a"


@both
def test_an_exception_is_told_to_the_model_in_printable_text(run):
    assert error_of(run([call("fail")], [fail])) == r"RuntimeError: no\x1b[2J 0"


@both
def test_bad_arguments_are_told_to_the_model(run):
    told = error_of(run([call("fail", {"x": "five"})], [fail]))
    assert told.startswith("the arguments do not fit fail: x: Input should be a valid integer")


@both
def test_an_unknown_tool_is_told_to_the_model(run):
    told = error_of(run([call("shout")], [fail, echo]))
    assert told == "there is no tool 'shout'; the tools are: echo, fail"


@both
def test_a_result_that_is_no_json_is_told_to_the_model(run):
    assert "PydanticSerializationError" in error_of(
        run([call("echo", {"x": 1})], {"echo": unsayable})
    )


@both
def test_one_failure_does_not_stop_the_others(run):
    messages = run([call("fail", call_id="c1"), call("echo", {"x": "a"}, "c2")], [fail, echo])
    assert [message["tool_call_id"] for message in messages] == ["c1", "c2"]
    assert messages[1]["content"] == "a"


@both
@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (call("fail"), RuntimeError),
        (call("fail", {"x": "five"}), ValidationError),
        (call("shout"), ValidationError),
    ],
)
def test_failures_are_raised_on_request(run, asked, kind):
    with pytest.raises(kind):
        run([asked], [fail], on_error="raise")


@both
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_is_never_told_to_the_model(run, kind):
    def stop():
        raise kind

    with pytest.raises(kind):
        run([call("stop")], [stop])


@both
def test_a_called_tool_without_a_function_is_the_caller_s_mistake(run):
    ran = []
    tools = [FunctionTool("elsewhere"), FunctionTool("note", function=lambda: ran.append(1))]
    with pytest.raises(ValidationError, match="'elsewhere' has no function"):
        run([call("note"), call("elsewhere")], tools)
    assert ran == []


@both
def test_a_dict_s_tool_is_the_caller_s_to_run(run):
    with pytest.raises(ValidationError, match="'f' has no function"):
        run([call("f")], [{"type": "function", "function": {"name": "f"}}])


@both
def test_tools_that_are_not_called_need_no_function(run):
    tools = [echo, FunctionTool("elsewhere"), {"type": "web_search"}]
    assert content_of(run([call("echo", {"x": "a"})], tools)) == "a"


def test_async_functions_are_awaited():
    assert content_of(run_async([call("aecho", {"x": "a"})], [aecho])) == "a"


def test_async_functions_are_refused_by_the_sync_door_before_anything_runs():
    ran = []
    tools = [aecho, FunctionTool("note", function=lambda: ran.append(1))]
    with pytest.raises(ValidationError, match="'aecho' is async"):
        run_sync([call("note"), call("aecho", {"x": "a"})], tools)
    assert ran == []


def test_cancellation_reaches_the_caller():
    async def cancelled() -> None:
        async def forever() -> None:
            await asyncio.Event().wait()

        task = asyncio.ensure_future(aexecute_tool_calls([call("forever")], [forever]))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
