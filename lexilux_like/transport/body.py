"""Response bodies: decompressed piece by piece, and collected up to a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..values.errors import ResponseFormatError
from ..wire.encoding import Inflater
from ..wire.http import Response
from .engine import AsyncOpened, Opened

MAX_BODY_BYTES = 48 * 1024 * 1024
"""Most bytes of one whole body, after decompression."""


class Body:
    """A response body that comes piece by piece, each of bounded size once decompressed.

    Args:
        encoding: Its Content-Encoding; empty for none.

    Attributes:
        plain: It is not compressed: the pieces are what was read.
    """

    __slots__ = ("_inflater", "_pieces", "plain")

    def __init__(self, encoding: str) -> None:
        self.plain = encoding.strip().lower() in ("", "identity")
        self._inflater = None if self.plain else Inflater(encoding, MAX_BODY_BYTES)
        self._pieces: Iterator[bytes] = iter(())

    def waiting(self) -> bytes:
        """The next piece of what was taken in already; empty when there is none."""
        if self._inflater is None:
            return b""
        return next((piece for piece in self._pieces if piece), b"")

    def take(self, data: bytes) -> bytes:
        """Take bytes in as they came; returns the first piece of them."""
        if self._inflater is None:
            return data
        self._pieces = iter(self._inflater.feed(data) if data else [self._inflater.end()])
        return self.waiting()


PLAIN = Body("")
"""Any body that is not compressed: nothing of it is kept here."""


def body_of(headers: Mapping[str, str]) -> Body:
    """The body behind a head."""
    encoding = headers.get("content-encoding")
    return Body(encoding) if encoding else PLAIN


class Whole:
    """A body collected up to the limit."""

    __slots__ = ("_parts", "_response", "_size")

    def __init__(self, opened: Opened | AsyncOpened) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._response = opened

    def add(self, piece: bytes) -> None:
        """Take one more piece in.

        Raises:
            ResponseFormatError: The body is over the limit.
        """
        self._size += len(piece)
        if self._size > MAX_BODY_BYTES:
            raise ResponseFormatError(
                f"the body is larger than {MAX_BODY_BYTES} bytes and was not read further",
                status_code=self._response.status,
                headers=self._response.headers,
                body=b"".join(self._parts)[:1000],
            )
        self._parts.append(piece)

    def response(self) -> Response:
        return Response(self._response.status, self._response.headers, b"".join(self._parts))
