"""A turn: one question to the model, as a flow. Wrappers make a turn hardier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import chain
from typing import TypeAlias

from ..values.errors import ChatStreamInterruptedError, LexiluxError, NetworkError
from ..values.request import ChatRequest
from ..values.results import (
    ChatResult,
    ChatStreamChunk,
    StreamingResult,
    Timing,
    ToolCallDelta,
    stamp,
)
from ..wire.dialect import Answer, Dialect
from ..wire.http import Response
from ..wire.sse import ServerSentEvent, SSEDecoder
from .flow import NOW, Chunks, Delegate, Drain, Flow, Open, Read, Send, Spent, Track
from .journey import Journey

Turn: TypeAlias = Callable[[ChatRequest], Flow[ChatResult]]


def whole(dialect: Dialect) -> Turn:
    """Ask, and wait for the whole answer."""

    def turn(request: ChatRequest) -> Flow[ChatResult]:
        response: Response = yield Send(dialect.encode(request, stream=False))
        dialect.check(response)
        return dialect.decode(response, request)

    return turn


def streamed(dialect: Dialect) -> Turn:
    """Ask, and hand the answer on chunk by chunk; the last chunk is `done`.

    Ends with ChatStreamInterruptedError unless the server announced the end.
    Once content has come no failure is retryable: the consumer has seen it.
    """

    def turn(request: ChatRequest) -> Flow[ChatResult]:
        began: float = yield NOW
        head: Response = yield Open(dialect.encode(request, stream=True))
        dialect.check(head)
        answer = dialect.answer(request, head)
        reception = Reception(answer, began, show_reasoning=request.include_reasoning)
        yield Track(reception)
        try:
            yield Delegate(_receive(reception))
            if reception.not_a_stream:
                body = Response(head.status, head.headers, bytes(reception.decoder.stray))
                reception.take_whole(dialect.decode(body, request))
        except LexiluxError as error:
            raise reception.failed(error) from error.__cause__
        yield Drain()  # before the last chunk, at which many consumers stop
        yield reception.last_chunk()
        return reception.so_far()

    return turn


def timed(turn: Turn, journey: Journey) -> Turn:
    """Put the time that the whole call took, and what it went through, on its result.

    The turn's result must be a new one, which nobody else has.
    """

    def measured(request: ChatRequest) -> Flow[ChatResult]:
        began: float = yield NOW
        try:
            result = yield from turn(request)
        except LexiluxError as error:
            error.failed_attempts = tuple(journey.failed)
            raise
        ended: float = yield NOW
        facts = {
            "timing": Timing(result.timing.first_content_s, ended - began),
            "base_url": journey.base_url,
            "key_index": journey.key_index,
            "failed_attempts": tuple(journey.failed),
        }
        stamp(result, facts)
        return result

    return measured


def counted(turn: Turn) -> Turn:
    """Tell the pacer what each answer took."""

    def counting(request: ChatRequest) -> Flow[ChatResult]:
        result = yield from turn(request)
        yield Spent(result.usage)
        return result

    return counting


class Reception:
    """One stream as it comes in: its decoder, its answer, and when content began."""

    def __init__(self, answer: Answer, began: float, *, show_reasoning: bool) -> None:
        self.answer = answer
        self.show_reasoning = show_reasoning
        self.decoder = SSEDecoder()
        self.began = began
        self.first_content_s: float | None = None
        self.bytes_came = False
        self.events_came = False
        self._whole: ChatResult | None = None
        self._partial: ChatResult | None = None

    @property
    def not_a_stream(self) -> bool:
        """Whether the body was something else: JSON, HTML, or nothing at all."""
        return not self.events_came and (bool(self.decoder.stray) or not self.bytes_came)

    def take_whole(self, result: ChatResult) -> None:
        """The server sent one whole body where a stream was asked for."""
        self._whole = result

    def last_chunk(self) -> ChatStreamChunk:
        """The chunk with `done=True`; all of the answer, where it came as one body."""
        if (result := self._whole) is None:
            return self.answer.last_chunk()
        return ChatStreamChunk(
            delta=result.text,
            reasoning=result.reasoning if self.show_reasoning else "",
            tool_calls=[
                ToolCallDelta(i, call.id, call.name, call.arguments)
                for i, call in enumerate(result.tool_calls)
            ],
            finish_reason=result.finish_reason,
            usage=result.usage or None,
            done=True,
            refusal=result.refusal or "",
            raw=result.raw,
        )

    def so_far(self) -> StreamingResult:
        """The answer so far, for `iterator.result`."""
        result = self._whole or self._partial
        if result is None:
            so_far = self.answer.so_far()
            return replace(so_far, timing=Timing(self.first_content_s, so_far.timing.total_s))
        return streaming_result(result, done=result is self._whole)

    def failed(self, error: LexiluxError) -> LexiluxError:
        """`error`, with what came before it; final once content has come."""
        if error.partial is None:
            silent = isinstance(error, ChatStreamInterruptedError) and error.clean
            so_far = self.so_far()
            error.partial = so_far.to_chat_result() if silent else interrupted(so_far)
        self._partial = error.partial
        if self.answer.pieces:
            error.resumable, error.retryable = error.retryable, False
        return error


def streaming_result(result: ChatResult, *, done: bool) -> StreamingResult:
    """`result`, as `iterator.result` shows it."""
    given = {each.name: getattr(result, each.name) for each in fields(ChatResult)}
    return StreamingResult(**given, done=done)


def interrupted(result: StreamingResult) -> ChatResult:
    """The answer up to a break: unlike `unannounced`, the end is known to be missing.

    What the server had finished before stays finished.
    """
    choices = tuple(
        replace(each, status="interrupted") if each.status == "unannounced" else each
        for each in result.choices
    )
    status = "interrupted" if result.status == "unannounced" else result.status
    return replace(result.to_chat_result(), status=status, choices=choices)


_READ, _READ_ON = Read(), Read(content=True)


def _receive(reception: Reception) -> Flow[None]:
    """Read to the announced end, handing on chunks; raise where there is none."""
    answer, decoder = reception.answer, reception.decoder
    pieces = 0
    while not answer.done:
        known, pieces = pieces, answer.pieces
        try:
            data: bytes = yield _READ_ON if pieces > known else _READ
        except NetworkError as error:
            if answer.announced:
                return
            raise _broken(error) from error
        if pieces and (messages := decoder.messages(data)):
            if len(messages) == 1:
                yield from answer.take(messages[0])
            else:
                yield Chunks(chain.from_iterable(map(answer.take, messages)))
            continue
        events = decoder.feed(data) if data else decoder.flush()
        reception.bytes_came = reception.bytes_came or bool(data)
        reception.events_came = reception.events_came or bool(events)
        if reception.first_content_s is None:
            events = yield from _begin(reception, events)
        if events:
            yield Chunks(chain.from_iterable(map(answer.feed, events)))
        if not data:
            break
    if not answer.announced and not reception.not_a_stream:
        raise ChatStreamInterruptedError(_unannounced(decoder), clean=True)


def _begin(reception: Reception, events: list[ServerSentEvent]) -> Flow[list[ServerSentEvent]]:
    """Take events in up to the first content, and note when it came; returns the other events."""
    answer = reception.answer
    for place, event in enumerate(events, 1):
        chunks = answer.feed(event)
        if answer.pieces:
            came: float = yield NOW
            reception.first_content_s = came - reception.began
            yield from chunks
            return events[place:]
        yield from chunks
    return []


def _broken(error: NetworkError) -> NetworkError:
    """A time-out stays one; every other failure in mid-stream is an interruption."""
    if isinstance(error, TimeoutError):
        return error
    return ChatStreamInterruptedError(
        f"the connection broke before the answer was done: {error.message}"
        "; error.partial holds what had come"
    )


def _unannounced(decoder: SSEDecoder) -> str:
    message = (
        "the stream ended without a finish reason and without [DONE]: the server or a proxy"
        " gave up silently; error.partial holds what had come"
    )
    if decoder.stray:
        message += f"; lines that are no events: {bytes(decoder.stray[:200])!r}"
    return message
