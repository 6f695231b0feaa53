"""What `LLMProvider` gives to a provider of the user's own, which has `complete()` alone."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from agents import HI, WEATHER, acomplete, streamed

from lexilux_like.providers import (
    FinishEvent,
    LLMProvider,
    LLMResponse,
    TextDeltaEvent,
    TextEndEvent,
    Tool,
    ToolCallEvent,
    ToolUse,
)


class Own(LLMProvider):
    """Answers what it is told to, and notes what it was asked."""

    def __init__(self, response: LLMResponse) -> None:
        self.response = response
        self.asked: dict[str, Any] = {}
        self.thread: threading.Thread | None = None

    def complete(
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 1024,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,
        max_retries: int | None = None,
    ) -> LLMResponse:
        self.asked = {name: each for name, each in locals().items() if name != "self"}
        self.thread = threading.current_thread()
        return self.response


def test_a_provider_must_be_able_to_complete() -> None:
    with pytest.raises(TypeError, match="complete"):
        LLMProvider()


def test_acomplete_asks_complete_on_a_thread_with_all_that_was_given() -> None:
    own = Own(LLMResponse("Hello", "own"))
    given = {"system": "s", "tools": [WEATHER], "max_tokens": 3, "json_mode": True}
    given |= {"response_format": {"type": "json_object"}, "max_retries": 2}
    assert acomplete(own, HI, **given) is own.response
    assert own.asked == {"messages": HI, **given}
    assert own.thread is not threading.main_thread()


def test_stream_is_the_answer_in_one_piece() -> None:
    uses = [ToolUse("c1", "get_weather", {"city": "Rome"})]
    own = Own(
        LLMResponse("Well.", "own", 1, 2, "tool_calls", cost_usd=0.5, credits=1, tool_uses=uses)
    )
    events = streamed(own, HI, "s", [WEATHER], 7)
    assert events == [
        TextDeltaEvent(content="Well.", snapshot="Well."),
        TextEndEvent(full_text="Well."),
        ToolCallEvent(tool_use_id="c1", tool_name="get_weather", tool_input={"city": "Rome"}),
        FinishEvent("finish", "tool_calls", 1, 2, "own", cost_usd=0.5, credits=1),
    ]
    assert events[-1].message == own.response.to_message()
    assert (own.asked["system"], own.asked["tools"], own.asked["max_tokens"]) == ("s", [WEATHER], 7)


def test_an_empty_answer_streams_nothing_but_its_end() -> None:
    assert [each.type for each in streamed(Own(LLMResponse("", "own")))] == ["finish"]


def test_an_error_of_complete_is_raised_by_stream() -> None:
    class Broken(Own):
        def complete(self, *args: Any, **options: Any) -> LLMResponse:
            raise ConnectionError("gone")

    async def read() -> None:
        async for _ in Broken(LLMResponse("", "own")).stream(HI):
            pass

    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(read())
