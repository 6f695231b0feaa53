"""Messages as Anthropic's content blocks."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.parts import audio_part, file_part, image_part, text_part
from lexilux_like.values.results import ChatResult, ToolCall
from lexilux_like.wire.blocks import encode_messages

PNG = b"\x89PNG\r\n\x1a\n"
CACHED = {"cache_control": {"type": "ephemeral"}}


def turns(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return encode_messages(messages)[1]


def system(*messages: dict[str, Any]) -> Any:
    return encode_messages(messages)[0]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any = None, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **fields}


def call(name: str, arguments: Any, id: str = "t1") -> dict[str, Any]:  # noqa: A002
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(content: Any, id: str = "t1", **fields: Any) -> dict[str, Any]:  # noqa: A002
    return {"role": "tool", "tool_call_id": id, "content": content, **fields}


def only_block(content: Any) -> dict[str, Any]:
    [turn] = turns(user(content))
    [block] = turn["content"]
    return block


# The system prompt.


def test_there_is_no_system_prompt_where_nobody_gave_one() -> None:
    assert encode_messages([user("Hi")]) == ("", [user("Hi")])


def test_system_and_developer_messages_are_one_prompt() -> None:
    messages = [
        {"role": "system", "content": "a"},
        user("Hi"),
        {"role": "developer", "content": "b"},
    ]
    assert encode_messages(messages) == ("a\n\nb", [user("Hi")])


def test_a_system_prompt_of_parts_stays_in_parts() -> None:
    part = {"type": "text", "text": "b", **CACHED}
    prompt = system({"role": "system", "content": "a"}, {"role": "system", "content": [part]})
    assert prompt == [{"type": "text", "text": "a"}, part]


# What users say.


def test_a_text_stays_a_text() -> None:
    assert turns(user("Hi")) == [user("Hi")]


def test_parts_become_blocks_and_empty_texts_go() -> None:
    [turn] = turns(user(["a", text_part(""), {"type": "text", "text": "b", **CACHED}]))
    assert turn["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b", **CACHED},
    ]


def test_fields_of_a_message_that_are_not_known_are_sent() -> None:
    assert turns({**user("Hi"), "x": 1}) == [{**user("Hi"), "x": 1}]


def test_an_image_inside_the_message_is_base64() -> None:
    assert only_block([image_part(PNG)]) == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    }


def test_an_image_elsewhere_is_a_url() -> None:
    block = {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}}
    assert only_block([image_part("https://x/a.png")]) == block
    assert only_block([{"type": "image_url", "image_url": "https://x/a.png"}]) == block


def test_a_mark_on_a_part_goes_with_its_block() -> None:
    block = only_block([{**image_part("https://x/a.png"), **CACHED}])
    assert block["cache_control"] == CACHED["cache_control"]
    assert "image_url" not in block


def test_a_percent_encoded_data_url_is_base64_too() -> None:
    block = only_block([image_part("data:image/svg+xml,%3Csvg/%3E")])
    assert block["source"]["data"] == "PHN2Zy8+"


def test_a_pdf_is_a_document_with_a_title() -> None:
    assert only_block([file_part(b"%PDF-1.7", filename="a.pdf")]) == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjc="},
        "title": "a.pdf",
    }


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (file_part(file_id="file_1"), {"type": "file", "file_id": "file_1"}),
        (file_part("https://x/a.pdf"), {"type": "url", "url": "https://x/a.pdf"}),
        (
            file_part("Grüße".encode(), media_type="text/markdown"),
            {"type": "text", "media_type": "text/plain", "data": "Grüße"},
        ),
    ],
)
def test_other_files_are_documents(part: dict[str, Any], source: dict[str, Any]) -> None:
    assert only_block([part]) == {"type": "document", "source": source}


def test_a_file_that_is_an_image_is_sent_as_one() -> None:
    assert only_block([file_part(PNG)]) == only_block([image_part(PNG)])


def test_a_block_of_the_apis_own_passes_untouched() -> None:
    block = {"type": "search_result", "source": "x", "content": [], **CACHED}
    assert only_block([block]) == block


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (audio_part(b"RIFF0000WAVE"), "audio"),
        (image_part("https://x/a.png", detail="high"), "detail='high'"),
        (image_part("data:nonsense"), "not a data URL"),
        (file_part(b"PK", media_type="application/zip"), "application/zip"),
        (file_part("data:text/plain;base64,/w=="), "UTF-8"),
        (7, "not 7"),
    ],
)
def test_a_part_that_the_api_has_no_form_for_is_refused(part: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        turns(user([part]))


def test_detail_auto_asks_for_nothing() -> None:
    assert only_block([image_part("https://x/a.png", detail="auto")])["type"] == "image"


def test_a_role_that_the_api_lacks_is_refused() -> None:
    with pytest.raises(ValidationError, match="'function'"):
        turns({"role": "function", "content": "x"})


# What the model said.


def test_an_answer_in_text_stays_a_text() -> None:
    assert turns(user("Hi"), assistant("Yes", refusal=None))[1] == assistant("Yes")


def test_an_answer_that_says_nothing_is_left_out() -> None:
    assert turns(user("a"), assistant(""), user("b")) == [user("a"), user("b")]


def test_a_refusal_is_sent_back_as_text() -> None:
    [block] = turns(assistant("", refusal="No."))[0]["content"]
    assert block == {"type": "text", "text": "No."}


def test_tool_calls_become_blocks_behind_the_text() -> None:
    [turn] = turns(assistant("Let me see.", tool_calls=[call("f", '{"a": 1}')]))
    assert turn["content"] == [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
    ]


@pytest.mark.parametrize(
    ("arguments", "spelled"),
    [
        ("", {}),
        ({"a": 1}, {"a": 1}),
        ('{"a": ', {"arguments": '{"a": '}),
        ("[1]", {"arguments": "[1]"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
    ],
)
def test_arguments_are_an_object_and_nothing_is_lost(arguments: Any, spelled: Any) -> None:
    [turn] = turns(assistant(tool_calls=[call("f", arguments)]))
    assert turn["content"][0]["input"] == spelled


def test_reasoning_of_other_servers_is_not_sent() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes"}]
    [turn] = turns(assistant(parts, reasoning_content="hm", thinking="hm"))
    assert turn == assistant([{"type": "text", "text": "Yes"}])


# Blocks sent back as they came.

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
BLOCKS = [THOUGHT, {"type": "text", "text": "Yes"}, USE]


def answered(**fields: Any) -> ChatResult:
    return ChatResult(
        **{
            "text": "Yes",
            "status": "tool_calls",
            "reasoning": "hm",
            "tool_calls": (ToolCall("t1", "f", '{"a": 1}'),),
            "fields": {"content_blocks": BLOCKS},
            **fields,
        }
    )


def test_blocks_that_came_are_sent_in_place_of_content_and_calls() -> None:
    assert turns(answered().to_message()) == [assistant(BLOCKS)]


def test_a_history_keeps_the_blocks_through_json() -> None:
    history = ChatHistory("Hi")
    history.append_result(answered())
    again = ChatHistory.from_json(history.to_json())
    assert turns(*again.get_messages()) == [user("Hi"), assistant(BLOCKS)]


def test_a_message_without_blocks_has_no_such_field() -> None:
    assert "content_blocks" not in answered(fields={}).to_message()


@pytest.mark.parametrize(
    "changed",
    [
        {"content": "No"},
        {"tool_calls": []},
        {"tool_calls": [call("f", "{}", "t2")]},
        {"content": [{"type": "text", "text": "Yes"}]},
    ],
)
def test_blocks_of_a_message_that_was_changed_since_are_not_sent(changed: dict[str, Any]) -> None:
    message = {**answered().to_message(), **changed}
    [turn] = turns(message)
    assert "thinking" not in str(turn["content"])


def test_an_answer_that_was_cut_inside_a_call_is_sent_without_it() -> None:
    cut = answered(status="truncated", tool_calls=())
    assert turns(cut.to_message()) == [assistant("Yes")]


# Results of tools.


def test_results_and_the_question_behind_them_are_one_message() -> None:
    calls = [call("f", "{}"), call("g", "{}", "t2")]
    sent = turns(
        assistant(tool_calls=calls), result("1"), result("2", "t2"), user("And?"), user("Well?")
    )
    assert sent[1:] == [
        user(
            [
                {"type": "tool_result", "tool_use_id": "t1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "2"},
                {"type": "text", "text": "And?"},
            ]
        ),
        user("Well?"),
    ]


def test_results_of_two_answers_stay_apart() -> None:
    sent = turns(
        assistant(tool_calls=[call("f", "{}")]),
        result("1"),
        assistant(tool_calls=[call("f", "{}", "t2")]),
        result("2", "t2"),
    )
    assert [turn["role"] for turn in sent] == ["assistant", "user", "assistant", "user"]


def test_a_result_may_be_made_of_parts_or_empty_or_an_error() -> None:
    [turn] = turns(result([image_part(PNG)]), result("", "t2"), result("x", "t3", is_error=True))
    first, second, third = turn["content"]
    assert first["content"][0]["type"] == "image"
    assert "content" not in second
    assert third["is_error"] is True


def test_a_result_of_no_call_is_refused() -> None:
    with pytest.raises(ValidationError, match="tool_call_id"):
        turns({"role": "tool", "content": "1"})


def test_messages_are_not_changed() -> None:
    messages = [answered().to_message(), result("1"), user([text_part("a"), image_part(PNG)])]
    before = copy.deepcopy(messages)
    sent = turns(*messages)
    sent[1]["content"].clear()
    assert messages == before
