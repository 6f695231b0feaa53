"""What stands behind the face: a client's configuration, and one flow for each kind of call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

from ._keywords import spelled_out
from .transport.base import BaseAPIClient, ClientOptions, call_timeouts, checked_retries
from .values.errors import ValidationError
from .values.messages import MessagesLike
from .values.options import (
    CallOptions,
    ChatOptions,
    CompleteOptions,
    CompleteStreamOptions,
    RunToolsOptions,
    RunToolsStreamOptions,
    StreamOptions,
    check_options,
)
from .values.request import AnyOptions, ChatRequest, resolve
from .values.results import ChatResult
from .wire.profile import Profile
from .wire.registry import check_api_version, find_profile, find_provider

if TYPE_CHECKING:
    from .transport.pending import PendingCall
    from .turns.calls import Calls
    from .turns.flow import Flow
    from .values.events import Method
    from .values.output import OutputType


class ChatClientOptions(ClientOptions, total=False):
    """What a `Chat` takes beside its address and its model."""

    api_version: str | None
    """Azure's older URLs: `"2024-10-21"`; `model` is then the deployment. Not for its v1 API."""
    fallbacks: Sequence[ChatClient] | None
    """Clients that are asked, in this order, when this one cannot answer and another may: no
    connection, a time limit (not the deadline), 401 to 404, 408, 409, 429, 5xx, no chat completion,
    a history that is too long. Each asks its own model, with its own key, time limits and retries;
    a call's `headers` reach it without credentials, and `extra` only where the provider is the
    same. You close them."""


class ChatClient(BaseAPIClient):
    """A `Chat` without its public methods."""

    @spelled_out
    def __init__(
        self,
        *,
        base_url: str,
        model: str | None = None,
        provider: str | None = None,
        **options: Unpack[ChatClientOptions],
    ) -> None:
        """Check the configuration; no connection is opened.

        Args:
            base_url: The root of the API, with its version: `https://api.openai.com/v1`.
            model: The model for calls that name none.
            provider: Who serves it, such as `"vllm"`, where the host does not tell; see
                `docs/providers.md` for the names.
            **options: See `ChatClientOptions`.

        Raises:
            ValidationError: base_url, a header, the key, a timeout, a proxy or the rate limit
                is not valid. A message never shows the key.
            TypeError: An option is not known; the message names the nearest one that is.
        """
        check_options(options, ChatClientOptions)
        profile = find_profile(base_url, provider)
        check_api_version(options.get("api_version"), profile)
        super().__init__(base_url=base_url, key_header=profile.key_header, **_of_base(options))
        self.model = model
        self.fallbacks = _in_order(options.get("fallbacks") or ())
        """Who is asked in its place, in this order; theirs are among them."""
        self._stand_ins = self.fallbacks
        self._profile = profile
        self._api_version = options.get("api_version")
        self._made: Calls | None = None

    @classmethod
    def for_provider(
        cls,
        provider: str,
        *,
        model: str | None = None,
        base_url: str | None = None,
        **options: Unpack[ChatClientOptions],
    ) -> Self:
        """A client for a provider that is known: its address and its key are filled in.

        Args:
            provider: Its name, such as `"deepseek"`; `docs/providers.md` lists them.
            model: The model for calls that name none.
            base_url: Where it is, if not where it usually is.
            **options: See `ChatClientOptions`. Without `api_key`, and without a header that carries
                one, the key is read from the provider's own environment variable.

        Raises:
            ValidationError: The provider is not known, has no address of its own, or its
                environment variable is not set; the message names it.
        """
        profile = find_provider(provider)
        address = base_url or profile.base_url
        if address is None:
            raise ValidationError(
                f"provider {provider!r} has no address of its own: pass base_url="
            )
        if options.get("api_key") is None:
            options["api_key"] = _key_of(profile, options.get("headers") or {})
        return cls(base_url=address, model=model, provider=provider, **options)

    @property
    def provider(self) -> str:
        """Who serves it, by its name in `docs/providers.md`.

        Where neither `provider=` nor the host tells, it is `"local"` on this machine and
        `"unknown"` elsewhere.
        """
        return self._profile.name

    @property
    def _calls(self) -> Calls:
        """What the methods do, made at the first call: it takes longer to load than a client."""
        if (calls := self._made) is None:
            with self._lock:
                calls = self._made = self._made or self._make_calls()
        return calls

    def _make_calls(self) -> Calls:
        from .turns.calls import Calls  # noqa: PLC0415 - see _calls
        from .turns.keys import KeyRing  # noqa: PLC0415
        from .turns.rules import LEARNED, Server  # noqa: PLC0415
        from .wire.dialects import make_dialect  # noqa: PLC0415

        return Calls(
            make_dialect(self.base_url, self._profile, api_version=self._api_version),
            Server(self.base_url, self._profile, LEARNED),
            self._budget,
            KeyRing(self._endpoint.key_count),
            self.max_retries,
            self.model,
            tuple(each._calls for each in self.fallbacks),
            paced=self._pacer is not None,
        )

    def _calls_with(self, options: AnyOptions) -> Calls:
        """The same with the retries of one call."""
        if (retries := options.get("max_retries")) is None:
            return self._calls
        return self._calls.with_retries(checked_retries(retries))

    # One flow for each kind of call; the sync and the async method share it.

    def _ask(self, messages: MessagesLike, options: CallOptions) -> Flow[ChatResult]:
        check_options(options, CallOptions)
        request = self._resolved(messages, options)
        calls = self._calls_with(options) if "max_retries" in options else self._calls
        flow = calls.ask(request)
        return flow if self._audience is None else self._announced(flow, request, "call")

    def _ask_streamed(self, messages: MessagesLike, options: StreamOptions) -> Flow[ChatResult]:
        check_options(options, StreamOptions)
        request = self._resolved(messages, options)
        calls = self._calls_with(options) if "max_retries" in options else self._calls
        flow = calls.stream(request, options)
        return flow if self._audience is None else self._announced(flow, request, "stream")

    def _completed(
        self,
        messages: MessagesLike,
        options: CompleteOptions | CompleteStreamOptions,
        *,
        live: bool,
        must_be: OutputType[Any] | None = None,
    ) -> Flow[ChatResult]:
        from .turns.shape import as_json, wanted_type  # noqa: PLC0415 - see _calls

        check_options(options, CompleteStreamOptions if live else CompleteOptions)
        if must_be is not None and options.get("response_format") is not None:
            raise ValidationError("response_format is for complete(): here the type is given")
        kind = must_be or wanted_type(options)
        request = self._resolved(messages, options if kind is None else as_json(options))
        flow = self._calls_with(options).complete(
            request,
            options,
            live=live,
            kind=kind,
            required=must_be is not None,
        )
        if self._audience is None:
            return flow
        return self._announced(flow, request, "complete_stream" if live else "complete")

    def _tools_run(
        self,
        messages: MessagesLike,
        options: RunToolsOptions | RunToolsStreamOptions,
        *,
        live: bool,
        awaits: bool,
    ) -> Flow[ChatResult]:
        from .turns.shape import as_json, wanted_type  # noqa: PLC0415 - see _calls

        check_options(options, RunToolsStreamOptions if live else RunToolsOptions)
        kind = wanted_type(options)
        request = self._resolved(messages, options if kind is None else as_json(options))
        flow = self._calls_with(options).run_tools(
            request, options, live=live, awaits=awaits, kind=kind
        )
        if self._audience is None:
            return flow
        return self._announced(flow, request, "run_tools_stream" if live else "run_tools")

    def _announced(
        self, flow: Flow[ChatResult], request: ChatRequest, method: Method
    ) -> Flow[ChatResult]:
        """The flow, telling first that a call starts."""
        from .turns.flow import announced  # noqa: PLC0415 - see _calls
        from .values.events import CallStarted  # noqa: PLC0415 - only who has hooks needs it

        news = partial(
            CallStarted,
            method=method,
            model=request.model,
            base_url=self.base_url,
            provider=self._profile.name,
            stream="stream" in method,
            options=request.options,
            messages=request.messages,
        )
        return announced(flow, news)

    def _pending(
        self, method: str, messages: MessagesLike, options: Mapping[str, Any]
    ) -> PendingCall:
        """The call that `chat()` or `complete()` would make, not made yet: for a batch."""
        from .transport.pending import PendingCall  # noqa: PLC0415 - see _calls

        if method == "call":
            flow = self._ask(messages, cast("CallOptions", options))
        else:
            flow = self._completed(messages, cast("CompleteOptions", options), live=False)
        given = cast("ChatOptions", options)
        return PendingCall(flow, partial(self._world, given), partial(self._aworld, given))

    def _resolved(self, messages: MessagesLike, options: AnyOptions) -> ChatRequest:
        """The request, checked here and now, and so are its time limits."""
        call_timeouts(self.timeouts, options)
        return resolve(messages, options, default_model=self.model)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, model={self.model!r})"


def typed(kind: Any) -> OutputType[Any]:
    """`output_type(kind)`; loads pydantic, which calls without a type do without.

    Raises:
        ValidationError: JSON has no form for it.
    """
    from .values.output import output_type  # noqa: PLC0415

    return output_type(kind)


def _in_order(fallbacks: Sequence[object]) -> tuple[ChatClient, ...]:
    """The fallbacks, each followed by its own, and each once.

    Raises:
        ValidationError: One is no `Chat`.
    """
    found: list[ChatClient] = []
    for each in fallbacks:
        if not isinstance(each, ChatClient):
            raise ValidationError(f"fallbacks must be Chat objects, not {each!r}")
        found += [one for one in (each, *each.fallbacks) if one not in found]
    return tuple(found)


def _key_of(profile: Profile, headers: Mapping[str, str]) -> str | None:
    """A provider's key, from the environment; None where a header carries it, or none is needed.

    Raises:
        ValidationError: No variable for it is set.
    """
    carried = {name.lower() for name in headers}
    if not profile.env or carried & {"authorization", profile.key_header}:
        return None
    for name in profile.env:
        if key := os.environ.get(name):
            return key
    raise ValidationError(
        f"provider {profile.name!r} needs a key: set {' or '.join(profile.env)} in the environment,"
        " or pass api_key="
    )


def _of_base(options: ChatClientOptions) -> ClientOptions:
    """The options that every client takes."""
    known = ClientOptions.__optional_keys__
    return cast("ClientOptions", {k: v for k, v in options.items() if k in known})
