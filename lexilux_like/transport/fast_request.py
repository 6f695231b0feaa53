"""Request heads as bytes, rendered once for all requests that have the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..wire.http import Request
from .endpoint import Endpoint
from .fast_errors import LocalProtocolError

_TARGET = re.compile(rb"[\x21-\x7e]+")
_KEPT_HEADS = 64


class Letterhead:
    """Renders the heads of requests to one endpoint.

    All but the length of the body is kept, for requests without headers of their own.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._kept: dict[tuple[object, ...], bytes] = {}

    def head(self, request: Request, accept: str) -> bytes:
        """The head of a request, up to the empty line.

        Raises:
            LocalProtocolError: The path or a field cannot stand in a head.
        """
        if request.headers:
            return _finished(self._render(request, accept), request.body)
        key = (request.path, accept, *request.defaults.items())
        kept = self._kept.get(key)
        if kept is None:
            kept = self._render(request, accept)
            if len(self._kept) < _KEPT_HEADS:
                self._kept[key] = kept
        return _finished(kept, request.body)

    def _render(self, request: Request, accept: str) -> bytes:
        fields = self._endpoint.header_fields(request, accept=accept)
        target = self._endpoint.path(request).encode("ascii")
        return rendered(b"POST", target, (each for each in fields if each[0] != b"content-length"))


def rendered(method: bytes, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A request line and header fields, each with its line end.

    Raises:
        LocalProtocolError: A line of it would end early.
    """
    if not _TARGET.fullmatch(target):
        raise LocalProtocolError(f"the request target {target!r} is not percent-encoded ASCII")
    lines = [method + b" " + target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in fields]
    if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        raise LocalProtocolError("there is a line break in a header field")
    return b"\r\n".join([*lines, b""])


def _finished(head: bytes, body: bytes) -> bytes:
    return b"%bcontent-length: %d\r\n\r\n" % (head, len(body))
