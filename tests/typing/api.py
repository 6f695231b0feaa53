"""Checked by mypy, pyright and ty, never run: the public API as its users type it.

ty takes keywords that no `TypedDict` declares, as https://github.com/astral-sh/ty/issues/4212 says;
there only the run time refuses a misspelt one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack, assert_type

import httpx
from pydantic import BaseModel
from typing_extensions import TypedDict

from lexilux_like import (
    AsyncParsingIterator,
    AsyncStreamingIterator,
    CallEnded,
    Chat,
    ChatHistory,
    ChatParams,
    ChatResult,
    ChatStreamChunk,
    Hooks,
    LexiluxTimeoutError,
    ParsingIterator,
    RequestSent,
    StreamingIterator,
    StreamingResult,
    ToolCall,
    ToolOutcome,
    ToolStep,
)
from lexilux_like.batch import AsyncBatch, Batch, Outcome
from lexilux_like.providers import (
    ChatConfig,
    ChatLLMProvider,
    ChatMessage,
    LLMProvider,
    LLMResponse,
    OpenAIProvider,
    StreamErrorEvent,
    TextDeltaEvent,
)
from lexilux_like.values.options import CallOptions

chat = Chat(
    base_url="http://x/v1",
    api_key="k",
    model="m",
    timeout_s=3.0,
    idle_timeout_s=10,
    deadline_s=None,
    max_retries=2,
    headers={"x-a": "b"},
    proxies={},
    rate_limit=(10, 60.0),
    verify=False,
    http_client=httpx.Client(),
    async_http_client=httpx.AsyncClient(),
)
history = ChatHistory(system="Be brief.")

assert_type(chat("hi", temperature=0.2, history=history, n=2), ChatResult)
assert_type(chat(["hi", {"role": "user", "content": "there"}]), ChatResult)
assert_type(chat.chat_with_history(history, "hi", max_tokens=None), ChatResult)
assert_type(chat.stream("hi", include_usage=False), StreamingIterator)
assert_type(chat.astream("hi"), AsyncStreamingIterator)
assert_type(chat.stream("hi").result, StreamingResult)
for each in chat.stream_with_history(history, return_raw_events=True):
    assert_type(each, ChatStreamChunk)


class Person(BaseModel):
    """A type to be parsed."""

    name: str


@dataclass
class Song:
    """Another."""

    title: str


class Movie(TypedDict):
    """A third."""

    title: str


assert_type(chat.parse("hi", Person, max_reasks=1, max_continues=3), Person)
assert_type(chat.parse("hi", list[Person], temperature=0.2), list[Person])
assert_type(chat.parse("hi", Song), Song)
assert_type(chat.parse("hi", Movie), Movie)
assert_type(chat.parse("hi", int), int)
assert_type(chat.map(["hi", {"prompt": "hi", "id": 1}], concurrency=3, journal="a.db"), Batch)
assert_type(chat.map(Path("in.csv"), template="{a}", temperature=0.2), Batch)
assert_type(chat.amap(iter(["hi"]), response_format=Person, max_reasks=1), AsyncBatch)
for outcome in chat.map([[{"role": "user", "content": "hi"}]], ordered=False, progress=None):
    assert_type(outcome, Outcome)
    assert_type(outcome.result, ChatResult | None)
either: Person | Song = chat.parse("hi", Person | Song)
with chat.stream_parse("hi", Person, include_usage=False) as parts:
    assert_type(parts, ParsingIterator[Person])
    for part in parts:
        assert_type(part, Any)
    assert_type(parts.value, Person)
    assert_type(parts.result, StreamingResult)
assert_type(chat.complete("hi", response_format=list[Person]), ChatResult)
assert_type(chat.complete_stream("hi", response_format=Person | None), StreamingIterator)


def approve(call: ToolCall) -> bool | str:
    """Sync or async."""
    return call.name != "rm"


async def aapprove(call: ToolCall) -> bool:
    """Sync or async."""
    return call.name != "rm"


ran = chat.run_tools("hi", tools=[approve], max_steps=3, approve=approve, max_continues=1)
assert_type(ran, ChatResult)
assert_type(ran.steps, tuple[ToolStep, ...])
assert_type(ran.steps[0].outcomes, tuple[ToolOutcome, ...])
chat.run_tools("hi", tools=[approve], on_step=lambda step: step.seconds, response_format=Person)
with chat.run_tools_stream("hi", tools=[approve], include_usage=False) as running:
    assert_type(running, StreamingIterator)
    for each in running:
        assert_type(each.step, ToolStep | None)

chat.run_tools("hi", max_step=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
chat.run_tools("hi", on_tool_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # ty: ignore[invalid-argument-type]
chat("hi", temprature=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
chat("hi", temperature="hot")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # ty: ignore[invalid-argument-type]
chat("hi", include_usage=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
chat.stream("hi", n=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
chat.parse("hi", Person, max_reask=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
chat.parse("hi")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # ty: ignore[no-matching-overload]
Chat(base_url="x", max_retry=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Chat()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # ty: ignore[missing-argument]
ChatParams(temprature=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def use_async() -> None:
    """The async doors."""
    assert_type(await chat.acall("hi", reasoning={"effort": "high"}), ChatResult)
    assert_type(await chat.achat_with_history(history), ChatResult)
    async for chunk in chat.astream("hi", stop=["END"]):
        assert_type(chunk, ChatStreamChunk)
    assert_type(await chat.astream("hi"), AsyncStreamingIterator)
    async with chat.astream_with_history(history, "hi") as stream:
        assert_type(stream, AsyncStreamingIterator)
        assert_type(stream.result, StreamingResult)
    assert_type(await chat.aparse("hi", list[Song], expect=None), list[Song])
    async with chat.astream_parse("hi", list[Song]) as parts:
        assert_type(parts, AsyncParsingIterator[list[Song]])
        assert_type(parts.value, list[Song])
    assert_type(await chat.astream_parse("hi", Movie), AsyncParsingIterator[Movie])
    assert_type(await chat.arun_tools("hi", tools=[aapprove], approve=aapprove), ChatResult)
    async with chat.arun_tools_stream("hi", tools=[approve]) as running:
        assert_type(running, AsyncStreamingIterator)
    async with Chat(base_url="x") as other:
        assert_type(other, Chat)


def ask(prompt: str, **options: Unpack[CallOptions]) -> str:
    """A user's own wrapper borrows the options."""
    return chat(prompt, **options).text


defaults: CallOptions = {"temperature": 0.2}
chat("hi", **defaults)
ask("hi", temprature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
bad: CallOptions = {"temperature": "hot"}  # type: ignore[typeddict-item]  # pyright: ignore[reportAssignmentType]  # ty: ignore[invalid-argument-type]

try:
    chat("hi")
except LexiluxTimeoutError as error:
    assert_type(error.limit_s, float | None)
    assert_type(error.partial, ChatResult | None)


def ended(event: CallEnded) -> str:
    assert_type(event.result, ChatResult | None)
    return event.outcome


Chat(base_url="http://x/v1", hooks=Hooks(on_end=ended))
Chat(base_url="http://x/v1", hooks=[Hooks(on_chunk=lambda event: event.chunk.delta)])
Hooks(on_request=lambda event: assert_type(event, RequestSent))
Hooks(on_start=ended)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # ty: ignore[invalid-argument-type]


async def agent(provider: LLMProvider) -> str:
    assert_type(await provider.acomplete([], max_retries=1), LLMResponse)
    async for event in provider.stream([]):
        match event:
            case TextDeltaEvent():
                assert_type(event.snapshot, str)
            case StreamErrorEvent():
                assert_type(event.upstream_status, int | None)
            case _:
                assert_type(event.type == "finish", bool)
    return ""


async def window(provider: OpenAIProvider, said: list[ChatMessage]) -> None:
    assert_type(await provider.generate(said, ChatConfig()), ChatMessage)
    assert_type([piece async for piece in provider.stream(said, ChatConfig())], list[str])


ChatLLMProvider(chat, temperature=0, max_continues=2)
ChatLLMProvider(chat, max_continue=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
assert_type(chat.provider, str)
