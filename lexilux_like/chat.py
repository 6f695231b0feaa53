"""The face: a `Chat` that you call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ._keywords import spelled_out
from .transport.base import BaseAPIClient, ClientOptions, call_timeouts
from .transport.streaming import AsyncStreamingIterator, StreamingIterator
from .turns.retry import retried
from .turns.turn import Turn, streamed, timed, whole
from .values.errors import ValidationError
from .values.history import ChatHistory
from .values.messages import Message, MessagesLike
from .values.options import (
    CallOptions,
    EventOptions,
    StreamOptions,
    WholeOptions,
    check_options,
)
from .values.request import resolve
from .values.results import ChatResult
from .wire.openai import OpenAIDialect

if TYPE_CHECKING:
    from .turns.flow import Flow
    from .wire.dialect import Dialect


class Chat(BaseAPIClient):
    """A chat-completions client: call it, or stream from it.

    A `Chat` keeps no conversation: pass `history` for the turns before this one; it is
    read and never changed. One `Chat` serves many threads, event loops and forked children.

    Examples:
        >>> chat = Chat(base_url="http://127.0.0.1:8080/v1", model="tiny")
        >>> chat("Say hi.", max_tokens=5).text  # doctest: +SKIP
        'Hi!'
    """

    @spelled_out
    def __init__(
        self, *, base_url: str, model: str | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        """Check the configuration; no connection is opened.

        Args:
            base_url: The root of the API, with its version: `https://api.openai.com/v1`.
            model: The model for calls that name none.
            **options: See `ClientOptions`.

        Raises:
            ValidationError: base_url, a header, the key, a timeout, a proxy or the rate limit
                is not valid. A message never shows the key.
            TypeError: An option is not known; the message names the nearest one that is.
        """
        super().__init__(base_url=base_url, **options)
        self.model = model
        self._dialect: Dialect = OpenAIDialect(self.base_url)

    @spelled_out
    def __call__(self, messages: MessagesLike, **options: Unpack[CallOptions]) -> ChatResult:
        """Ask once and wait for the answer, which may be truncated: `result.status` says so.

        Args:
            messages: A prompt; a message dict; a list of either; or a list of content parts
                (see `image_part`), which is one message.
            **options: See `CallOptions`.

        Returns:
            The answer with its verdict, tool calls, reasoning, usage and timing.

        Raises:
            ValidationError: An option or a message is not valid. Nothing was sent.
            APIError: The server refused, or answered with an error.
            NetworkError: The network failed, or a time limit struck.
            ResponseFormatError: The server answered something that is not a chat completion.
        """
        return self._run(self._ask(messages, options), options)

    @spelled_out
    async def acall(self, messages: MessagesLike, **options: Unpack[CallOptions]) -> ChatResult:
        """`chat()`, async."""
        return await self._arun(self._ask(messages, options), options)

    @spelled_out
    def stream(self, messages: MessagesLike, **options: Unpack[StreamOptions]) -> StreamingIterator:
        """Ask once and iterate over the answer as it comes; it may be truncated.

        Nothing is sent before the first chunk is asked for. The last chunk has `done=True`.

        Args:
            messages: As for a call.
            **options: See `StreamOptions`.

        Returns:
            An iterator and context manager; its `result` is the answer so far at every moment.

        Raises:
            ValidationError: An option or a message is not valid. Nothing was sent. What cannot
                be written as JSON is found when the first chunk is asked for.

        While iterating, besides the errors of a call: `ChatStreamInterruptedError` when the
        stream ends without an announcement. `error.partial` holds what had come.
        """
        return self._iterate(self._ask_streamed(messages, options), options)

    @spelled_out
    def astream(
        self, messages: MessagesLike, **options: Unpack[StreamOptions]
    ) -> AsyncStreamingIterator:
        """`stream`, async: `async for chunk in chat.astream(...)`; awaiting it first is fine."""
        return self._aiterate(self._ask_streamed(messages, options), options)

    @spelled_out
    def chat_with_history(
        self,
        history: ChatHistory,
        message: str | Message | None = None,
        **options: Unpack[WholeOptions],
    ) -> ChatResult:
        """`chat(message, history=history)`; without a message the history is sent as it is.

        Raises:
            ValidationError: There is no message, and the history has no user message.
        """
        return self(_new_messages(history, message), history=history, **options)

    @spelled_out
    async def achat_with_history(
        self,
        history: ChatHistory,
        message: str | Message | None = None,
        **options: Unpack[WholeOptions],
    ) -> ChatResult:
        """`chat_with_history`, async."""
        return await self.acall(_new_messages(history, message), history=history, **options)

    @spelled_out
    def stream_with_history(
        self,
        history: ChatHistory,
        message: str | Message | None = None,
        **options: Unpack[EventOptions],
    ) -> StreamingIterator:
        """`chat.stream(message, history=history)`; without a message the history as it is.

        Raises:
            ValidationError: There is no message, and the history has no user message.
        """
        return self.stream(_new_messages(history, message), history=history, **options)

    @spelled_out
    def astream_with_history(
        self,
        history: ChatHistory,
        message: str | Message | None = None,
        **options: Unpack[EventOptions],
    ) -> AsyncStreamingIterator:
        """`stream_with_history`, async."""
        return self.astream(_new_messages(history, message), history=history, **options)

    # One flow for each kind of call; the sync and the async method share it.

    def _ask(self, messages: MessagesLike, options: CallOptions) -> Flow[ChatResult]:
        check_options(options, CallOptions)
        return self._hardened(whole(self._dialect), messages, options)

    def _ask_streamed(self, messages: MessagesLike, options: StreamOptions) -> Flow[ChatResult]:
        check_options(options, StreamOptions)
        return self._hardened(streamed(self._dialect), messages, options)

    def _hardened(
        self, turn: Turn, messages: MessagesLike, options: CallOptions | StreamOptions
    ) -> Flow[ChatResult]:
        """The turn with retries and timing, for a request that is checked here and now."""
        request = resolve(messages, options, default_model=self.model)
        call_timeouts(self.timeouts, options)  # refuses a bad limit before anything is sent
        turn = retried(turn, max_retries=self.max_retries, budget=self._budget)
        return timed(turn)(request)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, model={self.model!r})"


def _new_messages(history: ChatHistory, message: str | Message | None) -> MessagesLike:
    """The message as a list; empty where the history is to be sent as it is."""
    if message is None and history.get_last_user_message() is None:
        raise ValidationError("the history has no user message: pass a message")
    return [] if message is None else [message]
