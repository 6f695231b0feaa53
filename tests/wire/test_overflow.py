"""The context window: refusals that speak of it, and those that only sound like it."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import (
    APIError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
)
from lexilux_like.wire.failure import event_error, status_error
from lexilux_like.wire.http import Response
from lexilux_like.wire.overflow import exceeds_context

OVERFLOWS = {
    "OpenAI": "Your input exceeds the context window of this model. Please adjust your input.",
    "OpenAI, formerly": "This model's maximum context length is 8192 tokens. However, you requested"
    " 8213 tokens (6683 in the messages, 730 in the functions, and 800 in the completion).",
    "vLLM": "This model's maximum context length is 16384 tokens. However, your request has 18225"
    " input tokens. Please reduce the length of the input messages.",
    "vLLM, the limit": "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's"
    " maximum context length is 4096 tokens and your request has 100 input tokens",
    "OpenRouter": "This endpoint's maximum context length is 131072 tokens. However, you requested"
    " about 140000 tokens",
    "Anthropic": "prompt is too long: 213462 tokens > 200000 maximum",
    "Anthropic, the limit": "input length and `max_tokens` exceed context limit: 199759 + 8192 >"
    " 200000, decrease input length or `max_tokens` and try again",
    "Bedrock": "Input is too long for requested model.",
    "Gemini": "The input token count (1196265) exceeds the maximum number of tokens allowed"
    " (1048575).",
    "xAI": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Groq": "Please reduce the length of the messages or completion.",
    "Copilot": "prompt token count of 130000 exceeds the limit of 128000",
    "Mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768"
    " maximum context length",
    "Moonshot": "Invalid request: Your request exceeded model token limit: 262144 (requested: 291)",
    "Moonshot, formerly": "model max length exceeded, max length:8192",
    "MiniMax": "invalid params, context window exceeds limit (2013)",
    "Qwen": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
    "Z.ai": "Prompt exceeds max length",
    "llama.cpp": "the request exceeds the available context size, try increasing it",
    "LM Studio": "The number of tokens to keep from the initial prompt is greater than the context"
    " length (n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length",
    "LM Studio, truncating": "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)",
    "LM Studio, MLX": "Context size has been exceeded.",
    "LM Studio, formerly": "Trying to keep the first 10136 tokens when context the overflows."
    " However, the model is loaded with context length of only 7866 tokens",
    "SGLang": "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
    "SGLang, the memory": "Input length (160062 tokens) exceeds the maximum allowed length (59862"
    " tokens).",
    "TGI": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1244"
    " `inputs` tokens and 1000 `max_new_tokens`",
    "TGI, the prompt": "Input validation error: `inputs` must have less than 512 tokens.",
    "Ollama": "prompt too long; exceeded max context length by 4 tokens",
}
"""Texts of real servers, from their issues and those of their clients."""

OTHERS = {
    "OpenAI's rate": "Request too large for gpt-4o in organization org-x on tokens per min (TPM):"
    " Limit 30000, Requested 30601. The input or output tokens must be reduced.",
    "Anthropic's rate": "This request would exceed your organization's rate limit of 30,000 input"
    " tokens per minute. Please reduce the prompt length or the maximum tokens requested.",
    "a rate of input tokens": "The input token count exceeds the limit of 32000 tokens per minute",
    "a cap of the answer": "max_tokens is too large: 9999. This model supports at most 4096"
    " completion tokens",
    "a prefill": "Assistant response prefill is incompatible with enable_thinking.",
    "a feature": "This model does not support context caching",
    "a long string": "Invalid 'messages[0].content': string too long. Expected a string with"
    " maximum length 1048576",
    "many tools": "Invalid 'tools': array too long. Expected an array with maximum length 128",
    "a large body": "Request exceeds the maximum size",
    "a large image": "image exceeds 5 MB maximum: 6291456 bytes > 5242880 bytes",
    "OpenRouter's money": "Prompt tokens limit exceeded: 69120 > 36608. To increase, visit the"
    " credits page and upgrade to a paid account",
    "a model": "The model `context-8k` does not exist",
}


def refused(message: str, status: int = 400, **error: Any) -> APIError:
    body = json.dumps({"error": {"message": message, **error}}).encode()
    return status_error(Response(status, {}, body))


@pytest.mark.parametrize("who", OVERFLOWS)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_overflow_is_told_by_its_words(who: str, status: int) -> None:
    error = refused(OVERFLOWS[who], status)
    assert isinstance(error, InvalidRequestError)
    assert error.context_exceeded
    assert not error.retryable
    assert "Shorten the history" in error.message
    assert error.status_code == status


@pytest.mark.parametrize("who", OVERFLOWS)
def test_overflow_inside_a_stream_is_told_by_its_words(who: str) -> None:
    error = event_error({"error": OVERFLOWS[who]}, data=b"", status=200, headers={})
    assert isinstance(error, InvalidRequestError)
    assert error.context_exceeded


@pytest.mark.parametrize("who", OTHERS)
@pytest.mark.parametrize("status", [400, 413])
def test_other_refusals_do_not_count(who: str, status: int) -> None:
    error = refused(OTHERS[who], status)
    assert isinstance(error, InvalidRequestError)
    assert not error.context_exceeded
    assert "Shorten" not in error.message


@pytest.mark.parametrize(
    "code",
    ["context_length_exceeded", "exceed_context_size_error", "context_window_exceeded", "1261"],
)
@pytest.mark.parametrize("name", ["code", "type"])
def test_overflow_is_told_by_its_code_or_type(code: str, name: str) -> None:
    error = refused("No", **{name: code})
    assert isinstance(error, InvalidRequestError)
    assert error.context_exceeded


@pytest.mark.parametrize("code", ["context_caching", "12610", "string_above_max_length", None])
def test_other_codes_do_not_count(code: str | None) -> None:
    assert not exceeds_context(code, "invalid_request_error", "No")


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitError), (402, QuotaExceededError)])
def test_limits_of_rate_and_money_stay_what_they_are(status: int, kind: type[APIError]) -> None:
    error = refused(OVERFLOWS["Anthropic"], status)
    assert type(error) is kind
    assert not hasattr(error, "context_exceeded")


def test_overflow_that_a_gateway_passes_on_is_told() -> None:
    error = refused("Provider returned error", metadata={"raw": OVERFLOWS["Groq"]})
    assert isinstance(error, InvalidRequestError)
    assert error.context_exceeded


@pytest.mark.parametrize("status", [400, 413])
def test_refusal_without_a_word_hints_at_a_long_prompt(status: int) -> None:
    error = status_error(Response(status, {}, b""))
    assert isinstance(error, InvalidRequestError)
    assert "no reason given" in error.message
    assert "the prompt is too long" in error.message
    assert not error.context_exceeded


def test_copies_of_the_error_still_know() -> None:
    error = refused(OVERFLOWS["OpenAI"])
    assert pickle.loads(pickle.dumps(error)).context_exceeded
    assert copy.copy(error).context_exceeded


@given(st.text(), st.text())
def test_no_words_make_it_fail(code: str, message: str) -> None:
    assert exceeds_context(code, None, message) in {True, False}
