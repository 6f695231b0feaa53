"""Answers in LangChain's messages: whole or said not to be, and one message in every way."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from chains import EACH_WAY, WAYS, ask, chunks_of
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, message_chunk_to_message

from lexilux_like import ChatIncompleteResponseError, ChatStreamInterruptedError
from lexilux_like.bridges.langchain import ChatLexilux
from lexilux_like.testing import (
    CALL_FORMS,
    ScriptedServer,
    SimulatedModel,
    body_of,
    call_stream,
    chunk,
    cut,
    events,
    stream,
    tool_call,
)

STORY = "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."
PARTIAL = {"ensure_complete": False, "max_continues": 0}
CALLS = [tool_call("add", {"a": 1, "b": 2}, id="one"), tool_call("add", {"a": 3}, id="two")]


def model_at(server: ScriptedServer, **fields: Any) -> ChatLexilux:
    return ChatLexilux(**{"base_url": server.url, "model": "m", **fields})


def told(message: AIMessage) -> dict[str, Any]:
    """All that a message says, but for its own id, which LangChain gives."""
    message = message_chunk_to_message(message)
    return {**message.model_dump(), "id": None, "type": type(message).__name__}


@pytest.mark.parametrize(
    "reply",
    [
        stream("Hel", "lo"),
        stream({"reasoning_content": "Let me "}, {"reasoning_content": "see."}, "Hi"),
        stream({"refusal": "I will "}, {"refusal": "not."}),
        call_stream(*CALLS),
        stream("", usage=False),
        stream(*STORY.split(" ")),
    ],
    ids=["text", "reasoning", "refusal", "calls", "empty", "long"],
)
def test_every_way_gives_the_same_message(scripted_server: ScriptedServer, reply: Any):
    model = model_at(scripted_server, ensure_complete=False)
    scripted_server.always(reply)
    first, *others = [told(ask(model, way, "Hi")) for way in WAYS]
    assert all(each == first for each in others)


@EACH_WAY
def test_an_answer_says_what_became_of_it(scripted_server: ScriptedServer, way: str):
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    scripted_server.play(stream("Hello", usage=usage, headers={"x-request-id": "req_1"}))
    message = ask(model_at(scripted_server), way, "Hi")
    assert message.usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 4,
        "total_tokens": 13,
        "input_token_details": {"cache_read": 3, "audio": 2},
        "output_token_details": {"reasoning": 1},
    }
    assert message.response_metadata == {
        "model_name": "m",
        "model_provider": "lexilux_like",
        "finish_reason": "stop",
        "status": "complete",
        "continues": 0,
        "id": "chatcmpl-1",
        "request_id": "req_1",
        "created": 1_700_000_000,
    }


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_the_last_chunk_is_the_one_that_tells(scripted_server: ScriptedServer, way: str):
    scripted_server.play(stream("Hello"))
    *_, last = chunks_of(model_at(scripted_server), way, "Hi")
    assert (last.chunk_position, last.response_metadata["status"]) == ("last", "complete")


@EACH_WAY
def test_unknown_usage_is_none_and_not_nought(scripted_server: ScriptedServer, way: str):
    scripted_server.play(stream("Hello", usage=False))
    assert ask(model_at(scripted_server), way, "Hi").usage_metadata is None


@EACH_WAY
def test_a_cut_answer_is_made_whole(scripted_server: ScriptedServer, way: str):
    scripted_server.always(SimulatedModel(STORY, cut=40))
    message = ask(model_at(scripted_server), way, "Tell me a story.")
    assert (message.content, message.response_metadata["status"]) == (STORY, "complete")
    assert message.response_metadata["continues"] >= 1


@EACH_WAY
def test_a_broken_answer_is_made_whole(scripted_server: ScriptedServer, way: str):
    whole = SimulatedModel(STORY)
    scripted_server.play(cut(whole, at_byte=1_000))
    scripted_server.always(whole)
    assert ask(model_at(scripted_server), way, "Tell me a story.").content == STORY


@EACH_WAY
def test_an_answer_that_stays_cut_is_an_error_with_its_part(
    scripted_server: ScriptedServer, way: str
):
    scripted_server.always(stream("Once upon", finish_reason="length"))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        ask(model_at(scripted_server, max_continues=0), way, "Tell me a story.")
    assert caught.value.final_result is not None
    assert caught.value.final_result.text == "Once upon"


@EACH_WAY
def test_a_part_that_is_wanted_is_said_to_be_one(scripted_server: ScriptedServer, way: str):
    scripted_server.always(stream("Once upon", finish_reason="length"))
    message = ask(model_at(scripted_server, **PARTIAL), way, "Tell me a story.")
    assert message.content == "Once upon"
    assert message.response_metadata["finish_reason"] == "length"
    assert message.response_metadata["status"] == "truncated"


@EACH_WAY
def test_a_stream_without_an_end_is_never_an_answer(scripted_server: ScriptedServer, way: str):
    reply = stream("Once upon")
    end = body_of(reply).index(b'"finish_reason": "stop"')
    scripted_server.always(cut(reply, at_byte=end, clean=True))
    with pytest.raises((ChatStreamInterruptedError, ChatIncompleteResponseError)) as caught:
        ask(model_at(scripted_server, max_retries=0), way, "Hi")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Once upon"


@EACH_WAY
@pytest.mark.parametrize("form", [form for form in CALL_FORMS if form != "cut_off"])
def test_calls_come_whole_however_the_server_streams_them(
    scripted_server: ScriptedServer, way: str, form: Any
):
    scripted_server.play(call_stream(*CALLS, form=form))
    message = ask(model_at(scripted_server), way, "Add them.")
    assert [call["args"] for call in message.tool_calls] == [{"a": 1, "b": 2}, {"a": 3}]
    assert all(call["id"] for call in message.tool_calls)
    assert not message.invalid_tool_calls


CUT_CALLS = {
    "in a text": stream({"tool_calls": [CALLS[0] | {"index": 0}]}, finish_reason="length"),
    "mendable": events(
        chunk({"tool_calls": [tool_call("add", '{"city": "Ro') | {"index": 0}]}),
        chunk({}, finish_reason="length"),
    ),
    "no arguments yet": events(
        chunk({"tool_calls": [tool_call("add", "") | {"index": 0}]}),
        chunk({}, finish_reason="length"),
    ),
}


@EACH_WAY
@pytest.mark.parametrize("reply", CUT_CALLS.values(), ids=CUT_CALLS)
def test_a_cut_call_is_never_one_to_run(scripted_server: ScriptedServer, way: str, reply: Any):
    scripted_server.always(reply)
    message = ask(model_at(scripted_server, **PARTIAL), way, "Add them.")
    assert message.tool_calls == []
    assert [call["name"] for call in message.invalid_tool_calls] == ["add"]


@EACH_WAY
def test_arguments_that_are_no_object_are_never_a_call_to_run(
    scripted_server: ScriptedServer, way: str
):
    scripted_server.always(call_stream(tool_call("add", '{"a": 1'), tool_call("add", "[1]")))
    message = ask(model_at(scripted_server, ensure_complete=False), way, "Add them.")
    assert message.tool_calls == []
    assert len(message.invalid_tool_calls) == 2


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_cut_call_is_no_call_in_any_chunk(scripted_server: ScriptedServer, way: str):
    scripted_server.always(CUT_CALLS["mendable"])
    chunks = chunks_of(model_at(scripted_server, **PARTIAL), way, "Add them.")
    assert all(not each.tool_calls for each in chunks)
    assert not any(block["type"] == "tool_call" for each in chunks for block in each.content_blocks)


@pytest.mark.parametrize("version", [None, "v1"])
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_cut_call_is_no_block_of_a_call(scripted_server: ScriptedServer, way: str, version: Any):
    scripted_server.always(CUT_CALLS["in a text"])
    model = model_at(scripted_server, output_version=version, **PARTIAL)
    message = ask(model, way, "Add them.")
    assert not any(block["type"] == "tool_call" for block in message.content_blocks)


def test_a_call_without_an_id_gets_one(scripted_server: ScriptedServer):
    scripted_server.play(stream({"tool_calls": [tool_call("add", {}, id="") | {"index": 0}]}))
    (call,) = model_at(scripted_server).invoke("Add.").tool_calls
    assert call["id"].startswith("call_")


@EACH_WAY
def test_an_answer_goes_back_as_it_came(scripted_server: ScriptedServer, way: str):
    signed = tool_call("add", '{"a":1,  "b": "ü"}', id="one") | {"extra_content": {"sign": "xyz"}}
    scripted_server.play(
        stream(
            {"reasoning_content": "Let me see."},
            {"tool_calls": [signed | {"index": 0}]},
            finish_reason="tool_calls",
        ),
        stream("3"),
    )
    model = model_at(scripted_server)
    message = ask(model, way, "Add them.")
    model.invoke([HumanMessage("Add them."), message, ToolMessage("3", tool_call_id="one")])
    assert scripted_server.requests[1].json["messages"][1] == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Let me see.",
        "tool_calls": [signed],
    }


def test_a_call_that_was_edited_goes_back_as_it_is_now(scripted_server: ScriptedServer):
    scripted_server.play(call_stream(CALLS[0]), stream("ok"))
    model = model_at(scripted_server)
    message = model.invoke("Add them.")
    message.tool_calls[0]["args"] = {"a": 7}
    model.invoke(["Add them.", message, ToolMessage("7", tool_call_id="one")])
    (sent,) = scripted_server.requests[1].json["messages"][1]["tool_calls"]
    assert json.loads(sent["function"]["arguments"]) == {"a": 7}


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_reasoning_is_streamed_and_stands_first(scripted_server: ScriptedServer, way: str):
    scripted_server.play(stream({"reasoning_content": "Let "}, {"reasoning_content": "me."}, "Hi"))
    chunks = chunks_of(model_at(scripted_server), way, "Hi")
    thoughts = [each.additional_kwargs.get("reasoning_content") for each in chunks]
    assert thoughts[:2] == ["Let ", "me."]
    whole = sum(chunks[1:], chunks[0])
    assert [block["type"] for block in whole.content_blocks] == ["reasoning", "text"]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_leaving_a_stream_closes_the_connection(scripted_server: ScriptedServer, way: str):
    scripted_server.play(stream(*[STORY] * 50, gap_s=0.02))
    model = model_at(scripted_server)
    if way == "stream":
        next(chunks := model.stream("Hi"))
        chunks.close()
    else:

        async def leave() -> None:
            chunks = model.astream("Hi")
            await anext(chunks)
            await chunks.aclose()

        asyncio.run(leave())
    assert scripted_server.wait_for_disconnect()
