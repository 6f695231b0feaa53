"""Writes a llama model with random weights, for a real engine to serve in tests.

The model knows nothing, but loads in milliseconds, and a grammar scripts what it says
exactly: see `lexilux_like.testing.engine.literal_grammar`. The file format is described at
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import array
import random
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | Sequence[str] | Sequence[int]
Tensor: TypeAlias = tuple[tuple[int, ...], bytes]
"""Shape, slowest dimension first, and the numbers as 32-bit floats."""

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKERS = (
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<tools>",
    "</tools>",
)
WORDS = ("the", " the", " a", "ing", "er", " quick", "name", "value", '":', ' "', "true", " world")
"""What has a token of its own, so that a token is not always a character."""

DIM, LAYERS, FFN, HEADS = 64, 1, 64, 2
ALIGNMENT = 32
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5

CHAT_TEMPLATE = r"""{%- if tools %}
{{- '<|im_start|>system\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n' }}{%- endif %}
{{- '<tools>' }}
{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\n</tools>\nTo use a tool answer <tool_call>\n' }}
{{- '{"name": NAME, "arguments": OBJECT}\n</tool_call><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'user' %}
{{- '<|im_start|>user\n' + message.content + '<|im_end|>\n' }}
{%- elif message.role == 'assistant' %}
{{- '<|im_start|>assistant\n' }}
{%- if message.reasoning_content %}
{{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' }}
{%- endif %}
{%- if message.content %}{{- message.content }}{%- endif %}
{%- if message.tool_calls %}
{%- for call in message.tool_calls %}
{%- if (loop.first and message.content) or not loop.first %}{{- '\n' }}{%- endif %}
{{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
{%- if call.function.arguments is string %}
{{- call.function.arguments }}
{%- else %}
{{- call.function.arguments | tojson }}
{%- endif %}
{{- '}\n</tool_call>' }}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\n\n</think>\n\n' }}
{%- endif %}
{%- endif %}
"""
"""Turns a conversation into text, with tools, tool calls and thinking (Jinja)."""


def write_random_model(path: Path | str, *, seed: int = 7, context: int = 8192) -> None:
    """Write about 290 kB to `path`: the same bytes for the same seed, in about 0.1 s.

    Args:
        path: Where to; a file that is there is overwritten.
        seed: For the weights.
        context: The context window, in tokens.
    """
    tokens, merges = _vocabulary()
    metadata = _metadata(tokens, merges, context)
    Path(path).write_bytes(_gguf(metadata, _random_weights(len(tokens), random.Random(seed))))


def byte_letters() -> list[str]:
    """The printable character that stands for each byte in a byte-level BPE vocabulary."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(spare)) for byte in range(0x100)]


def token_type(token: str) -> int:
    """The number that GGUF gives to the kind of `token`."""
    if token in SPECIALS:
        return CONTROL
    if token in MARKERS:
        return USER_DEFINED
    return UNUSED if token.startswith("<|unused") else NORMAL


def padded(tokens: list[str]) -> list[str]:
    """`tokens` with the special ones after them, and unused ones up to a multiple of 32."""
    tokens = [*tokens, *SPECIALS, *MARKERS]
    return tokens + [f"<|unused{n}|>" for n in range(len(tokens), -(-len(tokens) // 32) * 32)]


def _vocabulary() -> tuple[list[str], list[str]]:
    """All tokens, and the merges that build a word from its bytes, left to right."""
    letters = byte_letters()
    tokens = list(letters)
    merges: list[str] = []
    for word in WORDS:
        left, *rest = (letters[byte] for byte in word.encode())
        for letter in rest:
            if left + letter not in tokens:
                merges.append(f"{left} {letter}")
                tokens.append(left + letter)
            left += letter
    return padded(tokens), merges


def _metadata(tokens: list[str], merges: list[str], context: int) -> dict[str, Value]:
    return {
        "general.architecture": "llama",
        "general.name": "tiny-random",
        "llama.vocab_size": len(tokens),
        "llama.context_length": context,
        "llama.embedding_length": DIM,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": FFN,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.rope.dimension_count": DIM // HEADS,
        "llama.rope.freq_base": 10000.0,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [token_type(token) for token in tokens],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.eos_token_id": tokens.index("<|im_end|>"),
        "tokenizer.ggml.bos_token_id": tokens.index("<|endoftext|>"),
        "tokenizer.ggml.padding_token_id": tokens.index("<|endoftext|>"),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def _random_weights(vocabulary: int, chance: random.Random) -> dict[str, Tensor]:
    def matrix(rows: int, columns: int) -> Tensor:
        spread = columns**-0.5
        numbers = array.array("f", [chance.gauss(0, spread) for _ in range(rows * columns)])
        return (rows, columns), numbers.tobytes()

    ones: Tensor = ((DIM,), array.array("f", [1.0] * DIM).tobytes())
    weights = {
        "token_embd.weight": matrix(vocabulary, DIM),
        "output_norm.weight": ones,
        "output.weight": matrix(vocabulary, DIM),
    }
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        weights |= {f"{block}{norm}_norm.weight": ones for norm in ("attn", "ffn")}
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights[f"{block}{name}.weight"] = matrix(DIM, DIM)
        weights[f"{block}ffn_gate.weight"] = matrix(FFN, DIM)
        weights[f"{block}ffn_up.weight"] = matrix(FFN, DIM)
        weights[f"{block}ffn_down.weight"] = matrix(DIM, FFN)
    return weights


def _gguf(metadata: Mapping[str, Value], tensors: Mapping[str, Tensor]) -> bytes:
    """Version 3: header, metadata, tensor descriptions, then the aligned tensors."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_text(key) + _typed(value) for key, value in metadata.items())
    data = b""
    for name, (shape, numbers) in tensors.items():
        # The format counts dimensions from the fastest; type 0 is a 32-bit float.
        sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        head += _text(name) + sizes + struct.pack("<IQ", 0, len(data))
        data += _aligned(numbers)
    return _aligned(head) + data


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _typed(value: Value) -> bytes:
    """A metadata value behind the number of its type."""
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _text(value)
        case _:
            kind = 8 if isinstance(value[0], str) else 5
            items = (_text(i) if isinstance(i, str) else struct.pack("<i", i) for i in value)
            return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(items)
