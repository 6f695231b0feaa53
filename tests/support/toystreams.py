"""Agents' providers that are wrong about their streams, each in a way of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from toyllm import Changed, ToyLLM

from lexilux_like.providers.stream_events import (
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningStartEvent,
    StreamErrorEvent,
    TextDeltaEvent,
    TextEndEvent,
)
from lexilux_like.testing.contracts import PlayedModelError

KEPT: list[object] = []
"""What a careless provider never lets go of."""


class Collecting(ToyLLM):
    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        events = [e async for e in super().stream(messages, system, tools, max_tokens)]
        for event in events:
            yield event


class Endless(Changed):
    """Forgets the terminal event."""

    def change(self, event):
        return [] if isinstance(event, FinishEvent | StreamErrorEvent) else [event]


class TwiceOver(Changed):
    """Has both terminal events."""

    def change(self, event):
        if isinstance(event, StreamErrorEvent):
            return [event, FinishEvent(stop_reason="stop")]
        return [event]


class Snapshotless(Changed):
    def change(self, event):
        if isinstance(event, TextDeltaEvent):
            return [replace(event, snapshot=event.content)]
        return [event]


class Unended(Changed):
    def change(self, event):
        return [] if isinstance(event, TextEndEvent) else [event]


class StartingTwice(Changed):
    def change(self, event):
        if isinstance(event, ReasoningDeltaEvent):
            return [ReasoningStartEvent(), event]
        return [event]


class Unstarted(Changed):
    """Never says that reasoning starts."""

    def change(self, event):
        return [] if isinstance(event, ReasoningStartEvent) else [event]


class Thoughtless(Changed):
    def change(self, event):
        thought = isinstance(event, ReasoningStartEvent | ReasoningDeltaEvent)
        return [] if thought else [event]


class StartingOver(ToyLLM):
    """Asks again after text has been handed out, and hands it out again."""

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        text, spent = "", False
        while True:
            async for event in super().stream(messages, system, tools, max_tokens):
                if isinstance(event, StreamErrorEvent) and not spent:
                    spent = True
                    break
                if isinstance(event, TextDeltaEvent):
                    text += event.content
                    yield replace(event, snapshot=text)
                elif isinstance(event, TextEndEvent):
                    yield replace(event, full_text=text)
                else:
                    yield event
            else:
                return


class Repairing(ToyLLM):
    """Hands out arguments that it has made up."""

    def input(self, value):
        return value if isinstance(value, dict) else {}


class Dropping(ToyLLM):
    """Leaves calls out that it cannot read, and says that all is well."""

    def response(self, says, text):
        response = super().response(says, text)
        uses = [each for each in response.tool_uses if each.input is not None]
        return replace(response, tool_uses=uses)


class Mixing(ToyLLM):
    """Keeps its conversation in itself."""

    def heard(self, messages, system, tools, **options):
        self.talk = [*getattr(self, "talk", []), *messages]
        return super().heard(self.talk[:1], system, tools, **options)


class Clinging(ToyLLM):
    """Lets the request go on when nobody reads it any more."""

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        events = super().stream(messages, system, tools, max_tokens)
        KEPT.append(events)
        async for event in events:
            yield event


class Reporting(ToyLLM):
    """Takes the end of its task for an error of the answer."""

    async def acomplete(self, messages, system="", tools=None, **options):
        try:
            return await super().acomplete(messages, system, tools, **options)
        except asyncio.CancelledError:
            raise PlayedModelError("interrupted") from None

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        try:
            async for event in super().stream(messages, system, tools, max_tokens):
                yield event
        except asyncio.CancelledError:
            yield StreamErrorEvent(error="interrupted")


class Leaving(ToyLLM):
    """Lets the request go on when its task is cancelled."""

    async def acomplete(self, messages, system="", tools=None, **options):
        task = asyncio.create_task(super().acomplete(messages, system, tools, **options))
        KEPT.append(task)
        return await asyncio.shield(task)

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        task = asyncio.create_task(self._gathered(messages, system, tools, max_tokens))
        KEPT.append(task)
        for event in await asyncio.shield(task):
            yield event

    async def _gathered(self, *arguments):
        events = super().stream(*arguments)
        return [event async for event in events]
