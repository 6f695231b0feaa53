"""Results and errors as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexilux_like.batch.codec import (
    error_from_json,
    error_to_json,
    result_from_json,
    result_to_json,
)
from lexilux_like.values import errors
from lexilux_like.values.errors import LexiluxError
from lexilux_like.values.results import (
    ChatResult,
    Choice,
    FailedAttempt,
    Segment,
    Timing,
    ToolCall,
    Usage,
)

texts = st.text(max_size=8) | st.just("\ud800 alone\n\u2028")
seconds = st.none() | st.floats(0, 1e6)
numbers = st.none() | st.integers(0, 10**9)
plain = st.dictionaries(
    texts, st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=2)
)
calls = st.builds(ToolCall, texts, texts, texts, texts, plain)
usages = st.builds(Usage, numbers, numbers, numbers, numbers, numbers, plain, numbers)
choice: dict[str, Any] = {
    "text": texts,
    "reasoning": texts,
    "tool_calls": st.lists(calls, max_size=2).map(tuple),
    "incomplete_tool_calls": st.lists(calls, max_size=2).map(tuple),
    "refusal": st.none() | texts,
    "status": st.sampled_from(["complete", "truncated", "unknown"]),
    "finish_reason": st.sampled_from(["stop", "length", None]),
    "raw_finish_reason": st.none() | texts,
    "index": st.integers(0, 3),
    "logprobs": st.none() | plain,
    "reasoning_field": st.none() | texts,
    "fields": plain,
}
choices = st.builds(Choice, **choice)
segments = st.builds(
    Segment, texts, st.integers(0, 9), raw_finish_reason=st.none() | texts, usage=usages
)
attempts = st.builds(FailedAttempt, texts, texts, st.integers(0, 2), texts, numbers)
results = st.builds(
    ChatResult,
    **choice,
    choices=st.lists(choices, max_size=2).map(tuple),
    usage=usages,
    model=st.none() | texts,
    id=st.none() | texts,
    created=numbers,
    timing=st.builds(Timing, seconds, seconds),
    raw=st.none() | plain,
    segments=st.lists(segments, max_size=2).map(tuple),
    continues=st.integers(0, 5),
    base_url=st.none() | texts,
    key_index=st.integers(0, 2),
    failed_attempts=st.lists(attempts, max_size=2).map(tuple),
)


@given(results)
@settings(deadline=None)
def test_a_result_comes_back_equal(result: ChatResult):
    written = json.dumps(result_to_json(result))
    back = result_from_json(json.loads(written))
    assert back == result
    assert back.usage.details == result.usage.details


@given(results)
@settings(deadline=None, max_examples=30)
def test_a_choice_that_repeats_the_result_is_written_once(result: ChatResult):
    own = Choice(**{each.name: getattr(result, each.name) for each in fields(Choice)})
    repeated = replace(result, choices=(own,))
    written = result_to_json(repeated)
    assert "choices" not in written
    assert result_from_json(written) == repeated


def test_what_is_not_json_is_left_out():
    assert "parsed" not in result_to_json(ChatResult(parsed=object()))


TREE = [each for each in vars(errors).values() if isinstance(each, type)]
KINDS = [each for each in TREE if issubclass(each, LexiluxError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_its_class(kind: type[LexiluxError]):
    error = kind("it failed")
    error.partial = ChatResult(text="half")
    back = error_from_json(json.loads(json.dumps(error_to_json(error))))
    assert type(back) is kind
    assert (str(back), back.message, back.code) == (str(error), error.message, error.code)
    assert (back.retryable, back.partial) == (error.retryable, error.partial)


def test_another_library_s_error_comes_back_with_its_name():
    back = error_from_json(error_to_json(KeyError("mine")))
    assert type(back) is LexiluxError
    assert str(back) == "KeyError: 'mine'"


def test_headers_and_body_of_an_error_are_not_written():
    error = errors.APIError("no", status_code=400, headers={"x-key": "hush"}, body=b"psst")
    written = json.dumps(error_to_json(error))
    assert "hush" not in written
    assert "psst" not in written
    assert "400" in written
