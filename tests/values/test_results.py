"""What a chat returns: usage adds up, calls are read, verdicts and messages are true."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.results import (
    ChatResult,
    ChatStreamChunk,
    Choice,
    StreamingResult,
    Timing,
    ToolCall,
    Usage,
    stamp,
)

counts = st.none() | st.integers(0, 10**9)
usages = st.builds(Usage, counts, counts, counts, counts, counts)


def test_usage_has_the_names_of_the_wire_as_well():
    usage = Usage(input_tokens=3, output_tokens=5)
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, 5)


@pytest.mark.parametrize(
    "usage",
    [Usage(0), Usage(output_tokens=0), Usage(total_tokens=1), Usage(details={"cost": 0.1})],
)
def test_usage_is_true_when_the_server_said_anything(usage: Usage):
    assert usage


def test_usage_is_false_when_the_server_said_nothing():
    assert not Usage()


def test_usages_add_up():
    assert Usage(1, 2, 3, 4, 5) + Usage(10, 20, 30, 40, 50) == Usage(11, 22, 33, 44, 55)


@given(usages)
def test_adding_an_unknown_usage_changes_nothing(usage: Usage):
    assert usage + Usage() == usage == Usage() + usage


@given(usages, usages)
def test_the_order_of_adding_is_no_matter(one: Usage, other: Usage):
    assert one + other == other + one


def test_the_provider_s_own_object_does_not_count_in_comparisons():
    assert Usage(1, details={"a": 1}) == Usage(1)


@pytest.mark.parametrize(
    ("text", "arguments"), [('{"city": "Paris"}', {"city": "Paris"}), ("", {}), ("{}", {})]
)
def test_arguments_are_read_from_json(text: str, arguments: dict[str, str]):
    assert ToolCall("c1", "f", text).get_arguments() == arguments


@pytest.mark.parametrize("text", ['{"city": "Par', "[1]", '"x"', "null", "nope"])
def test_arguments_that_are_no_object_are_a_value_error(text: str):
    with pytest.raises(ValueError, match=r"."):
        ToolCall("c1", "f", text).get_arguments()


def test_a_call_is_written_as_on_the_wire():
    assert ToolCall("c1", "f", "{}").to_dict() == {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }


@pytest.mark.parametrize(
    ("status", "complete", "truncated"),
    [
        ("complete", True, False),
        ("tool_calls", True, False),
        ("truncated", False, True),
        ("context_exceeded", False, True),
        ("filtered", False, False),
        ("refused", False, False),
        ("interrupted", False, False),
        ("unannounced", False, False),
        ("unknown", False, False),
    ],
)
def test_the_verdict_is_what_the_status_says(status: str, complete: bool, truncated: bool):
    choice = Choice(status=status)
    assert (choice.complete, choice.truncated) == (complete, truncated)


def test_a_result_is_incomplete_until_something_says_otherwise():
    assert not ChatResult().complete


def test_a_result_prints_as_its_text():
    assert str(ChatResult(text="Hi")) == "Hi"


def test_the_raw_json_is_not_in_the_repr():
    assert "secret" not in repr(ChatResult(raw={"key": "secret"}, fields={"x": "secret"}))


class TestToMessage:
    def test_text_is_the_content(self):
        assert ChatResult(text="Hi").to_message() == {"role": "assistant", "content": "Hi"}

    def test_an_empty_answer_has_empty_content_because_servers_refuse_none(self):
        assert ChatResult().to_message() == {"role": "assistant", "content": ""}

    def test_tool_calls_may_stand_without_content(self):
        call = ToolCall("c1", "f", "{}")
        assert ChatResult(tool_calls=(call,)).to_message() == {
            "role": "assistant",
            "content": None,
            "tool_calls": [call.to_dict()],
        }

    def test_tool_calls_keep_the_text_before_them(self):
        message = ChatResult(text="Let me see.", tool_calls=(ToolCall("c1"),)).to_message()
        assert message["content"] == "Let me see."

    def test_calls_that_were_cut_off_are_left_out(self):
        message = ChatResult(incomplete_tool_calls=(ToolCall("c1", "f", '{"a'),)).to_message()
        assert "tool_calls" not in message

    def test_a_refusal_is_kept(self):
        assert ChatResult(refusal="No.").to_message() == {
            "role": "assistant",
            "content": "",
            "refusal": "No.",
        }

    def test_reasoning_goes_back_in_the_field_that_it_came_in(self):
        result = ChatResult(text="4", reasoning="2+2", reasoning_field="reasoning_content")
        assert result.to_message()["reasoning_content"] == "2+2"

    def test_reasoning_from_the_text_itself_is_not_sent_back(self):
        assert ChatResult(text="4", reasoning="2+2").to_message().keys() == {"role", "content"}

    def test_signed_reasoning_details_are_kept(self):
        details = [{"type": "reasoning.encrypted", "data": "x"}]
        message = ChatResult(text="4", fields={"reasoning_details": details}).to_message()
        assert message["reasoning_details"] == details


def test_a_streaming_result_becomes_a_plain_one_with_all_its_fields():
    streamed = StreamingResult(text="Hi", status="complete", model="m", usage=Usage(1), done=True)
    plain = streamed.to_chat_result()
    assert type(plain) is ChatResult
    assert plain == ChatResult(text="Hi", status="complete", model="m", usage=Usage(1))


@pytest.mark.parametrize("kind", [ChatResult, StreamingResult])
def test_a_stamped_result_differs_in_the_facts_only(kind: type[ChatResult]):
    result = kind(text="Hi", usage=Usage(1), choices=(Choice(text="Hi"),), key_index=1)
    expected = dataclasses.replace(result, timing=Timing(None, 2.0), key_index=0)
    stamp(result, {"timing": Timing(None, 2.0), "key_index": 0})
    assert result == expected


def test_a_result_has_no_other_fields_to_stamp():
    with pytest.raises(AttributeError):
        stamp(ChatResult(), {"time": 1.0})


def test_results_survive_pickling():
    result = ChatResult(text="Hi", usage=Usage(1), choices=(Choice(text="Hi"),))
    assert pickle.loads(pickle.dumps(result)) == result


def test_results_cannot_be_changed():
    with pytest.raises(AttributeError):
        ChatResult(text="Hi").text = "Ho"  # type: ignore[misc]


def test_chunks_and_results_have_no_dict_because_there_are_millions():
    for value in (ChatStreamChunk(), ToolCall(), Usage(), Choice()):
        assert not hasattr(value, "__dict__")


def test_arguments_that_are_nested_too_deeply_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        ToolCall(arguments="[" * 100_000).get_arguments()


def test_what_else_a_call_had_is_sent_back() -> None:
    call = ToolCall("c1", "add", "{}", fields={"extra_content": {"google": {"signature": "x"}}})
    assert call.to_dict() == {
        "id": "c1",
        "type": "function",
        "function": {"name": "add", "arguments": "{}"},
        "extra_content": {"google": {"signature": "x"}},
    }
