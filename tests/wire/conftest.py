"""Playing bytes into the wire floor, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import captured
import pytest
from corpus import Cut, at_once
from hypothesis import settings
from rows import Row, check_chunks

from lexilux_like.testing import Send
from lexilux_like.values.errors import ChatStreamInterruptedError, LexiluxError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, ChatStreamChunk, StreamingResult
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIAnswer, OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")

STREAM = {"content-type": "text/event-stream"}


@dataclass
class Played:
    """What came of a stream: its chunks, and the result or the error."""

    answer: OpenAIAnswer
    chunks: list[ChatStreamChunk] = field(default_factory=list)
    error: LexiluxError | None = None

    @property
    def result(self) -> StreamingResult:
        """The answer, of a stream that ended well."""
        if self.error is not None:
            raise self.error
        return self.answer.so_far()

    @property
    def text(self) -> str:
        """What the consumer was handed, joined."""
        return "".join(chunk.delta for chunk in self.chunks)


def play_reads(
    reads: Iterable[bytes],
    request: ChatRequest | None = None,
    headers: Mapping[str, str] = STREAM,
) -> Played:
    """Feed a body read by read, as a turn does, and end it cleanly."""
    decoder = SSEDecoder()
    head = Response(200, headers)
    played = Played(OpenAIDialect().answer(request or ChatRequest("m", []), head))
    try:
        for data in reads:
            for event in decoder.feed(data):
                played.chunks += played.answer.feed(event)
        for event in decoder.flush():
            played.chunks += played.answer.feed(event)
        if not played.answer.announced:
            part = played.answer.so_far().to_chat_result()
            raise ChatStreamInterruptedError("unannounced", clean=True, partial=part)
        played.chunks.append(played.answer.last_chunk())
    except LexiluxError as error:
        played.error = error
    return played


def play_body(body: bytes, **fields: Any) -> Played:
    """Feed a body in one read; `fields` are those of the request."""
    return play_reads([body], ChatRequest("m", [], **fields))


def decode_body(body: bytes, *, status: int = 200, **fields: Any) -> ChatResult:
    """Decode a whole body, checked first."""
    dialect = OpenAIDialect()
    response = Response(status, {"content-type": "application/json"}, body)
    dialect.check(response)
    return dialect.decode(response, ChatRequest("m", [], **fields))


@pytest.fixture(scope="session")
def play() -> Callable[..., Played]:
    """`play(body)`: a streamed answer from its bytes."""
    return play_body


def hear_row(row: Row, cut: Cut = at_once) -> ChatResult | LexiluxError:
    """What becomes of a row: as the bytes of a head and a body, cut into reads in some way."""
    reply = row.reply
    body = (reply.body or b"") + b"".join(s.data for s in reply.steps if isinstance(s, Send))
    decoder = SSEDecoder()
    if row.whole or reply.status != 200 or not decoder.feed(body) + decoder.flush():
        try:
            return decode_body(body, status=reply.status, **row.options)
        except LexiluxError as error:
            return error
    played = play_reads(cut(body), ChatRequest("m", [], **row.options), reply.headers)
    if played.error is not None:
        return played.error
    check_chunks(played.chunks, played.result, shown=row.options.get("include_reasoning", False))
    return played.result


@pytest.fixture(scope="session")
def hear() -> Callable[..., ChatResult | LexiluxError]:
    """`hear(row)`: its result, or its error."""
    return hear_row


@pytest.fixture(scope="session")
def reads() -> Callable[..., Played]:
    """`reads([b"...", b"..."])`: the same, cut into reads."""
    return play_reads


@pytest.fixture(scope="session")
def decode() -> Callable[..., ChatResult]:
    """`decode(body)`: a whole answer from its bytes."""
    return decode_body


@pytest.fixture(scope="session")
def captures() -> dict[str, bytes]:
    """Raw bytes of real servers, by file name."""
    return captured.captures()
