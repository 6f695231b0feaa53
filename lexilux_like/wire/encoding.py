"""Content encodings, undone in pieces of bounded size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ..values.errors import ResponseFormatError

PIECE_BYTES = 1024 * 1024
"""Most bytes of one piece."""
SLICE_BYTES = 64 * 1024  # the end of each gzip member copies what follows it: keep that short
WBITS = {"gzip": 31, "x-gzip": 31, "deflate": zlib.MAX_WBITS}


class Inflater:
    """Undoes one Content-Encoding: gzip, deflate (with zlib's header or without), or none.

    Args:
        content_encoding: The header's value.
        limit: Most bytes that one `feed` may turn into.

    Raises:
        ResponseFormatError: It is an encoding that was not asked for.
    """

    __slots__ = ("_begun", "_head", "_inflate", "_limit", "_wbits")

    def __init__(self, content_encoding: str, limit: int) -> None:
        name = content_encoding.strip().lower()
        if name not in WBITS and name not in ("", "identity"):
            raise ResponseFormatError(
                f"the body's Content-Encoding is {content_encoding!r}, which was not asked for:"
                " only gzip and deflate are understood"
            )
        self._wbits = WBITS.get(name)
        self._inflate = zlib.decompressobj(self._wbits or zlib.MAX_WBITS)
        self._begun = False
        self._head = b""
        self._limit = limit

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes in; yields what they hold, in pieces of at most PIECE_BYTES.

        All pieces must be taken before the next `feed`.

        Raises:
            ResponseFormatError: The data are corrupt, or hold more than the limit.
        """
        if self._wbits is None:
            yield data
            return
        size = 0
        for start in range(0, len(data), SLICE_BYTES):
            for piece in self._pieces(data[start : start + SLICE_BYTES]):
                size += len(piece)
                if size > self._limit:
                    raise ResponseFormatError(
                        f"{len(data)} compressed bytes hold more than {self._limit} bytes"
                        " and were not read further"
                    )
                yield piece

    def end(self) -> bytes:
        """The body has ended; returns what was left to hand on, which is nothing.

        Raises:
            ResponseFormatError: The compressed data are cut.
        """
        if self._head or (self._begun and not self._inflate.eof):
            raise ResponseFormatError("the compressed body is cut: its end is missing")
        return b""

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data := self._begin(data):
            try:
                while piece := self._inflate.decompress(data, PIECE_BYTES):
                    yield piece
                    data = self._inflate.unconsumed_tail
            except zlib.error as error:
                raise ResponseFormatError(f"the compressed body is corrupt: {error}") from error
            data = self._inflate.unused_data

    def _begin(self, data: bytes) -> bytes:
        """Set up for `data` where they begin a stream; returns what can be inflated now."""
        if self._begun and not self._inflate.eof:
            return data
        if self._begun:  # gzip allows several members, one after the other, and padding
            if not (data := data.lstrip(b"\0")):
                return b""
            self._begun = False
        data = self._head + data
        raw = False
        if self._wbits == zlib.MAX_WBITS:
            if len(data) < 2:
                self._head = data
                return b""
            raw = data[0] & 0x0F != zlib.DEFLATED or (data[0] << 8 | data[1]) % 31 != 0
        self._head = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS if raw else self._wbits or 0)
        self._begun = True
        return data
