"""Where the API lives and how to reach it: URL, headers, secrets, proxy, certificates."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias, Union
from urllib.parse import SplitResult, urlsplit

from ..values.errors import ValidationError
from ..values.headers import checked_headers, is_one_line, is_secret
from ..wire.http import Request

if TYPE_CHECKING:
    import ssl

Verify: TypeAlias = Union[bool, str, PathLike[str], "ssl.SSLContext"]

USER_AGENT = "lexilux_like"
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Target:
    """One checked base_url, taken apart."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and port, as the Host header wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


def parse_base_url(base_url: str) -> Target:
    """Check a base_url.

    Raises:
        ValidationError: It is not a plain http or https URL. It may hold a secret where it does
            not belong, so the message shows scheme and host only.
    """
    base_url = str(base_url).strip()
    if not base_url.isprintable() or " " in base_url:
        raise ValidationError("base_url must be a URL on one line, without spaces inside")
    try:
        parts = urlsplit(base_url)
        port = parts.port
        host = parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:
        raise ValidationError(f"base_url cannot be read: {error}") from None
    problem = _problem(parts, base_url)
    if problem:
        raise ValidationError(f"base_url {problem}")
    path = parts.path.rstrip("/")
    port = port or (443 if parts.scheme == "https" else 80)
    url = f"{parts.scheme}://{parts.netloc}{path}"
    return Target(url, parts.scheme, host, port, path)


def _problem(parts: SplitResult, base_url: str) -> str | None:
    """What is wrong with a base_url, in words that follow "base_url"."""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must start with http:// or https:// and name a host: https://api.openai.com/v1"
    if parts.username is not None or parts.password is not None:
        return f"must not carry a user name or password: pass headers= instead ({parts.hostname})"
    if "?" in base_url or "#" in base_url:
        return "must not have a query or a fragment: pass headers= or extra= instead"
    if not parts.path.isascii() or "\\" in base_url:
        return "must be percent-encoded ASCII after the host"
    if parts.path.rstrip("/").endswith("/chat/completions"):
        return "is the root of the API, without /chat/completions"
    return None


class Endpoint:
    """A base_url with the headers that every request to it carries.

    The key lives in here and in the header that carries it, and nowhere else.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | Sequence[str] | None,
        headers: Mapping[str, str] | None,
        key_header: str = "authorization",
    ) -> None:
        self.target = parse_base_url(base_url)
        given = checked_headers(headers)
        keys = [api_key] if isinstance(api_key, str) else [*(api_key or ())]
        if len(keys) > 1 and "" in keys:
            raise ValidationError("one of the keys in api_key is empty: leave it out")
        self._keys = [_authorization(each, key_header) for each in keys]
        self._headers = {
            "host": self.target.netloc,
            "user-agent": USER_AGENT,
            "accept-encoding": "gzip, deflate",
            "content-type": "application/json",
            **(self._keys[0] if self._keys else {}),
            **given,
        }
        if key_header in given:
            self._keys = []
        self._secrets = _by_length(
            secret for each in (self._headers, *self._keys) for secret in secrets_in(each)
        )

    @property
    def key_count(self) -> int:
        """How many keys there are to choose from."""
        return len(self._keys)

    def with_key(self, request: Request, index: int) -> Request:
        """The request with a certain key, unless it carries one of its own."""
        return replace(request, headers={**self._keys[index], **request.headers})

    def header_fields(self, request: Request, *, accept: str) -> list[tuple[bytes, bytes]]:
        """The header of one request; the request's own fields win."""
        fields = {"accept": accept, **request.defaults, **self._headers, **request.headers}
        fields["content-length"] = str(len(request.body))
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in fields.items()]

    def path(self, request: Request) -> str:
        """The request's path: under the base_url's, or from the host's root where it begins so."""
        if request.path.startswith("/"):
            return request.path
        return f"{self.target.path}/{request.path}"

    def censor(self, text: str, more: Mapping[str, str] | None = None) -> str:
        """`text` without the key and the other secrets of this endpoint or of `more` headers."""
        for secret in (*self._secrets, *secrets_in(more or {})):
            text = text.replace(secret, "[redacted]")
        return text

    def __repr__(self) -> str:
        return f"Endpoint({self.target.url!r})"


def censored(text: str, endpoints: Iterable[Endpoint], sent: Request | None) -> str:
    """`text` without the secrets of the clients that a call has asked, and of its last request."""
    for endpoint in endpoints:
        text = endpoint.censor(text, sent.headers if sent else None)
    return text


def _authorization(api_key: str, header: str) -> dict[str, str]:
    if api_key == "":
        return {}
    if not is_one_line(api_key):
        raise ValidationError(
            "api_key must be printable ASCII on one line: is there a line break or a quote in it?"
        )
    if api_key != api_key.strip():
        raise ValidationError("api_key starts or ends with a space: strip it")
    return {header: f"Bearer {api_key}" if header == "authorization" else api_key}


def secrets_in(headers: Mapping[str, str]) -> list[str]:
    """The values that must not be shown: those of headers whose name sounds like a secret's."""
    found: list[str] = []
    for name, value in headers.items():
        if is_secret(name):
            found.append(value)
            scheme, _, credentials = value.partition(" ")
            if credentials and scheme.isalpha():
                found.append(credentials)
    return _by_length(secret for secret in found if len(secret) >= _SHORTEST_SECRET)


def _by_length(secrets: Iterable[str]) -> list[str]:
    """Each once, the longest first: one may be a part of another."""
    return sorted(set(secrets), key=len, reverse=True)


def choose_proxy(target: Target, proxies: Mapping[str, str | None] | None) -> str | None:
    """The proxy for a target: None goes straight.

    `proxies` maps "http", "https" or "all" (also written "http://", ...) to a proxy URL.
    None reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; `{}` means no proxy at all.

    Raises:
        ValidationError: A key or a proxy URL is not valid.
    """
    if proxies is None:
        if not any(name.lower().endswith("_proxy") for name in os.environ):
            return None
        from urllib.request import (  # noqa: PLC0415 - it loads an HTTP client and ssl
            getproxies_environment,
            proxy_bypass,
        )

        environment = getproxies_environment()
        if not environment or proxy_bypass(f"{target.host}:{target.port}"):
            return None
        return environment.get(target.scheme) or environment.get("all")
    chosen: dict[str, str | None] = {}
    for key, url in proxies.items():
        scheme = key.removesuffix("://")
        if scheme not in ("http", "https", "all"):
            raise ValidationError(f"proxies has the key {key!r}; use 'http', 'https' or 'all'")
        chosen[scheme] = url
    return chosen.get(target.scheme) or chosen.get("all")


def tls_context(verify: Verify) -> ssl.SSLContext:
    """The SSLContext for `verify`: True, False, a CA file or folder, or a context.

    One is made per process and configuration: loading the CA certificates takes 20 ms.

    Raises:
        ValidationError: The CA file cannot be read.
    """
    import ssl  # noqa: PLC0415 - only https needs it

    if isinstance(verify, ssl.SSLContext):
        return verify
    return _tls_context(verify if isinstance(verify, bool) else fspath(verify))


@lru_cache(maxsize=16)
def _tls_context(verify: bool | str) -> ssl.SSLContext:  # noqa: FBT001 - as httpx names it
    import ssl  # noqa: PLC0415 - only https needs it
    from pathlib import Path  # noqa: PLC0415 - as ssl

    import httpx  # noqa: PLC0415 - as ssl

    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    try:
        if Path(verify).is_dir():
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        problem = f"verify={verify!r} cannot be read as CA certificates: {error}"
        raise ValidationError(problem) from error
