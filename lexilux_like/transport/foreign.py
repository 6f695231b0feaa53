"""Other libraries' exceptions, translated: the one place where that happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..values.errors import LexiluxConnectionError, LexiluxError, NetworkError
from .watch import Watch

if TYPE_CHECKING:
    import ssl

_TIMEOUTS = {
    "ConnectTimeout": "connect_timeout_s",
    "ReadTimeout": "read_timeout_s",
    "WriteTimeout": "read_timeout_s",
    "PoolTimeout": "connect_timeout_s",
    "TimeoutException": "read_timeout_s",
}
"""Class names, because httpx, httpx2, httpcore and httpcore2 share them and nothing else."""


def translated(error: Exception, watch: Watch, censor: Callable[[str], str]) -> LexiluxError:
    """The package's error for what an engine raised. Raise it `from` the censored cause."""
    names = [each.__name__ for each in type(error).__mro__]
    for name in names:
        if name in _TIMEOUTS:
            return watch.struck(_TIMEOUTS[name])
    if isinstance(error, TimeoutError):
        return watch.struck("read_timeout_s")
    said = censor(str(error)) or type(error).__name__
    if (certificate := _certificate_error(error)) is not None:
        return LexiluxConnectionError(
            f"the server's certificate was not accepted: {censor(str(certificate))}"
            "; pass verify= a CA bundle or an SSLContext that knows it",
            retryable=False,
        )
    if "ConnectError" in names or "ProxyError" in names:
        return LexiluxConnectionError(
            f"no connection: {said}; check base_url, and that the server runs"
        )
    if "UnsupportedProtocol" in names or "LocalProtocolError" in names:
        return NetworkError(f"the request could not be sent: {said}", retryable=False)
    if isinstance(error, OSError) or {"NetworkError", "RemoteProtocolError"} & set(names):
        return LexiluxConnectionError(f"the connection broke: {said}")
    return NetworkError(f"{type(error).__name__}: {said}", retryable=False)


def quiet(error: BaseException) -> None:
    """Take the frames off a chain of causes: their locals hold headers, and so the key."""
    for link in _chain(error):
        link.__traceback__ = None


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    import ssl  # noqa: PLC0415 - only after a failure

    return next((e for e in _chain(error) if isinstance(e, ssl.SSLCertVerificationError)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, which may form a ring."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
