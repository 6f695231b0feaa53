"""LangChain's messages on the wire: in any of their forms, and nothing of them lost."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from chains import to_wire
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from lexilux_like import ValidationError
from lexilux_like.wire.blocks import encode_messages

PNG = "iVBORw0KGgo="
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
CALL = {"name": "add", "args": {"a": 1}, "id": "call_1", "type": "tool_call"}
ON_WIRE = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1}'},
}
CUT = {"name": "add", "args": '{"a": ', "id": "call_2", "error": None, "type": "invalid_tool_call"}


def content_of(*blocks: Any) -> Any:
    (message,) = to_wire([HumanMessage([*blocks])])
    return message["content"]


def test_each_kind_of_message_has_its_role():
    messages = [
        SystemMessage("Be brief."),
        SystemMessage("Be kind.", additional_kwargs={"__openai_role__": "developer"}),
        HumanMessage("Hi", name="ann"),
        AIMessage("Hello"),
        ChatMessage("Note", role="critic"),
        FunctionMessage("3", name="add"),
    ]
    assert to_wire(messages) == [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Hi", "name": "ann"},
        {"role": "assistant", "content": "Hello"},
        {"role": "critic", "content": "Note"},
        {"role": "function", "name": "add", "content": "3"},
    ]


def test_a_chunk_is_sent_as_the_message_that_it_is():
    assert to_wire([AIMessageChunk("Hello")]) == [{"role": "assistant", "content": "Hello"}]


def test_a_message_without_a_form_is_refused():
    with pytest.raises(ValidationError, match="RemoveMessage cannot be sent"):
        to_wire([RemoveMessage(id="1")])


@pytest.mark.parametrize(
    "block",
    [
        IMAGE,
        {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
        },
    ],
)
def test_an_image_in_any_form_is_the_same_part(block: dict[str, Any]):
    assert content_of("Look:", block) == [{"type": "text", "text": "Look:"}, IMAGE]


def test_an_image_of_an_address_is_left_for_the_server_to_fetch():
    url = "https://example.com/cat.png"
    expected = [{"type": "image_url", "image_url": {"url": url}}]
    assert content_of({"type": "image", "url": url}) == expected
    assert content_of({"type": "image", "source": {"type": "url", "url": url}}) == expected


def test_the_detail_of_an_image_is_kept():
    block = {"type": "image", "url": "https://example.com/c.png", "extras": {"detail": "low"}}
    assert content_of(block)[0]["image_url"]["detail"] == "low"


def test_audio_files_and_videos_have_parts_of_their_own():
    assert content_of(
        {"type": "audio", "base64": "AAAA", "mime_type": "audio/mpeg"},
        {"type": "file", "base64": "AAAA", "mime_type": "application/pdf", "filename": "a.pdf"},
        {"type": "file", "file_id": "file-1"},
        {"type": "file", "file": {"file_id": "file-2"}},
        {"type": "video", "url": "https://example.com/v.mp4"},
        {"type": "text-plain", "text": "plain", "mime_type": "text/plain"},
    ) == [
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        },
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_id": "file-2"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/v.mp4"}},
        {"type": "text", "text": "plain"},
    ]


def test_of_a_text_only_its_text_and_its_cache_mark_are_sent():
    mark = {"type": "ephemeral"}
    text = {"type": "text", "text": "Hi", "index": 0, "annotations": [], "id": "lc_1"}
    assert content_of({**text, "cache_control": mark}) == [
        {"type": "text", "text": "Hi", "cache_control": mark}
    ]
    assert content_of({**text, "extras": {"cache_control": mark}}) == [
        {"type": "text", "text": "Hi", "cache_control": mark}
    ]


def test_a_block_of_a_server_s_own_is_left_as_it_is():
    own = {"type": "guidance", "weight": 2}
    assert content_of(own, {"type": "non_standard", "value": own}) == [own, own]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"type": "image", "base64": PNG}, "needs a url, or base64 and a mime_type"),
        ({"type": "audio", "url": "https://example.com/a.wav"}, "audio needs its base64"),
        ({"type": "audio", "base64": "AAAA", "mime_type": "audio/ogg"}, "mime_type='audio/ogg'"),
    ],
)
def test_a_block_without_its_data_is_refused(block: dict[str, Any], problem: str):
    with pytest.raises(ValidationError, match=problem):
        content_of(block)


def test_a_refused_block_does_not_put_its_data_into_the_message():
    with pytest.raises(ValidationError) as caught:
        content_of({"type": "file", "base64": "A" * 10_000})
    assert len(caught.value.message) < 300


def test_calls_and_results_keep_their_ids():
    assert to_wire([AIMessage("", tool_calls=[CALL]), ToolMessage("2", tool_call_id="call_1")]) == [
        {"role": "assistant", "content": None, "tool_calls": [ON_WIRE]},
        {"role": "tool", "tool_call_id": "call_1", "content": "2"},
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no such city", "Error: no such city"),
        ("Error: no such city", "Error: no such city"),
        ([IMAGE], [{"type": "text", "text": "Error:"}, IMAGE]),
    ],
)
def test_a_failed_tool_is_said_to_have_failed(content: Any, said: Any):
    message = ToolMessage(content, tool_call_id="call_1", status="error")
    assert to_wire([message])[0]["content"] == said


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}},
        CALL,
    ],
)
def test_a_call_in_the_content_is_sent_once(block: dict[str, Any]):
    expected = {"role": "assistant", "content": "So:", "tool_calls": [ON_WIRE]}
    text = {"type": "text", "text": "So:"}
    assert to_wire([AIMessage([text, block], tool_calls=[CALL])]) == [expected]
    assert to_wire([AIMessage([text, block])]) == [expected]


def test_a_broken_call_is_sent_only_where_a_result_answers_it():
    message = AIMessage("", invalid_tool_calls=[CUT])
    assert to_wire([message]) == [{"role": "assistant", "content": ""}]
    answered, _ = to_wire([message, ToolMessage("It was cut.", tool_call_id="call_2")])
    assert answered["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": '}


def test_unsigned_reasoning_is_no_part_of_the_content():
    blocks = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}]
    assert to_wire([AIMessage(blocks)]) == [{"role": "assistant", "content": "Yes."}]


@pytest.mark.parametrize(
    "thought",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "s"}},
    ],
)
def test_signed_reasoning_goes_back_to_anthropic(thought: dict[str, Any]):
    message = AIMessage([thought, {"type": "text", "text": "Yes."}], tool_calls=[CALL])
    _, (turn, _) = encode_messages(to_wire([message, ToolMessage("2", tool_call_id="call_1")]))
    assert turn["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Yes."},
        {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}},
    ]


def test_no_message_is_changed():
    messages = [
        HumanMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}]),
        AIMessage(
            [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, "Yes."],
            tool_calls=[CALL],
            additional_kwargs={"lexilux_like": {"tool_calls": [ON_WIRE], "reasoning": "Hm."}},
        ),
        ToolMessage("bad", tool_call_id="call_1", status="error"),
    ]
    before = deepcopy(messages)
    sent = json.dumps(to_wire(messages))
    assert messages == before
    assert json.dumps(to_wire(messages)) == sent
