"""The face: a `Chat` that you call."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from ._keywords import spelled_out
from .client import ChatClient, typed
from .transport.streaming import (
    AsyncParsingIterator,
    AsyncStreamingIterator,
    ParsingIterator,
    StreamingIterator,
)
from .values.errors import ValidationError
from .values.history import ChatHistory
from .values.messages import Message, MessagesLike
from .values.options import (
    CallOptions,
    CompleteOptions,
    CompleteStreamOptions,
    EventOptions,
    RunToolsOptions,
    RunToolsStreamOptions,
    StreamOptions,
    WholeOptions,
)
from .values.results import ChatResult

if TYPE_CHECKING:
    from .batch import AsyncBatch, AsyncItems, Batch, Items, MapOptions
else:

    def __getattr__(name: str) -> object:  # a name in annotations, for help()
        if name != "MapOptions":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(".batch", __package__).MapOptions


T = TypeVar("T")


class Chat(ChatClient):
    """A chat-completions client: call it, or stream from it.

    A `Chat` keeps no conversation: pass `history` for the turns before this one; it is
    read and never changed. One `Chat` serves many threads, event loops and forked children.

    Examples:
        >>> chat = Chat(base_url="http://127.0.0.1:8080/v1", model="tiny")
        >>> chat("Say hi.", max_tokens=5).text  # doctest: +SKIP
        'Hi!'
    """

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
    def complete(self, messages: MessagesLike, **options: Unpack[CompleteOptions]) -> ChatResult:
        """Ask, and go on asking for the rest until the answer is whole.

        Truncation, and a connection that breaks in the middle, are continued; the parts are joined
        where that is provably right. The server is asked for a stream unless `resume="off"`, so
        that a break loses nothing.

        Args:
            messages: As for a call.
            **options: See `CompleteOptions`.

        Returns:
            A whole answer: `status` is `"complete"` or `"tool_calls"`. With `ensure_complete=False`
            or `on_error="return_partial"` it may be less, and `status` says so.

        Raises:
            ChatIncompleteResponseError: It could not be made whole; `reason` says why, and
                `final_result` holds everything received.
            OutputValidationError: It does not fit the type that `response_format` is, however
                often the model was told why.
            ValidationError: An option or a message is not valid. Nothing was sent.
            LexiluxError: The first request failed before any content came, as for a call.
        """
        return self._run(self._completed(messages, options, live=False), options)

    @spelled_out
    async def acomplete(
        self, messages: MessagesLike, **options: Unpack[CompleteOptions]
    ) -> ChatResult:
        """`complete`, async."""
        return await self._arun(self._completed(messages, options, live=False), options)

    @spelled_out
    def complete_stream(
        self, messages: MessagesLike, **options: Unpack[CompleteStreamOptions]
    ) -> StreamingIterator:
        """`complete`, chunk by chunk: what has been handed out is never taken back.

        So a stream holds back what may still change: the last 24 to 48 characters while an answer
        comes in, more where its end repeats itself (2,000 at most); and, at a seam, all that comes
        until the seam is proved. Tool calls come whole, at the end.

        Args:
            messages: As for a call.
            **options: See `CompleteStreamOptions`.

        Returns:
            An iterator and context manager; its `result` is the answer so far at every moment.

        Raises:
            ValidationError: An option or a message is not valid. Nothing was sent.

        While iterating: the errors of `complete`. An answer that does not fit its type is not
        asked for again; the error comes before the last chunk.
        """
        return self._iterate(self._completed(messages, options, live=True), options)

    @spelled_out
    def acomplete_stream(
        self, messages: MessagesLike, **options: Unpack[CompleteStreamOptions]
    ) -> AsyncStreamingIterator:
        """`complete_stream`, async; awaiting it first is fine."""
        return self._aiterate(self._completed(messages, options, live=True), options)

    @overload
    def parse(
        self, messages: MessagesLike, kind: type[T], **options: Unpack[CompleteOptions]
    ) -> T: ...
    @overload
    def parse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteOptions]
    ) -> Any: ...
    @spelled_out
    def parse(self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteOptions]) -> Any:
        """Ask for a value of a type. `complete(response_format=kind)` gives the answer around it.

        A cut answer is gone on from, as in `complete`. One that is whole and does not fit is told
        what is wrong and asked again, `max_reasks` times at most.

        Args:
            messages: As for a call.
            kind: A pydantic model, a dataclass, a TypedDict, an enum, a union or a list of them,
                or whatever else pydantic knows and JSON can say.
            **options: See `CompleteOptions`; `response_format` is not for here.

        Raises:
            OutputValidationError: The answer does not fit; `errors` says why, `items` has the
                valid items of a list, and `partial` all that came.
            ChatIncompleteResponseError: As for `complete`; `parsed` and `items` have what finished.
            ValidationError: JSON has no form for the type, or as for `complete`. Nothing was sent.
            LexiluxError: The first request failed before any content came, as for a call.
        """
        flow = self._completed(messages, options, live=False, must_be=typed(kind))
        return self._run(flow, options).parsed

    @overload
    async def aparse(
        self, messages: MessagesLike, kind: type[T], **options: Unpack[CompleteOptions]
    ) -> T: ...
    @overload
    async def aparse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteOptions]
    ) -> Any: ...
    @spelled_out
    async def aparse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteOptions]
    ) -> Any:
        """`parse`, async."""
        flow = self._completed(messages, options, live=False, must_be=typed(kind))
        return (await self._arun(flow, options)).parsed

    @overload
    def stream_parse(
        self, messages: MessagesLike, kind: type[T], **options: Unpack[CompleteStreamOptions]
    ) -> ParsingIterator[T]: ...
    @overload
    def stream_parse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteStreamOptions]
    ) -> ParsingIterator[Any]: ...
    @spelled_out
    def stream_parse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteStreamOptions]
    ) -> ParsingIterator[Any]:
        """`parse`, part by part: what has finished of the value, as JSON data, and never changes.

        What was shown cannot be taken back, so an answer that does not fit is not asked for again.

        Returns:
            An iterator and context manager; its `value` is the value, once it is at its end.

        While iterating: the errors of `parse`.
        """
        shape = typed(kind)
        flow = self._completed(messages, options, live=True, must_be=shape)
        return ParsingIterator(self._iterate(flow, options), shape)

    @overload
    def astream_parse(
        self, messages: MessagesLike, kind: type[T], **options: Unpack[CompleteStreamOptions]
    ) -> AsyncParsingIterator[T]: ...
    @overload
    def astream_parse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteStreamOptions]
    ) -> AsyncParsingIterator[Any]: ...
    @spelled_out
    def astream_parse(
        self, messages: MessagesLike, kind: Any, **options: Unpack[CompleteStreamOptions]
    ) -> AsyncParsingIterator[Any]:
        """`stream_parse`, async; awaiting it first is fine."""
        shape = typed(kind)
        flow = self._completed(messages, options, live=True, must_be=shape)
        return AsyncParsingIterator(self._aiterate(flow, options), shape)

    @spelled_out
    def run_tools(self, messages: MessagesLike, **options: Unpack[RunToolsOptions]) -> ChatResult:
        """Ask, run the tools that the model calls, send the results, until there is an answer.

        Each request is made whole as by `complete`, and a call that was cut is never run. The calls
        of one answer run side by side, each on a thread. The first request alone heeds a
        `tool_choice` that forces a call; it is `"auto"` in the others. `deadline_s` is for the
        whole run: a tool is not interrupted by it, but no request is begun after it.

        Args:
            messages: As for a call.
            **options: See `RunToolsOptions`; `tools` has the functions.

        Returns:
            The answer. `steps` has what came before it, `usage` is that of all requests, and
            `history.append_result(result)` appends all messages.

        Raises:
            ChatIncompleteResponseError: The model still calls tools after `max_steps` requests, or
                an answer could not be made whole.
            ValidationError: There are no tools, or one is async. Nothing was sent. Or the model
                calls one that has no function.
            LexiluxError: As for `complete`. `partial` has the steps before the failure;
                `append_result` takes it, and a new run goes on from there.
        """
        return self._run(self._tools_run(messages, options, live=False, awaits=False), options)

    @spelled_out
    async def arun_tools(
        self, messages: MessagesLike, **options: Unpack[RunToolsOptions]
    ) -> ChatResult:
        """`run_tools`, async: coroutine functions are tasks, and the others run on threads."""
        flow = self._tools_run(messages, options, live=False, awaits=True)
        return await self._arun(flow, options)

    @spelled_out
    def run_tools_stream(
        self, messages: MessagesLike, **options: Unpack[RunToolsStreamOptions]
    ) -> StreamingIterator:
        """`run_tools`, chunk by chunk: the text of every answer as it comes.

        After the tools of a step have run comes a chunk with the `step`. `done` is on the very last
        chunk. `result.text` is the text of the answer that is being written; that of the ones
        before is in `result.steps`.

        Returns:
            An iterator and context manager; its `result` is the answer so far at every moment.

        While iterating: the errors of `run_tools`.
        """
        return self._iterate(self._tools_run(messages, options, live=True, awaits=False), options)

    @spelled_out
    def arun_tools_stream(
        self, messages: MessagesLike, **options: Unpack[RunToolsStreamOptions]
    ) -> AsyncStreamingIterator:
        """`run_tools_stream`, async; awaiting it first is fine."""
        return self._aiterate(self._tools_run(messages, options, live=True, awaits=True), options)

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

    @spelled_out
    def map(self, items: Items, **options: Unpack[MapOptions]) -> Batch:
        """Ask many prompts at once; one outcome for each, a result or an error.

        Args:
            items: Prompts, messages or mappings, from any iterable or a file; see `Items`.
            **options: See `MapOptions`.

        Raises:
            ValidationError: An option or the file is not valid. Nothing was asked.

        While iterating: `BatchStoppedError` where all fail alike; and what `items` itself raises.
        """
        from .batch import Batch  # noqa: PLC0415 - only who asks many needs it

        return Batch(items, options, ask=self._pending, model=self.model)

    @spelled_out
    def amap(self, items: AsyncItems, **options: Unpack[MapOptions]) -> AsyncBatch:
        """`map`, async: `async for outcome in chat.amap(...)`; `items` may be async, too."""
        from .batch import AsyncBatch  # noqa: PLC0415 - see map

        return AsyncBatch(items, options, ask=self._pending, model=self.model)


def _new_messages(history: ChatHistory, message: str | Message | None) -> MessagesLike:
    """The message as a list; empty where the history is to be sent as it is."""
    if message is None and history.get_last_user_message() is None:
        raise ValidationError("the history has no user message: pass a message")
    return [] if message is None else [message]
