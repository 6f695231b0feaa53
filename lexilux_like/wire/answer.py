"""What the answers of all dialects have in common: events in, one accumulated answer out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from ..values.errors import APIError, ResponseFormatError
from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, Json, StreamingResult
from .accumulator import Accumulator, FinishError
from .complaint import find_error
from .document import is_object, parse_leniently
from .failure import event_error, not_a_completion, request_id
from .http import Response
from .profile import THINK, Tags
from .reasoning import is_asked
from .sse import ServerSentEvent
from .usage import UsageReader, read_usage

DONE = b"[DONE]"
IDLE = ("ping", "heartbeat", "keepalive", "keep-alive")
"""Events that only say that the server is alive."""
SPOKEN = frozenset({"choices", "error"})
"""Fields that say more, whatever the event is called."""


class FoldedAnswer(ABC):
    """An answer, event by event. A whole body is folded in as if it were one event.

    Args:
        request: What was asked.
        head: What the response began with.
        expected: How many choices must finish before the end counts as announced.
        usage: Reads the token counts.
        tags: Around reasoning at the beginning of a text; None: `<think>`, where it was asked for.
    """

    __slots__ = ("_accumulator", "_expected", "_head", "_keep_raw", "done")

    def __init__(
        self,
        request: ChatRequest,
        head: Response,
        *,
        expected: int = 1,
        usage: UsageReader = read_usage,
        tags: Tags | None = None,
    ) -> None:
        self.done = False
        self._head = head
        self._expected = expected
        self._keep_raw = request.keep_raw
        self._accumulator = Accumulator(
            tags=tags or (THINK if is_asked(request.reasoning) else None),
            show_reasoning=request.include_reasoning,
            keep_raw=request.keep_raw,
            request_id=request_id(head.headers),
            usage=usage,
        )

    @abstractmethod
    def _take(self, document: Any, data: bytes) -> Sequence[ChatStreamChunk]:
        """Take the JSON of one event in, which was sent as `data`."""

    @property
    def pieces(self) -> int:
        """How many events brought content: text, reasoning, refusal or tool calls."""
        return self._accumulator.pieces

    @property
    def announced(self) -> bool:
        """Whether the end was announced: by `done`, or by a finish reason for every choice.

        A choice that was asked for and has not begun is still to come.
        """
        return self.done or self._accumulator.finished(self._expected)

    def take(self, data: bytes) -> Sequence[ChatStreamChunk]:
        """`feed`, for the data of a whole event without a name, as nearly all are."""
        if self.done:
            return ()
        try:
            document = from_json(data)
        except ValueError:
            return self._feed(ServerSentEvent(data=data))
        return self._take(document, data)

    def feed(self, event: ServerSentEvent) -> Sequence[ChatStreamChunk]:
        """Take one event in; returns what it adds for the consumer, often nothing.

        Raises:
            APIError: The event is an error, in any of its known shapes; `partial` is set.
            ResponseFormatError: The event is not one of the dialect; `partial` is set.
        """
        plain = event.event == "message" and not event.cut
        return self.take(event.data) if plain else self._feed(event)

    def _feed(self, event: ServerSentEvent) -> Sequence[ChatStreamChunk]:
        """Take an event in that may have a name, be cut, or be no JSON."""
        if self.done:
            return ()
        data = event.data
        try:
            document = from_json(data)
        except ValueError:
            if data.strip() == DONE:
                return self._end(data)
            document = self._parse_event(event)
            if document is None:
                return ()
        if event.event != "message":
            if event.event == "error":
                raise self.failed(document, data)
            if event.event in IDLE and not (is_object(document) and SPOKEN & document.keys()):
                return ()
        return self._take(document, data)

    def last_chunk(self) -> ChatStreamChunk:
        """The chunk with `done=True`, for the end of an announced answer."""
        self.done = True
        result = self.so_far()
        return ChatStreamChunk(
            finish_reason=result.finish_reason, usage=result.usage or None, done=True
        )

    def so_far(self) -> StreamingResult:
        """What the events fed so far add up to."""
        return self._accumulator.result(None if self.done else "unannounced", done=self.done)

    def whole(self, raw: Json | None) -> ChatResult:
        """The answer, where it came as one body."""
        return self._accumulator.whole(raw)

    def read(self, data: bytes) -> Any:
        """Parse a whole body.

        Raises:
            ResponseFormatError: It is no JSON.
        """
        try:
            return self._parse(data)
        except ValueError as error:
            text = data.strip()
            why = f"it is no JSON, or it is cut ({error})" if text else "it is empty"
            why = "it is a web page" if text[:1] == b"<" else why
            raise self.no_completion(why, data) from None

    def take_whole(self, document: Json, data: bytes) -> None:
        """Take a chunk in after which nothing follows.

        Raises:
            APIError: A choice finished with the word "error".
            ResponseFormatError: It makes no sense.
        """
        self._fold(document, data)
        self._end(data)

    def failed(self, error: object, data: bytes) -> APIError:
        """The exception for an error object, with the answer up to here."""
        status, headers = self._head.status, self._head.headers
        return event_error(
            error, data=data, status=status, headers=headers, partial=self._partial()
        )

    def no_completion(self, why: str, data: bytes) -> ResponseFormatError:
        """The exception for data that make no sense, with the answer up to here."""
        return not_a_completion(why, data=data, head=self._head, partial=self._partial())

    def _fold(self, document: Json, data: bytes) -> list[ChatStreamChunk]:
        """Add a chunk of OpenAI's form to the answer."""
        try:
            return self._accumulator.fold(document)
        except (FinishError, ValueError) as problem:
            raise self._failed_fold(problem, document, data) from None

    def _failed_fold(
        self, problem: Exception, document: Json, data: bytes
    ) -> APIError | ResponseFormatError:
        """The exception for a chunk that could not be added."""
        if (error := find_error(document)) is not None:  # it says more
            return self.failed(error, data)
        return self._trouble(problem, data)

    def _end(self, data: bytes) -> list[ChatStreamChunk]:
        """Nothing follows; returns what was held back."""
        self.done = True
        try:
            return self._accumulator.rest()
        except ValueError as problem:
            raise self._trouble(problem, data) from None

    def _trouble(self, problem: Exception, data: bytes) -> APIError | ResponseFormatError:
        """The exception for a chunk that could not be folded in."""
        if not isinstance(problem, FinishError):
            return self.no_completion(str(problem), data)
        words = "the server ended the answer with the finish reason 'error'"
        return self.failed(problem.choice.get("error") or words, data)

    def _partial(self) -> ChatResult | None:
        result = self._accumulator.result("interrupted")
        return result.to_chat_result() if result.choices else None

    def _parse(self, data: bytes) -> Any:
        try:
            return from_json(data)
        except ValueError:
            document = parse_leniently(data)
            self._accumulator.mend()  # the usual reason is half a character
            return document

    def _parse_event(self, event: ServerSentEvent) -> Any:
        """Parse an event that pydantic's parser refuses; None where there is nothing in it."""
        try:
            return self._parse(event.data)
        except ValueError as error:
            if event.event == "error":
                words = event.data.decode(errors="replace").strip()
                raise self.failed(words, event.data) from None
            if not event.data.strip() or event.cut or event.event in IDLE:
                return None
            raise self.no_completion(f"an event is no JSON ({error})", event.data) from None
