"""Providers: what each one can do, as rows of data, found by host or by name."""

from __future__ import annotations

from .profile import Prefill, Profile, Spelling

TRAILING = Prefill("trailing")
FLAG = Prefill("continue_final_message")
LLAMA = Prefill("trailing", keeps_constraint=True)

EFFORT = Spelling({"reasoning_effort": "medium"}, {"reasoning_effort": "none"}, "reasoning_effort")
THINKING = Spelling(
    {"thinking": {"type": "enabled"}},
    {"thinking": {"type": "disabled"}},
    "reasoning_effort",
    "thinking.budget_tokens",
    {"thinking": {"type": "enabled"}},
)
MINIMAX = Spelling(
    {"thinking": {"type": "adaptive"}, "reasoning_split": True}, {"thinking": {"type": "disabled"}}
)
MISTRAL = Spelling({"reasoning_effort": "high"}, {"reasoning_effort": "none"}, "reasoning_effort")
QWEN = Spelling(
    {"enable_thinking": True},
    {"enable_thinking": False},
    budget="thinking_budget",
    beside={"enable_thinking": True},
)
OPENROUTER = Spelling(
    {"reasoning": {"enabled": True}},
    {"reasoning": {"enabled": False}},
    "reasoning.effort",
    "reasoning.max_tokens",
    others="reasoning",
)

UNKNOWN = Profile(name="unknown")
LOCAL = Profile(name="local", prefill=LLAMA)
"""An engine on this machine that nobody has named: most go on from a trailing assistant message,
and whether this one does shows in its answer."""

PROFILES: tuple[Profile, ...] = (
    Profile(
        name="openai",
        hosts=("api.openai.com",),
        reasoning=EFFORT,
    ),
    Profile(
        name="azure",
        hosts=("openai.azure.com",),
        reasoning=EFFORT,
    ),
    Profile(
        name="deepseek",
        hosts=("api.deepseek.com",),
        prefill=Prefill(
            "prefix", documented=True, path="/beta/chat/completions", without_reasoning=True
        ),
        schema="json_object",
        reasoning=THINKING,
    ),
    Profile(
        name="moonshot",
        hosts=("api.moonshot.ai", "api.moonshot.cn"),
        prefill=Prefill("partial", documented=True, without_reasoning=True),
        schema="json_object",
        reasoning=THINKING,
    ),
    Profile(
        name="zai",
        hosts=("api.z.ai", "open.bigmodel.cn"),
        schema="json_object",
        reasoning=THINKING,
    ),
    Profile(
        name="minimax",
        hosts=("api.minimax.io", "api.minimaxi.com"),
        schema="prompt",
        reasoning=MINIMAX,
    ),
    Profile(
        name="qwen",
        hosts=("aliyuncs.com",),
        prefill=Prefill("partial", documented=True, without_reasoning=True),
        reasoning=QWEN,
    ),
    Profile(
        name="mistral",
        hosts=("api.mistral.ai",),
        prefill=Prefill("prefix", documented=True),
        reasoning=MISTRAL,
    ),
    Profile(
        name="groq",
        hosts=("api.groq.com",),
        prefill=Prefill("trailing", documented=True),
        reasoning=EFFORT,
    ),
    Profile(
        name="together",
        hosts=("api.together.xyz",),
    ),
    Profile(
        name="fireworks",
        hosts=("api.fireworks.ai",),
        reasoning=THINKING,
    ),
    Profile(
        name="cerebras",
        hosts=("api.cerebras.ai",),
        reasoning=EFFORT,
    ),
    Profile(
        name="openrouter",
        hosts=("openrouter.ai",),
        prefill=TRAILING,
        reasoning=OPENROUTER,
    ),
    Profile(
        name="xai",
        hosts=("api.x.ai",),
        reasoning=EFFORT,
    ),
    Profile(
        name="gemini",
        hosts=("generativelanguage.googleapis.com",),
        reasoning=EFFORT,
    ),
    Profile(
        name="anthropic",
        hosts=("api.anthropic.com",),
        base_url="https://api.anthropic.com/v1",
        env=("ANTHROPIC_API_KEY",),
        dialect="anthropic",
        key_header="x-api-key",
        prefill=TRAILING,
        schema="tool",
    ),
    # Its layer that speaks OpenAI's dialect: response_format is ignored
    Profile(
        name="anthropic-compat",
        base_url="https://api.anthropic.com/v1",
        env=("ANTHROPIC_API_KEY",),
        prefill=TRAILING,
        schema="tool",
    ),
    Profile(
        name="perplexity",
        hosts=("api.perplexity.ai",),
        reasoning=EFFORT,
    ),
    Profile(
        name="cohere",
        hosts=("api.cohere.ai", "api.cohere.com"),
    ),
    Profile(
        name="ollama",
        hosts=("localhost:11434", "127.0.0.1:11434"),
        prefill=TRAILING,
        reasoning=EFFORT,
    ),
    Profile(
        name="vllm",
        prefill=FLAG,
    ),
    Profile(
        name="sglang",
        prefill=FLAG,
    ),
    Profile(
        name="llama.cpp",
        prefill=LLAMA,
    ),
    Profile(
        name="lmstudio",
        hosts=("localhost:1234", "127.0.0.1:1234"),
        prefill=TRAILING,
    ),
    Profile(
        name="huggingface",
        hosts=("router.huggingface.co",),
    ),
    Profile(
        name="tgi",
        prefill=TRAILING,
    ),
)
"""Read from public documents and sources; not one of the hosted providers was asked by us."""
