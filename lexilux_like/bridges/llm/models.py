"""The models that `llm` is offered: a `Chat` behind each, sync and async."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import llm
from llm.parts import StreamEvent
from pydantic import Field, field_validator

from ...chat import Chat
from ...values.errors import LexiluxError
from ...values.options import CompleteOptions, Count, Penalty, Probability, Temperature
from ...values.results import ChatResult, ChatStreamChunk
from ...values.tools import FunctionTool
from .answers import Answering
from .entries import ModelEntry
from .messages import to_messages


class LexiluxOptions(llm.Options):
    """What `llm -o` takes. What is not given is not sent."""

    max_tokens: Count | None = Field(
        default=None,
        description="Most tokens of one request, at least 1. What it cuts off is asked for again.",
    )
    max_continues: int | None = Field(
        default=None,
        ge=0,
        description="Most requests for the rest of an answer that was cut off; 5 unless given."
        " With 0 an answer that was cut off is an error at once.",
    )
    temperature: Temperature | None = Field(default=None, description="Randomness, 0 to 2.")
    top_p: Probability | None = Field(
        default=None, description="Nucleus sampling: the probability mass to draw from, 0 to 1."
    )
    presence_penalty: Penalty | None = Field(
        default=None, description="Against words that occurred at all, -2 to 2."
    )
    frequency_penalty: Penalty | None = Field(
        default=None, description="Against words by how often they occurred, -2 to 2."
    )
    stop: str | None = Field(
        default=None, description="Text that ends the answer and is not part of it."
    )
    seed: int | None = Field(
        default=None, description="For repeatable sampling, where the provider can."
    )
    reasoning: bool | None = Field(
        default=None, description="Extended thinking on or off, where the model has it."
    )
    reasoning_effort: str | None = Field(
        default=None, description="How much of it: low, medium, high, or what the model knows."
    )
    json_object: bool | None = Field(default=None, description="The answer is one JSON object.")
    timeout_s: float | None = Field(
        default=None, gt=0, description="Seconds to wait for a connection, and for each next piece."
    )
    extra: dict[str, Any] | None = Field(
        default=None, description="More fields of the request, as JSON: '{\"top_k\": 40}'."
    )

    @field_validator("extra", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        """JSON text, as it comes from the command line; a `ValueError` where it is none."""
        return json.loads(value) if isinstance(value, str) else value


class _Configured:
    """What the sync and the async model have in common: an entry, and its clients."""

    attachment_types: set[str] | frozenset[str]

    def __init__(self, entry: ModelEntry, clients: dict[str | None, Chat]) -> None:
        """Take over what the entry says.

        Args:
            entry: From the file.
            clients: A `Chat` for each key, made when it is needed; both models share them.
        """
        self.model_id = entry.model_id
        self.can_stream = entry.can_stream
        self.supports_tools = entry.supports_tools
        self.supports_schema = entry.supports_schema
        self.attachment_types = entry.attachment_types
        self.needs_key = entry.needs_key
        self.key_env_var = entry.key_env_var
        self._entry = entry
        self._clients = clients

    def _chat(self, key: str | None) -> Chat:
        if key not in self._clients:
            entry = self._entry
            self._clients[key] = Chat(
                base_url=entry.base_url,
                model=entry.name_at_server,
                provider=entry.provider,
                api_key=key,
                headers=dict(entry.headers),
                api_version=entry.api_version,
            )
        return self._clients[key]

    @property
    def _unstreamed(self) -> CompleteOptions:
        """`complete()` asks for a stream, which a break does not cost, unless there are none."""
        return {} if self.can_stream else {"resume": "off"}

    def __str__(self) -> str:
        return f"lexilux_like: {self.model_id}"


class LexiluxModel(_Configured, llm.KeyModel):
    """A model of the file, for `llm.get_model()` and the command line."""

    class Options(LexiluxOptions):  # pyright: ignore[reportIncompatibleVariableOverride]
        """By the name that `llm` looks for, and tells its authors to use."""

    def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,  # noqa: FBT001 - llm's signature
        response: llm.Response,
        conversation: llm.Conversation | None,  # noqa: ARG002 - its turns are in the prompt
        key: str | None,
    ) -> Iterator[str | StreamEvent]:
        """Answer a prompt; `llm` calls this.

        Raises:
            AnswerError: It could not be made whole. What had come was yielded before.
        """
        chat, options = self._chat(key), call_options(prompt)
        answering = Answering(response, self.model_id, shown=stream and self.can_stream)
        try:
            messages = to_messages(prompt, self.model_id)
            if answering.shown:
                with chat.complete_stream(messages, include_reasoning=True, **options) as chunks:
                    for chunk in chunks:
                        yield from answering.events(chunk)
                result: ChatResult = chunks.result
            else:
                result = chat.complete(messages, **self._unstreamed, **options)
                yield from answering.events(ChatStreamChunk(result.text, result.reasoning))
        except LexiluxError as error:
            yield from answering.remainder(error)
            raise answering.failure(error) from error
        yield from answering.ending(result)


class AsyncLexiluxModel(_Configured, llm.AsyncKeyModel):
    """A model of the file, for `llm.get_async_model()`."""

    class Options(LexiluxOptions):  # pyright: ignore[reportIncompatibleVariableOverride]
        """By the name that `llm` looks for, and tells its authors to use."""

    async def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,  # noqa: FBT001 - llm's signature
        response: llm.AsyncResponse,
        conversation: llm.AsyncConversation | None,  # noqa: ARG002 - its turns are in the prompt
        key: str | None,
    ) -> AsyncGenerator[str | StreamEvent, None]:
        """Answer a prompt; `llm` calls this.

        Raises:
            AnswerError: It could not be made whole. What had come was yielded before.
        """
        chat, options = self._chat(key), call_options(prompt)
        answering = Answering(response, self.model_id, shown=stream and self.can_stream)
        try:
            messages = await asyncio.to_thread(to_messages, prompt, self.model_id)
            if answering.shown:
                asked = chat.acomplete_stream(messages, include_reasoning=True, **options)
                async with asked as chunks:
                    async for chunk in chunks:
                        for event in answering.events(chunk):
                            yield event
                result: ChatResult = chunks.result
            else:
                result = await chat.acomplete(messages, **self._unstreamed, **options)
                for event in answering.events(ChatStreamChunk(result.text, result.reasoning)):
                    yield event
        except LexiluxError as error:
            for event in answering.remainder(error):
                yield event
            raise answering.failure(error) from error
        for event in answering.ending(result):
            yield event


def make_models(entry: ModelEntry) -> tuple[LexiluxModel, AsyncLexiluxModel]:
    """The sync and the async model of an entry; nothing is opened before a prompt.

    Examples:
        >>> local = ModelEntry(model_id="local", api_base="http://127.0.0.1:8080/v1")
        >>> model, async_model = make_models(local)
        >>> model
        <lexilux_like: local>
    """
    clients: dict[str | None, Chat] = {}
    return LexiluxModel(entry, clients), AsyncLexiluxModel(entry, clients)


def call_options(prompt: llm.Prompt) -> dict[str, Any]:
    """The options of a prompt, its schema and its tools, as keywords of `Chat.complete()`."""
    asked: Any = prompt  # llm's own types are loose about dicts
    options: dict[str, Any] = asked.options.model_dump(exclude_none=True)
    effort = options.pop("reasoning_effort", None)
    if effort is not None:
        enabled = {"enabled": options["reasoning"]} if "reasoning" in options else {}
        options["reasoning"] = {"effort": effort, **enabled}
    if options.pop("json_object", False):
        options["response_format"] = {"type": "json_object"}
    if asked.schema:
        named = {"name": "output", "schema": asked.schema}
        options["response_format"] = {"type": "json_schema", "json_schema": named}
    if asked.tools:
        options["tools"] = [
            FunctionTool(tool.name, tool.description, tool.input_schema or None)
            for tool in asked.tools
        ]
    return options
