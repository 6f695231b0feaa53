"""What goes wrong on a connection of the fast engine.

The classes are named as httpx's and httpcore's, so that one table translates them all.
"""

from __future__ import annotations


class ConnectError(OSError):
    """No connection stands: no such host, nobody listens, or TLS was refused."""


class ReadError(OSError):
    """The connection broke before the response was whole."""


class ClosedIdleError(ReadError):
    """A kept connection was closed before it said anything: the server had given it up."""


class LocalProtocolError(Exception):
    """The request cannot be written as HTTP/1.1. Nothing was sent."""


class RemoteProtocolError(Exception):
    """What came is no HTTP/1.1 response, or not all of one."""


class ConnectTimeout(TimeoutError):  # noqa: N818 - named as httpx's
    """No connection stood in time."""


class ReadTimeout(TimeoutError):  # noqa: N818
    """The server was silent for too long."""


class WriteTimeout(TimeoutError):  # noqa: N818
    """The server did not take the request in time."""
