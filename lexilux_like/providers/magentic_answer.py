"""One answer of a magentic model: its text while it comes, and whether that was all of it."""

from __future__ import annotations

import asyncio
import copy
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from importlib import import_module
from typing import Any

from ..values.errors import (
    APIError,
    ChatStreamInterruptedError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
)
from ..values.results import ChatResult, Usage
from ..wire.accumulator import Accumulator, FinishError
from ..wire.failure import event_error, status_error
from ..wire.http import Response
from .conversion import incomplete, to_chat_message
from .messages import ChatMessage

BASE = "magentic.chat_model.base"
LIMITS = ("max_completion_tokens", "max_tokens")
"""What the most tokens of an answer are called, by magentic's models and on OpenAI's wire."""
TIMEOUTS = {"APITimeoutError", "TimeoutException", "TimeoutError"}
BREAKS = {"APIConnectionError", "NetworkError", "RemoteProtocolError", "OSError"}
"""Class names, which httpx, httpx2, and the SDKs of OpenAI and Anthropic share."""


class MagenticAnswer:
    """Asks once; the source of a `MessageStream`.

    magentic does not tell why an answer ended, and takes settings only when a model is made. Where
    a model asks by OpenAI's SDK, requests and chunks are therefore seen on their way through it.
    Of any other model only the count of its tokens is known.

    Args:
        model: A magentic model; left as it is.
        messages: magentic's own.
        settings: `model`, `temperature` and `max_tokens`, where they are to be other than the
            model's own; None means the server's own.
    """

    def __init__(self, model: Any, messages: list[Any], settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._model = self._seen(model)
        if self._model is model:
            _warn(model, settings)
        self._answer: Any = None
        self._text: list[str] = []
        self._heard: Accumulator | None = None
        self._chunks: Any = None
        self._blank = ChatMessage(role="assistant")
        self._pieces = self._read(messages)

    async def piece(self) -> str:
        """The next piece of the text.

        Raises:
            StopAsyncIteration: There is none, and the answer is not known to be cut.
            LexiluxError: It failed, or was cut; `partial` has what came.
        """
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._pieces.aclose()

    @property
    def message(self) -> ChatMessage:
        """What has come."""
        own = self._blank
        same = {"message_id": own.message_id, "timestamp": own.timestamp}
        return to_chat_message(self.result).model_copy(update=same)

    @property
    def result(self) -> ChatResult:
        """What has come, with the verdict on it."""
        if self._heard is not None:
            return self._heard.result("unannounced").to_chat_result()
        text, model = "".join(self._text), getattr(self._model, "model", None)
        counts = getattr(self._answer, "usage", None)
        if counts is None:
            return ChatResult(text=text, model=model)
        total = counts.input_tokens + counts.output_tokens
        usage = Usage(counts.input_tokens, counts.output_tokens, total)
        if counts.output_tokens in {getattr(self._model, name, None) for name in LIMITS}:
            return ChatResult(
                text=text, model=model, usage=usage, status="truncated", finish_reason="length"
            )
        return ChatResult(text=text, model=model, usage=usage)

    async def _read(self, messages: list[Any]) -> AsyncGenerator[str, None]:
        pieces = self._ask(messages)
        try:
            async for piece in pieces:
                self._text.append(piece)
                yield piece
        except LexiluxError:
            raise
        except Exception as error:
            raise self._translated(error) from error
        finally:
            await _let_go(pieces)
            if self._chunks is not None:  # magentic leaves it open where it raises an error
                await self._chunks.close()
        self._check()

    async def _ask(self, messages: list[Any]) -> AsyncGenerator[str, None]:
        kinds = [import_module("magentic").AsyncStreamedResponse]
        try:
            self._answer = await self._model.acomplete(messages, output_types=kinds)
        except (StopAsyncIteration, RuntimeError) as error:
            # magentic's words for no text, and for no event at all
            if not isinstance(error.__cause__ or error, StopAsyncIteration):
                raise
            return
        async for text in self._answer.content:
            async for piece in text:
                yield piece

    def _seen(self, model: Any) -> Any:
        """A copy with a client that is seen through, its own or that of a model inside it."""
        seen: dict[str, Any] = {}
        for name, value in attributes(model).items():
            if isinstance(value, import_module("openai").AsyncOpenAI):
                seen[name] = _Client(value, self)
            elif isinstance(value, import_module(BASE).ChatModel):
                inner = self._seen(value)
                seen |= {name: inner} if inner is not value else {}
        if not seen:
            return model
        model = copy.copy(model)
        for name, value in seen.items():
            setattr(model, name, value)
        return model

    def adapt(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request of OpenAI's SDK with the settings in it."""
        adapted = dict(request)
        limit = next((name for name in LIMITS if isinstance(request.get(name), int)), LIMITS[-1])
        for name, value in self._settings.items():
            name = limit if name == "max_tokens" else name  # noqa: PLW2901 - its name on the wire
            if value is None:
                adapted.pop(name, None)
            else:
                adapted[name] = value
        return adapted

    async def hear(self, chunks: Any) -> AsyncGenerator[Any, None]:
        """Hand the chunks of a stream of OpenAI's SDK on."""
        self._chunks = chunks
        heard = Accumulator(tags=None, show_reasoning=False, keep_raw=False, request_id=None)
        self._heard = heard
        async for chunk in chunks:
            try:
                heard.fold(chunk.model_dump())
            except FinishError as error:
                said = error.choice.get("error") or "the finish reason is 'error'"
                raise _event_error(said, self.result) from None
            yield chunk

    def _check(self) -> None:
        """Raise where the answer is known not to be whole."""
        result = self.result
        if result.complete or (self._heard is None and result.status == "unknown"):
            return
        if result.status == "unannounced":
            raise ChatStreamInterruptedError(
                "the stream ended without a finish reason; error.partial holds what came",
                clean=True,
                partial=result,
            )
        raise incomplete(result, "magentic cannot go on with an answer")

    def _translated(self, error: Exception) -> LexiluxError:
        """The package's error for what magentic, or the SDK below it, raised."""
        has_begun = self._answer is not None or self._heard is not None
        partial = self.result if has_begun else None
        names = {each.__name__ for each in type(error).__mro__}
        said = f"{type(error).__name__}: {error}"
        response: Any = getattr(error, "response", None)
        if response is not None and "APIStatusError" in names:
            head = Response(response.status_code, dict(response.headers), response.content)
            return status_error(head, partial=partial)
        if names & TIMEOUTS:
            return LexiluxTimeoutError(f"it took too long: {said}", partial=partial)
        if names & BREAKS:
            if partial is None:
                return LexiluxConnectionError(f"the connection broke: {said}")
            return ChatStreamInterruptedError(f"the connection broke: {said}", partial=partial)
        if body := getattr(error, "body", None):
            return _event_error(body, partial)
        return LexiluxError(f"magentic's model failed: {said}", partial=partial)


class _Client:
    """As much of OpenAI's asynchronous client as magentic uses, seen through by an answer."""

    def __init__(self, client: Any, answer: MagenticAnswer) -> None:
        self.chat = self.completions = self
        self._client = client
        self._answer = answer

    async def create(self, **request: Any) -> AsyncIterator[Any]:
        """Open a stream."""
        chunks = await self._client.chat.completions.create(**self._answer.adapt(request))
        return self._answer.hear(chunks)


def attributes(model: object) -> dict[str, Any]:
    """What a model is made of."""
    return dict(getattr(model, "__dict__", {}))


def _warn(model: Any, settings: Mapping[str, Any]) -> None:
    """Say which settings cannot be had."""
    own = [name for name, value in settings.items() if getattr(model, name, None) != value]
    if own:
        warnings.warn(
            f"{type(model).__name__} takes no settings for one request: set {', '.join(own)} where"
            " it is made, and not in ChatConfig",
            stacklevel=4,  # the caller of generate() or stream()
        )


def _event_error(said: object, partial: ChatResult | None) -> APIError:
    """The error for what a server said in the middle of a stream."""
    return event_error(said, data=b"", status=200, headers={}, partial=partial)


async def _let_go(pieces: AsyncGenerator[str, None]) -> None:
    """Close the connection of an answer that was left in the middle.

    magentic's streams cannot be closed, and one of their generators keeps itself alive, so that
    not even dropping them helps before the garbage collector runs. A read that is cancelled while
    it waits for the network closes the connection; so one is begun.
    """

    async def rest() -> None:
        async for _ in pieces:
            pass

    reading = asyncio.get_running_loop().create_task(rest())
    await asyncio.sleep(0)  # it takes what is here already, and waits
    reading.cancel()
    await asyncio.wait({reading})
    if not reading.cancelled():
        reading.exception()  # it is nobody's any more
