"""Refusals that mean: prompt and answer together do not fit the model's context window."""

from __future__ import annotations

import re

_WINDOW = r"context[ _-]?(?:length|window|size|limit)"

CODES = re.compile(
    r"context_?(?:length|window|size)_?(?:limit_?)?exceeded|exceed_context_size|\b1261\b",
    re.IGNORECASE,
)
"""Codes and types: OpenAI and most of its followers, llama.cpp, Z.ai (1261)."""

TEXTS = re.compile(
    "|".join(
        (
            r"maximum context length",  # OpenAI, Azure, vLLM, DeepSeek, OpenRouter, Mistral
            rf"{_WINDOW}\W{{1,3}}(?:is |was |has been |have been )?exceed",  # MiniMax, LM Studio
            rf"exceed(?:s|ed|ing)? [^.;:\n]{{0,40}}{_WINDOW}",  # OpenAI, llama.cpp, Anthropic
            rf"(?:longer|greater|larger) than [^.;:\n]{{0,40}}{_WINDOW}",  # SGLang, LM Studio
            r"n_keep.{0,20}>= ?n_ctx",  # LM Studio
            r"keep the first \d+ tokens when context",  # LM Studio before 0.4
            r"(?:prompt|input) (?:is )?too long",  # Anthropic, Fireworks, Bedrock, Ollama
            r"prompt exceeds max length",  # Z.ai
            r"input length.{0,30}exceed",  # SGLang, Anthropic
            r"token count.{0,40}exceeds the (?:maximum|limit of)",  # Gemini, Copilot
            r"maximum prompt length is \d",  # xAI
            r"reduce the length of (?:the|your) (?:input |prompt|messages)",  # Groq, Cerebras
            r"exceeded model token limit",  # Moonshot
            r"model max length exceeded",  # Moonshot, formerly
            r"range of input length should be",  # Qwen
            r"`?inputs`? (?:tokens \+ `?max_new_tokens`? must be <=|must have less than \d)",  # TGI
        )
    ),
    re.IGNORECASE,
)

RATES = re.compile(
    r"per[ -](?:minute|min|hour|day|second)\b|\b[RT]P[MD]\b|rate[ _-]?limit|credits?\b|quota",
    re.IGNORECASE,
)
"""Words of limits on how much is sent in a time, or for the money: those are no context window."""

MOST_READ = 8_192


def exceeds_context(code: str | int | None, kind: str | None, message: str) -> bool:
    """Whether an error says that prompt and answer do not fit the context window.

    Args:
        code: The provider's code.
        kind: Its type.
        message: Its words.
    """
    if CODES.search(f"{code} {kind}"):
        return True
    said = message[:MOST_READ]
    return bool(TEXTS.search(said)) and not RATES.search(said)
