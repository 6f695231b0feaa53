"""An agent's LLM interface on a `Chat`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Literal, Unpack, cast

from .._keywords import spelled_out
from ..chat import Chat
from ..transport.streaming import AsyncStreamingIterator
from ..values.errors import LexiluxError, ValidationError
from ..values.messages import Message, check_message, is_sequence
from ..values.options import ChatOptions, Resume, ResumeOption, check_options
from ..values.results import ChatResult, Status
from ..values.timeouts import is_number
from ..values.tools import FunctionTool
from .answers import Spent, StreamedAnswer, error_event, response
from .llm import LLMProvider, LLMResponse, Tool
from .stream_events import StreamErrorEvent, StreamEvent

MOST_EMPTY = 3
"""How often an empty answer is asked for again."""
JSON_OBJECT = {"type": "json_object"}
_SAY_JSON = "Answer with a JSON object."
"""OpenAI refuses `json_object` where no message says "JSON".
https://platform.openai.com/docs/guides/structured-outputs#json-mode"""
_EMPTY_FOR_A_REASON: tuple[Status, ...] = ("truncated", "context_exceeded", "filtered", "refused")


class LLMOptions(ChatOptions, total=False):
    """What a `ChatLLMProvider` takes beside its `Chat`; what a call says wins over it."""

    max_continues: int
    """Most requests for the rest of an answer that a limit cut, 0 or more. 0 unless given: what is
    cut is handed on, and `stop_reason` says `"length"`. With more, an answer that is still not
    whole is a `ChatIncompleteResponseError`."""
    resume: Resume
    """Whether an answer whose connection breaks goes on, as in `Chat.stream()`: `"off"` unless
    given, `"auto"` with `max_continues`."""
    empty_wait_s: float
    """Seconds before an empty answer is asked for again, 0 to 1; 0.5 unless given."""


class ChatLLMProvider(LLMProvider):
    """An agent's view of a `Chat`: native calls, sync and async, and true streams.

    `max_tokens` bounds a request. An answer that it cuts says so in `stop_reason`, JSON too: with
    `json_mode` read the content only if that is `"stop"`. An empty answer (no text, no call, and
    nothing that says why) is asked for again, 3 times at most and not more often than the
    `max_retries` of the call, if it has any; then it is returned as it is, with the tokens of all.

    It keeps no conversation and serves many threads and event loops at once.

    Args:
        chat: Who is asked. You close it.
        **options: See `LLMOptions`.

    Raises:
        ValidationError: `empty_wait_s` is out of its bounds.
        TypeError: An option is not known.

    Examples:
        >>> from lexilux_like import Chat
        >>> chat = Chat(base_url="http://127.0.0.1:8080/v1", model="tiny")
        >>> provider = ChatLLMProvider(chat, max_continues=3, temperature=0)
        >>> provider.complete([{"role": "user", "content": "Hi"}]).content  # doctest: +SKIP
        'Hi!'
    """

    @spelled_out
    def __init__(self, chat: Chat, **options: Unpack[LLMOptions]) -> None:
        check_options(options, LLMOptions)
        self.chat = chat
        self.max_continues = options.get("max_continues", 0)
        self.empty_wait_s = _checked_wait(options.get("empty_wait_s", 0.5))
        self._resume: ResumeOption = {"resume": options["resume"]} if "resume" in options else {}
        known = ChatOptions.__optional_keys__
        shared = {name: each for name, each in options.items() if name in known}
        self._options = cast("ChatOptions", shared)

    def complete(  # noqa: D102, PLR0917 - as the base
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 1024,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,  # noqa: FBT001, FBT002 - the protocol's signature
        max_retries: int | None = None,
    ) -> LLMResponse:
        question = self._question(messages, system, tools, max_tokens, max_retries)
        question.take_form(response_format, json_mode=json_mode)
        while question.is_asked_again(result := self._ask(question)):
            time.sleep(self.empty_wait_s)
        return response(result, question.spent, model=self._model)

    async def acomplete(  # noqa: D102, PLR0917 - as the base
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 1024,
        response_format: dict[str, Any] | None = None,
        json_mode: bool = False,  # noqa: FBT001, FBT002 - the protocol's signature
        max_retries: int | None = None,
    ) -> LLMResponse:
        question = self._question(messages, system, tools, max_tokens, max_retries)
        question.take_form(response_format, json_mode=json_mode)
        while question.is_asked_again(result := await self._aask(question)):  # noqa: ASYNC110
            await asyncio.sleep(self.empty_wait_s)
        return response(result, question.spent, model=self._model)

    async def stream(  # noqa: D102 - as the base
        self,
        messages: list[dict[str, Any]],
        system: str = "",
        tools: list[Tool] | None = None,
        max_tokens: int = 4096,
    ) -> AsyncIterator[StreamEvent]:
        question = self._question(messages, system, tools, max_tokens, None)
        while True:
            answer = StreamedAnswer(self._model)
            failure: StreamErrorEvent | None = None
            async with self._chunks(question) as chunks:
                try:
                    async for chunk in chunks:
                        for event in answer.take(chunk):
                            yield event
                except ValidationError:
                    raise
                except LexiluxError as error:
                    failure = error_event(error)
            if failure is not None:
                yield failure
                return
            again = question.is_asked_again(chunks.result)
            if answer.begun or not again:
                break
            await asyncio.sleep(self.empty_wait_s)
        for event in answer.end(chunks.result, question.spent):
            yield event

    @property
    def _limit(self) -> Literal["max_tokens", "max_completion_tokens"]:
        """How `max_tokens` is sent: servers refuse a request with both names in it."""
        params = self._options.get("params")
        other = self._options.get("max_completion_tokens")
        if other is None and params is not None:
            other = params.max_completion_tokens
        return "max_tokens" if other is None else "max_completion_tokens"

    @property
    def _model(self) -> str:
        """The name to report where the server says none."""
        return self._options.get("model") or self.chat.model or ""

    def _question(
        self,
        messages: list[dict[str, Any]],
        system: str,
        tools: list[Tool] | None,
        max_tokens: int | None,
        max_retries: int | None,
    ) -> Question:
        options = self._options.copy()
        if system:
            options["system"] = system
        if tools is not None:
            options["tools"] = [_function_tool(each) for each in tools] or None
        if max_tokens is not None:
            options[self._limit] = max_tokens
        if max_retries is not None:
            options["max_retries"] = max_retries
        return Question(messages, options)

    def _ask(self, question: Question) -> ChatResult:
        messages, options = question.messages, question.options
        if self.max_continues:
            return self.chat.complete(
                messages, max_continues=self.max_continues, **self._resume, **options
            )
        if self._resume.get("resume", "off") == "off":
            return self.chat(messages, **options)
        with self.chat.stream(messages, **self._resume, **options) as chunks:
            for _ in chunks:
                pass
        return chunks.result

    async def _aask(self, question: Question) -> ChatResult:
        messages, options = question.messages, question.options
        if self.max_continues:
            return await self.chat.acomplete(
                messages, max_continues=self.max_continues, **self._resume, **options
            )
        if self._resume.get("resume", "off") == "off":
            return await self.chat.acall(messages, **options)
        async with self.chat.astream(messages, **self._resume, **options) as chunks:
            async for _ in chunks:
                pass
        return chunks.result

    def _chunks(self, question: Question) -> AsyncStreamingIterator:
        """The answer as it comes in."""
        messages, options = question.messages, question.options
        if not self.max_continues:
            return self.chat.astream(messages, include_reasoning=True, **self._resume, **options)
        return self.chat.acomplete_stream(
            messages,
            max_continues=self.max_continues,
            include_reasoning=True,
            **self._resume,
            **options,
        )


class Question:
    """What is asked, how often it may be asked again, and what the answers have cost.

    Args:
        messages: The conversation; copied.
        options: Of the call.

    Raises:
        ValidationError: It is no list of messages.
    """

    def __init__(self, messages: list[dict[str, Any]], options: ChatOptions) -> None:
        if not is_sequence(messages):
            raise ValidationError(
                f"messages={messages!r:.200}: pass a list of messages such as"
                ' {"role": "user", "content": "Hi"}'
            )
        self.messages: list[Message] = [dict(check_message(each)) for each in messages]
        self.options = options
        self.spent = Spent()
        self._asked = 0

    def take_form(self, response_format: dict[str, Any] | None, *, json_mode: bool) -> None:
        """Set the form of the answer; `response_format` wins."""
        if response_format is not None:
            self.options["response_format"] = response_format
        elif json_mode:
            self.options["response_format"] = JSON_OBJECT
            self._say_json()

    def is_asked_again(self, result: ChatResult) -> bool:
        """Whether an answer is empty without a reason, and may be asked for again; counts it."""
        self.spent.add(result)
        self._asked += 1
        retries = self.options.get("max_retries")
        most = MOST_EMPTY if retries is None else min(MOST_EMPTY, retries)
        goes_on = self.messages[-1]["role"] == "assistant"  # with a turn that may be whole
        return _is_empty(result) and not goes_on and self._asked <= most

    def _say_json(self) -> None:
        """Say that JSON is wanted, where nobody has said so."""
        system = self.options.get("system") or ""
        if "json" in f"{system}{self.messages}".lower():
            return
        first: Message = self.messages[0] if self.messages else {"role": ""}
        own = first.get("content")
        if not system and first["role"] in ("system", "developer") and isinstance(own, str):
            self.messages[0] = {**first, "content": f"{own}\n\n{_SAY_JSON}"}
        else:
            self.options["system"] = f"{system}\n\n{_SAY_JSON}".lstrip()


def _is_empty(result: ChatResult) -> bool:
    said = result.text or result.refusal or result.fields.get("audio")
    calls = result.tool_calls or result.incomplete_tool_calls
    return not (said or calls or result.status in _EMPTY_FOR_A_REASON)


def _function_tool(tool: Tool) -> FunctionTool:
    """The tool with its whole schema. OpenAI refuses one without `properties`."""
    try:
        name, description, schema = tool.name, tool.description, tool.parameters
    except AttributeError:
        raise ValidationError(
            f"a tool is a Tool(name, description, parameters), not {tool!r:.200}"
        ) from None
    return FunctionTool(name, description or None, {"type": "object", "properties": {}, **schema})


def _checked_wait(seconds: float) -> float:
    if not is_number(seconds) or not 0 <= seconds <= 1:
        raise ValidationError(f"empty_wait_s={seconds!r}: give seconds, 0 to 1")
    return seconds
