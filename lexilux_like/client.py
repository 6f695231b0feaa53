"""What stands behind the face: a client's configuration, and one flow for each kind of call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

from ._keywords import spelled_out
from .transport.base import BaseAPIClient, ClientOptions, call_timeouts
from .turns.calls import Calls
from .turns.rules import LEARNED, Server
from .turns.shape import as_json, wanted_type
from .values.errors import ValidationError
from .values.messages import MessagesLike
from .values.options import (
    CallOptions,
    CompleteOptions,
    CompleteStreamOptions,
    StreamOptions,
    check_options,
)
from .values.output import OutputType
from .values.request import AnyOptions, ChatRequest, resolve
from .values.results import ChatResult
from .wire.dialects import make_dialect
from .wire.registry import find_profile

if TYPE_CHECKING:
    from .turns.flow import Flow


class ChatClientOptions(ClientOptions, total=False):
    """What a `Chat` takes beside its address and its model."""

    api_version: str | None
    """Azure's older URLs: `"2024-10-21"`; `model` is then the deployment. Not for its v1 API."""


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
        super().__init__(base_url=base_url, key_header=profile.key_header, **_of_base(options))
        self.model = model
        self._calls = Calls(
            make_dialect(self.base_url, profile, api_version=options.get("api_version")),
            Server(self.base_url, profile, LEARNED),
            self._budget,
        )

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
            **options: See `ChatClientOptions`. Without `api_key` the key is read from the
                provider's own environment variable.

        Raises:
            ValidationError: The provider is not known, has no address of its own, or its
                environment variable is not set; the message names it.
        """
        profile = find_profile("", provider)
        address = base_url or profile.base_url
        if address is None:
            raise ValidationError(f"{provider!r} has no address of its own: pass base_url=")
        if options.get("api_key") is None and profile.env:
            key = next((os.environ[name] for name in profile.env if os.environ.get(name)), None)
            if key is None and options.get("headers") is None:
                raise ValidationError(f"set {' or '.join(profile.env)}, or pass api_key=")
            options["api_key"] = key
        return cls(base_url=address, model=model, provider=provider, **options)

    # One flow for each kind of call; the sync and the async method share it.

    def _ask(self, messages: MessagesLike, options: CallOptions) -> Flow[ChatResult]:
        check_options(options, CallOptions)
        return self._calls.ask(self._resolved(messages, options), retries=self.max_retries)

    def _ask_streamed(self, messages: MessagesLike, options: StreamOptions) -> Flow[ChatResult]:
        check_options(options, StreamOptions)
        request = self._resolved(messages, options)
        return self._calls.stream(request, options, retries=self.max_retries)

    def _completed(
        self,
        messages: MessagesLike,
        options: CompleteOptions | CompleteStreamOptions,
        *,
        live: bool,
        must_be: OutputType[Any] | None = None,
    ) -> Flow[ChatResult]:
        check_options(options, CompleteStreamOptions if live else CompleteOptions)
        if must_be is not None and options.get("response_format") is not None:
            raise ValidationError("response_format is for complete(): here the type is given")
        kind = must_be or wanted_type(options)
        request = self._resolved(messages, options if kind is None else as_json(options))
        return self._calls.complete(
            request,
            options,
            retries=self.max_retries,
            live=live,
            kind=kind,
            required=must_be is not None,
        )

    def _resolved(self, messages: MessagesLike, options: AnyOptions) -> ChatRequest:
        """The request, checked here and now, and so are its time limits."""
        call_timeouts(self.timeouts, options)
        return resolve(messages, options, default_model=self.model)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, model={self.model!r})"


def _of_base(options: ChatClientOptions) -> ClientOptions:
    """The options that every client takes."""
    known = ClientOptions.__optional_keys__
    return cast("ClientOptions", {k: v for k, v in options.items() if k in known})
