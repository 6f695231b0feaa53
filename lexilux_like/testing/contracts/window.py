"""What the contracts of a chat window say to the model, and what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from ...providers.messages import ChatConfig, ChatMessage
from .replies import MODEL

PIECES = ("The ", "café\n\n", "is  ", "offen 🙂 ", "today.")
"""A text with what is lost most easily."""
TEXT = "".join(PIECES)
LONG = (
    "The harbour wakes before the town does. Nets are mended by lamplight, and nobody speaks."
    " Then a door opens, somebody laughs, and the gulls begin to quarrel over the first crates."
)
"""Of which something comes at once also from who holds the last few dozen characters back."""
CONFIG = ChatConfig(model=MODEL, max_tokens=100)


def said(text: str, role: Literal["user", "assistant", "system", "tool"] = "user") -> ChatMessage:
    """A message with a text."""
    return ChatMessage(role=role, content=text)


HI = [said("Hi")]


async def joined(stream: AsyncIterator[str]) -> str:
    """All that a stream yields."""
    return "".join([piece async for piece in stream])
