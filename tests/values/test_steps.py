"""What a run of tools leaves: steps, outcomes, and the messages of them all."""

from __future__ import annotations

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.results import ChatResult, ToolCall, ToolOutcome, ToolStep

CALL = ToolCall("c1", "clock", "{}")
ASKED = ChatResult(tool_calls=(CALL,), status="tool_calls")
STEP = ToolStep(ASKED, (ToolOutcome(CALL, "noon", "noon"),))
LAST = ChatResult(text="It is noon.", status="complete")
RESULT = ChatResult(text="It is noon.", status="complete", steps=(STEP, ToolStep(LAST)))
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


def test_a_step_is_its_answer_and_what_the_tools_returned():
    assert STEP.to_messages() == [ASKED.to_message(), TOLD]


def test_a_result_has_the_messages_of_all_steps():
    assert RESULT.to_messages() == [ASKED.to_message(), TOLD, LAST.to_message()]


def test_a_plain_answer_is_one_message():
    assert LAST.to_messages() == [LAST.to_message()]


def test_a_history_takes_all_of_them():
    history = ChatHistory("What time is it?")
    history.append_result(RESULT)
    assert [each["role"] for each in history] == ["user", "assistant", "tool", "assistant"]
    assert ChatHistory.from_chat_result("What time is it?", RESULT) == history


def test_a_call_that_was_cut_is_not_appended_in_a_run_either():
    cut = ChatResult(status="truncated", incomplete_tool_calls=(CALL,), steps=(STEP,))
    history = ChatHistory()
    with pytest.raises(ValidationError, match="inside a tool call"):
        history.append_result(cut)
    assert len(history) == 0


def test_an_outcome_can_be_hashed_whatever_was_returned():
    assert hash(ToolOutcome(CALL, "[]", [])) == hash(ToolOutcome(CALL, "[]", {}))
