"""What hooks are told, and when."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel
from sockets import HALF, STORY, Model, broken, cut_answer, sliced
from told import Told

from lexilux_like import (
    CallEnded,
    CallStarted,
    Chat,
    ChunkReceived,
    Continuing,
    FallingBack,
    Hooks,
    RateLimitError,
    RequestSent,
    ResponseReceived,
    Retrying,
    ToolsRun,
    ValidationError,
)
from lexilux_like.testing import (
    RecordedRequest,
    Reply,
    ScriptedServer,
    answer,
    json_reply,
    rate_limited,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.door import Doors

METHODS = ["call", "stream", "complete", "complete_stream"]


def either(request: RecordedRequest) -> Reply:
    return stream("Hel", "lo") if request.json.get("stream") else answer("Hello")


@pytest.mark.parametrize("method", METHODS)
def test_a_plain_call_has_four_events(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.always(either)
    getattr(door(hooks=told.hooks), method)("Hi", temperature=0.5)
    assert told.names == ["start", "request", "response", "end"]
    assert len({each.call_id for each in told.events}) == 1
    assert [each.time for each in told.events] == sorted(each.time for each in told.events)
    assert abs(told.events[0].time - time.time()) < 60
    start = told.only(CallStarted)
    assert (start.method, start.stream) == (method, "stream" in method)
    assert (start.model, start.base_url, start.provider) == ("m", scripted_server.url, "local")
    assert start.options == {"temperature": 0.5}
    assert start.messages == [{"role": "user", "content": "Hi"}]


def test_a_request_is_told_as_it_is_on_the_wire(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(answer("Hi"))
    door(hooks=told.hooks).call("x", headers={"x-mine": "1"})
    event, seen = told.only(RequestSent), scripted_server.requests[0]
    assert (event.number, event.method) == (1, "POST")
    assert event.url == f"{scripted_server.url}/chat/completions"
    assert event.body == seen.body
    assert event.headers["x-mine"] == "1"
    assert event.headers.keys() <= seen.headers.keys() | {"host"}


def test_a_response_is_told_with_its_head(door: Doors, scripted_server: ScriptedServer, told: Told):
    reply = answer("Hi")
    headers = {"X-Request-Id": "req-7", "x-ratelimit-remaining-tokens": "9"}
    late = Reply(200, {**reply.headers, **headers}, reply.body, head_delay=0.05)
    scripted_server.play(late)
    door(hooks=told.hooks).call("x")
    event = told.only(ResponseReceived)
    assert (event.number, event.status, event.request_id) == (1, 200, "req-7")
    assert event.headers["x-ratelimit-remaining-tokens"] == "9"
    assert 0.04 < event.seconds < 5
    assert told.end.seconds >= event.seconds


@pytest.mark.parametrize("method", ["stream", "complete_stream"])
def test_each_chunk_is_told_before_it_is_handed_on(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.always(either)
    opened = door(hooks=told.hooks).open_stream("x", method=method)
    chunks = []
    while (chunk := opened.next_chunk()) is not None:
        chunks.append(chunk)
        assert told.of(ChunkReceived)[-1].chunk is chunk
    assert [each.chunk for each in told.of(ChunkReceived)] == chunks
    assert told.end.first_content_s == opened.result.timing.first_content_s
    assert told.end.first_content_s is not None


def test_a_stream_starts_when_its_first_chunk_is_asked_for(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(stream("Hi"))
    opened = door(hooks=told.hooks).open_stream("x")
    assert told.events == []
    opened.next_chunk()
    assert told.names == ["start", "request", "response"]
    opened.close()


@pytest.mark.parametrize("method", METHODS)
def test_a_retry_is_told_with_its_wait(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(rate_limited(retry_after_s=0.01))
    scripted_server.always(either)
    getattr(door(hooks=told.hooks, max_retries=1), method)("x")
    assert told.names == ["start", "request", "response", "retry", "request", "response", "end"]
    event = told.only(Retrying)
    assert isinstance(event.error, RateLimitError)
    assert (event.attempt, event.wait_s) == (2, 0.01)
    assert [each.number for each in told.of(RequestSent)] == [1, 2]
    assert [each.status for each in told.of(ResponseReceived)] == [429, 200]


def test_a_retry_that_the_deadline_forbids_is_not_told(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.always(rate_limited(retry_after_s=30))
    with pytest.raises(RateLimitError):
        door(hooks=told.hooks, max_retries=1, deadline_s=5).call("x")
    assert told.names == ["start", "request", "response", "end"]


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_a_continuation_is_told(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(cut_answer())
    scripted_server.always(Model().after_first([{"role": "user", "content": "x"}]))
    getattr(door(hooks=told.hooks), method)("x")
    event = told.of(Continuing)[0]
    assert (event.number, event.reason, event.error) == (1, "truncated", None)
    assert told.names[3:5] == ["continue", "request"]
    assert len(told.of(Continuing)) == len(scripted_server.requests) - 1


@pytest.mark.parametrize("method", ["stream", "complete", "complete_stream"])
def test_going_on_after_a_break_is_told_with_the_break(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    model = Model(STORY[:HALF], faults=[partial(broken, after=20)])
    scripted_server.always(model)
    getattr(door(hooks=told.hooks), method)("Tell me.", resume="auto")
    event = told.of(Continuing)[0]
    assert event.reason == "interrupted"
    assert type(event.error).__name__ == "ChatStreamInterruptedError"
    assert told.end.outcome == "answered"


def test_continuations_are_counted(door: Doors, scripted_server: ScriptedServer, told: Told):
    scripted_server.always(sliced())
    result = door(hooks=told.hooks).complete("Tell me.", max_continues=20)
    numbers = [each.number for each in told.of(Continuing)]
    assert numbers == list(range(1, len(result.segments)))


class Person(BaseModel):
    name: str


def test_an_answer_that_is_asked_for_again_is_told(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    scripted_server.play(stream('{"nom": "A"}'), stream('{"name": "A"}'))
    door(hooks=told.hooks).parse("Who?", Person)
    event = told.only(Continuing)
    assert (event.number, event.reason) == (1, "invalid")
    assert told.only(CallStarted).method == "complete"


def test_a_fallback_is_told(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat,
    told: Told,
):  # fmt: skip
    scripted_server.play(refuse(503, "busy"))
    second_server.play(answer("Hi"))
    door(hooks=told.hooks, fallbacks=[other]).call("x")
    event = told.only(FallingBack)
    assert (event.base_url, type(event.error).__name__) == (second_server.url, "ServerError")
    urls = [each.url.removesuffix("/chat/completions") for each in told.of(RequestSent)]
    assert urls == [scripted_server.url, second_server.url]
    assert told.end.result is not None
    assert told.end.result.base_url == second_server.url


def weather(city: str) -> str:
    """The weather."""
    return f"sunny in {city}"


@pytest.mark.parametrize("method", ["run_tools", "run_tools_stream"])
def test_tools_are_told_when_they_have_run(
    method: str, door: Doors, scripted_server: ScriptedServer, told: Told
):
    call = tool_call("weather", {"city": "Rome"})
    scripted_server.play(_calls(call), stream("Sunny."))
    getattr(door(hooks=told.hooks), method)("Weather?", tools=[weather])
    event = told.only(ToolsRun)
    assert (event.number, event.step.outcomes[0].value) == (1, "sunny in Rome")
    assert told.names[3:5] == ["tools", "request"]


def _calls(call: dict[str, Any]) -> Reply:
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return json_reply({"choices": [{"message": message, "finish_reason": "tool_calls"}]})


def test_a_batch_tells_each_of_its_calls(door: Doors, scripted_server: ScriptedServer, told: Told):
    scripted_server.always(either)
    asked = door(hooks=told.hooks)
    if asked.is_async:

        async def main() -> int:
            async with Chat(
                base_url=scripted_server.url, model="m", proxies={}, hooks=told.hooks
            ) as chat:
                return len([each async for each in chat.amap(["a", "b", "c"])])

        assert asyncio.run(main()) == 3
    else:
        assert len(list(asked.chat.map(["a", "b", "c"]))) == 3
    assert len({each.call_id for each in told.of(CallStarted)}) == 3
    assert {each.call_id for each in told.of(CallEnded)} == {
        each.call_id for each in told.of(CallStarted)
    }


def test_several_are_told_in_order(door: Doors, scripted_server: ScriptedServer):
    scripted_server.play(answer("Hi"))
    said: list[str] = []
    several = [Hooks(on_start=lambda _event, n=n: said.append(n)) for n in ("one", "two")]
    door(hooks=several).call("x")
    assert said == ["one", "two"]


def test_a_call_that_is_refused_at_once_never_starts(door: Doors, told: Told):
    with pytest.raises(ValidationError):
        door(hooks=told.hooks).call("x", temperature=99)
    assert told.events == []


async def listen(event: CallEnded) -> None: ...


class Listener:
    async def __call__(self, event: CallEnded) -> None: ...


@pytest.mark.parametrize("hook", [listen, Listener()])
def test_an_async_hook_is_refused(hook: Any):
    with pytest.raises(ValidationError, match="on_end is async, and nothing awaits it"):
        Hooks(on_end=hook)


def test_what_cannot_be_called_is_no_hook():
    wrong: Any = 7
    with pytest.raises(ValidationError, match="on_end=7: a hook is a function"):
        Hooks(on_end=wrong)


@pytest.mark.parametrize("hooks", [print, [print], {"on_end": print}, 7])
def test_only_hooks_are_hooks(hooks: Any):
    with pytest.raises(ValidationError, match="pass Hooks"):
        Chat(base_url="http://127.0.0.1:9/v1", hooks=hooks)
