"""Server-sent events: bytes in, events out, as the WHATWG defines them.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from dataclasses import dataclass

from ..values.errors import ResponseFormatError

MAX_EVENT_BYTES = 48 * 1024 * 1024
"""Most bytes of one event, or of a body that turns out not to be an event stream."""
STRAY_BYTES = 4096
"""Most bytes kept of stray lines once an event has come."""
BOM = b"\xef\xbb\xbf"
CR, LF = 0x0D, 0x0A


@dataclass(slots=True)
class ServerSentEvent:
    """One event. Not frozen, because there are millions; treat it as if it were."""

    event: str = "message"
    data: bytes = b""
    """Its data lines joined by LF, as they came: UTF-8 if the server keeps to the rules."""
    id: str = ""
    """The last id that the stream has set."""
    retry: int | None = None
    """The last reconnection time that the stream has set, in milliseconds."""
    cut: bool = False
    """Whether the body ended before the event did: it may be only a part."""


class SSEDecoder:
    """Feed it bytes as they come, cut anywhere; it returns the events that are whole.

    Time and memory are linear in the bytes fed. Lines end in CR, LF or CRLF and in
    nothing else.
    """

    __slots__ = (
        "_any",
        "_cr",
        "_data",
        "_event",
        "_id",
        "_line",
        "_plain",
        "_retry",
        "_size",
        "_start",
        "_stray",
    )

    def __init__(self) -> None:
        self._start: bytes | None = b""  # None once it is known that no BOM can come
        self._cr = False  # the last read ended in CR: a LF that follows belongs to it
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._event = "message"
        self._id = ""
        self._retry: int | None = None
        self._any = False
        self._plain = True  # nothing is left of earlier reads but the beginning of a line
        self._stray = bytearray()

    @property
    def stray(self) -> bytes:
        """Lines that are no known field; all of the body where it is no event stream.

        Once an event has come, at most about 4 KiB are kept.
        """
        return bytes(self._stray)

    def messages(self, data: bytes) -> list[bytes]:
        """The data of the events that these bytes finish, where all are a line `data: ` each.

        Nearly all are, and this is much faster than `feed`. Where it returns nothing, it has taken
        nothing in: then the bytes are for `feed`.
        """
        if not self._plain or self._start or CR in data:
            return []
        end = data.find(LF)
        alone = end == len(data) - 2 and data[-1] == LF
        if not alone and (end := data.rfind(b"\n\n")) < 0:
            return []
        if self._line:
            end += len(self._line)
            data = b"".join((self._line, data))
        if not data.startswith(b"data: "):
            return []
        rest = data[end + 2 :]
        found = [data[6:end]] if alone else data[6:end].split(b"\n\ndata: ")
        if not alone and (LF in b"".join(found) or LF in rest):
            return []
        if rest or self._line:
            self._line = bytearray(rest)
        self._size = len(rest)
        self._start, self._any = None, True
        return found

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take bytes in; returns the events that they finish.

        Raises:
            ResponseFormatError: An unfinished event is over MAX_EVENT_BYTES.
        """
        if self._start is not None:
            data = self._without_bom(data)
        if self._cr and data:
            self._cr = False
            if data[0] == LF:
                data = data[1:]
        if not data:
            return []
        lines = data.splitlines()  # of bytes: CR, LF and CRLF only
        last = data[-1]
        rest = b"" if last in (LF, CR) else lines.pop()
        self._cr = last == CR
        if self._line and lines:
            self._line += lines[0]
            lines[0] = bytes(self._line)
            self._line = bytearray()
        events = self._take(lines) if lines else []
        if rest:
            self._line += rest
        self._plain = not (self._cr or self._data) and self._event == "message"
        if self._line or self._data:
            self._measure(len(data), afresh=bool(events))
        else:
            self._size = 0
        return events

    def flush(self) -> list[ServerSentEvent]:
        """At the end of the body: the event that lacks its blank line, marked as `cut`.

        The WHATWG discards it; some providers end their last event so.
        """
        line = bytes(self._line) or self._start or b""
        self._line, self._start = bytearray(), None
        events = self._take([line, b""] if line else [b""])
        for event in events:
            event.cut = True
        return events

    def _take(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data: "):  # nearly every line
                data.append(line[6:])
            elif line:
                self._field(line)
            elif data:
                joined = data[0] if len(data) == 1 else b"\n".join(data)
                events.append(ServerSentEvent(self._event, joined, self._id, self._retry))
                data.clear()
                self._event = "message"
                self._any = True
            else:
                self._event = "message"
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"":
                pass  # a comment, which keeps the connection alive
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = value.decode(errors="replace") or "message"
            case b"error":  # no field of the standard's: GPUStack gives up with such a line
                self._event = "error"
                self._data.append(value)
            case b"id":
                if b"\0" not in value:
                    self._id = value.decode(errors="replace")
            case b"retry":
                if value.isdigit() and len(value) < 16:
                    self._retry = int(value)
            case _:
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        if self._any and len(self._stray) + len(line) > STRAY_BYTES:
            return
        if self._stray:
            self._stray += b"\n"
        self._stray += line
        if len(self._stray) > MAX_EVENT_BYTES:
            raise _too_large("body")

    def _measure(self, size: int, *, afresh: bool) -> None:
        """Bound the unfinished event; `size` bytes of it have come, or it began just now."""
        if afresh:
            self._size, size = 0, len(self._line) + sum(map(len, self._data))
        self._size += size
        if self._size > MAX_EVENT_BYTES:
            raise _too_large("event")

    def _without_bom(self, data: bytes) -> bytes:
        data = (self._start or b"") + data
        if len(data) < len(BOM) and BOM.startswith(data):
            self._start = data
            return b""
        self._start = None
        return data.removeprefix(BOM)


def _too_large(what: str) -> ResponseFormatError:
    return ResponseFormatError(
        f"one {what} of the stream is larger than {MAX_EVENT_BYTES} bytes and was not read further"
    )
