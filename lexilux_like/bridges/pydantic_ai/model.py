"""The model: what pydantic-ai asks of one, on a `Chat`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import (
    Model,
    ModelRequestParameters,
    StreamedResponse,
    check_allow_model_requests,
)
from pydantic_ai.profiles import ModelProfile, ModelProfileSpec, merge_profile
from pydantic_ai.settings import ModelSettings

from ...chat import Chat
from ...transport.streaming import AsyncStreamingIterator
from ...values.errors import ValidationError
from ...values.messages import Message
from ...values.options import ChatOptions, CompleteOptions, ContinueOptions
from ...values.results import ChatResult
from ...wire.registry import find_provider
from .answers import FINISH, details_of, parts_of, usage_of
from .errors import check_calls, translated
from .messages import Recipient, encode_history
from .settings import (
    continuing_of,
    options_of,
    profile_of,
    reasoning_of,
    response_format_of,
    tools_of,
)
from .stream import Asked, LexiluxStreamedResponse

if TYPE_CHECKING:
    from pydantic_ai import RunContext


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, ready to be sent."""

    messages: list[Message]
    options: ChatOptions
    continuing: ContinueOptions
    """Empty where the answer is taken as it comes."""


@dataclass(init=False)
class LexiluxModel(Model):
    """A `Chat` as a model for pydantic-ai's agents.

    Answers are whole: one that a token limit or a broken connection cut is gone on from as by
    `Chat.complete`, and the response has the tokens of all its requests. What cannot be made whole
    is an `OutputTokenLimitExceeded`, an `IncompleteToolCall`, a `ContentFilterError` or, for
    anything else, an `UnexpectedModelBehavior`; its `__cause__` is ours, with all that came. See
    `LexiluxModelSettings` for answers that are taken as they come.

    Errors of ours are raised as pydantic-ai's, `ModelHTTPError` and `ModelAPIError` with their
    kinds, so that `FallbackModel` asks the next model; the cause is ours. A call that is wrong is a
    `UserError`.
    """

    unsupported_settings = frozenset({"citations"})
    _unsupported_file_inputs = frozenset({"video"})
    _relocates_tool_files = True

    chat: Chat
    """The client. You close it."""
    _model_name: str = field(repr=False)

    def __init__(
        self,
        chat: Chat,
        *,
        model_name: str | None = None,
        profile: ModelProfileSpec | None = None,
        settings: ModelSettings | None = None,
    ) -> None:
        """Make a model of a client; nothing is sent.

        Args:
            chat: The client, with its address, key, time limits, retries and fallbacks.
            model_name: Which model to ask; the client's own unless given.
            profile: What the model can do, over what is known of it.
            settings: For every request; an agent's and a run's win over them.

        Raises:
            ValidationError: There is no model name.
        """
        name = model_name or chat.model
        if not name:
            raise ValidationError("no model: pass model_name=, or model= to the Chat")
        super().__init__(settings=settings, profile=profile)
        self.chat = chat
        self._model_name = name
        self._row = find_provider(chat.provider)

    @property
    def model_name(self) -> str:
        """The name that is sent."""
        return self._model_name

    @property
    def system(self) -> str:
        """The provider, by its name in `docs/providers.md`."""
        return self._row.name

    @property
    def base_url(self) -> str:
        """The client's."""
        return self.chat.base_url

    def _instance_profile_defaults(self, profile: ModelProfile) -> ModelProfile:
        return merge_profile(profile, profile_of(self._row, self._model_name))

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask once, and wait for the answer.

        Raises:
            ModelAPIError: The provider or the network failed.
            UnexpectedModelBehavior: The answer is not whole; see the class.
            UserError: The call is wrong. Nothing was sent.
        """
        check_allow_model_requests()
        settings, request = self.prepare_request(model_settings, model_request_parameters)
        with translated(self._model_name):
            call = await self._call(messages, settings or {}, request)
            if call.continuing:
                options = CompleteOptions(**call.options, **call.continuing)
                result = await self.chat.acomplete(call.messages, **options)
            else:
                result = await self.chat.acall(call.messages, **call.options)
        check_calls(result)
        system = self._answered_by(result)
        return ModelResponse(
            parts_of(result, system),
            usage=usage_of(result.usage),
            model_name=result.model or self._model_name,
            provider_name=system,
            provider_url=result.base_url or self.base_url,
            provider_details=details_of(result),
            provider_response_id=result.id,
            finish_reason=FINISH[result.status],
        )

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,  # noqa: ARG002 - the base class's signature
    ) -> AsyncGenerator[StreamedResponse, None]:
        """Ask once; the response is streamed from when its first piece has come.

        Raises:
            ModelAPIError: The provider or the network failed before that; as `request` otherwise.
        """
        check_allow_model_requests()
        settings, request = self.prepare_request(model_settings, model_request_parameters)
        with translated(self._model_name):
            call = await self._call(messages, settings or {}, request)
            chunks = self._open(call)
        async with chunks:
            with translated(self._model_name):
                first = await anext(chunks, None)
            asked = Asked(self._model_name, self.system, self.base_url, self._answered_by)
            yield LexiluxStreamedResponse(request, asked, chunks, first)

    def _answered_by(self, result: ChatResult) -> str:
        """Whose answer it is, by the provider's name: this one's, or that of a fallback."""
        asked = (self.chat, *self.chat.fallbacks)
        return next((one.provider for one in asked if one.base_url == result.base_url), self.system)

    def _open(self, call: _Call) -> AsyncStreamingIterator:
        if not call.continuing:
            return self.chat.astream(call.messages, include_reasoning=True, **call.options)
        options = CompleteOptions(**call.options, **call.continuing)
        return self.chat.acomplete_stream(call.messages, include_reasoning=True, **options)

    async def _call(
        self,
        messages: list[ModelMessage],
        settings: ModelSettings,
        request: ModelRequestParameters,
    ) -> _Call:
        row, profile = self._row, self.profile
        reasoning = reasoning_of(request.thinking, row, self._model_name)
        options = {
            "model": self._model_name,
            "reasoning": reasoning,
            "response_format": response_format_of(request, profile, row),
            **options_of(settings, request, row),
            **tools_of(settings, request, profile, thinks=bool(reasoning)),
        }
        instructions = self._get_instruction_parts(messages, request) or ()
        to = Recipient(row.name, row.dialect, self._format_inlined_text_file)
        return _Call(
            await encode_history(messages, (part.content for part in instructions), to),
            cast("ChatOptions", options),
            continuing_of(settings),
        )
