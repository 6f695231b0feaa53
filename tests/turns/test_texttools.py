"""Tool calls as text: what is asked, and what an answer becomes. On the wire floor, no server."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.testing import DONE, chunk, sse, tool_call
from lexilux_like.turns.flow import Chunks, Flow, Open, Read, Send, Stepper
from lexilux_like.turns.texttools import from_text, told
from lexilux_like.turns.turn import streamed, whole
from lexilux_like.values.errors import ChatStreamInterruptedError, LexiluxError, ValidationError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, ChatStreamChunk, StreamingResult
from lexilux_like.values.tools import FunctionTool, ToolChoice
from lexilux_like.wire.http import Request, Response
from lexilux_like.wire.openai import OpenAIDialect


def weather(city: str) -> str:
    """The weather in a city."""
    return city


USER = {"role": "user", "content": "Rome?"}
REQUEST = ChatRequest("m", [USER], {"tools": [weather]})
WEATHER = FunctionTool.from_function(weather).to_dict()
ROME = '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'


class Played(NamedTuple):
    result: ChatResult | None
    chunks: list[ChatStreamChunk]
    moments: list[StreamingResult]
    """What `iterator.result` shows after each chunk."""
    sent: list[dict[str, Any]]
    error: LexiluxError | None = None

    @property
    def shown(self) -> str:
        return "".join(each.delta for each in self.chunks)


def play(flow: Flow[ChatResult], *reads: bytes) -> Played:
    step, replies = Stepper(flow, lambda: 0.0), iter(reads)
    played = Played(None, [], [], [])
    step.start()
    try:
        while (effect := step.effect) is not None:
            reply: Any = None
            match effect:
                case ChatStreamChunk():
                    assert step.progress is not None
                    played.chunks.append(replace(effect))
                    played.moments.append(step.progress.so_far())
                case Chunks(chunks):
                    for chunk in chunks:
                        assert step.progress is not None
                        played.chunks.append(replace(chunk))
                        played.moments.append(step.progress.so_far())
                case Open(request):
                    played.sent.append(body(request))
                    reply = Response(200, {})
                case Read():
                    reply = next(replies, b"")
                case Send(request):
                    played.sent.append(body(request))
                    reply = Response(200, {}, next(replies))
                case _:
                    pass
            step.reply(reply)
    except LexiluxError as error:
        return played._replace(error=error)
    return played._replace(result=step.value)


def body(request: Request) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(request.body)
    return read


def stream(
    *texts: str, form: Any = "mixed", finish: str | None = "stop", request: ChatRequest = REQUEST
) -> Played:
    reads = [sse(chunk({"content": each})) for each in texts]
    reads += [sse(chunk({}, finish_reason=finish)), DONE] if finish else []
    return play(from_text(streamed(OpenAIDialect()), form)(request), *reads)


def answered(message: dict[str, Any], *, form: Any = "mixed", finish: str = "stop") -> Played:
    document = {"choices": [{"message": message, "finish_reason": finish}]}
    turn = from_text(whole(OpenAIDialect()), form)
    return play(turn(REQUEST), json.dumps(document).encode())


def called(result: ChatResult | None) -> list[tuple[str, dict[str, Any]]]:
    assert result is not None
    return [(call.name, call.get_arguments()) for call in result.tool_calls]


IN_ROME = [("weather", {"city": "Rome"})]


class TestAnswers:
    def test_a_call_in_the_text_is_a_call(self):
        result = stream(f"Let me see. {ROME}").result
        assert result is not None
        assert called(result) == IN_ROME
        assert (result.status, result.finish_reason) == ("tool_calls", "tool_calls")
        assert result.text == "Let me see. "
        assert result.choices[0].tool_calls == result.tool_calls
        assert (result.raw_finish_reason, result.complete) == ("stop", True)

    def test_a_whole_body_is_read_alike(self):
        result = answered({"content": f"Let me see. {ROME}"}).result
        assert result is not None
        assert (called(result), result.text, result.status) == (
            IN_ROME, "Let me see. ", "tool_calls",
        )  # fmt: skip

    def test_the_text_of_a_call_is_never_handed_out(self):
        played = stream("Let me ", "see. <tool", ROME[5:30], ROME[30:])
        assert played.shown == "Let me see. "
        pieces = [piece for each in played.chunks for piece in each.tool_calls]
        assert [(each.name, each.arguments) for each in pieces] == [("weather", '{"city": "Rome"}')]
        assert played.chunks[-1].done
        assert [each.finish_reason for each in played.chunks if each.finish_reason] == [
            "tool_calls"
        ]

    def test_the_result_is_what_was_handed_out_at_every_moment(self):
        played = stream("Let me ", "see. <tool", ROME[5:30], ROME[30:])
        shown = ""
        for each, moment in zip(played.chunks, played.moments, strict=True):
            shown += each.delta
            assert moment.text == shown
            assert moment.choices[0].text == shown
            assert not moment.tool_calls or each.tool_calls or each.done
        assert played.moments[-1].tool_calls
        assert played.moments[-1].done

    def test_held_text_that_is_no_call_comes_at_the_end(self):
        played = stream("Is it <tool", finish="length")
        assert played.shown == "Is it <tool"
        assert played.result is not None
        assert (played.result.text, played.result.status) == ("Is it <tool", "truncated")
        assert played.chunks[-1].finish_reason == "length"

    def test_an_answer_with_calls_of_its_own_keeps_its_text(self):
        native = {"index": 0, **tool_call("weather", {"city": "Oslo"})}
        reads = [
            sse(chunk({"content": ROME})),
            sse(chunk({"tool_calls": [native]})),
            sse(chunk({}, finish_reason="tool_calls")),
            DONE,
        ]
        played = play(from_text(streamed(OpenAIDialect()), "mixed")(REQUEST), *reads)
        assert called(played.result) == [("weather", {"city": "Oslo"})]
        assert played.shown == ROME == played.result.text  # type: ignore[union-attr]

    def test_the_same_in_a_whole_body(self):
        message = {"content": ROME, "tool_calls": [tool_call("weather", {"city": "Oslo"})]}
        result = answered(message, finish="tool_calls").result
        assert called(result) == [("weather", {"city": "Oslo"})]
        assert result is not None
        assert result.text == ROME

    def test_a_tool_that_was_not_offered_is_not_called(self):
        text = ROME.replace("weather", "delete_all")
        played = stream(text)
        assert called(played.result) == []
        assert played.shown == text

    @pytest.mark.parametrize(
        "options", [{}, {"tools": [weather], "tool_choice": "none"}, {"tools": []}]
    )
    def test_without_tools_a_call_is_text(self, options: dict[str, Any]):
        played = stream(ROME, request=replace(REQUEST, options=options))
        assert played.shown == ROME
        assert called(played.result) == []

    def test_native_is_left_alone(self):
        turn = whole(OpenAIDialect())
        assert from_text(turn, "native") is turn

    def test_ids_are_not_used_twice_in_a_conversation(self):
        first = stream(ROME, ROME).result
        longer = replace(REQUEST, messages=[USER] * 3)
        second = stream(ROME, request=longer).result
        assert first is not None
        assert second is not None
        ids = [call.id for call in (*first.tool_calls, *second.tool_calls)]
        assert len(set(ids)) == 3
        assert all(len(each) == 9 and each.isalnum() for each in ids)

    @given(st.data())
    def test_any_cut_into_chunks_gives_the_same(self, data: st.DataObject):
        text = data.draw(
            st.sampled_from([f"So. {ROME}{ROME} Well", ROME[:60], f"<tool {ROME}", "{}" + ROME])
        )
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
        edges = [0, *cuts, len(text)]
        pieces = [text[a:b] for a, b in pairwise(edges)]
        one, many = stream(text), stream(*pieces)
        assert many.shown == one.shown
        assert many.result == one.result
        assert one.shown == one.result.text  # type: ignore[union-attr]


class TestCutAnswers:
    def test_a_call_that_is_cut_is_an_incomplete_one(self):
        played = stream(f"So: {ROME[:55]}", finish="length")
        result = played.result
        assert result is not None
        assert (result.text, result.status, result.tool_calls) == ("So: ", "truncated", ())
        assert [each.name for each in result.incomplete_tool_calls] == ["weather"]
        assert played.shown == "So: "

    def test_a_whole_call_of_a_cut_answer_is_not_to_be_run(self):
        result = stream(ROME, finish="length").result
        assert result is not None
        assert (result.status, result.tool_calls) == ("truncated", ())
        assert len(result.incomplete_tool_calls) == 1

    def test_a_call_that_the_model_itself_broke_off_is_not_whole(self):
        result = stream(ROME[:55]).result
        assert result is not None
        assert (result.status, result.tool_calls, result.complete) == ("truncated", (), False)
        assert len(result.incomplete_tool_calls) == 1

    def test_a_break_inside_a_call_leaves_it_incomplete(self):
        played = stream(f"So: {ROME[:55]}", finish=None)
        assert isinstance(played.error, ChatStreamInterruptedError)
        partial = played.error.partial
        assert partial is not None
        assert (partial.text, partial.tool_calls) == ("So: ", ())
        assert [each.name for each in partial.incomplete_tool_calls] == ["weather"]
        assert partial.status in ("interrupted", "unannounced")

    def test_a_break_loses_no_text(self):
        played = stream("Is it <tool", finish=None)
        assert played.error is not None
        assert played.error.partial is not None
        assert (played.shown, played.error.partial.text) == ("Is it ", "Is it <tool")


def conversation(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    asked = told(replace(REQUEST, messages=[USER, *messages], options={}))
    return [dict(each) for each in asked.messages]


CALL = {"role": "assistant", "content": None, "tool_calls": [tool_call("weather", {"city": "R"})]}
WRITTEN = '<tool_call>\n{"name": "weather", "arguments": {"city": "R"}}\n</tool_call>'


class TestTextForm:
    def test_tools_are_told_in_the_system_prompt_and_not_sent(self):
        options = {"tools": [weather], "tool_choice": "auto", "parallel_tool_calls": True}
        request = replace(REQUEST, options={**options, "temperature": 0})
        (sent,) = stream("Hi", form="text", request=request).sent
        system, user = sent["messages"]
        assert system["role"] == "system"
        assert f"<tools>\n{json.dumps(WEATHER)}\n</tools>" in system["content"]
        assert user == USER
        assert sent.keys() == {"model", "messages", "temperature", "stream", "stream_options"}

    def test_they_stand_behind_a_system_prompt_that_is_there(self):
        asked = told(replace(REQUEST, messages=[{"role": "system", "content": "Be brief."}, USER]))
        assert asked.messages[0]["content"].startswith("Be brief.\n\n# Tools\n")
        assert len(asked.messages) == 2

    def test_mixed_offers_tools_as_they_are(self):
        (sent,) = stream("Hi", form="mixed").sent
        assert sent["tools"] == [WEATHER]
        assert sent["messages"] == [USER]

    @pytest.mark.parametrize("form", ["text", "mixed"])
    def test_both_read_calls(self, form: str):
        assert called(stream(ROME, form=form).result) == IN_ROME
        assert called(answered({"content": ROME}, form=form).result) == IN_ROME

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"tool_choice": "required"}, "You must call a function now."),
            ({"tool_choice": "weather"}, "You must call the function weather now."),
            ({"tool_choice": ToolChoice.tool("weather")}, "call the function weather now."),
            ({"parallel_tool_calls": False}, "Call one function at a time."),
        ],
    )
    def test_what_must_be_is_said_in_words(self, options: dict[str, Any], words: str):
        plain = told(REQUEST).messages[0]["content"]
        asked = told(replace(REQUEST, options={**REQUEST.options, **options}))
        assert asked.messages[0]["content"].removeprefix(plain).strip().endswith(words)

    def test_none_tells_of_no_tools(self):
        asked = told(replace(REQUEST, options={**REQUEST.options, "tool_choice": "none"}))
        assert (asked.messages, asked.options) == ([USER], {})

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"tools": [{"type": "web_search"}]}, "'web_search' cannot be told"),
            ({"tools": [weather, {"type": "web_search"}]}, "'web_search' cannot be told"),
            (
                {"tools": [weather], "tool_choice": {"type": "allowed_tools"}},
                "cannot be told in the text",
            ),
            ({"tools": [weather], "tool_choice": "clock"}, "none of the tools"),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, options: dict[str, Any], message: str):
        with pytest.raises(ValidationError, match=message):
            told(replace(REQUEST, options=options))

    def test_calls_in_the_history_are_spelled_out(self):
        assert conversation(CALL)[1] == {"role": "assistant", "content": WRITTEN}

    def test_words_before_a_call_stay(self):
        spelled = conversation({**CALL, "content": "Let me see.", "reasoning_content": "Hm."})
        assert spelled[1] == {
            "role": "assistant",
            "content": f"Let me see.\n{WRITTEN}",
            "reasoning_content": "Hm.",
        }

    def test_what_tools_returned_is_one_user_turn(self):
        two = {**CALL, "tool_calls": [*CALL["tool_calls"], tool_call("clock", "oops", id="c2")]}
        spelled = conversation(
            two,
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "noon"}]},
            USER,
        )
        assert '"arguments": "oops"' in spelled[1]["content"]
        assert spelled[2:] == [
            {
                "role": "user",
                "content": (
                    '<tool_response>\n{"name": "weather", "content": "sunny"}\n</tool_response>\n'
                    '<tool_response>\n{"name": "clock", "content": "noon"}\n</tool_response>'
                ),
            },
            USER,
        ]

    def test_what_is_no_text_is_refused(self):
        picture = {"type": "image_url", "image_url": {"url": "data:,"}}
        with pytest.raises(ValidationError, match="must be text"):
            conversation(CALL, {"role": "tool", "tool_call_id": "call_1", "content": [picture]})

    def test_the_callers_messages_stay_as_they_are(self):
        messages = [USER, json.loads(json.dumps(CALL))]
        told(replace(REQUEST, messages=messages))
        assert messages == [USER, CALL]
