"""Raw bytes of real servers, by file name. They stand beside this repository, or tests skip."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lexilux_like.values.errors import ChatStreamInterruptedError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder

PATH = Path(__file__).parents[2].parent / "shared" / "captures"
DIALECT, REQUEST = OpenAIDialect(), ChatRequest("m", [], include_reasoning=True)


@cache
def captures() -> dict[str, bytes]:
    """Every capture; skips the test where there are none."""
    if not PATH.exists():
        pytest.skip("the captured bytes (../shared/captures) are not here")
    return {path.name: path.read_bytes() for path in sorted(PATH.glob("*.[hs]*"))}


def parted(name: str, raw: bytes) -> tuple[Response, list[bytes]]:
    """The head, and the chunks of the body as they came; `.sse` files are bodies alone."""
    if name.endswith(".sse"):
        return Response(200, {"content-type": "text/event-stream"}), [raw]
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {key.lower(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    chunks = chunks_of(body) if headers.get("transfer-encoding") == "chunked" else [body]
    return Response(int(status.split()[1]), headers), chunks


def chunks_of(body: bytes) -> list[bytes]:
    """The chunks of a chunked body; one that was captured without its framing is one chunk."""
    chunks = []
    rest = body
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        try:
            size = int(line, 16)
        except ValueError:
            return [body]
        chunks.append(rest[:size])
        rest = rest[size + 2 :]
    return chunks


def response_of(name: str, raw: bytes) -> Response:
    """Head and body of a capture."""
    head, chunks = parted(name, raw)
    return Response(head.status, head.headers, b"".join(chunks))


def answer_to(response: Response) -> ChatResult:
    """The result; raises what the response stands for."""
    DIALECT.check(response)
    if "event-stream" not in response.headers.get("content-type", ""):
        return DIALECT.decode(response, REQUEST)
    answer, decoder = DIALECT.answer(REQUEST, response), SSEDecoder()
    events = decoder.feed(response.body) + decoder.flush()
    if not events:
        return DIALECT.decode(Response(200, response.headers, decoder.stray), REQUEST)
    for event in events:
        answer.feed(event)
    if not answer.announced:
        raise ChatStreamInterruptedError("unannounced", partial=answer.so_far())
    answer.last_chunk()
    return answer.so_far()
