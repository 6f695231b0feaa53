"""A chat window's provider that is made of functions: every form that they may have."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from windows import CONFIG, HI, collect

from lexilux_like.providers import (
    CallbackProvider,
    ChatConfig,
    ChatMessage,
    ToolCall,
    ToolCallFunction,
)


def generated(generate_fn: Any = None, stream_fn: Any = None) -> ChatMessage:
    return asyncio.run(CallbackProvider(generate_fn, stream_fn).generate(HI, CONFIG))


def streamed(stream_fn: Any = None, generate_fn: Any = None) -> list[str]:
    async def go() -> list[str]:
        return [each async for each in CallbackProvider(generate_fn, stream_fn).stream(HI, CONFIG)]

    return asyncio.run(go())


def a_function(messages, config):
    return f"{messages[0].content} {config.model}"


async def a_coroutine_function(messages, config):
    await asyncio.sleep(0)
    return a_function(messages, config)


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, by a function that is not async itself."""

    def call(*args: object) -> Any:
        return function(*args)

    return call


class AnObject:
    async def __call__(self, messages, config):
        return a_function(messages, config)


@pytest.mark.parametrize(
    "generate_fn",
    [
        a_function,
        a_coroutine_function,
        AnObject(),
        functools.partial(a_coroutine_function),
        plain(a_coroutine_function),
    ],
)
def test_a_text_is_the_assistants(generate_fn: Any):
    message = generated(generate_fn)
    assert (message.role, message.content) == ("assistant", "Hi gpt-4")


def test_a_message_is_given_on_as_it_is():
    message = ChatMessage(role="assistant", content="Hi", model="mine")
    assert generated(lambda *_: message) is message


@pytest.mark.parametrize("value", [{"content": "Hi"}, None, b"Hi", 3, ["Hi"]])
def test_anything_else_is_refused(value: object):
    with pytest.raises(TypeError, match="generate_fn must return a str or a ChatMessage, not"):
        generated(lambda *_: value)


def pieces(messages, config, cancel_event):
    yield "Hel"
    yield "lo"


async def async_pieces(messages, config, cancel_event):
    yield "Hel"
    await asyncio.sleep(0)
    yield "lo"


async def later(messages, config, cancel_event):
    return async_pieces(messages, config, cancel_event)


class Stream:
    """Can be iterated over, and is no iterator."""

    def __aiter__(self) -> AsyncIterator[str]:
        return async_pieces(HI, CONFIG, None)


STREAMS = [
    pieces,
    async_pieces,
    later,
    functools.partial(pieces),
    functools.partial(async_pieces),
    plain(async_pieces),
    plain(later),
    lambda *_: Stream(),
    lambda *_: iter(["Hel", "lo"]),
    lambda *_: ["Hel", "lo"],
]


@pytest.mark.parametrize("stream_fn", STREAMS)
def test_pieces_come_one_by_one(stream_fn: Any):
    assert streamed(stream_fn) == ["Hel", "lo"]


async def a_text(*_: object) -> str:
    return "Hello"


@pytest.mark.parametrize("stream_fn", [lambda *_: "Hello", a_text])
def test_a_string_is_one_piece(stream_fn: Any):
    assert streamed(stream_fn) == ["Hello"]


@pytest.mark.parametrize("value", [{"a": 1}, None, b"Hi", 3, ChatMessage(role="assistant")])
def test_what_yields_no_pieces_is_refused(value: object):
    with pytest.raises(TypeError, match="stream_fn must yield strings, or return a str"):
        streamed(lambda *_: value)


@pytest.mark.parametrize("value", [[1], iter([b"a"]), [None]])
def test_a_piece_that_is_no_string_is_refused(value: object):
    with pytest.raises(TypeError, match="stream_fn must yield strings, not"):
        streamed(lambda *_: value)


def test_without_functions_it_says_so():
    assert generated().content == "No generate callback configured."
    assert streamed() == ["No stream callback configured."]


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="stream_fn must be a function, not 'Hi'"):
        CallbackProvider(stream_fn="Hi")  # type: ignore[arg-type]


@pytest.mark.parametrize("stream_fn", [pieces, async_pieces])
def test_a_whole_answer_is_made_of_pieces(stream_fn: Any):
    assert generated(None, stream_fn).content == "Hello"


def test_a_piece_is_made_of_a_whole_answer():
    assert streamed(None, a_function) == ["Hi gpt-4"]


def test_a_stream_of_a_whole_answer_keeps_what_no_piece_can_say():
    calls = [ToolCall(id="c", function=ToolCallFunction(name="f"))]
    asked = ChatMessage(role="assistant", tool_calls=calls)

    async def go() -> tuple[list[str], ChatMessage]:
        stream = CallbackProvider(lambda *_: asked).stream(HI, CONFIG)
        return [each async for each in stream], stream.message

    assert asyncio.run(go()) == ([], asked)


def test_the_functions_cannot_change_the_list_of_messages():
    history = [*HI]

    def forget(messages: list[ChatMessage], config: ChatConfig) -> str:
        messages.clear()
        return "Done."

    asyncio.run(CallbackProvider(forget).generate(history, CONFIG))
    assert history == HI


def test_the_event_is_the_callers_own():
    seen: list[object] = []

    def stream_fn(messages: object, config: object, cancel_event: object) -> str:
        seen.append(cancel_event)
        return "Hi"

    async def go() -> asyncio.Event:
        event = asyncio.Event()
        await collect(CallbackProvider(stream_fn=stream_fn).stream(HI, CONFIG, event), [])
        return event

    assert seen == [asyncio.run(go())]


# Errors.


def raising(error: BaseException) -> list[Callable[..., Any]]:
    def at_once(*_: object) -> str:
        raise error

    async def at_once_async(*_: object) -> str:
        raise error

    def after(*_: object) -> Iterator[str]:
        yield "Hel"
        raise error

    async def after_async(*_: object) -> AsyncIterator[str]:
        yield "Hel"
        raise error

    return [at_once, at_once_async, after, after_async]


@pytest.mark.parametrize("form", range(4))
def test_what_a_function_raises_is_raised_as_it_is(form: int):
    error = KeyError("mine")

    async def go() -> str:
        stream = CallbackProvider(stream_fn=raising(error)[form]).stream(HI, CONFIG)
        with pytest.raises(KeyError) as raised:
            await collect(stream, [])
        assert raised.value is error
        return stream.message.text_content()

    assert asyncio.run(go()) == ("Hel" if form > 1 else "")
    with pytest.raises(KeyError) as raised:
        generated(raising(error)[form % 2])
    assert raised.value is error
