"""The client underneath every API class: configuration, connections, and running flows."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypedDict, TypeVar, Unpack
from weakref import WeakKeyDictionary

from ..turns.flow import Flow
from ..turns.retry import RetryBudget
from ..values.errors import ValidationError
from ..values.options import ChatOptions, check_options
from ..values.results import ChatResult
from ..values.timeouts import Timeouts
from .drive import arun, run
from .endpoint import Endpoint, Verify
from .engine import AsyncEngine, Engine
from .fork import in_children
from .route import Route
from .selection import EngineName, selected
from .streaming import AsyncStreamingIterator, StreamingIterator
from .watch import Watch
from .worlds import AsyncWorld, Lane, SyncWorld

if TYPE_CHECKING:
    import asyncio
    import logging

    from ..values.events import Hooks
    from .borrowed import AsyncHTTPClient, HTTPClient
    from .observe import Audience, Observer
    from .pacing import Pacer
    from .ratelimit import Limiter
else:

    def __getattr__(name: str) -> object:  # names in annotations, for help()
        match name:
            case "ssl":
                return import_module("ssl")
            case "Hooks":
                return import_module("..values.events", __package__).Hooks
            case "Limiter":
                return import_module(".ratelimit", __package__).Limiter
            case "Pacer":
                return import_module(".pacing", __package__).Pacer
            case "HTTPClient" | "AsyncHTTPClient":
                return getattr(import_module(".borrowed", __package__), name)
            case _:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


T = TypeVar("T")

DEFAULT_TIMEOUT_S = 60.0
INFO = 20
"""`logging.INFO`, without loading it."""


class ClientOptions(TypedDict, total=False):
    """What every client takes."""

    api_key: str | Sequence[str] | None
    """Sent as `Authorization: Bearer ...`, or in the header that the provider wants; a header of
    that name in `headers` wins. Of several keys the first is used until it is refused (401, 403)
    or its quota is used up; then the next one is."""
    timeout_s: float | None
    """Seconds; the connect and the read timeout where those are not given. 60 unless given."""
    connect_timeout_s: float | None
    """Seconds until a connection stands, TLS included."""
    read_timeout_s: float | None
    """Seconds between two reads of bytes, and for the whole response head."""
    first_content_timeout_s: float | None
    """Streams: seconds from the request to the first content. No limit unless given."""
    idle_timeout_s: float | None
    """Streams: seconds between two pieces of content; keep-alive comments do not count.
    No limit unless given."""
    deadline_s: float | None
    """Seconds for a whole call: attempts, sleeps, body. Waiting for the rate limiter is not
    counted. No limit unless given."""
    max_retries: int
    """How often a call is tried again after a failure that may pass; 0 unless given. 2 is a
    good choice. A retried time-out may be billed twice."""
    headers: Mapping[str, str] | None
    """Sent with every request; copied."""
    proxies: Mapping[str, str | None] | None
    """`{"https": "http://proxy:3128"}`, by the scheme of base_url, or "all". None reads
    HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; `{}` uses no proxy."""
    rate_limit: tuple[float, float] | Limiter | None
    """`(requests, seconds)`: no window of that length has more requests, over all threads,
    event loops, streams and retries. Or a `RateLimiter` that several clients share, or a
    `RedisRateLimiter` that processes and machines share."""
    pacing: bool | Pacer | None
    """True: requests wait so that the server need not refuse them, by the rate limits that its
    headers tell. Or a `Pacer` that several clients of one account share. Off unless given."""
    verify: Verify
    """Certificates: True, False (never in production), a CA file or folder, or an SSLContext."""
    http_client: HTTPClient | None
    """An `httpx.Client` of your own for the sync methods; you close it."""
    async_http_client: AsyncHTTPClient | None
    """An `httpx.AsyncClient` of your own for the async methods; it serves one event loop."""
    engine: EngineName
    """What speaks HTTP: "httpx", or "fast", which needs `pip install "lexilux_like[fast]"`.
    Unless given, the environment variable LEXILUX_ENGINE says it, and without it httpx runs."""
    hooks: Hooks | Sequence[Hooks] | None
    """Functions that are told what the calls do; several `Hooks` are told in order. A fallback's
    are not: a call is told to those of the client that was called."""


class BaseAPIClient:
    """Configuration, one sync engine, one async engine per event loop.

    Nothing is opened before the first request. One client serves many threads, many event
    loops (also one after the other) and the children of a fork. It cannot be pickled,
    because it holds the key.
    """

    def __init__(
        self,
        *,
        base_url: str,
        key_header: str = "authorization",
        **options: Unpack[ClientOptions],
    ) -> None:
        check_options(options, ClientOptions)
        self._endpoint = Endpoint(
            base_url,
            api_key=options.get("api_key"),
            headers=options.get("headers"),
            key_header=key_header,
        )
        self.base_url = self._endpoint.target.url
        self.timeouts = _timeouts(options)
        self.max_retries = checked_retries(options.get("max_retries", 0))
        self._limiter: Limiter | None = None
        if (limit := options.get("rate_limit")) is not None:
            from .ratelimit import checked_limiter  # noqa: PLC0415 - asyncio

            self._limiter = checked_limiter(limit)
        self._pacer: Pacer | None = None
        if pacing := options.get("pacing"):
            from .pacing import checked_pacer  # noqa: PLC0415 - only what is used is loaded

            self._pacer = checked_pacer(pacing)
        self._borrowed = options.get("http_client")
        self._async_borrowed = options.get("async_http_client")
        _check_used(options)
        self._route = Route(
            self._endpoint, proxies=options.get("proxies"), verify=options.get("verify", True)
        )
        self._selection = selected(options.get("engine"), self._route)
        self._budget = RetryBudget()
        self._audience = _audience(options.get("hooks"))
        self._log: logging.Logger | None = None
        self._stand_ins: tuple[BaseAPIClient, ...] = ()
        self._closed = False
        self._forsaken: list[object] = []
        self._start_afresh()
        in_children(self._after_fork)

    @property
    def timeout_s(self) -> float | None:
        """The read timeout, in seconds."""
        return self.timeouts.read_timeout_s

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._engines: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = (
            WeakKeyDictionary()
        )

    def _after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone and open new ones."""
        self._forsaken += [self._engine, self._engines]
        self._start_afresh()

    # Running flows.

    def _run(self, flow: Flow[T], options: ChatOptions) -> T:
        return run(flow, self._world(options))

    async def _arun(self, flow: Flow[T], options: ChatOptions) -> T:
        return await arun(flow, self._aworld(options))

    def _iterate(self, flow: Flow[ChatResult], options: ChatOptions) -> StreamingIterator:
        observer = self._observer() if self._audience else None
        flow = observer.watched(flow) if observer is not None else flow
        return StreamingIterator(flow, lambda: self._world(options, observer))

    def _aiterate(self, flow: Flow[ChatResult], options: ChatOptions) -> AsyncStreamingIterator:
        observer = self._observer() if self._audience else None
        flow = observer.watched(flow) if observer is not None else flow
        return AsyncStreamingIterator(flow, lambda: self._aworld(options, observer))

    def _world(self, options: ChatOptions, observer: Observer | None = None) -> SyncWorld:
        others = [partial(one._lane, options) for one in self._stand_ins] if self._stand_ins else ()
        return SyncWorld(self._lane(options), others, observer or self._observer())

    def _aworld(self, options: ChatOptions, observer: Observer | None = None) -> AsyncWorld:
        others = (
            [partial(one._alane, options) for one in self._stand_ins] if self._stand_ins else ()
        )
        return AsyncWorld(self._alane(options), others, observer or self._observer())

    def _observer(self) -> Observer | None:
        """What tells of one call, if anybody listens; who has not loaded `logging` does not."""
        if self._log is None and "logging" in sys.modules:
            self._log = import_module("logging").getLogger("lexilux_like")
        if self._audience is None and not (self._log and self._log.isEnabledFor(INFO)):
            return None
        from .observe import Observer  # noqa: PLC0415 - only who listens needs it

        return Observer(self._audience)

    def _lane(self, options: ChatOptions) -> Lane[Engine]:
        watch = Watch(call_timeouts(self.timeouts, options))
        return Lane(self._sync_engine(), self._endpoint, self._limiter, watch)

    def _alane(self, options: ChatOptions) -> Lane[AsyncEngine]:
        watch = Watch(call_timeouts(self.timeouts, options))
        return Lane(self._async_engine(), self._endpoint, self._limiter, watch)

    def _sync_engine(self) -> Engine:
        if (engine := self._engine) is not None:  # as it is once the first call was made
            return engine
        with self._lock:
            self._check_open()
            if self._engine is None:
                engine = self._make_engine()
                self._engine = self._pacer.around(engine) if self._pacer else engine
            return self._engine

    def _make_engine(self) -> Engine:
        if self._borrowed is not None:
            from .borrowed import BorrowedEngine  # noqa: PLC0415 - only what is used is loaded

            return BorrowedEngine(self._borrowed, self._endpoint)
        if self._selection.name == "fast":
            from .fast import FastEngine  # noqa: PLC0415 - an optional extra

            return FastEngine(self._route)
        from .pool import PoolEngine  # noqa: PLC0415 - httpcore, when the first request needs it

        return PoolEngine(self._route)

    def _async_engine(self) -> AsyncEngine:
        """The running loop's engine: connections cannot move between loops."""
        from asyncio import get_running_loop  # noqa: PLC0415 - threads do without

        loop = get_running_loop()
        with self._lock:
            self._check_open()
            engine = self._engines.get(loop)
            if engine is None:
                for old in [each for each in self._engines if each.is_closed()]:
                    del self._engines[old]
                engine = self._make_async_engine()
                engine = self._engines[loop] = (
                    self._pacer.aaround(engine) if self._pacer else engine
                )
            return engine

    def _make_async_engine(self) -> AsyncEngine:
        if self._async_borrowed is not None:
            from .borrowed import AsyncBorrowedEngine  # noqa: PLC0415 - see above

            return AsyncBorrowedEngine(self._async_borrowed, self._endpoint)
        if self._selection.name == "fast":
            from .fast import AsyncFastEngine  # noqa: PLC0415 - see above

            return AsyncFastEngine(self._route)
        from .pool import AsyncPoolEngine  # noqa: PLC0415 - see above

        return AsyncPoolEngine(self._route)

    def _check_open(self) -> None:
        if self._closed:
            raise ValidationError("this client is closed: make a new one")

    # Closing.

    def close(self) -> None:
        """Close the sync connections; the client cannot be used again. Safe to call twice.

        Async connections close with `aclose()`, or by themselves when their event loop ends.
        """
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    async def aclose(self) -> None:
        """Close this event loop's connections and the sync ones. Safe to call twice."""
        from asyncio import get_running_loop  # noqa: PLC0415 - threads do without

        with self._lock:
            engine = self._engines.pop(get_running_loop(), None)
        if engine is not None:
            await engine.aclose()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it holds a key and open"
            " connections; make one in each process"
        )

    def __repr__(self) -> str:
        shown = [f"base_url={self.base_url!r}", f"max_retries={self.max_retries}"]
        if self._borrowed is None or self._async_borrowed is None:
            shown.append(f"engine={self._selection!r}")
        if self._borrowed is not None:
            shown.append(f"http_client={_class_of(self._borrowed)}")
        if self._async_borrowed is not None:
            shown.append(f"async_http_client={_class_of(self._async_borrowed)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _check_used(options: ClientOptions) -> None:
    """Refuse options of the engine where both doors have a client of the caller's own."""
    unused = {"proxies", "verify", "engine"} & options.keys()
    if options.get("http_client") and options.get("async_http_client") and unused:
        raise ValidationError(
            f"{' and '.join(f'{name}=' for name in sorted(unused))} would not be used:"
            " set them on the clients that you pass"
        )


def _audience(hooks: object) -> Audience | None:
    """Who is told what the calls do; None where there are no hooks."""
    if not hooks:
        return None
    from .observe import audience  # noqa: PLC0415 - only who has hooks needs it

    return audience(hooks)


def _class_of(client: object) -> str:
    """Library and class: `httpx.Client`."""
    kind = type(client)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def call_timeouts(client: Timeouts, options: Mapping[str, Any] | ChatOptions) -> Timeouts:
    """The time limits of one call: the client's, with the call's own in their place."""
    changed: dict[str, float] = {}
    if (timeout_s := options.get("timeout_s")) is not None:
        changed |= {"connect_timeout_s": timeout_s, "read_timeout_s": timeout_s}
    if (deadline_s := options.get("deadline_s")) is not None:
        changed["deadline_s"] = deadline_s
    return replace(client, **changed) if changed else client


def _timeouts(options: ClientOptions) -> Timeouts:
    default = options.get("timeout_s", DEFAULT_TIMEOUT_S)
    connect, read = options.get("connect_timeout_s"), options.get("read_timeout_s")
    return Timeouts(
        connect_timeout_s=default if connect is None else connect,
        read_timeout_s=default if read is None else read,
        first_content_timeout_s=options.get("first_content_timeout_s"),
        idle_timeout_s=options.get("idle_timeout_s"),
        deadline_s=options.get("deadline_s"),
    )


def checked_retries(max_retries: object) -> int:
    """How often a call may be tried again; a `ValidationError` where that is no count."""
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
        raise ValidationError(f"max_retries must be a whole number, at least 0: {max_retries!r}")
    return max_retries
