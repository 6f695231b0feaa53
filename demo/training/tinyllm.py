"""A byte-level BPE tokenizer, and the writer of the model file (needs numpy and gguf)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from lexilux_like.testing.tiny_gguf import (
    CHAT_TEMPLATE,
    MARKERS,
    SPECIALS,
    byte_letters,
    padded,
    token_type,
)

LETTERS = byte_letters()
UNKNOWN = 1 << 30

# What llama.cpp calls the pre-tokenizer "qwen2": single digits, words with one leading symbol.
WORD = re.compile(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|(?:[^\w\r\n]|_)?[^\W\d_]+|\d| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = re.compile("(" + "|".join(map(re.escape, SPECIALS + MARKERS)) + ")")

Pair = tuple[str, str]


class Tokenizer:
    """Text to token ids.

    Args:
        merges: The pairs that become one token, most urgent first.
    """

    def __init__(self, merges: list[Pair]) -> None:
        self.merges = merges
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.tokens = padded([*LETTERS, *(left + right for left, right in merges)])
        self.id = {token: i for i, token in enumerate(self.tokens)}
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, special tokens included."""
        ids: list[int] = []
        for part in SPECIAL.split(text):
            if part in SPECIALS or part in MARKERS:
                ids.append(self.id[part])
            else:
                ids += [i for word in WORD.findall(part) for i in self._word(word)]
        return ids

    def _word(self, word: str) -> list[int]:
        known = self._known.get(word)
        if known is not None:
            return known
        parts = [LETTERS[byte] for byte in word.encode()]
        while len(parts) > 1:
            pairs = enumerate(pairwise(parts))
            rank, at = min((self.rank.get(pair, UNKNOWN), i) for i, pair in pairs)
            if rank == UNKNOWN:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids = self._known[word] = [self.id[part] for part in parts]
        return ids


def learn_merges(text: str, count: int) -> list[Pair]:
    """The `count` most useful merges for `text`, fewer when pairs no longer repeat."""
    plain = SPECIAL.split(text)[::2]  # what it splits at is every second part
    words = Counter(word for part in plain for word in WORD.findall(part))
    spelled = [[LETTERS[byte] for byte in word.encode()] for word in words]
    often = list(words.values())
    pairs: Counter[Pair] = Counter()
    where: dict[Pair, set[int]] = defaultdict(set)

    def note(i: int, sign: int) -> None:
        for pair in pairwise(spelled[i]):
            pairs[pair] += sign * often[i]
            where[pair].add(i)

    for i in range(len(spelled)):
        note(i, 1)
    merges: list[Pair] = []
    known = set(LETTERS)
    while len(merges) < count:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        merged = best[0] + best[1]
        if merged in known:  # the same string by another route
            del pairs[best]
            continue
        merges.append(best)
        known.add(merged)
        for i in list(where[best]):
            note(i, -1)
            spelled[i] = _joined(spelled[i], best)
            note(i, 1)
        del pairs[best]
    return merges


def _joined(parts: list[str], pair: Pair) -> list[str]:
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def write_gguf(
    path: Path,
    tokenizer: Tokenizer,
    weights: Mapping[str, np.ndarray[Any, Any]],
    shape: Mapping[str, int],
    quantization: str,
) -> None:
    """Write the model; `quantization` is one of gguf's names: `"F16"`, `"Q4_0"`, ..."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-demo")
    writer.add_description("self-made tiny model for tests and demos")
    writer.add_vocab_size(len(tokenizer.tokens))
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["dim"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["ffn"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_rope_dimension_count(shape["dim"] // shape["heads"])
    writer.add_rope_freq_base(shape["theta"])
    writer.add_layer_norm_rms_eps(1e-5)
    _add_tokenizer(writer, tokenizer)
    for name, numbers in weights.items():
        _add_tensor(writer, name, np.ascontiguousarray(numbers, np.float32), quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokenizer.tokens)
    writer.add_token_types([token_type(token) for token in tokenizer.tokens])
    writer.add_token_merges([f"{left} {right}" for left, right in tokenizer.merges])
    writer.add_eos_token_id(tokenizer.id["<|im_end|>"])
    writer.add_bos_token_id(tokenizer.id["<|endoftext|>"])
    writer.add_pad_token_id(tokenizer.id["<|endoftext|>"])
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _add_tensor(
    writer: gguf.GGUFWriter, name: str, numbers: np.ndarray[Any, Any], quantization: str
) -> None:
    if numbers.ndim == 1:
        writer.add_tensor(name, numbers)
        return
    if name == "token_embd.weight" and quantization.startswith("Q"):
        quantization = "Q8_0"  # the embedding is the output layer too, and suffers most
    kind = getattr(gguf.GGMLQuantizationType, quantization)
    writer.add_tensor(name, gguf.quants.quantize(numbers, kind), raw_dtype=kind)
