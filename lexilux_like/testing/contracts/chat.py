"""What every `ChatProvider` must do: answers, whole and streamed, and what reaches the model."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest

from ...providers.base import ChatProvider
from ...providers.messages import (
    ChatConfig,
    ChatMessage,
    ContentPart,
    ImagePart,
    TextPart,
    ToolCall,
    ToolCallFunction,
)
from .behaviours import Call, Counted, Echoes, Refuses, Says, Until
from .cancelling import CancellingContract
from .model import PlayedModel
from .replies import MODEL
from .running import an_error, on_a_loop, while_beating
from .window import CONFIG, HI, LONG, PIECES, TEXT, joined, said

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""
WEATHER = Call("weather", '{"city": "Oslo"}', "call_7")


class ChatProviderContract(CancellingContract):
    """The tests that a `ChatProvider` must pass; subclass it, and write `provider()`.

    What a provider cannot do is said by the class attributes, and is tested too where silence would
    lose something: a provider without images, for one, must refuse them, not leave them out.
    """

    tells_model: ClassVar[bool] = True
    """Whether the model's own name is on the message."""
    heeds_config: ClassVar[bool] = True
    """Whether model, temperature and max_tokens of the config reach the model."""
    has_images: ClassVar[bool] = True
    """Whether images can be sent."""
    has_calls: ClassVar[bool] = True
    """Whether the model's calls of tools are on the message."""
    has_results: ClassVar[bool] = True
    """Whether calls can be sent back, with their results."""
    knows_cuts: ClassVar[bool] = True
    """Whether the provider can know that a token limit cut an answer off."""

    @on_a_loop
    async def test_generate_returns_the_whole_text(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """White space, new lines and characters of several bytes included."""
        model.play(Says(PIECES))
        message = await provider.generate(HI, CONFIG)
        assert (message.role, message.text_content()) == ("assistant", TEXT)

    @on_a_loop
    async def test_stream_yields_the_text_in_order(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """The pieces, joined, are the text."""
        model.play(Says(PIECES))
        assert await joined(provider.stream(HI, CONFIG)) == TEXT

    @on_a_loop
    async def test_a_piece_is_yielded_before_the_next_one_is_written(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """The model goes on only once the first piece has been seen."""
        seen = threading.Event()
        model.play(Says((LONG, Until(seen), " So it goes.")))
        text = ""
        async for piece in provider.stream(HI, CONFIG):
            text += piece
            seen.set()
        assert text == f"{LONG} So it goes."

    @on_a_loop
    async def test_nothing_is_sent_before_the_first_piece_is_asked_for(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """`stream()` alone does nothing."""
        model.play(Says(PIECES))
        stream = provider.stream(HI, CONFIG)
        assert model.asked == []
        await joined(stream)
        assert len(model.asked) == 1

    @on_a_loop
    async def test_a_message_tells_the_model(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """By the name that the model gives itself."""
        self.require("tells_model")
        model.play(Says(PIECES))
        assert (await provider.generate(HI, CONFIG)).model == MODEL

    @on_a_loop
    async def test_a_message_tells_its_tokens(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """What was read from a cache is a part of the input."""
        self.require("tells_usage")
        model.play(Says(PIECES, counted=Counted(input=12, output=5, cached=4)))
        usage = (await provider.generate(HI, CONFIG)).usage or {}
        assert (usage.get("input_tokens"), usage.get("output_tokens")) == (12, 5)

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_the_conversation_reaches_the_model(self, model: PlayedModel, door: str) -> None:
        """System prompt, roles, texts and order."""
        talk = [said("Hi"), said("Hello.", "assistant"), said("How are you?")]
        config = CONFIG.model_copy(update={"system_prompt": "Be brief."})
        self.ask(model, door, talk, config)
        heard = model.asked[0]
        assert "Be brief." in heard.system
        assert [(turn.role, turn.text) for turn in heard.conversation] == [
            ("user", "Hi"),
            ("assistant", "Hello."),
            ("user", "How are you?"),
        ]

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_a_system_message_reaches_the_model(self, model: PlayedModel, door: str) -> None:
        """One that stands among the messages, beside the config's."""
        config = CONFIG.model_copy(update={"system_prompt": "Be brief."})
        self.ask(model, door, [said("Be kind.", "system"), *HI], config)
        heard = model.asked[0]
        assert "Be brief." in heard.system
        assert "Be kind." in heard.system

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_the_config_reaches_the_model(self, model: PlayedModel, door: str) -> None:
        """Model, temperature and max_tokens."""
        self.require("heeds_config")
        self.ask(model, door, HI, ChatConfig(model="mine", temperature=0.25, max_tokens=77))
        options = model.asked[0].options
        limit = options.get("max_tokens") or options.get("max_completion_tokens")
        assert (options["model"], options["temperature"], limit) == ("mine", 0.25, 77)

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_an_image_reaches_the_model_or_is_refused(self, model: PlayedModel, door: str) -> None:
        """It is never left out in silence."""
        picture: list[ContentPart] = [TextPart(text="What is it?"), ImagePart(data=PIXEL)]
        asking = [ChatMessage(role="user", content=picture)]
        if not self.has_images:
            self.refused(model, door, asking)
            return
        self.ask(model, door, asking, CONFIG)
        turns = model.asked[0].conversation
        assert [(turn.text, turn.images) for turn in turns] == [("What is it?", (PIXEL,))]

    @on_a_loop
    async def test_a_call_is_on_the_message_or_is_raised(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """With its id, its name and its arguments as JSON; it is never left out in silence."""
        model.play(Says(("Let me see.",), calls=(WEATHER,)))
        if not self.has_calls:
            with an_error():
                await provider.generate(HI, CONFIG)
            return
        message = await provider.generate(HI, CONFIG)
        calls = [
            Call(each.function.name, each.function.arguments, each.id)
            for each in message.tool_calls or ()
        ]
        assert [(c.id, c.name, c.value) for c in calls] == [
            ("call_7", "weather", {"city": "Oslo"}),
        ]

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_a_call_and_its_result_reach_the_model_or_are_refused(
        self, model: PlayedModel, door: str
    ) -> None:
        """With an id that they share; whichever, as long as it is the same."""
        function = ToolCallFunction(name=WEATHER.name, arguments=WEATHER.arguments)
        calling = ChatMessage(
            role="assistant", tool_calls=[ToolCall(id=WEATHER.id, function=function)]
        )
        result = ChatMessage(role="tool", content="21 degrees", tool_call_id=WEATHER.id)
        asking = [said("How warm is Oslo?"), calling, result]
        if not self.has_results:
            self.refused(model, door, asking)
            return
        self.ask(model, door, asking, CONFIG)
        turns = model.asked[0].conversation
        calls = [call for turn in turns for call in turn.calls]
        assert [(call.name, call.value) for call in calls] == [("weather", {"city": "Oslo"})]
        results = [(turn.text, turn.call_id) for turn in turns if turn.role == "tool"]
        assert results == [("21 degrees", calls[0].id or "an id")]

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_messages_and_config_stay_as_they_are(self, model: PlayedModel, door: str) -> None:
        """They are the caller's."""
        talk = [said("Be kind.", "system"), said("Hi"), said("Hello.", "assistant"), said("Bye")]
        config = ChatConfig(system_prompt="Be brief.", model=MODEL, provider_config={"a": [1]})
        before = ([each.model_dump() for each in talk], config.model_dump())
        self.ask(model, door, talk, config)
        assert ([each.model_dump() for each in talk], config.model_dump()) == before

    @pytest.mark.parametrize("door", ["generate", "stream"])
    @pytest.mark.parametrize("status", [400, 401])
    def test_a_refusal_is_raised(self, model: PlayedModel, door: str, status: int) -> None:
        """It never looks like an answer that is empty."""
        with an_error():
            self.ask(model, door, HI, CONFIG, Refuses(status))

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_an_answer_that_breaks_off_is_raised(self, model: PlayedModel, door: str) -> None:
        """It never passes for a whole one, and never ends a stream in silence."""
        with an_error():
            self.ask(model, door, HI, CONFIG, Says(PIECES, ending="break"))

    @pytest.mark.parametrize("door", ["generate", "stream"])
    def test_an_answer_that_a_limit_cut_off_is_raised(self, model: PlayedModel, door: str) -> None:
        """Also after it was asked for the rest, which is cut at the same place."""
        self.require("knows_cuts")
        with an_error():
            self.ask(model, door, HI, CONFIG, Says(PIECES, ending="length"))

    @on_a_loop
    async def test_a_call_that_a_limit_cut_off_is_never_handed_out(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """Half of its arguments may be valid, and say something else."""
        self.require("knows_cuts")
        cut = Call("delete", '{"path": "/tmp', "call_8")
        model.play(Says(("I delete it.",), calls=(cut,), ending="length"))
        with an_error():
            await provider.generate(HI, CONFIG)

    @on_a_loop
    async def test_two_streams_at_once_do_not_mix(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """Pieces are taken from each in turn."""
        model.play(Echoes())
        texts = ["one two three four", "uno dos tres cuatro"]
        streams = [provider.stream([said(text)], CONFIG) for text in texts]
        heard = ["", ""]
        unfinished = {0, 1}
        while unfinished:
            for place in sorted(unfinished):
                try:
                    heard[place] += await anext(streams[place])
                except StopAsyncIteration:
                    unfinished.discard(place)
        assert heard == texts

    @on_a_loop
    async def test_generate_does_not_block_the_loop(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """The model answers only once the loop has told it to."""
        beat = threading.Event()
        model.play(Says((Until(beat), "Hello")))
        message = await while_beating(provider.generate(HI, CONFIG), beat)
        assert message.text_content() == "Hello"

    @on_a_loop
    async def test_stream_does_not_block_the_loop(
        self, provider: ChatProvider, model: PlayedModel
    ) -> None:
        """Between two pieces."""
        beat = threading.Event()
        model.play(Says(("Hel", Until(beat), "lo")))
        assert await while_beating(joined(provider.stream(HI, CONFIG)), beat) == "Hello"

    def ask(
        self,
        model: PlayedModel,
        door: str,
        messages: list[ChatMessage],
        config: ChatConfig,
        behaviour: Says | Refuses = Says(PIECES),  # noqa: B008 - frozen
    ) -> None:
        """Ask by one of the two doors, and take the whole answer."""
        model.play(behaviour)

        async def once(
            _contract: ChatProviderContract, provider: ChatProvider, _model: PlayedModel
        ) -> None:
            if door == "generate":
                await provider.generate(messages, config)
            else:
                await joined(provider.stream(messages, config))

        on_a_loop(once)(self, model)

    def refused(self, model: PlayedModel, door: str, messages: list[ChatMessage]) -> None:
        """Check that messages raise before the model is asked."""
        with an_error():
            self.ask(model, door, messages, CONFIG)
        assert model.asked == [], "the model was asked, without what cannot be sent"
