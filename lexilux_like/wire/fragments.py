"""Blocks of reasoning that a stream sends in fragments, put together so that they can be sent back.

https://openrouter.ai/docs/use-cases/reasoning-tokens
"""

from __future__ import annotations

from typing import Any

from ..values.results import Json
from .document import is_object

FRAGMENTED = ("reasoning_details", "thinking_blocks")
"""Fields of a message: OpenRouter, MiniMax; LiteLLM."""
TEXTS = ("text", "summary", "thinking")
"""What is joined; of everything else the last that is not empty holds, a signature above all."""
WHOLE = "data"
"""Encrypted: it comes in one piece, and is never joined."""


class Fragments:
    """The blocks so far. Fragments in one event belong to different blocks."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: list[tuple[Any, dict[str, list[str]]]] = []

    def take(self, fragments: list[Any]) -> None:
        """Take the fragments of one event in."""
        begun = len(self._blocks)
        for fragment in fragments:
            block = self._block_of(fragment, begun) if is_object(fragment) else None
            if block is None:
                self._begin(fragment)
            else:
                _add(block, fragment)

    def so_far(self) -> list[Any]:
        """The blocks as objects of their own."""
        return [
            {**block, **{name: "".join(pieces) for name, pieces in texts.items()}}
            if is_object(block)
            else block
            for block, texts in self._blocks
        ]

    def _begin(self, fragment: Any) -> None:
        if not is_object(fragment):
            self._blocks.append((fragment, {}))
        elif not any(fragment == block for block, _ in self._blocks if WHOLE in fragment):
            self._blocks.append(({}, {}))
            _add(self._blocks[-1], fragment)

    def _block_of(self, fragment: Json, begun: int) -> tuple[Json, dict[str, list[str]]] | None:
        """The block that a fragment goes on with, of those that earlier events have begun."""
        if WHOLE in fragment:
            return None
        for block, texts in reversed(self._blocks[:begun]):
            if is_object(block) and _is_same(block, fragment):
                return block, texts
        return None


def _add(block: tuple[Json, dict[str, list[str]]], fragment: Json) -> None:
    whole, texts = block
    for name, value in fragment.items():
        if name in TEXTS and type(value) is str:
            texts.setdefault(name, []).append(value)
        elif value not in (None, "") or name not in whole:
            whole[name] = value


def _is_same(block: Json, fragment: Json) -> bool:
    """Whether a fragment goes on with a block: of its type, index and id, as far as they are given.

    Without an index, a signature closes a block.
    """
    if block.get("type") != fragment.get("type"):
        return False
    index = fragment.get("index")
    if block.get("index") != index or (index is None and block.get("signature")):
        return False
    one, other = block.get("id"), fragment.get("id")
    return one == other or not one or not other
