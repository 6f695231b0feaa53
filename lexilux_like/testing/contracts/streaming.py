"""What every `LLMProvider.stream()` must do."""

from __future__ import annotations

import asyncio
import threading
from typing import ClassVar

import pytest

from ...providers.llm import LLMProvider
from ...providers.stream_events import TextDeltaEvent
from .agent import TOOL, hi
from .behaviours import Behaviour, Call, Echoes, Refuses, Says, Until
from .cancelling import begun_and_abandoned, ended, exhausted
from .events import Streamed, streamed
from .model import PlayedModel
from .running import Contract, on_a_loop, tidily, while_beating
from .window import LONG, PIECES, TEXT

STALLS = Says(("Hello. ", LONG), ending="stall")
SILENT = Says(ending="stall")


class StreamingContract(Contract[LLMProvider]):
    """The part of `LLMProviderContract` that is about events."""

    streams: ClassVar[bool] = True
    """Whether events come while the model is still writing."""
    closes: ClassVar[bool] = True
    """Whether the model learns of it when nobody waits for its answer any more."""
    has_reasoning: ClassVar[bool] = True
    """Whether the model's reasoning is told."""
    has_tools: ClassVar[bool] = True
    """Whether the model can be offered tools."""
    has_json_mode: ClassVar[bool] = True
    """Whether a JSON object can be asked for."""

    @on_a_loop
    async def test_a_delta_comes_before_the_next_one_is_written(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """The model goes on only once the first piece has been seen."""
        self.require("streams")
        seen = threading.Event()
        model.play(Says((LONG, Until(seen), " So it goes.")))
        text = ""
        async for event in provider.stream(hi()):
            if isinstance(event, TextDeltaEvent):
                text += event.content
                seen.set()
        assert text == f"{LONG} So it goes."

    @pytest.mark.parametrize(
        "behaviour",
        [
            Says(PIECES),
            Says(PIECES, ending="length"),
            Says(PIECES, ending="break"),
            Says(PIECES, reasoning=("Let me ", "think."), calls=(Call("clock", ""),)),
            Says(calls=(Call("clock", "{}"), Call("clock", "{}", "call_2"))),
            Says(calls=(Call("clock", '{"a'),), ending="length"),
            Says(calls=(Call("clock", '{"a'),), ending="break"),
            Says(reasoning=("Let me ",), ending="length"),
            Refuses(400),
        ],
        ids=repr,
    )
    def test_the_events_obey_their_grammar(self, model: PlayedModel, behaviour: Behaviour) -> None:
        """One terminal event, the last; deltas and snapshots that fit; one start of reasoning."""
        answer = self.listen(model, behaviour)
        assert answer.failed == (answer.finish is None)

    def test_deltas_never_repeat(self, model: PlayedModel) -> None:
        """A broken answer is told, or goes on where it was; it never starts over in silence."""
        answer = self.listen(model, Says(PIECES[:3], ending="break"), Says(PIECES))
        whole = not answer.failed
        assert answer.text in ((TEXT,) if whole else ("", "".join(PIECES[:3])))

    def test_reasoning_is_told_before_the_text(self, model: PlayedModel) -> None:
        """All of it."""
        self.require("has_reasoning")
        answer = self.listen(model, Says(PIECES, reasoning=("Let me ", "think.")))
        assert (answer.reasoning, answer.text) == ("Let me think.", TEXT)

    @pytest.mark.parametrize("arguments", ['["a"]', '"a"', "{'a': 1}", '{"a": 1'])
    def test_a_call_whose_arguments_are_no_object_is_not_handed_out(
        self, model: PlayedModel, arguments: str
    ) -> None:
        """Not even repaired, and not in silence: the stream fails, or does not say `tool_calls`."""
        self.require("has_tools")
        answer = self.listen(model, Says(calls=(Call("clock", arguments),)))
        assert answer.calls == []
        finish = answer.finish
        assert finish is None or finish.stop_reason not in ("stop", "tool_calls")

    @on_a_loop
    async def test_two_streams_at_once_do_not_mix(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """They are read side by side."""
        model.play(Echoes())
        texts = ["one two three four", "uno dos tres cuatro"]
        answers = await asyncio.gather(*(streamed(provider.stream(hi(each))) for each in texts))
        assert [answer.text for answer in answers] == texts

    @on_a_loop
    async def test_stream_does_not_block_the_loop(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """Between two pieces."""
        beat = threading.Event()
        model.play(Says(("Hel", Until(beat), "lo")))
        answer = await while_beating(streamed(provider.stream(hi())), beat)
        assert answer.text == "Hello"

    @on_a_loop
    async def test_breaking_off_reaches_the_model(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """A `break`, and then `aclose()` where the stream has one."""
        self.require("streams")
        self.require("closes")
        model.play(STALLS)
        await begun_and_abandoned(provider.stream(hi()))
        assert await model.left(), "the model does not know that nobody reads its answer"

    @on_a_loop
    async def test_a_cancelled_task_ends_its_stream(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """At once, also while nothing comes, and without an error event."""
        self.require("closes")
        model.play(STALLS)
        await ended(asyncio.create_task(exhausted(provider.stream(hi()))), model)
        assert await model.left(), "the model does not know that the task is cancelled"

    @on_a_loop
    async def test_a_cancelled_task_ends_its_acomplete(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """At once, also while nothing comes."""
        self.require("closes")
        model.play(SILENT)
        await ended(asyncio.create_task(provider.acomplete(hi())), model)
        assert await model.left(), "the model does not know that the task is cancelled"

    def listen(self, model: PlayedModel, *behaviours: Behaviour) -> Streamed:
        """What a stream came to, its grammar checked."""
        model.play(*behaviours)

        async def once() -> Streamed:
            provider = self.made(model)
            try:
                return await streamed(
                    provider.stream(hi(), tools=[TOOL] if self.has_tools else None)
                )
            finally:
                await self.close(provider)

        return tidily(once())
