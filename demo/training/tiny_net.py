"""The demo model: a llama of 2.4 million weights, and the optimizer of its matrices."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

SHAPE = {
    "dim": 192,
    "layers": 5,
    "heads": 6,
    "ffn": 512,
    "context": 2048,
    "theta": 10000,
}
DIM, HEADS = SHAPE["dim"], SHAPE["heads"]
HEAD_DIM = DIM // HEADS


def _turns() -> tuple[torch.Tensor, torch.Tensor]:
    speeds = SHAPE["theta"] ** (-torch.arange(0, HEAD_DIM, 2).float() / HEAD_DIM)
    angles = torch.outer(torch.arange(SHAPE["context"]).float(), speeds)
    return angles.cos(), angles.sin()


COS, SIN = _turns()


def turned(x: torch.Tensor) -> torch.Tensor:
    """Rotary positions, in the interleaved form that llama.cpp calls NORM."""
    cos, sin = COS[: x.shape[2]], SIN[: x.shape[2]]
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    """Attention, then a gated layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attn_norm = nn.RMSNorm(DIM, eps=1e-5)
        self.ffn_norm = nn.RMSNorm(DIM, eps=1e-5)
        self.attn_q = nn.Linear(DIM, DIM, bias=False)
        self.attn_k = nn.Linear(DIM, DIM, bias=False)
        self.attn_v = nn.Linear(DIM, DIM, bias=False)
        self.attn_output = nn.Linear(DIM, DIM, bias=False)
        self.ffn_gate = nn.Linear(DIM, SHAPE["ffn"], bias=False)
        self.ffn_up = nn.Linear(DIM, SHAPE["ffn"], bias=False)
        self.ffn_down = nn.Linear(SHAPE["ffn"], DIM, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One layer over (batch, time, dim)."""
        normal = self.attn_norm(x)
        query, key, value = (
            project(normal).unflatten(2, (HEADS, HEAD_DIM)).transpose(1, 2)
            for project in (self.attn_q, self.attn_k, self.attn_v)
        )
        seen = functional.scaled_dot_product_attention(
            turned(query), turned(key), value, is_causal=True
        )
        x = x + self.attn_output(seen.transpose(1, 2).flatten(2))
        normal = self.ffn_norm(x)
        wide = functional.silu(self.ffn_gate(normal)) * self.ffn_up(normal)
        return x + self.ffn_down(wide)


class Net(nn.Module):
    """The whole model; the embedding is the output layer too.

    Args:
        vocabulary: How many tokens there are.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, DIM)
        self.blocks = nn.ModuleList(Block() for _ in range(SHAPE["layers"]))
        self.norm = nn.RMSNorm(DIM, eps=1e-5)
        nn.init.normal_(self.embedding.weight, 0, 0.02)
        calm = (2 * SHAPE["layers"]) ** -0.5
        for name, weight in self.blocks.named_parameters():
            if weight.ndim == 2:
                shrink = calm if "output" in name or "down" in name else 1.0
                nn.init.normal_(weight, 0, shrink * weight.shape[1] ** -0.5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The scores of every next token: (batch, time) to (batch, time, vocabulary)."""
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.embedding.weight)

    def named_weights(self) -> dict[str, torch.Tensor]:
        """The weights by the names that GGUF gives them."""
        weights = {
            "token_embd.weight": self.embedding.weight,
            "output_norm.weight": self.norm.weight,
        }
        weights |= {f"blk.{name}": weight for name, weight in self.blocks.named_parameters()}
        return {name: weight.detach() for name, weight in weights.items()}


class Muon:
    """Orthogonalised momentum (Jordan et al., 2024), for matrices of one shape at a time.

    Args:
        weights: The matrices; AdamW takes care of the rest.
    """

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self._groups: dict[torch.Size, list[nn.Parameter]] = {}
        for weight in weights:
            self._groups.setdefault(weight.shape, []).append(weight)
        self._momentum = {
            shape: torch.zeros(len(group), *shape) for shape, group in self._groups.items()
        }

    @torch.no_grad()
    def step(self, rate: float, decay: float = 0.02, momentum: float = 0.95) -> None:
        """Move every matrix by its gradient."""
        for shape, group in self._groups.items():
            gradient = torch.stack([weight.grad for weight in group])
            memory = self._momentum[shape].lerp_(gradient, 1 - momentum)
            direction = orthogonal(gradient.lerp(memory, momentum))
            for weight, move in zip(group, direction, strict=True):
                weight.mul_(1 - rate * decay).add_(move, alpha=-rate * 0.2 * max(shape) ** 0.5)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest matrices with singular values near 1, by five Newton-Schulz steps."""
    x = (matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.transpose(1, 2) if tall else x).float()
