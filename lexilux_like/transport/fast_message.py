"""Responses read off one connection by httptools' compiled parser, without any I/O."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .fast_errors import ReadError, RemoteProtocolError

MAX_HEAD_BYTES = 256 * 1024
"""Most bytes that may come without any of the body: a head, chunk extensions, or trailers."""


class Message:
    """The response that a connection is at, fed with bytes as they come.

    One parser serves a connection for as long as it lives. Lenient where httpx is: folded and
    odd header values, line feeds alone, and a Content-Length beside chunks (the connection is not
    kept then).

    Attributes:
        status: Of the response; interim ones (1xx) are skipped.
        fields: The header, names in lower case. Trailers are left out.
        pieces: The parts of the body that nobody has taken yet.
        answered: Whether a byte came since the request was sent.
        headed: Whether the head is whole.
        done: Whether the response is whole; what comes then belongs to no request.
        keep: Whether the connection may serve another request.
        surplus: Whether more came than the response.
        error: Why no more can be read. What came before it can still be taken.
    """

    __slots__ = (
        "_bodiless",
        "_framed",
        "_interim",
        "_parser",
        "_spare",
        "_whole",
        "answered",
        "done",
        "error",
        "fields",
        "headed",
        "keep",
        "on_body",
        "pieces",
        "status",
        "surplus",
    )

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append
        self.fields: list[tuple[bytes, bytes]] = []
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self.expect()
        self.done = self.headed = True

    def expect(self, *, bodiless: bool = False) -> None:
        """A request is about to be sent; `bodiless` for HEAD, whose response has no body."""
        self.pieces.clear()
        self.fields.clear()
        self.status = self._spare = self._whole = 0
        self.answered = self.headed = self.done = self.keep = self.surplus = False
        self._interim = self._framed = False
        self._bodiless = bodiless
        self.error: Exception | None = None

    def feed(self, data: bytes | memoryview) -> None:
        """Take in bytes; never raises, see `error`."""
        self.answered = True
        parser = self._parser
        if parser is None or self.error is not None:
            return
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            self._stop_at_switch()
        except HttpParserError as error:
            if self.status == 101:
                self._stop_at_switch()
            elif not self.done:
                self.error = RemoteProtocolError(f"the response is not valid HTTP/1.1: {error}")
        if self.surplus:
            del self.pieces[self._whole :]
        if self.pieces or self.done:
            self._spare = 0
        else:
            self._spare += len(data)
            if self._spare > MAX_HEAD_BYTES:
                self.error = RemoteProtocolError(
                    f"more than {MAX_HEAD_BYTES} bytes of header came, and no body"
                )

    def end(self) -> None:
        """The connection has ended in good order: right for a body that only this delimits."""
        if self.done or self.error is not None:
            return
        if self.headed and not self._framed:
            self.done = True
        else:
            what = "its response was whole" if self.answered else "it answered"
            self.fail(RemoteProtocolError(f"the server closed the connection before {what}"))

    def fail(self, error: Exception) -> None:
        """Nothing more will come, and not in good order."""
        if not self.done and self.error is None:
            self.error = error
            self.keep = False

    def take(self) -> bytes:
        """What came of the body since the last time."""
        pieces = self.pieces
        if len(pieces) == 1:
            return pieces.pop()
        data = b"".join(pieces)
        pieces.clear()
        return data

    def close(self) -> None:
        """The connection is gone."""
        self._parser = None  # it refers back to this object
        self.fail(ReadError("the connection was closed"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.done:
            self.surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.headed:
            self.fields.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self.surplus or parser is None:
            return
        self.status = parser.get_status_code()
        if self.status < 200 and self.status != 101:
            self._interim = True
            self.fields.clear()
            return
        values = dict(self.fields)
        coding = values.get(b"transfer-encoding")
        self._framed = coding is not None or b"content-length" in values
        self.keep = parser.should_keep_alive() and self.status != 101
        if coding is not None:
            self.keep = self.keep and b"content-length" not in values
            if coding.lower() != b"chunked":
                self.fail(RemoteProtocolError(f"transfer-encoding {coding!r} was not asked for"))
        if b"\0" in b"".join(values.values()):
            self.fail(RemoteProtocolError("there is a NUL in the response's header"))
        self.headed = self.error is None
        if self._bodiless:
            self.done, self.keep = True, False

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        elif not self.done:
            self.done = True
            self._whole = len(self.pieces)

    def _stop_at_switch(self) -> None:
        """Status 101, which nobody asked for: what follows is no HTTP."""
        self.done, self.keep = True, False
