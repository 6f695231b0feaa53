"""What a chat window's messages become on the wire, and what of an answer comes back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from lexilux_like import ChatResult, Usage, ValidationError
from lexilux_like import ToolCall as Call
from lexilux_like.providers import (
    ChatConfig,
    ChatMessage,
    ImagePart,
    ResourceLinkPart,
    TextPart,
    ToolCall,
    ToolCallFunction,
)
from lexilux_like.providers.conversion import WIRE_MESSAGE, to_chat_message, to_wire

CONFIG = ChatConfig()
THOUGHT = ChatResult(
    text="Yes.", reasoning="Hm.", reasoning_field="reasoning_content", status="complete"
)


def wire(**fields: Any) -> dict[str, Any]:
    [converted] = to_wire([ChatMessage(**fields)], CONFIG)
    return converted


def parts(*content: Any) -> Any:
    return wire(role="user", content=list(content))["content"]


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_a_text_keeps_its_role(role: str):
    assert wire(role=role, content="Hi") == {"role": role, "content": "Hi"}


def test_the_system_prompt_comes_first():
    before = ChatMessage(role="system", content="Be kind.")
    converted = to_wire([before], ChatConfig(system_prompt="Be brief."))
    assert [each["content"] for each in converted] == ["Be brief.", "Be kind."]


def test_an_image_travels_inside_the_message():
    [part] = parts(ImagePart(data="QUJD", mime_type="image/webp"))
    assert part == {"type": "image_url", "image_url": {"url": "data:image/webp;base64,QUJD"}}


@pytest.mark.parametrize("url", ["data:image/gif;base64,QUJD", "DATA:image/gif;base64,QUJD"])
def test_an_image_that_is_a_data_url_stays_one(url: str):
    [part] = parts(ImagePart(data=url))
    assert part["image_url"]["url"] == url


def test_a_link_to_an_image_is_an_image():
    link = ResourceLinkPart(uri="https://x/a.png", name="a", mime_type="image/png")
    [part] = parts(link)
    assert part == {"type": "image_url", "image_url": {"url": "https://x/a.png"}}


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (ResourceLinkPart(uri="https://x/a.pdf", name="a"), "[a](https://x/a.pdf)"),
        (
            ResourceLinkPart(uri="file:///a.png", name="a", mime_type="image/png"),
            "[a](file:///a.png)",
        ),
        (ResourceLinkPart(uri="https://x/a.png"), "https://x/a.png"),
    ],
)
def test_any_other_link_is_a_text(link: ResourceLinkPart, text: str):
    assert parts(TextPart(text="See"), link) == [
        {"type": "text", "text": "See"},
        {"type": "text", "text": text},
    ]


def test_a_single_text_part_is_sent_as_a_string():
    assert parts(TextPart(text="Hi")) == "Hi"


def test_content_without_parts_is_empty():
    assert parts() == ""


def test_calls_and_their_results_keep_their_ids():
    function = ToolCallFunction(name="add", arguments='{"a": 1}')
    asked = wire(role="assistant", tool_calls=[ToolCall(id="call_7", function=function)])
    told = wire(role="tool", content="2", tool_call_id="call_7")
    assert asked == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_7", "type": "function", "function": function.model_dump()},
        ],
    }
    assert told == {"role": "tool", "content": "2", "tool_call_id": "call_7"}


def test_a_result_without_the_id_of_its_call_is_refused():
    with pytest.raises(ValidationError, match="needs tool_call_id"):
        wire(role="tool", content="2")


def test_messages_are_not_changed():
    messages = [
        ChatMessage(role="user", content=[TextPart(text="a"), ImagePart(data="QUJD")]),
        to_chat_message(THOUGHT),
    ]
    before = copy.deepcopy(messages)
    to_wire(messages, ChatConfig(system_prompt="x"))
    assert messages == before


def test_what_is_converted_shares_nothing_with_the_message():
    blocks = [{"type": "text", "text": "Yes.", "citations": []}]
    result = ChatResult(text="Yes.", status="complete", fields={"content_blocks": blocks})
    message = to_chat_message(result)
    to_wire([message], CONFIG)[0]["content_blocks"].clear()
    assert message.metadata[WIRE_MESSAGE]["content_blocks"] == blocks != []


def test_an_answer_says_who_wrote_it_and_what_it_cost():
    usage = Usage(input_tokens=5, output_tokens=2, total_tokens=7, cached_tokens=4)
    result = ChatResult(
        text="Hi", status="complete", finish_reason="stop", model="m-1", usage=usage
    )
    message = to_chat_message(result)
    counts = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7, "cached_tokens": 4}
    assert (message.role, message.content, message.model) == ("assistant", "Hi", "m-1")
    assert message.usage == counts
    assert message.metadata == {
        "model": "m-1",
        "usage": counts,
        "status": "complete",
        "finish_reason": "stop",
    }


def test_the_reasoning_is_in_the_metadata_and_goes_back():
    message = to_chat_message(THOUGHT)
    assert message.metadata["reasoning"] == "Hm."
    assert to_wire([message], CONFIG) == [THOUGHT.to_message()]


def test_the_fields_of_a_call_go_back():
    call = Call(id="c", name="f", arguments="{}", fields={"extra_content": {"signature": "s"}})
    result = ChatResult(tool_calls=(call,), status="tool_calls")
    assert to_wire([to_chat_message(result)], CONFIG) == [result.to_message()]


def test_a_message_that_went_through_json_goes_back_the_same():
    saved = to_chat_message(THOUGHT).model_dump_json()
    assert to_wire([ChatMessage.model_validate_json(saved)], CONFIG) == [THOUGHT.to_message()]


@pytest.mark.parametrize(
    "change",
    [
        {"content": "No."},
        {"tool_calls": [ToolCall(id="c", function=ToolCallFunction(name="f"))]},
        {"role": "user"},
    ],
)
def test_a_message_that_was_changed_is_sent_as_it_is_now(change: dict[str, Any]):
    changed = to_chat_message(THOUGHT).model_copy(update=change)
    [converted] = to_wire([changed], CONFIG)
    assert "reasoning_content" not in converted
    assert converted["role"] == changed.role


@pytest.mark.parametrize("kept", ["x", {}, {"tool_calls": [1]}, {"tool_calls": [{"id": "c"}]}])
def test_metadata_of_another_application_means_nothing(kept: object):
    message = {"role": "assistant", "content": "Yes.", "metadata": {WIRE_MESSAGE: kept}}
    assert wire(**message) == {"role": "assistant", "content": "Yes."}


def test_a_plain_answer_needs_nothing_in_its_metadata():
    calls = (Call(id="c", name="f", arguments="{}"),)
    plain = ChatResult(text="Hi", status="complete")
    calling = ChatResult(tool_calls=calls, status="tool_calls")
    assert WIRE_MESSAGE not in to_chat_message(plain).metadata
    assert WIRE_MESSAGE not in to_chat_message(calling).metadata


def test_half_an_answer_brings_nothing_that_is_sent_back():
    half = ChatResult(text="Ye", reasoning="Hm.", reasoning_field="reasoning", status="truncated")
    assert WIRE_MESSAGE not in to_chat_message(half).metadata


def test_a_call_without_an_id_gets_one_that_its_result_can_refer_to():
    result = ChatResult(tool_calls=(Call(name="f", arguments="{}"),), status="tool_calls")
    message = to_chat_message(result)
    assert message.tool_calls
    [converted] = to_wire([message], CONFIG)
    assert converted["tool_calls"][0]["id"] == message.tool_calls[0].id != ""


def test_an_answer_can_be_kept_as_json():
    assert json.loads(to_chat_message(THOUGHT).model_dump_json())["content"] == "Yes."
