"""`MagenticProvider`: every model that magentic knows, behind a chat window's interface."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Self, TypeAlias

from .base import ChatProvider
from .cancel import CancelEvent
from .magentic_answer import BASE, MagenticAnswer, attributes
from .magentic_messages import to_magentic
from .messages import ChatConfig, ChatMessage
from .reply import MessageStream

ChatModel: TypeAlias = Any
"""`magentic.chat_model.base.ChatModel`, which only the extra brings."""

SETTINGS = ("model", "temperature", "max_tokens")


class MagenticProvider(ChatProvider):
    """Answers through [magentic](https://magentic.dev): `pip install "lexilux_like[magentic]"`.

    What a `ChatConfig` sets of `model`, `temperature` and `max_tokens` wins over the model's own,
    and what it leaves at its default does not count. Models that do not ask by OpenAI's SDK
    (Anthropic's and LiteLLM's) take no settings for one request: a `UserWarning` says so.

    Args:
        model: The name of a model, for magentic's `OpenaiChatModel`; or any of magentic's models.
        **kwargs: With a name only, what `OpenaiChatModel` takes: `base_url`, `api_key`,
            `temperature`, `max_tokens`, ...

    Attributes:
        model: magentic's model. Its connections belong to one event loop; those of a model that
            was made from a name are closed by `aclose()`.

    Raises:
        ImportError: magentic is not installed.
        TypeError: `model` is neither, or there are `kwargs` beside a model.
    """

    def __init__(self, model: ChatModel | str, **kwargs: Any) -> None:
        try:
            self._magentic: Any = import_module("magentic")
        except ImportError as error:
            raise ImportError(
                'MagenticProvider needs magentic: pip install "lexilux_like[magentic]"'
            ) from error
        self._owns_model = isinstance(model, str)
        if isinstance(model, str):
            model = self._magentic.OpenaiChatModel(model, **kwargs)
        elif not isinstance(model, import_module(BASE).ChatModel):
            raise TypeError(
                f"model must be a magentic ChatModel, or the name of a model, not {model!r}"
            )
        elif kwargs:
            raise TypeError(
                f"pass {', '.join(kwargs)} to {type(model).__name__}(...), which is made already"
            )
        self.model: ChatModel = model

    async def generate(self, messages: list[ChatMessage], config: ChatConfig) -> ChatMessage:
        """Answer the conversation; magentic cannot go on with an answer that is cut.

        Returns:
            The assistant's message; `metadata` has `model`, `usage`, `status`, `finish_reason`.
            The status of a model that does not ask by OpenAI's SDK is `"unknown"`.

        Raises:
            ChatIncompleteResponseError: A limit or a filter cut it; `partial` has what came. Of a
                model that does not ask by OpenAI's SDK only its own limit is known.
            ValidationError: magentic cannot say a message. Nothing was sent.
            LexiluxError: It failed; `__cause__` is what magentic raised.
        """
        answer = self._ask(messages, config)
        async for _ in MessageStream(answer):
            pass
        return answer.message

    def stream(
        self,
        messages: list[ChatMessage],
        config: ChatConfig,
        cancel_event: CancelEvent | None = None,
    ) -> MessageStream:
        """Answer piece by piece, as the pieces come.

        Returns:
            An iterator and async context manager; its `message` is the answer so far.

        Raises:
            ValidationError: magentic cannot say a message. Nothing was sent.
            TypeError: The event has no `is_set()`.

        While iterating: `GenerationCancelledError` when the event is set, and the errors of
        `generate()`; `ChatIncompleteResponseError` comes behind the last piece.
        """
        return MessageStream(self._ask(messages, config), cancel_event)

    async def aclose(self) -> None:
        """Close the connections of a model that was made from a name."""
        if not self._owns_model:
            return
        openai: Any = import_module("openai")
        for value in attributes(self.model).values():
            if isinstance(value, openai.AsyncOpenAI):
                await value.close()
            elif isinstance(value, openai.OpenAI):
                value.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        name = getattr(self.model, "model", None)
        return f"{type(self).__name__}({type(self.model).__name__}({name!r}))"

    def _build_messages(self, messages: Sequence[ChatMessage], config: ChatConfig) -> list[Any]:
        """The messages as magentic's own, the system prompt first."""
        return to_magentic(self._magentic, messages, config)

    def _ask(self, messages: Sequence[ChatMessage], config: ChatConfig) -> MagenticAnswer:
        explicit = config.model_fields_set
        settings = {name: getattr(config, name) for name in SETTINGS if name in explicit}
        return MagenticAnswer(self.model, self._build_messages(messages, config), settings)
