"""How families of models are asked to reason, and how servers go on from a beginning."""

from __future__ import annotations

from dataclasses import replace

from .profile import TEMPLATE, Prefill, Spelling

TRAILING = Prefill("trailing")
FLAG = Prefill("continue_final_message")
LLAMA = Prefill("trailing", keeps_constraint=True)
_MINOR = r"(?:[-.][015](?!\d))?(?![-.]?\d{1,2}(?!\d))"
NEW_CLAUDES = rf"claude-(?!instant|[123](?!\d)|4{_MINOR}|(?:opus|sonnet|haiku)-4{_MINOR})"
"""Models from 4.6 on, by whatever prefix a gateway gives their names."""
MESSAGES = Prefill(
    "trailing", documented=True, without_reasoning=True, models=rf"(?!.*{NEW_CLAUDES})"
)
"""Of Anthropic's own API, and of whoever else speaks it, with models of any name."""
OLD_CLAUDES = Prefill("trailing", models=MESSAGES.models)
"""Of its layer that speaks OpenAI's dialect, which does not speak of it."""

ENABLED = {"thinking": {"type": "enabled"}}
DISABLED = {"thinking": {"type": "disabled"}}

EFFORT = Spelling({"reasoning_effort": "medium"}, {"reasoning_effort": "none"}, "reasoning_effort")
ALWAYS = Spelling({"reasoning_effort": "medium"}, None, "reasoning_effort")
"""Models that cannot leave it."""
OSS = replace(ALWAYS, models="gpt-oss")
HIGH = Spelling({"reasoning_effort": "high"}, {"reasoning_effort": "none"}, "reasoning_effort")
"""Where high and none are the only words that all models know: Mistral, Cohere."""

DEEPSEEK = Spelling(ENABLED, DISABLED, "reasoning_effort", with_effort=ENABLED, others="thinking")
GLM = DEEPSEEK
KIMI = Spelling(
    ENABLED, DISABLED, budget="thinking.budget_tokens", with_budget=ENABLED, others="thinking"
)
KIMI_K3 = Spelling(
    {"reasoning_effort": "high"},
    None,
    "reasoning_effort",
    others="thinking",
    models="kimi-k3",
)
MINIMAX = Spelling({"thinking": {"type": "adaptive"}, "reasoning_split": True}, DISABLED)
QWEN = Spelling(
    {"enable_thinking": True},
    {"enable_thinking": False},
    budget="thinking_budget",
    with_budget={"enable_thinking": True},
)

PARSED = {"reasoning_format": "parsed"}
GROQ = Spelling(PARSED, {"reasoning_effort": "none"}, "reasoning_effort", with_effort=PARSED)
GROQ_OSS = replace(GROQ, off=None, models="gpt-oss")
TOGETHER = Spelling(
    {"reasoning": {"enabled": True}},
    {"reasoning": {"enabled": False}},
    "reasoning_effort",
    others="reasoning",
)
FIREWORKS = Spelling(
    ENABLED,
    DISABLED,
    "reasoning_effort",
    "thinking.budget_tokens",
    with_budget=ENABLED,
)
CEREBRAS_GLM = Spelling({"disable_reasoning": False}, {"disable_reasoning": True}, models="GLM")
OPENROUTER = Spelling(
    {"reasoning": {"enabled": True}},
    {"reasoning": {"enabled": False}},
    "reasoning.effort",
    "reasoning.max_tokens",
    others="reasoning",
)

THOUGHTS = {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}}
GEMINI = Spelling(
    THOUGHTS,
    {"reasoning_effort": "none"},
    "reasoning_effort",
    "extra_body.google.thinking_config.thinking_budget",
    with_budget=THOUGHTS,
    others="extra_body.google.thinking_config",
)
"""An effort goes alone: the server takes either it or a thinking_config."""
CLAUDE = Spelling(None, DISABLED, budget="thinking.budget_tokens", with_budget=ENABLED)
BUDGET_CLAUDE = replace(CLAUDE, on=ENABLED)
"""By its own API, up to 4.5; the dialect adds the budget that has to be there."""
ADAPTIVE = {"thinking": {"type": "adaptive", "display": "summarized"}}
NEW_CLAUDE = Spelling(
    ADAPTIVE,
    DISABLED,
    "output_config.effort",
    with_effort=ADAPTIVE,
    others="thinking",
    models="from 4.6 on",
)
"""From 4.6 on, which decides by itself how long it thinks; it shows its thoughts where asked to."""

LLAMA_CPP = replace(TEMPLATE, budget="thinking_budget_tokens")
NO_BUDGET = replace(TEMPLATE, budget=None)
