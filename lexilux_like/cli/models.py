"""The models that a server lists: the one GET of the package, with the same key and route."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from ..transport.endpoint import Endpoint, choose_proxy, tls_context
from ..values.errors import LexiluxError
from ..values.messages import is_mapping, is_sequence
from ..values.text import printable
from ..wire.anthropic import VERSION
from ..wire.http import Request
from .settings import Settings

TIMEOUT_S = 20.0
"""Unless the settings say otherwise."""
_TOLD = 200  # characters of what a server says


@dataclass(frozen=True, slots=True)
class Listing:
    """What came back."""

    status: int = 0
    """The HTTP status; 0 where there was no answer."""
    names: tuple[str, ...] | None = None
    """None where the server sent no list."""
    problem: str = ""
    """Why there is no list, in words."""

    @property
    def reached(self) -> bool:
        """Whether anybody answered."""
        return bool(self.status)


def list_models(settings: Settings) -> Listing:
    """Ask for `/models`; follows no redirect, and shows the key nowhere."""
    api_key = settings.key.value if settings.key else None
    headers = settings.client.get("headers")
    key_header = settings.row.key_header
    endpoint = Endpoint(settings.base_url, api_key=api_key, headers=headers, key_header=key_header)
    target = endpoint.target
    versioned = settings.row.dialect != "anthropic" or re.search(r"/v\d+$", target.path)
    url = f"{target.url}/models" if versioned else f"{target.url}/v1/models"
    try:
        with httpx.Client(
            proxy=choose_proxy(target, None),
            verify=tls_context(verify=True) if target.scheme == "https" else False,
            trust_env=False,
            follow_redirects=False,
            timeout=settings.client.get("timeout_s") or TIMEOUT_S,
        ) as client:
            response = client.get(url, headers=_headers(endpoint, settings))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LexiluxError) as error:
        kind = type(error).__name__
        return Listing(problem=endpoint.censor(printable(f"{kind}: {error}", _TOLD)))
    return _read(response, endpoint)


def _headers(endpoint: Endpoint, settings: Settings) -> dict[str, str]:
    """What every request to the endpoint carries, without what tells of a body."""
    request = Request("models", b"", {})
    fields = endpoint.header_fields(request, accept="application/json")
    named = {name.decode(): value.decode() for name, value in fields}
    version = VERSION if settings.row.dialect == "anthropic" else {}
    return version | {k: v for k, v in named.items() if k not in ("content-length", "content-type")}


def _read(response: httpx.Response, endpoint: Endpoint) -> Listing:
    try:
        document: Any = response.json()
    except ValueError:
        document = None
    entries = document.get("data") if is_mapping(document) else document
    if response.is_success and is_sequence(entries):
        names = [each.get("id") for each in entries if is_mapping(each)]
        return Listing(response.status_code, tuple(name for name in names if isinstance(name, str)))
    said = endpoint.censor(printable(response.text.strip(), _TOLD))
    return Listing(response.status_code, problem=f"answered {response.status_code}: {said}")
