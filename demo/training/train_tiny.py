"""Trains the demo model on the CPU and writes it as GGUF files.

python demo/training/train_tiny.py --out tiny-demo
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus
import jinja2
import numpy as np
import torch
from tiny_net import SHAPE, Muon, Net
from tinyllm import Tokenizer, learn_merges, write_gguf
from torch.nn import functional

from lexilux_like.testing.tiny_gguf import CHAT_TEMPLATE

MERGES = 745
BATCH_TOKENS = 6144
LEARNING_RATE = 3e-3
WARM_UP = 150
POOL = 3000
"""Examples that are sorted by length together, so that a batch has little padding."""
CONTEXT_WEIGHT = 0.1
"""How much the tokens that are not the model's own count."""

Example = tuple[list[int], list[float]]
Batch = tuple[torch.Tensor, torch.Tensor]


class Renderer:
    """Dialogues as the text that the engine will make of them."""

    def __init__(self, chance: random.Random) -> None:
        environment = jinja2.Environment()  # noqa: S701 - text for a model, not for a browser
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        self._template = environment.from_string(CHAT_TEMPLATE)
        self._chance = chance

    def next_text(self) -> str:
        """A new dialogue; a few as they look when thinking is switched off."""
        messages, tools = corpus.sample(self._chance)
        last = messages[-1]
        is_text = last["role"] == "assistant" and not last.get("tool_calls")
        if self._chance.random() < 0.06 and is_text:
            plain = [
                {key: value for key, value in message.items() if key != "reasoning_content"}
                for message in messages[:-1]
            ]
            head = self._template.render(
                messages=plain, tools=tools, add_generation_prompt=True, enable_thinking=False
            )
            return f"{head}{last['content']}<|im_end|>\n"
        return self._template.render(messages=messages, tools=tools)


def weighted(text: str, tokenizer: Tokenizer) -> Example:
    """The ids of `text`, and how much each counts: what the model itself says counts in full."""
    ids = tokenizer.encode(text)
    start, end = tokenizer.id["<|im_start|>"], tokenizer.id["<|im_end|>"]
    head = [start, *tokenizer.encode("assistant\n")]
    weights = [CONTEXT_WEIGHT] * len(ids)
    speaking = False
    for i, token in enumerate(ids):
        if speaking:
            weights[i] = 1.0
        speaking = ids[i + 1 - len(head) : i + 1] == head or (speaking and token != end)
    return ids, weights


def batches(renderer: Renderer, tokenizer: Tokenizer, chance: random.Random) -> Iterator[Batch]:
    """Batches without end, each of examples of about one length."""
    while True:
        pool = [weighted(renderer.next_text(), tokenizer) for _ in range(POOL)]
        groups: list[list[Example]] = [[]]
        for example in sorted(pool, key=lambda each: len(each[0])):
            if (len(groups[-1]) + 1) * len(example[0]) > BATCH_TOKENS:
                groups.append([])
            groups[-1].append(example)
        chance.shuffle(groups)
        yield from map(_tensors, groups)


def _tensors(group: list[Example]) -> Batch:
    longest = max(len(ids) for ids, _ in group)
    ids = np.zeros((len(group), longest), np.int64)
    weights = np.zeros((len(group), longest), np.float32)
    for row, (some_ids, some_weights) in enumerate(group):
        ids[row, : len(some_ids)] = some_ids
        weights[row, : len(some_weights)] = some_weights
    return torch.from_numpy(ids), torch.from_numpy(weights)


def learning_rate(step: int, steps: int) -> float:
    """Up in a short ramp, then down along a cosine to 2 %."""
    falling = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps))
    return LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * falling


def train(net: Net, source: Iterator[Batch], steps: int) -> None:
    """Train for so many batches, telling the loss on the model's own tokens now and then."""
    matrices = [p for block in net.blocks for p in block.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in net.parameters() if id(p) not in chosen]
    adam = torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0)
    muon = Muon(matrices)
    began = time.monotonic()
    for step in range(steps):
        ids, weights = next(source)
        rate = learning_rate(step, steps)
        adam.param_groups[0]["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            guesses = net(ids[:, :-1])
        truth, weights = ids[:, 1:], weights[:, 1:]
        each = functional.cross_entropy(guesses.float().transpose(1, 2), truth, reduction="none")
        net.zero_grad(set_to_none=True)
        ((each * weights).sum() / weights.sum()).backward()
        adam.step()
        muon.step(rate)
        if step % 50 == 0 or step == steps - 1:
            loss = each[weights == 1].mean().item()
            print(f"step {step}  loss {loss:.4f}  {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Train from the start, and write each quantization beside the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3300)
    parser.add_argument("--out", default="tiny-demo", help="what the files' names begin with")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--quantizations", nargs="+", default=["Q8_0", "Q4_0"])
    options: Any = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # two threads waste more on waiting for each other than they win
    chance = random.Random(options.seed)
    renderer = Renderer(chance)
    text = "\n".join(renderer.next_text() for _ in range(2 * POOL))
    tokenizer = Tokenizer(learn_merges(text, MERGES))
    net = Net(len(tokenizer.tokens))
    print(f"{sum(p.numel() for p in net.parameters()):,} parameters", flush=True)
    train(net, batches(renderer, tokenizer, chance), options.steps)
    weights = {name: tensor.float().numpy() for name, tensor in net.named_weights().items()}
    for quantization in options.quantizations:
        path = Path(f"{options.out}-{quantization}.gguf")
        write_gguf(path, tokenizer, weights, SHAPE, quantization)
        print(f"wrote {path}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
