"""OpenAI's dialect, `/chat/completions`, as OpenAI and all that follow it speak it.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, Json
from .accumulator import FinishError, as_delta
from .answer import IDLE, FoldedAnswer
from .azure import PATH, azure_path
from .complaint import find_error
from .document import dump, is_array, is_object
from .failure import status_error
from .http import Request, Response
from .marker import Unmarker
from .profile import Profile, Tags
from .reasoning import reasoning_fields
from .registry import find_profile
from .spelling import prefill_fields, spelled_messages, spelled_options
from .template import Template

CHUNK_FIELDS = frozenset(
    {"choices", "usage", "x_groq", "prompt_filter_results", "prompt_progress", "timings"}
)
"""Fields by which an event is one of a chat completion."""
PATIENCE = 8
"""So many events are kept as templates for the next one in vain: then each is unlike the others."""


class OpenAIDialect:
    """Values to OpenAI's JSON and back.

    Args:
        base_url: Where requests go.
        profile: What the provider can do; found by the host unless given.
        api_version: Of Azure's older URLs; None for its v1 API, and for everybody else.
    """

    def __init__(
        self,
        base_url: str = "",
        profile: Profile | None = None,
        *,
        api_version: str | None = None,
    ) -> None:
        self.profile = profile or find_profile(base_url)
        self._base_url = base_url
        self._api_version = api_version

    def encode(self, request: ChatRequest, *, stream: bool) -> Request:
        """Spell the request: what the caller gave and nothing else.

        Raises:
            ValidationError: It cannot be written as JSON, or the server has no such option.
        """
        profile = self.profile
        payload: Json = {
            "model": request.model,
            "messages": spelled_messages(request.messages, profile),
            **spelled_options(request.options, profile),
            **reasoning_fields(profile, request.reasoning, request.model),
        }
        if stream:
            payload["stream"] = True
            if request.include_usage and profile.usage == "stream_options":
                payload["stream_options"] = {"include_usage": True}
        payload |= request.extra
        path = self._path(request.model)
        if request.prefill is not None:
            payload |= prefill_fields(payload["messages"], request.prefill)
            known = profile.prefill
            path = (known.path if known and known.form == request.prefill else None) or path
        return Request(path, dump(payload), request.headers)

    def _path(self, model: str) -> str:
        if self.profile.urls == "azure":
            return azure_path(self._base_url, model, self._api_version)
        return PATH

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
        answer = self.answer(request, response)
        data = response.body
        document = answer.read(data)
        choices = document.get("choices") if is_object(document) else None
        if is_array(choices) and choices:
            answer.take_whole({**document, "choices": [_as_chunk(each) for each in choices]}, data)
        if not answer.done or "error" in document or "base_resp" in document:
            if (error := find_error(document)) is not None:
                raise answer.failed(error, data)
            if not answer.done:
                raise answer.no_completion("it has no choices", data)
        raw = document if request.keep_raw else None
        return answer.whole(raw)

    def answer(self, request: ChatRequest, head: Response) -> OpenAIAnswer:
        """An empty answer, for the events that follow `head`."""
        profile = self.profile
        return OpenAIAnswer(request, head, marked=profile.end_marker, tags=profile.think_tags)


class OpenAIAnswer(FoldedAnswer):
    """An answer, event by event. A whole body is folded in as if it were one event.

    Args:
        request: What was asked.
        head: What the response began with.
        marked: Take LM Studio's marker out of the texts.
        tags: Around reasoning at the beginning of a text, whether it was asked for or not.
    """

    __slots__ = ("_patience", "_template")

    def __init__(
        self,
        request: ChatRequest,
        head: Response,
        *,
        marked: bool = False,
        tags: Tags | None = None,
    ) -> None:
        n = request.extra.get("n", request.options.get("n"))
        expected = n if type(n) is int and n > 1 else 1
        super().__init__(request, head, expected=expected, tags=tags)
        if marked:
            self._accumulator.mend(Unmarker())
        self._template: Template | None = None
        self._patience = PATIENCE

    def take(self, data: bytes) -> Sequence[ChatStreamChunk]:
        """`FoldedAnswer.take`; of an event like the one before only the text is read."""
        template = self._template
        if template is not None and not self.done and (text := template.text(data)):
            self._patience = PATIENCE
            return self._accumulator.more(text)
        return super().take(data)

    def _take(self, document: Any, data: bytes) -> list[ChatStreamChunk]:
        if document.__class__ is not dict or not document.get("choices"):
            self._check(document, data)
        try:
            chunks = self._accumulator.fold(document)
        except (FinishError, ValueError) as problem:
            raise self._failed_fold(problem, document, data) from None
        if "error" in document or "base_resp" in document:  # beside choices, which have come
            self._check(document, data)
        self._template = None
        if self._patience and (template := self._accumulator.template(document, data)):
            self._template = template
            self._patience -= 1
        return chunks

    def _check(self, document: Any, data: bytes) -> None:
        """Refuse an event that is an error, or nothing that is known."""
        if (error := find_error(document)) is not None:
            raise self.failed(error, data)
        if not is_object(document) or not (document.get("choices") or _is_known(document)):
            raise self.no_completion("an event is no chunk of one", data)


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
