"""Playing bytes into the wire floor, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from lexilux_like.values.errors import ChatStreamInterruptedError, LexiluxError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, ChatStreamChunk, StreamingResult
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIAnswer, OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")

SHARED = Path(__file__).parents[2] / ".." / "shared"
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
            raise ChatStreamInterruptedError("unannounced", partial=played.answer.so_far())
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
    folder = SHARED / "captures"
    if not folder.exists():
        pytest.skip("the captured bytes are not part of the repository")
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.[hs]*"))}
