"""A server on loopback that passes requests on to a real one, and writes down what it answers."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ..values.errors import ValidationError
from .connection import RecordedRequest
from .script import Cut, Reply, Send, Step, refuse
from .server import NO_BODY, ScriptedServer
from .tape import Asked, Exchange, Scrub

HOP_BY_HOP = frozenset(
    (
        *("connection", "expect", "host", "keep-alive", "te", "trailer", "upgrade"),
        *("accept-encoding", "content-length", "transfer-encoding"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection"),
    )
)
"""Request headers that are about one connection (RFC 9110, 7.6.1), or that the recorder sets."""
SECRET_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
"""Where keys stand; what is there is wiped from what is written."""
LEAST_SECRET = 8
"""Characters; what is shorter is no secret, and stands in other words too."""
KEPT = re.compile(r"content-type|retry-after.*|.*ratelimit.*|x-should-retry|(x-)?request-id")
"""Response headers that are passed on and kept: others hold cookies, accounts and hosts."""
CONNECT_S = 30.0
SILENCE_S = 600.0
"""Most seconds without a byte from the real server; the client's own limits strike earlier."""


class Recorder(ScriptedServer):
    """Passes each request on to a real server, and adds the exchange to a file.

    A context manager, and a `ScriptedServer`: replies that are played come first, and are not
    recorded. A line of the file is an exchange, as JSON. Kept of a request are the method, the path
    behind the base_url and the body, and never a header or the URL's query; of a response the
    status, the body and those headers that clients act on, and only these reach the client. The
    client's key is replaced by asterisks wherever it stands. A file that is there is written
    anew when the first exchange ends.

    A server that cannot be reached is answered for with 502, which is not recorded.

    Args:
        base_url: Of the real server, as a client would be given it; http or https.
        path: The file; its folder is made.
        timed: Whether to keep when each part of a body came.
        scrub: What is kept of a request's JSON body, for what must not stand in a file; a `Replay`
            needs the same.
        client: To reach the server by, for a proxy or certificates of your own; it is not closed.

    Raises:
        ValidationError: `base_url` is no http or https URL.
    """

    def __init__(
        self,
        base_url: str,
        path: Path | str,
        *,
        timed: bool = False,
        scrub: Scrub | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValidationError(f"base_url={base_url!r} is no http or https URL")
        self.base_url = base_url.rstrip("/")
        self.path = Path(path)
        self._timed = timed
        self._scrub = scrub
        self._owned = client is None
        timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
        self._client = client or httpx.Client(timeout=timeout)
        self._writing = threading.Lock()
        self._begun = False
        self._live: set[httpx.Response] = set()
        super().__init__()
        self.always(self._forward)

    def close(self) -> None:
        """Stop, and write down what had come of answers that are under way."""
        for response in tuple(self._live):
            _wake(response)
        super().close()
        if self._owned:
            self._client.close()

    def _forward(self, request: RecordedRequest) -> Reply:
        path = request.path.removeprefix("/v1")
        headers = [(n, v) for n, v in request.raw_headers if n.lower() not in HOP_BY_HOP]
        passed = httpx.Request(
            request.method,
            self.base_url + path,
            headers=[*headers, ("accept-encoding", "identity")],
            content=request.body,
        )
        try:
            response = self._client.send(passed, stream=True)
        except httpx.HTTPError as error:
            reason = f"the recorder cannot reach {self.base_url!r}: {error!r}"
            return refuse(502, reason, code="upstream_unreachable")
        kept = {name: value for name, value in response.headers.items() if KEPT.fullmatch(name)}
        steps = self._pass_on(request, path, response, kept)
        if response.status_code in NO_BODY:
            return Reply(response.status_code, kept, steps=list(steps))
        return Reply(response.status_code, kept, steps=steps, framing="chunked")

    def _pass_on(
        self, request: RecordedRequest, path: str, response: httpx.Response, kept: dict[str, str]
    ) -> Generator[Step]:
        """The parts of the body as they come; what came is written down however it ends."""
        began = time.monotonic()
        parts: list[tuple[float, bytes]] = []
        ended = False
        self._live.add(response)
        try:
            for data in response.iter_bytes():
                parts.append((time.monotonic() - began, data))
                yield Send(data)
            ended = True
        except httpx.HTTPError:
            pass  # the record tells, and so does the end of the reply
        finally:
            self._live.discard(response)
            response.close()
            asked = Asked.of(request.method, path, request.body, self._scrub)
            body = _wiped(b"".join(data for _, data in parts), request)
            writes = [(at, len(data)) for at, data in parts] if self._timed else None
            exchange = Exchange(asked, response.status_code, kept, body, ended, writes)
            self._write(exchange, request)
        if not ended:
            yield Cut()

    def _write(self, exchange: Exchange, request: RecordedRequest) -> None:
        line = exchange.line()
        for secret in _secrets(request):
            line = line.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "*" * len(secret))
        with self._writing:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a" if self._begun else "w", encoding="utf-8") as file:
                file.write(f"{line}\n")
            self._begun = True


def _wake(response: httpx.Response) -> None:
    """End a response that another thread is reading; closing alone would not wake it."""
    stream = response.extensions.get("network_stream")
    sock = stream and stream.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            # Past SSLSocket.shutdown, which would take the TLS state from the thread reading it.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _secrets(request: RecordedRequest) -> list[str]:
    """What the headers hold of keys, with and without the scheme before them."""
    found = [request.headers.get(name, "") for name in SECRET_HEADERS]
    words = [word for text in found for word in (text, *text.split())]
    return sorted({word for word in words if len(word) >= LEAST_SECRET}, key=len, reverse=True)


def _wiped(body: bytes, request: RecordedRequest) -> bytes:
    """The body without the client's key; as long as before, so that its parts keep their sizes."""
    for secret in _secrets(request):
        found = secret.encode("latin-1")
        body = body.replace(found, b"*" * len(found))
    return body
