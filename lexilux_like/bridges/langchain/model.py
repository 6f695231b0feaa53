"""The chat model: what LangChain asks of one, on a `Chat`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.load.serializable import SerializedConstructor, SerializedNotImplemented
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.outputs import ChatResult as Generations
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from ...chat import Chat
from ...values.errors import ValidationError
from ...values.messages import is_mapping
from ...values.options import CompleteOptions, check_options
from ...values.results import Json
from ...values.tools import encode_tool_choice
from ...wire.registry import find_provider
from .answers import as_chunk, as_generations, as_last_chunk
from .messages import to_wire
from .structured import Method, Schema, structured

CLIENTS = 32
"""So many addresses keep their connections; models with one address share them."""

_OPTIONS = (
    "model",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "reasoning",
    "max_continues",
    "ensure_complete",
)
_WHERE = ("base_url", "provider", "api_key", "timeout", "max_retries")


class ChatLexilux(BaseChatModel):
    """A chat model that hands out whole answers, or says that it could not.

    An answer that a token limit or a broken connection cut is gone on from, as `Chat.complete`
    does it. If it is still not whole, a `ChatIncompleteResponseError` carries what came; with
    `ensure_complete=False` the message is returned, and `response_metadata["status"]` says what
    it is. Calls that were cut are `invalid_tool_calls`, never `tool_calls`.

    Whatever `Chat.complete` takes can be bound or passed to a call: `model.invoke(prompt,
    max_tokens=50)`. An option that it does not know is a `TypeError`.

    Pass either `chat`, or where it is: `provider`, `base_url`, or both.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    chat: Chat | None = Field(default=None, exclude=True)
    """A client with all its settings. You close it."""
    base_url: str | None = None
    """The root of the API, with its version: `https://api.openai.com/v1`."""
    provider: str | None = None
    """Who serves it, such as `"deepseek"`: its address and the variable of its key are known."""
    api_key: SecretStr | None = None
    """Read from the provider's own environment variable where not given, from `LEXILUX_API_KEY`
    where no provider is given either."""
    timeout: float | None = None
    """Seconds to connect, and between two reads; 60 unless given."""
    max_retries: int | None = None
    """How often a failure that may pass is tried again; 2 unless given."""
    model: str | None = None
    """The model's name; that of `chat` unless given."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    """Most tokens of one request. An answer that it cuts is gone on from; see `max_continues`."""
    stop: list[str] | str | None = None
    """Texts that end the answer; those of a call take their place."""
    seed: int | None = None
    reasoning: bool | dict[str, Any] | None = None
    """Extended thinking; see `ChatOptions.reasoning`."""
    max_continues: int = 5
    """Most requests for the rest of an answer that was cut; 0 for none."""
    ensure_complete: bool = True
    """Whether an answer that is not whole is an error."""
    streaming: bool = False
    """Whether `invoke` streams too, so that callbacks see every token."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Any other option of `Chat.complete`: `{"presence_penalty": 0.5}`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.chat is not None:
            if given := [name for name in _WHERE if getattr(self, name) is not None]:
                raise ValidationError(f"chat= has {', '.join(given)} of its own: leave them out")
        elif self.base_url is None and self.provider is None:
            raise ValidationError("pass provider=, base_url=, or chat=")
        elif self.api_key is None:
            self.api_key = self._key_from_environment()
        if known := sorted(self.model_kwargs.keys() & {*_OPTIONS}):
            raise ValidationError(f"model_kwargs has {known}: pass them as arguments")
        check_options(self.model_kwargs, CompleteOptions)
        client = self._client
        if not (self.model or client.model):
            raise ValidationError("no model: pass model=")
        return self

    @property
    def _client(self) -> Chat:
        if self.chat is not None:
            return self.chat
        key = self.api_key.get_secret_value() if self.api_key else None
        retries = 2 if self.max_retries is None else self.max_retries
        return _shared(self.base_url, self.provider, key, self.timeout, retries)

    def _key_from_environment(self) -> SecretStr | None:
        found = (os.environ.get(name) for name in self._key_variables)
        return next((SecretStr(key) for key in found if key), None)

    @property
    def _key_variables(self) -> tuple[str, ...]:
        if self.provider is None:
            return ("LEXILUX_API_KEY",)
        return find_provider(self.provider).env

    # What LangChain asks of a chat model.

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Generations:
        del run_manager  # LangChain's own caller tells it
        options = self._options(stop, kwargs)
        result = self._client.complete(to_wire(messages), **options)
        return as_generations(result, self._name(options))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Generations:
        del run_manager
        options = self._options(stop, kwargs)
        result = await self._client.acomplete(to_wire(messages), **options)
        return as_generations(result, self._name(options))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        options = self._options(stop, kwargs)
        with self._client.complete_stream(
            to_wire(messages), **options, include_reasoning=True
        ) as chunks:
            for piece in map(as_chunk, chunks):
                if piece is None:
                    continue
                if run_manager is not None:
                    run_manager.on_llm_new_token(piece.text, chunk=piece)
                yield piece
        yield as_last_chunk(chunks.result, self._name(options))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        options = self._options(stop, kwargs)
        async with self._client.acomplete_stream(
            to_wire(messages), **options, include_reasoning=True
        ) as chunks:
            async for chunk in chunks:
                if (piece := as_chunk(chunk)) is None:
                    continue
                if run_manager is not None:
                    await run_manager.on_llm_new_token(piece.text, chunk=piece)
                yield piece
        yield as_last_chunk(chunks.result, self._name(options))

    def _options(self, stop: Sequence[str] | None, given: Mapping[str, Any]) -> CompleteOptions:
        """What a call asks: the model's own options, and over them those of the call."""
        own = {name: getattr(self, name) for name in _OPTIONS}
        options = {**self.model_kwargs, **own, **given}
        options.pop("stream", None)  # LangChain's own, which it has heeded already
        if stop:
            options["stop"] = stop
        kept = {name: value for name, value in options.items() if value not in (None, [])}
        return cast("CompleteOptions", kept)

    def _name(self, options: CompleteOptions) -> str | None:
        return options.get("model") or self._client.model

    # Tools and structured output.

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools that it may call. Running the calls is the caller's part.

        Args:
            tools: Functions, `BaseTool`s, pydantic classes, TypedDicts, or dicts as on the wire.
            tool_choice: `"auto"`, `"none"`; `"any"`, `"required"` or True for at least one call; a
                tool's name; or a dict as on OpenAI's or Anthropic's wire. False and None leave it
                to the server.
            strict: Whether the server keeps the model to the tools' schemas.
            **kwargs: Other options of `Chat.complete`, such as `parallel_tool_calls`.

        Raises:
            ValidationError: `tool_choice` is none of these, or names none of the tools.
        """
        wire = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        if tool_choice not in (None, False, ""):
            kwargs["tool_choice"] = encode_tool_choice(_choice(tool_choice), wire)
        return self.bind(tools=wire, **kwargs)

    def with_structured_output(
        self,
        schema: Schema | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """The model with answers of a schema, and never half of one.

        Args:
            schema: A pydantic class, whose instances come out; or a TypedDict, a JSON schema with a
                title, or a function as on OpenAI's wire, for which dicts come out, unchecked.
            method: `"json_schema"`, the server keeps the model to the schema;
                `"function_calling"`, the answer is a call of a tool; or `"json_mode"`, the prompt
                must tell the schema, which may be None then.
            include_raw: True: the output is a dict of `raw` (the message), `parsed`, and
                `parsing_error`, which says so where the answer is cut, refused or does not fit.
            strict: As for `bind_tools`; not for `"json_mode"`.
            **kwargs: Other options of `Chat.complete`.

        Raises:
            ValidationError: The method is not known, or has no use for what was given.

        While running: `ChatIncompleteResponseError` or LangChain's `OutputParserException` where
        an answer is not whole; the latter, or pydantic's own error, where it does not fit.
        """
        return structured(
            self, schema, method=method, include_raw=include_raw, strict=strict, options=kwargs
        )

    # Tracing, caching, saving.

    @property
    def _llm_type(self) -> str:
        return "lexilux-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        options = self._options(None, {})
        return {"base_url": self._client.base_url, "model": self._client.model, **options}

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """What LangChain's cache keeps answers under: all that decides them, and no key."""
        asked = {**self._identifying_params, **self._options(stop, kwargs)}
        return repr(sorted(asked.items()))

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        asked = self._options(stop, kwargs)
        options: Json = {**asked, "model": self._name(asked)}
        words = options.pop("stop", None)
        stops = [words] if isinstance(words, str) else words
        found = super()._get_ls_params(stop=stops, **options)
        found["ls_provider"] = self._client.provider
        return found

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """True; a model with a `chat` of yours is written as one that cannot be loaded."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Where a saved model is looked for: the package, and not this file in it."""
        place = super().get_lc_namespace()
        return place[:-1] if cls.__module__ == __name__ else place

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The variable that the key is read from when the model is loaded."""
        variables = self._key_variables
        return {"api_key": variables[0]} if variables else {}

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """The model as LangChain saves it, with the name of its key's variable for the key."""
        return super().to_json() if self.chat is None else self.to_json_not_implemented()

    def __getstate__(self) -> dict[Any, Any]:
        """For pickle: without the key, which is read from the environment again."""
        state = super().__getstate__()
        fields = {**state["__dict__"], "api_key": None}
        return {**state, "__dict__": fields, "keyed": self.api_key is not None}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self.api_key = self._key_from_environment()
        if state["keyed"] and self.api_key is None:
            names = " or ".join(self._key_variables)
            raise ValidationError(f"a pickled model has no key: set {names} in the environment")


@lru_cache(maxsize=CLIENTS)
def _shared(
    base_url: str | None,
    provider: str | None,
    api_key: str | None,
    timeout_s: float | None,
    max_retries: int,
) -> Chat:
    """The client of all models with this address: copies of a model keep its connections."""
    options: Json = {"api_key": api_key, "timeout_s": timeout_s, "max_retries": max_retries}
    given = {name: value for name, value in options.items() if value is not None}
    if provider is not None:
        return Chat.for_provider(provider, base_url=base_url, **given)
    return Chat(base_url=base_url or "", **given)


def _choice(choice: object) -> str | dict[str, Any]:
    """A tool choice in OpenAI's words.

    Raises:
        ValidationError: It is none.
    """
    if choice is True or choice == "any":
        return "required"
    if isinstance(choice, str):
        return choice
    if not is_mapping(choice):
        raise ValidationError(f"tool_choice={choice!r}: pass a tool's name, or 'any'")
    match choice:
        case {"type": "any"}:
            return "required"
        case {"type": "auto" | "none" | "required"}:
            return str(choice["type"])
        case {"type": "tool", "name": str(name)} | {"function": {"name": str(name)}}:
            return name
        case _:
            return dict(choice)
