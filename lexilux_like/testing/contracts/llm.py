"""What every `LLMProvider` must do, by `complete()`, `acomplete()` and `stream()`."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest

from ...providers.llm import LLMProvider
from .agent import DOORS, TOOL, WHOLE_DOORS, DoorName, ask, hi, logged, watched_folders
from .behaviours import Call, Counted, Refuses, Says, Until
from .model import PlayedModel
from .replies import MODEL
from .retrying import RetryingContract
from .running import an_error, on_a_loop, while_beating
from .streaming import StreamingContract
from .window import PIECES, TEXT

SECRET = "what-nobody-else-may-read"  # noqa: S105 - no password


class LLMProviderContract(StreamingContract, RetryingContract):
    """The tests that an `LLMProvider` must pass; subclass it, and write `provider()`.

    What a provider cannot do is said by the class attributes, which skip tests by name.
    """

    @pytest.mark.parametrize("door", DOORS)
    def test_the_text_comes_whole(self, model: PlayedModel, door: DoorName) -> None:
        """The same by all doors, with white space, new lines and characters of several bytes."""
        model.play(Says(PIECES))
        answer = ask(self, model, door, hi())
        assert (answer.text, answer.stop_reason, answer.calls) == (TEXT, "stop", ())

    @pytest.mark.parametrize("door", DOORS)
    def test_tokens_and_model_are_told(self, model: PlayedModel, door: DoorName) -> None:
        """What was read from a cache is a part of the input, never beside it."""
        self.require("tells_usage")
        model.play(Says(PIECES, counted=Counted(input=12, output=5, cached=4)))
        answer = ask(self, model, door, hi())
        assert (answer.tokens, answer.model) == ((12, 5, 4), MODEL)

    @pytest.mark.parametrize("door", DOORS)
    def test_the_conversation_reaches_the_model(self, model: PlayedModel, door: DoorName) -> None:
        """System prompt, roles, texts and order."""
        model.play(Says(PIECES))
        talk = [*hi(), {"role": "assistant", "content": "Hello."}, *hi("How are you?")]
        ask(self, model, door, talk, system="Be brief.")
        heard = model.asked[0]
        assert heard.system == "Be brief."
        assert [(turn.role, turn.text) for turn in heard.conversation] == [
            ("user", "Hi"),
            ("assistant", "Hello."),
            ("user", "How are you?"),
        ]

    @pytest.mark.parametrize("door", DOORS)
    def test_a_tool_reaches_the_model_whole(self, model: PlayedModel, door: DoorName) -> None:
        """Its schema with `$defs` and `additionalProperties`, not with its properties alone."""
        self.require("has_tools")
        model.play(Says(PIECES))
        ask(self, model, door, hi(), tools=[TOOL])
        heard = model.asked[0]
        assert [*heard.tools] == [
            {
                "name": TOOL.name,
                "description": TOOL.description,
                "parameters": TOOL.parameters,
            }
        ]

    @pytest.mark.parametrize("door", DOORS)
    def test_a_call_and_its_result_reach_the_model(
        self, model: PlayedModel, door: DoorName
    ) -> None:
        """With the id that they share."""
        self.require("has_tools")
        model.play(Says(PIECES))
        function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
        call = {"id": "call_7", "type": "function", "function": function}
        talk: list[dict[str, Any]] = [
            *hi("How warm is Oslo?"),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_7", "content": "21 degrees"},
        ]
        ask(self, model, door, talk, tools=[TOOL])
        turns = model.asked[0].conversation
        assert [(c.id, c.name, c.value) for turn in turns for c in turn.calls] == [
            ("call_7", "weather", {"city": "Oslo"})
        ]
        assert [(turn.text, turn.call_id) for turn in turns if turn.role == "tool"] == [
            ("21 degrees", "call_7")
        ]

    @pytest.mark.parametrize("door", DOORS)
    def test_calls_come_whole(self, model: PlayedModel, door: DoorName) -> None:
        """Several, in order; one without arguments has an empty object."""
        self.require("has_tools")
        calls = (Call("weather", '{"place": {"city": "Oslo"}}'), Call("clock", "", "call_2"))
        model.play(Says(("Let me see.",), calls=calls))
        answer = ask(self, model, door, hi(), tools=[TOOL])
        assert (answer.text, answer.stop_reason) == ("Let me see.", "tool_calls")
        assert answer.calls == (
            ("call_1", "weather", {"place": {"city": "Oslo"}}),
            ("call_2", "clock", {}),
        )

    @pytest.mark.parametrize("door", DOORS)
    @pytest.mark.parametrize("arguments", ['{"path": "/tmp', '{"path": "/tmp"}'])
    def test_a_call_that_a_limit_cut_off_is_never_handed_out(
        self, model: PlayedModel, door: DoorName, arguments: str
    ) -> None:
        """Also where its arguments happen to be valid."""
        self.require("has_tools")
        cut = Call("delete", arguments, "call_8")
        model.play(Says(("I delete it.",), calls=(cut,), ending="length"))
        answer = ask(self, model, door, hi(), tools=[TOOL])
        assert (answer.calls, answer.stop_reason) == ((), "length")

    @pytest.mark.parametrize("door", DOORS)
    def test_an_answer_that_a_limit_cut_off_says_so(
        self, model: PlayedModel, door: DoorName
    ) -> None:
        """With the text that there is."""
        model.play(Says(PIECES, ending="length"))
        answer = ask(self, model, door, hi())
        assert (answer.text, answer.stop_reason) == (TEXT, "length")

    @pytest.mark.parametrize("door", DOORS)
    def test_messages_and_tools_stay_as_they_are(self, model: PlayedModel, door: DoorName) -> None:
        """They are the caller's, also when asked twice."""
        model.play(Says(PIECES))
        talk = [{"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, *hi()]
        tools = [TOOL] if self.has_tools else None
        before = copy.deepcopy((talk, tools))
        for _ in range(2):
            ask(self, model, door, talk, system="Be brief.", tools=tools)
        assert (talk, tools) == before

    @pytest.mark.parametrize("door", WHOLE_DOORS)
    def test_json_mode_is_asked_for_and_leaves_no_trace(
        self, model: PlayedModel, door: DoorName
    ) -> None:
        """Two requests in JSON are the same, and a third one is plain again."""
        self.require("has_json_mode")
        model.play(Says(("{}",)))
        talk = [{"role": "system", "content": "Be kind."}, *hi()]
        for json_mode in (True, True, False):
            ask(self, model, door, talk, json_mode=json_mode)
        assert talk == [{"role": "system", "content": "Be kind."}, *hi()]
        first, second, third = model.asked
        assert first == second
        assert first != third
        assert "json" in repr(first).lower()

    @pytest.mark.parametrize("door", DOORS)
    @pytest.mark.parametrize("status", [400, 401])
    def test_a_refusal_is_told(self, model: PlayedModel, door: DoorName, status: int) -> None:
        """By an exception, or by an error event; it never looks like an empty answer."""
        model.play(Refuses(status))
        with an_error():
            ask(self, model, door, hi())

    @pytest.mark.parametrize("door", DOORS)
    def test_an_answer_that_breaks_off_is_told(self, model: PlayedModel, door: DoorName) -> None:
        """By an exception, or by an error event; it never passes for a whole one."""
        model.play(Says(PIECES, ending="break"))
        with an_error():
            ask(self, model, door, hi())

    @on_a_loop
    async def test_acomplete_does_not_block_the_loop(
        self, provider: LLMProvider, model: PlayedModel
    ) -> None:
        """The model answers only once the loop has told it to."""
        beat = threading.Event()
        model.play(Says((Until(beat), "Hello")))
        answer = await while_beating(provider.acomplete(hi()), beat)
        assert answer.content == "Hello"

    @pytest.mark.parametrize("door", DOORS)
    @pytest.mark.parametrize(
        "behaviour",
        [Says((SECRET,)), Refuses(400), Says((SECRET,), ending="break")],
        ids=["whole", "refused", "broken"],
    )
    def test_nothing_of_a_conversation_is_kept(
        self, model: PlayedModel, door: DoorName, behaviour: Says | Refuses
    ) -> None:
        """No file is written, and no line of a log has it."""
        model.play(behaviour)
        failed = False
        with watched_folders() as files, logged() as lines:
            try:
                ask(self, model, door, hi(SECRET), system=SECRET)
            except Exception:  # noqa: BLE001 - another test's
                failed = True
        assert failed == (behaviour != Says((SECRET,)))
        assert (files, [line for line in lines if SECRET in line]) == ([], [])
