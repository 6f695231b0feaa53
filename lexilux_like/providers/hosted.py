"""Providers that ask a `Chat`: OpenAI, whoever follows it, and Anthropic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self, Unpack, cast

from .._keywords import spelled_out
from ..chat import Chat
from ..client import ChatClientOptions
from ..transport.streaming import AsyncStreamingIterator
from ..values.errors import ValidationError
from ..values.messages import Message
from ..values.options import ChatOptions, ChatParams, CompleteOptions, Reasoning, check_options
from ..values.results import StreamingResult
from ..wire.registry import find_profile
from .base import ChatProvider
from .cancel import CancelEvent
from .conversion import incomplete, to_chat_message, to_wire
from .messages import ChatConfig, ChatMessage
from .reply import MessageStream


class HostedOptions(ChatClientOptions, total=False):
    """How a provider asks, and what a `Chat` takes, but for its model."""

    params: ChatParams | None
    """Tools and sampling options of each request. What a config sets itself wins over them, and
    they win over its defaults."""
    reasoning: Reasoning | None
    """Extended thinking, as for a `Chat`: True, or a mapping such as `{"effort": "high"}`."""
    extra: Mapping[str, Any] | None
    """Fields of each request beyond the rest, as for a `Chat`."""
    max_continues: int | None
    """Most requests for the rest of an answer that was cut, 0 or more. Unless given, 5 for
    `generate()` and none for `stream()`."""
    base_url: str | None
    """Where it is, if not where it usually is."""
    provider: str | None
    """Who serves it, by a name from `docs/providers.md`, where the host does not tell."""


ASKING = frozenset({"params", "reasoning", "extra", "max_continues"})
"""These may stand beside a client that was made elsewhere."""


class _HostedProvider(ChatProvider):
    """Asks a `Chat`."""

    _name: ClassVar[str]
    _address: ClassVar[str]
    """The environment variable with the address."""

    @spelled_out
    def __init__(
        self,
        *,
        chat: Chat | None = None,
        model: str | None = None,
        **options: Unpack[HostedOptions],
    ) -> None:
        check_options(options, HostedOptions)
        self._model = model
        self._params = options.get("params") or ChatParams()
        self._reasoning, self._extra = options.get("reasoning"), options.get("extra")
        self._max_continues = _checked(options.get("max_continues"))
        given: dict[str, Any] = {k: v for k, v in options.items() if k not in ASKING}
        if chat is not None and given:
            raise ValidationError(
                f"chat= has its own {', '.join(given)}: pass either a Chat or its options"
            )
        self.chat = chat or self._make_chat(given)
        """The client; one that was made here is closed by `aclose()`."""
        self._owns_chat = chat is None

    async def generate(self, messages: list[ChatMessage], config: ChatConfig) -> ChatMessage:
        """Answer the conversation; an answer that is cut is gone on from, and joined.

        Returns:
            The assistant's message. `metadata` has `model`, `usage`, `status`, `finish_reason`,
            the `reasoning` if there is any, and what has to go back with it, if need be.

        Raises:
            ChatIncompleteResponseError: It could not be made whole; `partial` has what came.
            ValidationError: An option or a message is not valid. Nothing was sent.
            LexiluxError: The request failed.
        """
        options = cast("CompleteOptions", self._options(config))
        if self._max_continues is not None:
            options["max_continues"] = self._max_continues
        wire = self._build_messages(messages, config)
        return to_chat_message(await self.chat.acomplete(wire, **options))

    def stream(
        self,
        messages: list[ChatMessage],
        config: ChatConfig,
        cancel_event: CancelEvent | None = None,
    ) -> MessageStream:
        """Answer piece by piece, as the pieces come.

        What has been handed out cannot be taken back, so a stream is gone on from only where
        `max_continues=` was given; it holds back its last 24 to 48 characters then, more where its
        end repeats itself (2,000 at most), and all that comes at a seam until that is proved.

        Returns:
            An iterator and async context manager; its `message` is the answer so far.

        Raises:
            ValidationError: An option or a message is not valid. Nothing was sent.
            TypeError: The event has no `is_set()`.

        While iterating: `GenerationCancelledError` when the event is set, and the errors of
        `generate()`; `ChatIncompleteResponseError` comes behind the last piece.
        """
        wire, options = self._build_messages(messages, config), self._options(config)
        if most := self._max_continues:
            chunks = self.chat.acomplete_stream(wire, max_continues=most, **options)
        else:
            chunks = self.chat.astream(wire, **options)
        return MessageStream(_Answer(chunks), cancel_event)

    async def aclose(self) -> None:
        """Close the client, unless it was given with `chat=`."""
        if self._owns_chat:
            await self.chat.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(chat={self.chat!r}, model={self._model!r})"

    def _make_chat(self, options: dict[str, Any]) -> Chat:
        provider, address = options.pop("provider", None), options.pop("base_url", None)
        if address is None and provider in (None, self._name):
            address = os.environ.get(self._address) or None
        return self._chat_at(provider, address, options)

    def _chat_at(self, provider: str | None, address: str | None, options: dict[str, Any]) -> Chat:
        return Chat.for_provider(provider or self._name, base_url=address, **options)

    def _build_messages(self, messages: list[ChatMessage], config: ChatConfig) -> list[Message]:
        """The messages in OpenAI's form; the client's dialect spells them for its server."""
        return [*to_wire(messages, config)]

    def _options(self, config: ChatConfig) -> ChatOptions:
        return {
            "model": self._model_of(config),
            "params": self._params_of(config),
            "reasoning": self._reasoning,
            "extra": self._extra,
        }

    def _model_of(self, config: ChatConfig) -> str:
        """The model that was chosen where it matters most; the config's default as the last."""
        chosen = config.model if "model" in config.model_fields_set else None
        return chosen or self._model or self.chat.model or config.model

    def _params_of(self, config: ChatConfig) -> ChatParams:
        """The config's own settings over `params=`, and these over the config's defaults."""
        given: dict[str, Any] = self._params.to_dict()
        explicit = config.model_fields_set
        if "temperature" in explicit or "temperature" not in given:
            given["temperature"] = config.temperature
        if "max_tokens" in explicit or not given.keys() & {"max_tokens", "max_completion_tokens"}:
            given["max_tokens"] = config.max_tokens
        return ChatParams(**given)


class OpenAIProvider(_HostedProvider):
    """Asks OpenAI, or whoever speaks its chat completions API. It needs no package of OpenAI's.

    Args:
        chat: A client of your own, which you close; the options of a client are not for here then.
        model: For configs that name none.
        **options: See `HostedOptions`; and a `Chat`'s own: `api_key`, `headers`, `timeout_s`, ...
            Without `base_url` it is `OPENAI_BASE_URL`, or OpenAI's own; without `api_key` the key
            is the provider's environment variable, `OPENAI_API_KEY` for any that is not known.

    Raises:
        ValidationError: An option is not valid, or there is no key for a provider that needs one.
        TypeError: An option is not known.
    """

    _name = "openai"
    _address = "OPENAI_BASE_URL"

    def _chat_at(self, provider: str | None, address: str | None, options: dict[str, Any]) -> Chat:
        """Another address is another server, with rules of its own unless it is said who it is."""
        if provider is None and address is not None:
            profile = find_profile(address)
            provider = profile.name
            if not profile.env and options.get("api_key") is None:
                options["api_key"] = os.environ.get("OPENAI_API_KEY") or None
        return super()._chat_at(provider, address, options)


class AnthropicProvider(_HostedProvider):
    """Asks Anthropic, or whoever speaks its messages API. It needs no package of Anthropic's.

    Args:
        chat: A client of your own, which you close; the options of a client are not for here then.
        model: For configs that name none.
        **options: See `HostedOptions`; and a `Chat`'s own: `api_key`, `headers`, `timeout_s`, ...
            Without `base_url` it is `ANTHROPIC_BASE_URL`, or Anthropic's own; without `api_key`
            the key is `ANTHROPIC_API_KEY`.

    Raises:
        ValidationError: An option is not valid, or there is no key.
        TypeError: An option is not known.
    """

    _name = "anthropic"
    _address = "ANTHROPIC_BASE_URL"


class _Answer:
    """A client's stream as the source of a `MessageStream`."""

    def __init__(self, chunks: AsyncStreamingIterator) -> None:
        self._chunks = chunks
        self._blank = ChatMessage(role="assistant")

    @property
    def result(self) -> StreamingResult:
        return self._chunks.result

    @property
    def message(self) -> ChatMessage:
        own = self._blank
        same = {"message_id": own.message_id, "timestamp": own.timestamp}
        return to_chat_message(self.result).model_copy(update=same)

    async def piece(self) -> str:
        async for chunk in self._chunks:
            if chunk.delta:
                return chunk.delta
        if not self.result.complete:
            raise incomplete(self.result.to_chat_result(), "pass max_continues=")
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self._chunks.aclose()


def _checked(max_continues: int | None) -> int | None:
    if max_continues is not None and max_continues < 0:
        raise ValidationError(f"max_continues={max_continues!r}: it must be at least 0")
    return max_continues
