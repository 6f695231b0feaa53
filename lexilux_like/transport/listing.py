"""The models that a server lists: the one GET of the package."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..values.errors import LexiluxError, LexiluxTimeoutError, ValidationError
from ..values.text import printable
from ..values.timeouts import Timeouts
from ..wire.anthropic import VERSION, versioned
from ..wire.document import is_array, is_object, parse
from ..wire.http import Request, Response
from ..wire.profile import Profile
from .body import Whole, body_of
from .endpoint import Endpoint
from .engine import Opened, header_dict
from .foreign import translated
from .route import Route
from .watch import Watch, current

TIMEOUT_S = 20.0
"""For the whole answer, unless given."""
_TOLD = 200  # characters of what a server says
_WHOLE_PAGE = "?limit=1000"
"""Anthropic's list comes in pages of 20 unless asked: https://platform.claude.com/docs/en/api/models-list"""


@dataclass(frozen=True, slots=True)
class Listing:
    """What came back."""

    status: int = 0
    """The HTTP status; 0 where there was no answer."""
    names: tuple[str, ...] | None = None
    """In the server's order; None where it sent no list."""
    problem: str = ""
    """Why there is no list, in words that are safe to print."""

    @property
    def reached(self) -> bool:
        """Whether anybody answered."""
        return bool(self.status)


def list_models(
    base_url: str,
    profile: Profile,
    *,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Listing:
    """Ask a server for its models, once. Whatever goes wrong is the listing's `problem`.

    No redirect is followed, and the key is shown nowhere. The proxy is that of the environment, as
    it is for a client.

    Args:
        base_url: The root of the API.
        profile: The provider's row: its dialect, and the header that carries the key.
        api_key: None sends none.
        headers: More of them; they win over the key's.
        timeout_s: Most seconds until the answer is whole, whatever the server does meanwhile.
    """
    try:
        endpoint = Endpoint(
            base_url, api_key=api_key, headers=headers, key_header=profile.key_header
        )
        route = Route(endpoint, proxies=None, verify=True)
        watch = Watch(Timeouts(deadline_s=timeout_s))
    except ValidationError as error:
        return Listing(problem=printable(error.message, _TOLD))
    request = _request(base_url, profile)
    status = 0
    try:
        with _asked(route, request, watch) as opened:
            status = opened.status
            response = _read(opened)
    except Exception as error:  # noqa: BLE001 - any library's, as a client translates them
        return Listing(status, problem=_failure(error, watch, endpoint))
    names = _names(response)
    if names is not None:
        return Listing(status, names)
    said = endpoint.censor(response.body.decode("utf-8", "replace").strip())
    where = f"GET {endpoint.path(request)}"
    return Listing(status, problem=f"{where} answered {status}: {printable(said, _TOLD)}")


def _request(base_url: str, profile: Profile) -> Request:
    """Where the dialect has its list, and the headers that the dialect wants."""
    if profile.dialect == "anthropic":
        return Request(f"{versioned(base_url, 'models')}{_WHOLE_PAGE}", b"", defaults=VERSION)
    return Request("models", b"")


@contextmanager
def _asked(route: Route, request: Request, watch: Watch) -> Generator[Opened, None, None]:
    """The open response, over a connection of its own that ends with it."""
    import httpcore  # noqa: PLC0415 - who only imports the room does not need it

    from .network import WatchedBackend  # noqa: PLC0415 - as httpcore

    endpoint = route.endpoint
    place = endpoint.target
    url = f"{place.scheme}://{place.netloc}{endpoint.path(request)}"
    token = current.set(watch)
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=route.tls(),
                proxy=route.proxy,
                network_backend=WatchedBackend(httpcore.SyncBackend()),
            ) as pool,
            pool.stream("GET", url, headers=_fields(endpoint, request)) as response,
        ):
            read = partial(next, response.iter_stream(), b"")
            yield Opened(response.status, header_dict(response.headers), read, response.close, None)
    finally:
        current.reset(token)


def _fields(endpoint: Endpoint, request: Request) -> list[tuple[bytes, bytes]]:
    """What every request to the endpoint carries, without what tells of a body."""
    fields = endpoint.header_fields(request, accept="application/json")
    return [field for field in fields if field[0] not in (b"content-length", b"content-type")]


def _read(opened: Opened) -> Response:
    """The whole answer, decompressed."""
    body, whole = body_of(opened.headers), Whole(opened)
    while data := opened.read():
        piece = body.take(data)
        while piece:
            whole.add(piece)
            piece = body.waiting()
    body.take(b"")  # says so where compressed data are cut
    return whole.response()


def _names(response: Response) -> tuple[str, ...] | None:
    """What is in `data`, or in an array that stands alone; None where it is no list of models."""
    try:
        document: Any = parse(response.body)
    except ValueError:
        return None
    entries = document.get("data") if is_object(document) else document
    if not 200 <= response.status < 300 or not is_array(entries):
        return None
    names = (each.get("id") for each in entries if is_object(each))
    return tuple(name for name in names if isinstance(name, str))


def _failure(error: Exception, watch: Watch, endpoint: Endpoint) -> str:
    """Why there is no whole answer, in words."""
    if not isinstance(error, LexiluxError):
        error = translated(error, watch, endpoint.censor)
    if isinstance(error, LexiluxTimeoutError):
        return f"no whole answer came within {error.limit_s} s"
    return printable(endpoint.censor(error.message), _TOLD)
