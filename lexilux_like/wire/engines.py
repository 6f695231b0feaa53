"""Engines that people run themselves, and servers that nobody has named."""

from __future__ import annotations

from .families import EFFORT, FLAG, LLAMA, LLAMA_CPP, NO_BUDGET, TRAILING
from .profile import Profile, known

UNKNOWN = Profile(name="unknown", label="a server that nobody has named")
LOCAL = Profile(
    name="local", label="an engine on this machine", prefill=LLAMA, schema_bars_tools=True
)
"""Nobody has named it: most go on from a trailing assistant message, and whether this one does
shows in its answer."""

ENGINES: tuple[Profile, ...] = (
    Profile(
        name="ollama",
        label="Ollama",
        hosts=("localhost:11434", "127.0.0.1:11434", "ollama.com"),
        base_url="http://localhost:11434/v1",
        reasoning=EFFORT,
        reasons_in=("reasoning",),
        prefill=TRAILING,
        limit=("max_tokens",),
        ignores=("n", "logit_bias", "parallel_tool_calls", "service_tier", "metadata"),
        quirks=(
            "A prompt that is too long is cut without a word.",
            "An error in the middle of a stream arrives as an empty chunk, then the stream ends.",
        ),
        verified=known(
            recorded="reasons_in reasoning_back schema usage limit tools",
            documented="reasoning",
            reported="prefill",
        ),
        sources=("https://docs.ollama.com/api/openai-compatibility",),
    ),
    Profile(
        name="vllm",
        label="vLLM",
        base_url="http://localhost:8000/v1",
        reasons_in=("reasoning", "reasoning_content"),
        prefill=FLAG,
        quirks=(
            "Up to 0.11 reasoning was in reasoning_content.",
            "Some models' templates want `thinking` in chat_template_kwargs: pass it in extra=.",
        ),
        verified=known(documented="reasoning reasons_in", reported="prefill schema usage"),
        sources=("https://docs.vllm.ai/en/v0.26.0/features/reasoning_outputs/",),
    ),
    Profile(
        name="sglang",
        label="SGLang",
        base_url="http://localhost:30000/v1",
        reasoning=NO_BUDGET,
        reasons_in=("reasoning_content",),
        prefill=FLAG,
        quirks=(
            "Tool calls may come without an index, their arguments before the name.",
            "DeepSeek's templates want `thinking` in chat_template_kwargs: pass it in extra=.",
        ),
        verified=known(documented="reasoning reasons_in", reported="prefill usage"),
        sources=("https://docs.sglang.io/docs/advanced_features/separate_reasoning",),
    ),
    Profile(
        name="llama.cpp",
        label="llama.cpp",
        base_url="http://localhost:8080/v1",
        reasoning=LLAMA_CPP,
        reasons_in=("reasoning_content",),
        prefill=LLAMA,
        schema_bars_tools=True,
        quirks=(
            "A whole answer repeats the beginning that it went on from; a stream does not.",
            "A tool_choice that names a tool counts as auto.",
        ),
        verified=known(
            engine="reasoning reasons_in reasoning_back prefill limit schema usage tools"
        ),
    ),
    Profile(
        name="lmstudio",
        label="LM Studio",
        hosts=("localhost:1234", "127.0.0.1:1234"),
        base_url="http://localhost:1234/v1",
        reasoning=NO_BUDGET,
        reasons_in=("reasoning", "reasoning_content", "<think>"),
        end_marker=True,
        prefill=TRAILING,
        quirks=("There may be no finish reason where the context is too small.",),
        verified=known(documented="schema", reported="reasons_in"),
        sources=("https://lmstudio.ai/docs/advanced/structured-output",),
    ),
    Profile(
        name="tgi",
        label="Text Generation Inference",
        reasoning=NO_BUDGET,
        prefill=TRAILING,
        finish_words=("eos_token", "stop_sequence"),
        verified=known(recorded="tools", reported="prefill usage finish_words"),
    ),
)
"""They need no key."""
