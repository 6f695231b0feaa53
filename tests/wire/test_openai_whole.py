"""Whole bodies: what becomes of each field, and of what is no chat completion."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ToolCall
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect


def body(message: object = None, finish_reason: object = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return json.dumps({"id": "c", "model": "m", "choices": [choice], **fields}).encode()


def said(**message: Any) -> bytes:
    return body({"role": "assistant", **message})


def call(name: str, arguments: object, identity: object = "c1") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": identity, "type": "function", "function": function}


def test_plain_answer(decode) -> None:
    result = decode(said(content="Hello"))
    assert result.text == "Hello"
    assert (result.status, result.finish_reason, result.raw_finish_reason) == (
        "complete",
        "stop",
        "stop",
    )
    assert result.complete
    assert [each.text for each in result.choices] == ["Hello"]


def test_what_belongs_to_the_answer_as_a_whole(decode) -> None:
    head = {"created": 5, "system_fingerprint": "fp", "service_tier": "flex"}
    result = decode(body({"content": "x"}, **head))
    assert (result.id, result.model, result.created) == ("c", "m", 5)
    assert (result.system_fingerprint, result.service_tier) == ("fp", "flex")


def test_numeric_id_becomes_text(decode) -> None:
    assert decode(body({"content": "x"}, id=7)).id == "7"


def test_request_id_comes_from_the_headers() -> None:
    response = Response(200, {"x-request-id": "r-1"}, said(content="x"))
    assert OpenAIDialect().decode(response, ChatRequest("m", [])).request_id == "r-1"


def test_raw_is_kept_when_asked_for(decode) -> None:
    assert decode(said(content="x"), keep_raw=True).raw["id"] == "c"
    assert decode(said(content="x")).raw is None


@pytest.mark.parametrize("content", [None, "", []])
def test_no_content_is_empty_text(content: object, decode) -> None:
    assert decode(said(content=content)).text == ""


def test_content_parts_are_text_and_reasoning(decode) -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "why"}, " not"]},
        {"type": "text", "text": "a"},
        "b",
        {"type": "reference", "reference_ids": [1]},
        {"type": "thinking", "thinking": "!"},
        None,
    ]
    result = decode(said(content=parts))
    assert (result.text, result.reasoning) == ("ab", "why not!")
    assert result.fields["content"] == [{"type": "reference", "reference_ids": [1]}]


def test_content_that_is_an_object_is_its_json(decode) -> None:
    assert json.loads(decode(said(content={"a": [1, "é"]})).text) == {"a": [1, "é"]}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_and_the_field_it_came_in(field: str, decode) -> None:
    result = decode(said(content="x", **{field: "why"}))
    assert (result.reasoning, result.reasoning_field) == ("why", field)
    assert result.to_message()[field] == "why"


def test_reasoning_in_two_fields_counts_once(decode) -> None:
    details = [{"type": "reasoning.text", "text": "in short, why"}]
    result = decode(said(reasoning="why!", reasoning_content="why", reasoning_details=details))
    assert (result.reasoning, result.reasoning_field) == ("why", "reasoning_content")
    assert result.fields["reasoning_details"] == details


def test_reasoning_details_alone_are_reasoning(decode) -> None:
    details = [
        {"type": "reasoning.summary", "summary": "a"},
        {"type": "reasoning.text", "text": "b"},
        {"type": "reasoning.encrypted", "data": "c"},
    ]
    result = decode(said(content="x", reasoning_details=details))
    assert (result.reasoning, result.reasoning_field) == ("ab", None)


def test_reasoning_that_is_no_text_is_kept_as_a_field(decode) -> None:
    assert decode(said(content="x", reasoning={"a": 1})).fields["reasoning"] == {"a": 1}


def test_reasoning_details_that_are_no_list_are_kept(decode) -> None:
    result = decode(said(content="x", reasoning_details={"a": 1}))
    assert (result.reasoning, result.fields["reasoning_details"]) == ("", {"a": 1})


@pytest.mark.parametrize("logprobs", [-0.5, [1]])
def test_logprobs_that_are_no_object_are_kept_as_a_field(logprobs: object, decode) -> None:
    data = json.dumps({"choices": [{"message": {"content": "x"}, "logprobs": logprobs}]})
    result = decode(data.encode())
    assert (result.logprobs, result.fields["logprobs"]) == (None, logprobs)


def test_think_block_is_reasoning_when_asked_for(decode) -> None:
    result = decode(said(content="<think>why</think>\nso"), reasoning=True)
    assert (result.text, result.reasoning) == ("so", "why")


def test_think_block_stays_text_unless_asked_for(decode) -> None:
    assert decode(said(content="<think>why</think>so")).text == "<think>why</think>so"


@pytest.mark.parametrize("finish_reason", ["length", None, ""])
def test_unfinished_tag_at_the_end_is_not_lost(finish_reason: object, decode) -> None:
    result = decode(body({"content": "<think>why</thi"}, finish_reason), reasoning=True)
    assert result.reasoning == "why</thi"


def test_tool_calls_of_a_whole_answer(decode) -> None:
    message = {"content": None, "tool_calls": [call("f", '{"x": 1}'), call("g", "{}", "c2")]}
    result = decode(body(message, "tool_calls"))
    assert result.tool_calls == (ToolCall("c1", "f", '{"x": 1}'), ToolCall("c2", "g", "{}"))
    assert (result.status, result.incomplete_tool_calls) == ("tool_calls", ())


@pytest.mark.parametrize("finish_reason", ["length", "content_filter", "banana", "", None])
def test_calls_of_an_answer_that_is_not_whole_are_never_offered(
    finish_reason: object, decode
) -> None:
    result = decode(body({"tool_calls": [call("f", "{}")]}, finish_reason))
    if finish_reason != "":  # xAI's empty word with calls asks for them
        assert result.tool_calls == ()
        assert [each.name for each in result.incomplete_tool_calls] == ["f"]
    else:
        assert result.status == "tool_calls"


def test_calls_of_a_whole_message_are_never_merged(decode) -> None:
    calls = [{**call("f", "{}", ""), "index": 0}, {**call("f", "{}", ""), "index": 0}]
    assert len(decode(body({"tool_calls": calls})).tool_calls) == 2


def test_arguments_that_are_an_object_become_json(decode) -> None:
    [found] = decode(body({"tool_calls": [call("f", {"x": "é"}, 12)]})).tool_calls
    assert (found.id, found.get_arguments()) == ("12", {"x": "é"})


@pytest.mark.parametrize("calls", [None, [], [None]])
def test_no_tool_calls(calls: object, decode) -> None:
    result = decode(said(content="x", tool_calls=calls))
    assert (result.tool_calls, result.status) == ((), "complete")


def test_call_that_is_alone_and_not_in_a_list(decode) -> None:
    assert decode(body({"tool_calls": call("f", "{}")})).tool_calls[0].name == "f"


def test_call_without_the_function_object(decode) -> None:
    [found] = decode(body({"tool_calls": [{"name": "f", "arguments": "{}"}]})).tool_calls
    assert (found.name, found.arguments) == ("f", "{}")


def test_refusal_without_text_is_refused(decode) -> None:
    result = decode(said(content=None, refusal="No."))
    assert (result.refusal, result.status, result.complete) == ("No.", "refused", False)


def test_refusal_beside_text_is_an_answer(decode) -> None:
    assert decode(said(content="x", refusal="No.")).status == "complete"


def test_legacy_function_call_is_kept(decode) -> None:
    function = {"name": "f", "arguments": "{}"}
    result = decode(body({"content": None, "function_call": function}, "function_call"))
    assert result.fields["function_call"] == function
    assert result.status == "tool_calls"


def test_other_fields_are_kept_as_sent(decode) -> None:
    others = {"annotations": [{"a": 1}], "audio": {"id": "a", "data": "QQ==", "transcript": "hi"}}
    result = decode(said(content="x", name=None, **others))
    assert result.fields == others


def test_logprobs_are_kept(decode) -> None:
    choice = {"message": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}
    result = decode(json.dumps({"choices": [choice]}).encode())
    assert result.logprobs == {"content": [{"token": "x"}]}


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
            (1, 2, 3, None, None, None),
        ),
        (
            {
                "prompt_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            (9, None, None, 4, 5, 3),
        ),
        ({"total_tokens": 3, "prompt_tokens_details": None}, (None, None, 3, None, None, None)),
        ({"prompt_tokens": "many", "total_tokens": True}, (None,) * 6),
        ({}, (None,) * 6),
        ("none", (None,) * 6),
        (None, (None,) * 6),
    ],
)
def test_usage(usage: object, counts: tuple[int | None, ...], decode) -> None:
    found = decode(body({"content": "x"}, usage=usage)).usage
    assert counts == (
        found.input_tokens,
        found.output_tokens,
        found.total_tokens,
        found.cached_tokens,
        found.reasoning_tokens,
        found.cache_creation_tokens,
    )


def test_usage_keeps_the_providers_own_object(decode) -> None:
    usage = {"prompt_tokens": 1, "cost": 0.5}
    assert decode(body({"content": "x"}, usage=usage)).usage.details == usage


def test_usage_beside_a_choice(decode) -> None:
    choice = {"message": {"content": "x"}, "usage": {"prompt_tokens": 1}}
    assert decode(json.dumps({"choices": [choice]}).encode()).usage.input_tokens == 1


def test_choices_are_sorted_and_the_first_is_the_results_own(decode) -> None:
    choices = [{"index": i, "message": {"content": f"c{i}"}} for i in (2, -1, 0)]
    result = decode(json.dumps({"choices": choices}).encode())
    assert [each.index for each in result.choices] == [-1, 0, 2]
    assert result.text == "c-1"


def test_choices_without_an_index_are_counted(decode) -> None:
    choices = [{"message": {"content": text}} for text in "ab"]
    result = decode(json.dumps({"choices": choices}).encode())
    assert [(each.index, each.text) for each in result.choices] == [(0, "a"), (1, "b")]


def test_choice_with_a_delta_in_place_of_a_message(decode) -> None:
    assert decode(json.dumps({"choices": [{"delta": {"content": "x"}}]}).encode()).text == "x"


def test_choice_of_the_older_completions(decode) -> None:
    assert decode(b'{"choices": [{"text": "x", "finish_reason": "stop"}]}').text == "x"


def test_choice_without_a_message_is_empty(decode) -> None:
    result = decode(b'{"choices": [{"finish_reason": "content_filter"}]}')
    assert (result.text, result.status) == ("", "filtered")


@pytest.mark.parametrize("finish_reason", [None, ""])
def test_no_finish_reason_is_unknown(finish_reason: object, decode) -> None:
    result = decode(body({"content": "x"}, finish_reason))
    assert (result.status, result.finish_reason) == ("unknown", None)
    assert result.raw_finish_reason == finish_reason


@pytest.mark.parametrize("finish_reason", ["banana", 3, {"why": "x"}])
def test_unknown_finish_reason_is_never_stop(finish_reason: object, decode) -> None:
    result = decode(body({"content": "x"}, finish_reason))
    assert (result.status, result.finish_reason) == ("unknown", "unknown")


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}])
def test_content_type_may_be_missing_or_wrong(headers: dict[str, str]) -> None:
    response = Response(200, headers, said(content="x"))
    assert OpenAIDialect().decode(response, ChatRequest("m", [])).text == "x"


@pytest.mark.parametrize("before", [b"\n\n   \n", b"\xef\xbb\xbf", b" \r\n\t"])
def test_white_space_before_the_body(before: bytes, decode) -> None:
    assert decode(before + said(content="x")).text == "x"


def test_half_a_character_is_replaced(decode) -> None:
    data = rb'{"choices": [{"message": {"content": "a\ud83d", "reasoning": "\ude00"}}]}'
    result = decode(data)
    assert (result.text, result.reasoning) == ("a\ufffd", "\ufffd")


def test_half_a_character_in_arguments_is_replaced(decode) -> None:
    function = rb'{"name": "f", "arguments": "\ud83d"}'
    data = rb'{"choices": [{"message": {"tool_calls": [{"function": ' + function + b"}]}}]}"
    assert decode(data).incomplete_tool_calls[0].arguments == "\ufffd"
