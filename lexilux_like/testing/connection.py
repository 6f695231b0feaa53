"""One connection of a scripted server: requests in, bytes out, and whether the peer is there."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

LINGER_S = 2.0
"""How long a connection that the server has ended stays open for the peer to hang up."""

POLL_S = 0.005
"""How often a waiting connection looks at its event."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case; repeated ones joined with `, `."""
    raw_headers: list[tuple[str, str]]
    """As sent, in order."""
    body: bytes
    connection: int
    """Which connection it came on, counted from 1."""
    at: float = field(default_factory=time.monotonic)
    """When it had come whole, by `time.monotonic()`."""

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class PeerGoneError(Exception):
    """The peer has hung up, or the server is closing."""


class Connection:
    """One accepted connection: reads requests, plays replies, knows when the peer has gone."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.peer_gone = threading.Event()
        self._buffer = b""

    def receive(self, timeout: float | None) -> bool:
        """Take in what has come; False when nothing came for `timeout` seconds.

        Raises:
            PeerGoneError: The peer has hung up.
        """
        self.sock.settimeout(timeout)
        try:
            data = self.sock.recv(65_536)
        except TimeoutError:
            return False
        except (OSError, ValueError):  # ValueError: the TLS session is over
            data = b""
        if not data:
            self.peer_gone.set()
            raise PeerGoneError
        self._buffer += data
        return True

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises:
            PeerGoneError: The peer has hung up.
        """
        self.sock.settimeout(None)
        try:
            self.sock.sendall(data)
        except OSError as error:
            self.peer_gone.set()
            raise PeerGoneError from error

    def quiet(self, seconds: float, event: threading.Event | None = None) -> bool:
        """Say nothing for `seconds`, or until `event` is set; returns whether it was.

        Raises:
            PeerGoneError: The peer hung up meanwhile.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if event is not None and event.is_set():
                return True
            self.receive(min(left, POLL_S) if event else left)
        return event is not None and event.is_set()

    def read_request(self) -> RecordedRequest:
        """The next request, with its body.

        Raises:
            PeerGoneError: The peer hung up, in the middle of a request or between two.
            ValueError: What came is not an HTTP request.
        """
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, path, _version = first.split(" ")
        pairs = [line.split(":", 1) for line in lines]
        raw = [(name, value.strip()) for name, value in pairs]
        headers: dict[str, str] = {}
        for name, value in raw:
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("content-length", "0")))
        return RecordedRequest(method, path, headers, raw, body, self.number)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self.receive(None)
        data, _, self._buffer = self._buffer.partition(mark)
        return data

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self.receive(None)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        while self._until(b"\r\n"):
            pass
        return body

    def finish(self) -> None:
        """End our side politely, then wait for the peer to hang up.

        An immediate close could turn into a reset that destroys what we wrote last.
        """
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(LINGER_S)
            self.sock = self.sock.unwrap()
        self.hang_up()

    def hang_up(self) -> None:
        """Send FIN, without TLS's goodbye, and wait for the peer to do the same."""
        with suppress(OSError, PeerGoneError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            self.quiet(LINGER_S)

    def reset(self) -> None:
        """Send RST: to the peer the connection is broken at once."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer_gone.set()

    def wake(self) -> None:
        """End it from another thread."""
        with suppress(OSError):
            # Past SSLSocket.shutdown, which would take the TLS state from the thread reading it.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
