"""The way to an endpoint: its proxy and its certificates, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..values.errors import ValidationError
from .endpoint import Endpoint, Verify, choose_proxy, tls_context

if TYPE_CHECKING:
    import ssl

    import httpcore


class Route:
    """How engines reach an endpoint. http:// without a proxy loads nothing but this.

    Raises:
        ValidationError: A proxy is not valid, or needs a package that is not installed.
    """

    def __init__(
        self, endpoint: Endpoint, *, proxies: Mapping[str, str | None] | None, verify: Verify
    ) -> None:
        self.endpoint = endpoint
        self._verify = verify
        proxy = choose_proxy(endpoint.target, proxies)
        self.proxy = None if proxy is None else _proxy(proxy, self._context)

    def tls(self) -> ssl.SSLContext | None:
        """The certificates; None for http://.

        Raises:
            ValidationError: The CA file cannot be read.
        """
        return self._context() if self.endpoint.target.scheme == "https" else None

    def _context(self) -> ssl.SSLContext:
        return tls_context(self._verify)


def _proxy(url: str, context: Callable[[], ssl.SSLContext]) -> httpcore.Proxy:
    from importlib.util import find_spec  # noqa: PLC0415 - as httpx

    import httpcore  # noqa: PLC0415 - as httpx
    import httpx  # noqa: PLC0415 - a tenth of a second that only a proxy needs

    try:
        proxy = httpx.Proxy(url)
    except (ValueError, TypeError, httpx.InvalidURL):
        raise ValidationError(
            "proxies: a proxy URL starts with http://, https://, socks5:// or socks5h://"
            " and names a host and a port"
        ) from None
    parts = proxy.url
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ValidationError(
            'a SOCKS proxy needs another package: pip install "lexilux_like[socks]"'
        )
    return httpcore.Proxy(
        url=httpcore.URL(
            scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
        ),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=context() if parts.scheme == "https" else None,
    )
