"""An agent's provider that is right, and one for each way to be wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from lexilux_like.providers.llm import LLMProvider, LLMResponse, Tool, ToolUse
from lexilux_like.providers.stream_events import (
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningStartEvent,
    StreamErrorEvent,
    TextDeltaEvent,
    TextEndEvent,
    ToolCallEvent,
)
from lexilux_like.testing.contracts import Heard, PlayedModel, PlayedModelError, Refuses, Says
from lexilux_like.testing.contracts.heard import from_agent


class ToyLLM(LLMProvider):
    """A right one, on a played model inside the process."""

    most_empty = 3
    default_retries = 2

    def __init__(self, model: PlayedModel) -> None:
        self.model = model

    def heard(self, messages, system, tools, **options) -> Heard:
        return from_agent(messages, system, tools, options)

    def complete(self, messages, system="", tools=None, **options):
        return asyncio.run(self.acomplete(messages, system, tools, **options))

    async def acomplete(self, messages, system="", tools=None, max_retries=None, **options):
        retries = self.default_retries if max_retries is None else max_retries
        empties = 0
        while True:
            does = self.model.hear(self.heard(messages, system, tools, **options))
            if isinstance(does, Refuses):
                if does.status != 429 or not retries:
                    raise PlayedModelError(f"refused with {does.status}")
                retries -= 1
                await self.wait(does.retry_after_s or 0)
                continue
            response = self.response(does, await self.text(does))
            if self.is_silent(does) and empties < self.most_empty:
                empties += 1
                continue
            return response

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        for _ in range(1 + self.most_empty):
            does = self.model.hear(self.heard(messages, system, tools, max_tokens=max_tokens))
            if isinstance(does, Refuses) or not self.is_silent(does):
                break
        if isinstance(does, Refuses):
            yield StreamErrorEvent(error="refused", upstream_status=does.status)
            return
        async with aclosing(self.events(does)) as events:
            async for event in events:
                yield event

    async def events(self, says: Says):
        if says.reasoning:
            yield ReasoningStartEvent()
        for thought in says.reasoning:
            yield ReasoningDeltaEvent(content=thought)
        text = ""
        try:
            async with aclosing(self.model.perform(says)) as pieces:
                async for piece in pieces:
                    text += piece
                    yield TextDeltaEvent(content=piece, snapshot=text)
        except PlayedModelError as error:
            yield StreamErrorEvent(error=str(error), recoverable=True)
            return
        if text:
            yield TextEndEvent(full_text=text)
        response = self.response(says, text)
        if any(call.input is None for call in response.tool_uses):
            yield StreamErrorEvent(error="arguments that are no object", error_type="unreadable")
            return
        for use in response.tool_uses:
            yield ToolCallEvent(tool_use_id=use.id, tool_name=use.name, tool_input=use.input)
        yield FinishEvent(
            stop_reason=response.stop_reason,
            input_tokens=response.input_tokens,
            output_tokens=response.output_tokens,
            cached_tokens=response.cached_tokens,
            model=response.model,
        )

    def is_silent(self, says: Says) -> bool:
        return says == Says()

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def text(self, says: Says) -> str:
        async with aclosing(self.model.perform(says)) as pieces:
            return "".join([piece async for piece in pieces])

    def response(self, says: Says, text: str) -> LLMResponse:
        cut = says.ending == "length"
        calls = [] if cut else says.calls
        return LLMResponse(
            content=text,
            model="contract-model",
            input_tokens=says.counted.input,
            output_tokens=says.counted.output,
            cached_tokens=says.counted.cached,
            stop_reason="length" if cut else "tool_calls" if calls else "stop",
            tool_uses=[ToolUse(each.id, each.name, self.input(each.value)) for each in calls],
        )

    def input(self, value: object) -> object:
        return value if isinstance(value, dict) else None


class CompleteOnly(LLMProvider):
    """A right one that leaves the other doors to `LLMProvider`."""

    def __init__(self, model: PlayedModel) -> None:
        self.model = model

    def complete(self, messages, system="", tools=None, **options):
        return self.model.respond(messages, system, tools, **options)


class Changed(ToyLLM):
    """Changes the events on their way."""

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        async with aclosing(super().stream(messages, system, tools, max_tokens)) as events:
            async for event in events:
                for each in self.change(event):
                    yield each

    def change(self, event):
        return [event]


class Trimming(Changed):
    async def text(self, says):
        return (await super().text(says)).replace("  ", " ")

    def change(self, event):
        if isinstance(event, TextDeltaEvent):
            return [replace(event, content=event.content.strip())]
        return [event]


class AddingCached(ToyLLM):
    def response(self, says, text):
        response = super().response(says, text)
        return replace(response, input_tokens=response.input_tokens + response.cached_tokens)


class LastTurnOnly(ToyLLM):
    def heard(self, messages, system, tools, **options):
        return super().heard(messages[-1:], system, tools, **options)


class Unprompted(ToyLLM):
    def heard(self, messages, system, tools, **options):
        return super().heard(messages, "", tools, **options)


class PropertiesOnly(ToyLLM):
    """Sends the properties of a schema and what is required of them, as many do."""

    def heard(self, messages, system, tools, **options):
        kept = ("type", "properties", "required")
        less = [
            Tool(t.name, t.description, {name: t.parameters[name] for name in kept})
            for t in tools or ()
        ]
        return super().heard(messages, system, less, **options)


class Flattening(ToyLLM):
    """Sends texts, and not who called what."""

    def heard(self, messages, system, tools, **options):
        plain = [{"role": each["role"], "content": each["content"]} for each in messages]
        return super().heard(plain, system, tools, **options)


class RawArguments(ToyLLM):
    """Hands out what it cannot read."""

    def response(self, says, text):
        response = super().response(says, text)
        for use, call in zip(response.tool_uses, says.calls, strict=False):
            if not call.arguments or not isinstance(call.value, dict):
                use.input = {"_raw": call.arguments}
        return response


class LastCallOnly(ToyLLM):
    def response(self, says, text):
        response = super().response(says, text)
        return replace(response, tool_uses=response.tool_uses[-1:])


class Trusting(ToyLLM):
    """Does not look at why the model stopped."""

    def response(self, says, text):
        whole = super().response(replace(says, ending="whole"), text)
        for use in whole.tool_uses:
            use.input = use.input or {"path": "/tmp"}
        return whole


class Honest(ToyLLM):
    """Says that the answer was cut, and hands out its calls all the same."""

    def response(self, says, text):
        trusted = super().response(replace(says, ending="whole"), text)
        for use in trusted.tool_uses:
            use.input = use.input or {"path": "/tmp"}
        return replace(trusted, stop_reason=super().response(says, text).stop_reason)


class Rewriting(ToyLLM):
    """Writes the system prompt and a wish for JSON into the caller's messages."""

    def heard(self, messages, system, tools, **options):
        if messages[0]["role"] == "system":
            content = messages[0]["content"]
            if options.get("json_mode") and isinstance(content, str):
                messages[0]["content"] += "\nPlease respond with a valid JSON object."
            elif not isinstance(content, str):
                content[0]["cache_control"] = {"type": "ephemeral"}
        return super().heard(messages, system, tools, **options)


class Prosaic(ToyLLM):
    """Leaves json_mode out."""

    def heard(self, messages, system, tools, **options):
        return super().heard(messages, system, tools)


class Swallowing(ToyLLM):
    async def acomplete(self, messages, system="", tools=None, **options):
        try:
            return await super().acomplete(messages, system, tools, **options)
        except PlayedModelError:
            return LLMResponse("", "contract-model", stop_reason="stop")

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        async for event in super().stream(messages, system, tools, max_tokens):
            if isinstance(event, StreamErrorEvent):
                yield FinishEvent(stop_reason="stop")
            else:
                yield event


class Blocking(ToyLLM):
    """Waits for another thread, and the loop with it."""

    async def acomplete(self, messages, system="", tools=None, **options):
        with ThreadPoolExecutor() as pool:
            asked = super().acomplete(messages, system, tools, **options)
            return pool.submit(asyncio.run, asked).result()

    async def stream(self, messages, system="", tools=None, max_tokens=4096):
        async for event in LLMProvider.stream(self, messages, system, tools, max_tokens):
            yield event


class Dumping(ToyLLM):
    """Keeps what failed, and what did not, in the user's home."""

    def heard(self, messages, system, tools, **options):
        folder = Path.home() / ".dumped"
        folder.mkdir(exist_ok=True)
        (folder / "request.json").write_text(json.dumps(messages))
        return super().heard(messages, system, tools, **options)


class Logging(ToyLLM):
    def heard(self, messages, system, tools, **options):
        logging.getLogger("toy").debug("asking %s", messages)
        return super().heard(messages, system, tools, **options)


class Content(ToyLLM):
    """Takes an empty answer as it is."""

    most_empty = 0


class Stubborn(ToyLLM):
    most_empty = 9


class Hopeful(ToyLLM):
    """Asks again though a limit has cut the answer off."""

    def is_silent(self, says):
        return not says.pieces


class Impatient(ToyLLM):
    """Does not wait as long as the server says."""

    async def wait(self, seconds):
        pass


class Unheeding(ToyLLM):
    """Has a number of retries of its own."""

    async def acomplete(self, messages, system="", tools=None, max_retries=None, **options):
        return await super().acomplete(messages, system, tools, 1, **options)
