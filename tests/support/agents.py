"""An agent's side of `LLMProvider`: its questions, and the grammar of the events that it reads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest

from lexilux_like import Chat
from lexilux_like.providers import (
    ChatLLMProvider,
    FinishEvent,
    LLMProvider,
    LLMResponse,
    StreamErrorEvent,
    StreamEvent,
    TextDeltaEvent,
    TextEndEvent,
    Tool,
    ToolCallEvent,
)
from lexilux_like.testing import ScriptedServer

HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
WEATHER = Tool(
    "get_weather",
    "The weather in a city.",
    {
        "properties": {"city": {"$ref": "#/$defs/City"}},
        "required": ["city"],
        "additionalProperties": False,
        "$defs": {"City": {"type": "string"}},
    },
)
_LETTERS = {
    "reasoning_start": "r",
    "reasoning_delta": "d",
    "text_delta": "t",
    "text_end": "e",
    "tool_call": "c",
    "finish": "f",
    "error": "x",
}
_WHOLE = re.compile(r"t*(rd[td]*)?(e?c*f|x)")
Ask: TypeAlias = Callable[..., LLMResponse]


def provider_of(
    server: ScriptedServer | str, *, client: dict[str, Any] | None = None, **options: Any
) -> ChatLLMProvider:
    """A provider that does not wait before it asks again; `client` is for its `Chat`."""
    url = server if isinstance(server, str) else server.url
    chosen = {"base_url": url, "api_key": "k", "model": "m", "proxies": {}, **(client or {})}
    return ChatLLMProvider(Chat(**chosen), **{"empty_wait_s": 0, **options})


def claude_of(server: ScriptedServer, **options: Any) -> ChatLLMProvider:
    """The same, in Anthropic's dialect."""
    return provider_of(server, client={"provider": "anthropic"}, **options)


def complete(provider: LLMProvider, *args: Any, **options: Any) -> LLMResponse:
    """`complete()`."""
    return provider.complete(*(args or (HI,)), **options)


def acomplete(provider: LLMProvider, *args: Any, **options: Any) -> LLMResponse:
    """`acomplete()`, on a loop of its own."""
    return asyncio.run(provider.acomplete(*(args or (HI,)), **options))


EACH_WAY = pytest.mark.parametrize("ask", [complete, acomplete])


def streamed(provider: LLMProvider, *args: Any, **options: Any) -> list[StreamEvent]:
    """All events of `stream()`, which must obey the grammar."""

    async def read() -> list[StreamEvent]:
        return [event async for event in provider.stream(*(args or (HI,)), **options)]

    events = asyncio.run(read())
    check_events(events)
    return events


def check_events(events: Sequence[StreamEvent]) -> None:
    """That the order is right, that snapshots are all that came, and that the end has it all."""
    letters = "".join(_LETTERS[each.type] for each in events)
    assert _WHOLE.fullmatch(letters), letters
    text = ""
    for each in events:
        if isinstance(each, TextDeltaEvent):
            assert each.content
            text += each.content
            assert each.snapshot == text
    ends = [each.full_text for each in events if isinstance(each, TextEndEvent)]
    failed = isinstance(events[-1], StreamErrorEvent)
    assert ends == ([text] if text and not failed else [])


def text_of(events: Sequence[StreamEvent]) -> str:
    """The text, as an agent that prints the pieces has it."""
    return "".join(each.content for each in events if isinstance(each, TextDeltaEvent))


def calls_of(events: Sequence[StreamEvent]) -> list[tuple[str, str, dict[str, Any]]]:
    """Id, name and input of each call."""
    calls = [each for each in events if isinstance(each, ToolCallEvent)]
    return [(each.tool_use_id, each.tool_name, each.tool_input) for each in calls]


def finish_of(events: Sequence[StreamEvent]) -> FinishEvent:
    """The last event, which must be a finish."""
    assert isinstance(events[-1], FinishEvent), events[-1]
    return events[-1]


def error_of(events: Sequence[StreamEvent]) -> StreamErrorEvent:
    """The last event, which must be an error."""
    assert isinstance(events[-1], StreamErrorEvent), events[-1]
    return events[-1]
