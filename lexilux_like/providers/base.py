"""A model as a chat window sees it: `ChatProvider`, and what ends its answers early."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from ..values.errors import LexiluxError
from .messages import ChatConfig, ChatMessage


class GenerationCancelledError(LexiluxError):
    """The caller set the cancel event.

    Attributes:
        partial_content: The text that had come until then, whole.
    """

    code = "cancelled"

    def __init__(self, partial_content: str = "") -> None:
        count = len(partial_content)
        super().__init__(f"the generation was cancelled; partial_content has {count:,} characters")
        self.partial_content = partial_content


class ChatProvider(ABC):
    """Answers a conversation, whole or streamed. A provider keeps no conversation."""

    @abstractmethod
    async def generate(self, messages: list[ChatMessage], config: ChatConfig) -> ChatMessage:
        """Answer the conversation.

        Args:
            messages: The turns so far; read, never changed.
            config: Model, system prompt, limits.

        Returns:
            The assistant's message, with `model`, `usage` and tool calls, if any.

        Raises:
            LexiluxError: The answer failed, or could not be made whole; `partial` has what came.
            ImportError: The provider needs a package that is not installed.
        """

    @abstractmethod
    def stream(
        self,
        messages: list[ChatMessage],
        config: ChatConfig,
        cancel_event: asyncio.Event | None = None,
    ) -> AsyncIterator[str]:
        """Answer the conversation piece by piece; nothing is sent before the first is asked for.

        An implementation may be an async generator.

        Args:
            messages: The turns so far; read, never changed.
            config: Model, system prompt, limits.
            cancel_event: Set it to end the answer at once, also while nothing comes. From
                another thread: `loop.call_soon_threadsafe(cancel_event.set)`.

        Yields:
            The next piece of the text.

        Raises:
            GenerationCancelledError: The event was set.
            LexiluxError: As for `generate()`.
            ImportError: The provider needs a package that is not installed.
        """
