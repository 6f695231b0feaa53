"""A live HTTP/1.1 server that plays a script: any bytes, any timing, any fault."""

from __future__ import annotations

import http
import itertools
import socket
import ssl
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Self, TypeAlias, assert_never

from .connection import LINGER_S, Connection, PeerGoneError, RecordedRequest
from .script import Cut, Pause, Raw, Reply, Reset, Send, Stall, Step, Wait, refuse

Answer: TypeAlias = Reply | Callable[[RecordedRequest], Reply]
"""A reply, or a function that makes one from the request (in the connection's thread)."""

CLOSE_S = 2.0
"""Most seconds that `ScriptedServer.close` waits for its threads."""

NO_BODY = (204, 304)
"""Statuses that never have a body, nor a Content-Length."""

SCRIPT_EMPTY = refuse(500, "the script is empty", code="script_empty")


def head_of(reply: Reply) -> bytes:
    """The status line and headers that announce the body of `reply`."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if reply.framing == "chunked":
        headers.setdefault("transfer-encoding", "chunked")
    elif reply.framing == "close":
        headers.setdefault("connection", "close")
    elif reply.status not in NO_BODY:
        headers.setdefault("content-length", str(_promised(reply)))
    try:
        reason = http.HTTPStatus(reply.status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {reply.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _promised(reply: Reply) -> int:
    size = len(reply.body or b"") + sum(len(s.data) for s in reply.steps if isinstance(s, Send))
    return size + _unfinished(reply)


def _unfinished(reply: Reply) -> bool:
    steps = reply.steps
    return (
        isinstance(steps, Sequence) and bool(steps) and isinstance(steps[-1], Cut | Reset | Stall)
    )


def play(reply: Reply, connection: Connection) -> bool:
    """Write `reply`; returns whether the connection may serve another request.

    Raises:
        PeerGoneError: The peer hung up before the end.
    """
    frame = _chunk if reply.framing == "chunked" else bytes
    if reply.head_delay:
        connection.quiet(reply.head_delay)
    first = head_of(reply) if reply.head else b""
    if reply.body:
        first += frame(reply.body)
    if first:
        connection.write(first)
    if not _play_steps(reply.steps, connection, frame):
        return False
    if reply.framing == "chunked":
        connection.write(b"0\r\n\r\n")
    if _ends_connection(reply):
        connection.finish()
        return False
    return True


def _play_steps(
    steps: Iterable[Step], connection: Connection, frame: Callable[[bytes], bytes]
) -> bool:
    """Play them all; returns whether the reply goes on. A generator is closed in any case."""
    try:
        return all(_perform(step, connection, frame) for step in steps)
    finally:
        if isinstance(steps, Generator):
            steps.close()


def _ends_connection(reply: Reply) -> bool:
    if reply.framing != "chunked" and (reply.framing == "close" or _unfinished(reply)):
        return True
    said = {name.lower(): value.lower() for name, value in reply.headers.items()}
    return said.get("connection") == "close"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _perform(step: Step, connection: Connection, frame: Callable[[bytes], bytes]) -> bool:
    """Play one step; returns whether the reply goes on."""
    match step:
        case Send(data):
            connection.write(frame(data))
        case Raw(data):
            connection.write(data)
        case Pause(seconds) | Stall(seconds):
            connection.quiet(seconds)
        case Wait(event, timeout):
            if not connection.quiet(timeout, event):
                connection.hang_up()
                return False
        case Cut():
            connection.hang_up()
            return False
        case Reset():
            connection.reset()
            return False
        case _:
            assert_never(step)
    return True


def _made(make: Callable[[RecordedRequest], Reply], request: RecordedRequest) -> Reply:
    try:
        return make(request)
    except Exception as error:  # noqa: BLE001 - the client hears of it, and so does the test
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename}:{place.lineno}"
        message = f"the function that makes the reply raised {error!r} at {where}"
        return refuse(500, message, code="reply_failed")


class ScriptedServer:
    """Answers each request with the next reply of its script, on 127.0.0.1 and a free port.

    A context manager. One thread per connection, so that any number of clients is served at
    once; connections are kept alive unless a reply ends them. A request for which no reply is
    left is answered with 500 and `"the script is empty"`, and recorded like any other; so is one
    whose reply is a function that raises, with 500 and the exception.

    Args:
        replies: The script; see `play`.
        tls: A server-side context, to speak https.

    Examples:
        >>> from lexilux_like.testing import ScriptedServer, answer
        >>> with ScriptedServer(answer("Hello")) as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(self, *replies: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[RecordedRequest] = []
        """Every request so far, in the order in which they had come whole."""
        self._script = deque(replies)
        self._always: Answer = SCRIPT_EMPTY
        self._tls = tls
        self._changed = threading.Condition()
        self._open: dict[Connection, threading.Thread] = {}
        self._last: Connection | None = None
        self._numbers = itertools.count(1)
        self._accepted = 0
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """For a client's `base_url`."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def play(self, *replies: Answer) -> None:
        """Add to the script: one reply per request, in order."""
        with self._changed:
            self._script.extend(replies)

    def always(self, reply: Answer) -> None:
        """Answer with this whenever the script has nothing left."""
        with self._changed:
            self._always = reply

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        with self._changed:
            return self._accepted

    @property
    def open_connections(self) -> int:
        """How many of them the peer has not hung up."""
        with self._changed:
            return sum(not connection.peer_gone.is_set() for connection in self._open)

    def wait_for_requests(self, count: int, timeout: float = 2.0) -> bool:
        """Wait until `count` requests have come; returns whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, timeout)

    def wait_for_disconnect(self, timeout: float = 2.0) -> bool:
        """Wait until the peer has hung up the connection that the last reply was played on."""
        end = time.monotonic() + timeout
        with self._changed:
            self._changed.wait_for(lambda: self._last is not None, timeout)
            last = self._last
        return last is not None and last.peer_gone.wait(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Stop listening and break every connection; takes at most a few seconds."""
        if self._closing:
            return
        self._closing = True
        with suppress(OSError):
            # On some systems neither close() nor shutdown() wakes a thread out of accept().
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        end = time.monotonic() + CLOSE_S
        self._acceptor.join(CLOSE_S)
        self._listener.close()
        with self._changed:
            left = dict(self._open)
        for connection in left:
            connection.wake()
        for thread in left.values():
            thread.join(max(0.0, end - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._closing:
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, next(self._numbers))
            thread = threading.Thread(target=partial(self._serve, connection), daemon=True)
            with self._changed:
                self._accepted += 1
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            if self._tls:
                connection.sock.settimeout(LINGER_S)
                connection.sock = self._tls.wrap_socket(connection.sock, server_side=True)
            while self._serve_one(connection):
                pass
        except (PeerGoneError, OSError):
            connection.peer_gone.set()
        finally:
            connection.sock.close()
            with self._changed:
                del self._open[connection]

    def _serve_one(self, connection: Connection) -> bool:
        try:
            request = connection.read_request()
        except ValueError:
            return play(Reply(400, {"connection": "close"}), connection)
        with self._changed:
            self.requests.append(request)
            self._last = connection
            reply = self._script.popleft() if self._script else self._always
            self._changed.notify_all()
        if not isinstance(reply, Reply):
            reply = _made(reply, request)
        if not play(reply, connection):
            return False
        if request.headers.get("connection", "").lower() == "close":
            connection.finish()
            return False
        return True
