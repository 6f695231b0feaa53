"""OpenAI's dialect, `/chat/completions`, as OpenAI and all that follow it speak it.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, assert_never

from pydantic_core import from_json

from ..values.errors import APIError, ResponseFormatError
from ..values.messages import Message
from ..values.options import PrefillForm
from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, Json, StreamingResult
from ..values.tools import encode_tool_choice, encode_tools
from .accumulator import Accumulator, FinishError, as_delta
from .document import dump, is_array, is_object, parse_leniently
from .failure import event_error, find_error, not_a_completion, request_id, status_error
from .http import Request, Response
from .profile import Profile
from .reasoning import is_asked, reasoning_fields
from .registry import find_profile
from .sse import ServerSentEvent

DONE = b"[DONE]"
CHUNK_FIELDS = frozenset(
    {"choices", "usage", "x_groq", "prompt_filter_results", "prompt_progress", "timings"}
)
"""Fields by which an event is one of a chat completion."""
IDLE = ("ping", "heartbeat", "keepalive", "keep-alive")
"""Events that only say that the server is alive."""


class OpenAIDialect:
    """Values to OpenAI's JSON and back.

    Args:
        base_url: Where requests go.
        profile: What the provider can do; found by the host unless given.
    """

    def __init__(self, base_url: str = "", profile: Profile | None = None) -> None:
        self.profile = profile or find_profile(base_url)

    def encode(self, request: ChatRequest, *, stream: bool) -> Request:
        """Spell the request: what the caller gave and nothing else.

        Raises:
            ValidationError: It cannot be written as JSON, or the server has no such option.
        """
        payload: Json = {"model": request.model, "messages": request.messages, **request.options}
        if "tools" in payload:
            payload["tools"] = encode_tools(request.options["tools"])
        if "tool_choice" in payload:
            payload["tool_choice"] = encode_tool_choice(
                request.options["tool_choice"], request.options.get("tools")
            )
        payload |= reasoning_fields(self.profile, request.reasoning)
        if stream:
            payload["stream"] = True
            if request.include_usage:
                payload["stream_options"] = {"include_usage": True}
        payload |= request.extra
        path = "chat/completions"
        if request.prefill is not None:
            payload |= _prefilled(payload["messages"], request.prefill)
            known = self.profile.prefill
            path = (known.path if known and known.form == request.prefill else None) or path
        return Request(path, dump(payload), request.headers)

    def check(self, response: Response) -> None:
        """Raise the error that a response stands for whose status is not 2xx.

        Raises:
            APIError: Always for a status below 200 or from 300 on.
        """
        if not 200 <= response.status < 300:
            raise status_error(response)

    def decode(self, response: Response, request: ChatRequest) -> ChatResult:
        """Read a whole 2xx body.

        Raises:
            APIError: The body is or holds an error; `partial` is the answer beside it.
            ResponseFormatError: It is not a chat completion.
        """
        answer = OpenAIAnswer(request, response)
        data = response.body
        document = answer.read(data)
        choices = document.get("choices") if is_object(document) else None
        if is_array(choices) and choices:
            answer.take_whole({**document, "choices": [_as_chunk(each) for each in choices]}, data)
        if (error := find_error(document)) is not None:
            raise answer.failed(error, data)
        if not answer.done:
            raise answer.no_completion("it has no choices", data)
        raw = document if request.keep_raw else None
        return replace(answer.so_far().to_chat_result(), raw=raw)

    def answer(self, request: ChatRequest, head: Response) -> OpenAIAnswer:
        """An empty answer, for the events that follow `head`."""
        return OpenAIAnswer(request, head)


class OpenAIAnswer:
    """An answer, event by event. A whole body is folded in as if it were one event."""

    __slots__ = ("_accumulator", "_expected", "_head", "done")

    def __init__(self, request: ChatRequest, head: Response) -> None:
        self.done = False
        self._head = head
        n = request.extra.get("n", request.options.get("n"))
        self._expected: int = n if type(n) is int and n > 1 else 1
        self._accumulator = Accumulator(
            think=is_asked(request.reasoning),
            show_reasoning=request.include_reasoning,
            keep_raw=request.keep_raw,
            request_id=request_id(head.headers),
        )

    @property
    def pieces(self) -> int:
        """How many events brought content: text, reasoning, refusal or tool calls."""
        return self._accumulator.pieces

    @property
    def announced(self) -> bool:
        """Whether the end was announced: by `done`, or by a finish reason for every choice.

        A choice that was asked for and has not begun is still to come.
        """
        return self.done or self._accumulator.finished(self._expected)

    def feed(self, event: ServerSentEvent) -> Sequence[ChatStreamChunk]:
        """Take one event in; returns what it adds for the consumer, often nothing.

        Raises:
            APIError: The event is an error, in any of its known shapes; `partial` is set.
            ResponseFormatError: The event is not one of a chat completion; `partial` is set.
        """
        if self.done:
            return ()
        data = event.data
        try:
            document = from_json(data)
        except ValueError:
            if data.strip() == DONE:
                return self._end(data)
            document = self._parse_event(event)
            if document is None:
                return ()
        if event.event == "error":
            raise self.failed(document, data)
        if document.__class__ is not dict or "error" in document or not document.get("choices"):
            self._check(document, data)
        try:
            return self._accumulator.fold(document)
        except (FinishError, ValueError) as problem:
            raise self._trouble(problem, data) from None

    def last_chunk(self) -> ChatStreamChunk:
        """The chunk with `done=True`, for the end of an announced answer."""
        self.done = True
        result = self.so_far()
        return ChatStreamChunk(
            finish_reason=result.finish_reason, usage=result.usage or None, done=True
        )

    def so_far(self) -> StreamingResult:
        """What the events fed so far add up to."""
        return self._accumulator.result(None if self.done else "unannounced", done=self.done)

    def read(self, data: bytes) -> Any:
        """Parse a whole body.

        Raises:
            ResponseFormatError: It is no JSON.
        """
        try:
            return self._parse(data)
        except ValueError as error:
            text = data.strip()
            why = f"it is no JSON, or it is cut ({error})" if text else "it is empty"
            why = "it is a web page" if text[:1] == b"<" else why
            raise self.no_completion(why, data) from None

    def take_whole(self, document: Json, data: bytes) -> None:
        """Take a chunk in after which nothing follows.

        Raises:
            APIError: A choice finished with the word "error".
            ResponseFormatError: It makes no sense.
        """
        try:
            self._accumulator.fold(document)
        except (FinishError, ValueError) as problem:
            raise self._trouble(problem, data) from None
        self._end(data)

    def failed(self, error: object, data: bytes) -> APIError:
        """The exception for an error object, with the answer up to here."""
        status, headers = self._head.status, self._head.headers
        return event_error(
            error, data=data, status=status, headers=headers, partial=self._partial()
        )

    def no_completion(self, why: str, data: bytes) -> ResponseFormatError:
        """The exception for data that make no sense, with the answer up to here."""
        return not_a_completion(why, data=data, head=self._head, partial=self._partial())

    def _end(self, data: bytes) -> list[ChatStreamChunk]:
        """Nothing follows; returns what was held back."""
        self.done = True
        try:
            return self._accumulator.rest()
        except ValueError as problem:
            raise self._trouble(problem, data) from None

    def _trouble(self, problem: Exception, data: bytes) -> APIError | ResponseFormatError:
        """The exception for a chunk that could not be folded in."""
        if not isinstance(problem, FinishError):
            return self.no_completion(str(problem), data)
        words = "the server ended the answer with the finish reason 'error'"
        return self.failed(problem.choice.get("error") or words, data)

    def _partial(self) -> ChatResult | None:
        result = self._accumulator.result("interrupted")
        return result.to_chat_result() if result.choices else None

    def _parse(self, data: bytes) -> Any:
        try:
            return from_json(data)
        except ValueError:
            document = parse_leniently(data)
            self._accumulator.mend()  # the usual reason is half a character
            return document

    def _parse_event(self, event: ServerSentEvent) -> Any:
        """Parse an event that pydantic's parser refuses; None where there is nothing in it."""
        try:
            return self._parse(event.data)
        except ValueError as error:
            if event.event == "error":
                words = event.data.decode(errors="replace").strip()
                raise self.failed(words, event.data) from None
            if not event.data.strip() or event.cut or event.event in IDLE:
                return None
            raise self.no_completion(f"an event is no JSON ({error})", event.data) from None

    def _check(self, document: Any, data: bytes) -> None:
        """Refuse an event that is an error, or nothing that is known."""
        if (error := find_error(document)) is not None:
            raise self.failed(error, data)
        if not is_object(document) or not (document.get("choices") or _is_known(document)):
            raise self.no_completion("an event is no chunk of one", data)


def _prefilled(messages: Sequence[Message], form: PrefillForm) -> Json:
    """The fields by which the last message, an assistant's, is gone on from."""
    *before, last = messages
    match form:
        case "prefix" | "partial":  # DeepSeek, Mistral; Moonshot, Qwen
            return {"messages": [*before, {**last, form: True}]}
        case "continue_final_message":  # vLLM, SGLang
            return {"continue_final_message": True, "add_generation_prompt": False}
        case "trailing":
            return {}
        case _:
            assert_never(form)


def _is_known(document: Json) -> bool:
    """Whether an event without choices is one that servers are known to send."""
    kind = document.get("object")
    return (
        not CHUNK_FIELDS.isdisjoint(document)
        or document.get("type") in IDLE
        or (isinstance(kind, str) and "completion" in kind)
    )


def _as_chunk(choice: Any) -> Any:
    """A choice of a whole body as one of a chunk."""
    if not is_object(choice):
        return choice
    message = choice.get("message") or choice.get("delta")
    if not message and "text" in choice:  # of the older completions
        message = {"content": choice["text"]}
    return {**choice, "delta": as_delta(message), "message": None}
