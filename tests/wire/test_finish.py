"""Finish words: each provider's, and what it says of the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.wire.finish import WORDS, verdict


@pytest.mark.parametrize(
    ("words", "reason", "status"),
    [
        ("stop eos eos_token stop_sequence COMPLETE", "stop", "complete"),
        ("length model_length MAX_TOKENS max_tokens", "length", "truncated"),
        ("model_context_window_exceeded", "length", "context_exceeded"),
        ("tool_calls function_call TOOL_CALL", "tool_calls", "tool_calls"),
        ("content_filter sensitive guardrail_intervened safety", "content_filter", "filtered"),
        ("error network_error insufficient_system_resource ERROR", "error", "interrupted"),
        ("refusal", "refusal", "refused"),
        ("banana stop! stopp complete_ tool", "unknown", "unknown"),
    ],
)
def test_each_word_has_its_verdict(words: str, reason: str, status: str) -> None:
    for word in words.split():
        for spelt in (word, word.upper(), word.lower()):
            found = verdict(spelt, has_tool_calls=False, refusal=False)
            assert found == (reason, status), spelt


def test_stop_with_tool_calls_asks_for_tools() -> None:
    assert verdict("stop", has_tool_calls=True, refusal=False) == ("stop", "tool_calls")


def test_length_with_tool_calls_is_truncated() -> None:
    assert verdict("length", has_tool_calls=True, refusal=False) == ("length", "truncated")


def test_filter_with_tool_calls_is_filtered() -> None:
    _, status = verdict("content_filter", has_tool_calls=True, refusal=False)
    assert status == "filtered"


def test_empty_word_with_tool_calls_asks_for_tools() -> None:
    assert verdict("", has_tool_calls=True, refusal=False) == ("tool_calls", "tool_calls")


@pytest.mark.parametrize("word", [None, ""])
def test_no_word_is_unknown(word: str | None) -> None:
    assert verdict(word, has_tool_calls=False, refusal=False) == (None, "unknown")


def test_no_word_with_tool_calls_is_unknown() -> None:
    assert verdict(None, has_tool_calls=True, refusal=False) == (None, "unknown")


def test_refusal_without_text_is_refused() -> None:
    assert verdict("stop", has_tool_calls=False, refusal=True) == ("stop", "refused")


@given(st.text().filter(lambda word: word.lower() not in WORDS), st.booleans(), st.booleans())
def test_unknown_word_is_never_whole(word: str, calls: bool, refusal: bool) -> None:
    reason, status = verdict(word or "?", has_tool_calls=calls, refusal=refusal)
    assert (reason, status) == ("unknown", "unknown")
