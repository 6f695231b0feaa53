"""What a provider's dialect must say: pure functions behind one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, StreamingResult
from .http import Request, Response
from .profile import Profile
from .sse import ServerSentEvent


class Answer(Protocol):
    """A streamed answer, put together event by event.

    Each chunk that `feed` returns is counted in `so_far()` already, so a flow hands
    them on before it feeds the next event.
    """

    @property
    def pieces(self) -> int:
        """How many events brought content: text, reasoning, refusal or tool calls."""
        ...

    @property
    def done(self) -> bool:
        """Whether the server said that nothing follows (`[DONE]`): read no further."""
        ...

    @property
    def announced(self) -> bool:
        """Whether the end was announced: by `done`, or by a finish reason for every choice."""
        ...

    def take(self, data: bytes) -> Sequence[ChatStreamChunk]:
        """`feed`, for the data of a whole event without a name."""
        ...

    def feed(self, event: ServerSentEvent) -> Sequence[ChatStreamChunk]:
        """Take one event in; returns what it adds for the consumer: often nothing, as when done.

        Raises:
            APIError: The event is an error, in any of its known shapes; `partial` is set.
            ResponseFormatError: The event is not one of a chat completion; `partial` is set.
        """
        ...

    def last_chunk(self) -> ChatStreamChunk:
        """The chunk with `done=True`, for the end of an announced answer."""
        ...

    def so_far(self) -> StreamingResult:
        """What the events fed so far add up to."""
        ...


class Dialect(Protocol):
    """Values to JSON and back, for one family of servers."""

    @property
    def profile(self) -> Profile:
        """What the provider can do."""
        ...

    def encode(self, request: ChatRequest, *, stream: bool) -> Request:
        """Spell the request.

        Raises:
            ValidationError: It cannot be written as JSON.
        """
        ...

    def check(self, response: Response) -> None:
        """Raise the error that a response stands for whose status is not 2xx.

        Raises:
            APIError: Always for a status below 200 or from 300 on.
        """
        ...

    def decode(self, response: Response, request: ChatRequest) -> ChatResult:
        """Read a whole 2xx body.

        Raises:
            APIError: The body is an error object.
            ResponseFormatError: It is not a chat completion.
        """
        ...

    def answer(self, request: ChatRequest, head: Response) -> Answer:
        """An empty answer, for the events that follow `head`."""
        ...
