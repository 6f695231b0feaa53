"""Finish words: why a model stopped, in each provider's words, and what that says of the answer."""

from __future__ import annotations

from ..values.results import FinishReason, Status

_STOP: tuple[FinishReason, Status] = ("stop", "complete")
_LENGTH: tuple[FinishReason, Status] = ("length", "truncated")
_TOOLS: tuple[FinishReason, Status] = ("tool_calls", "tool_calls")
_FILTER: tuple[FinishReason, Status] = ("content_filter", "filtered")
_ERROR: tuple[FinishReason, Status] = ("error", "interrupted")

WORDS: dict[str, tuple[FinishReason, Status]] = {
    "stop": _STOP,
    "eos": _STOP,  # Together
    "eos_token": _STOP,  # TGI
    "stop_sequence": _STOP,  # TGI, Cohere
    "end_turn": _STOP,  # Anthropic, Bedrock
    "complete": _STOP,  # Cohere
    "length": _LENGTH,
    "model_length": _LENGTH,  # Mistral
    "max_tokens": _LENGTH,  # Cohere, Gemini, Anthropic
    "model_context_window_exceeded": ("length", "context_exceeded"),  # Zhipu, Anthropic
    "tool_calls": _TOOLS,
    "function_call": _TOOLS,  # OpenAI, before there were tools
    "tool_call": _TOOLS,  # Cohere
    "tool_use": _TOOLS,  # Anthropic
    "content_filter": _FILTER,
    "sensitive": _FILTER,  # Zhipu
    "guardrail_intervened": _FILTER,  # Bedrock
    "safety": _FILTER,  # Gemini
    "refusal": ("refusal", "refused"),  # Anthropic
    "error": _ERROR,  # OpenRouter, Mistral, Cohere
    "network_error": _ERROR,  # Zhipu
    "insufficient_system_resource": _ERROR,  # DeepSeek
}


def verdict(
    raw_word: str | None, *, has_tool_calls: bool, refusal: bool
) -> tuple[FinishReason | None, Status]:
    """What a finish word says of the answer; a word that is not known is never taken for "stop".

    Args:
        raw_word: The provider's word; None or empty where there was none.
        has_tool_calls: Whether the answer has any. xAI sends an empty word with them, and
            OpenAI sends "stop" when the tool was forced.
        refusal: Whether the answer is a refusal and no text.
    """
    if not raw_word:
        return _TOOLS if raw_word == "" and has_tool_calls else (None, "unknown")
    reason, status = WORDS.get(raw_word.lower(), ("unknown", "unknown"))
    if status == "complete":
        if has_tool_calls:
            return reason, "tool_calls"
        if refusal:
            return reason, "refused"
    return reason, status
