"""Anthropic's own dialect, the messages API, as Anthropic and those that follow it speak it.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..values.errors import ValidationError
from ..values.request import ChatRequest
from ..values.results import ChatResult, Json
from .anthropic_answer import AnthropicAnswer
from .anthropic_options import spelled_options
from .blocks import encode_messages
from .complaint import find_error
from .document import dump, is_array, is_object
from .failure import status_error
from .http import Request, Response
from .profile import Profile
from .registry import find_profile

VERSION = {"anthropic-version": "2023-06-01"}
"""https://platform.claude.com/docs/en/api/versioning"""
_VERSIONED = re.compile(r"/v[0-9]+(?:[a-z]+[0-9]*)?$")


class AnthropicDialect:
    """Values to Anthropic's JSON and back.

    Args:
        base_url: Where requests go: with the API's version at its end, or without, as
            Anthropic's own clients take it.
        profile: What the provider can do; found by the host unless given.
    """

    def __init__(self, base_url: str = "", profile: Profile | None = None) -> None:
        self.profile = profile or find_profile(base_url)
        self._path = versioned(base_url, "messages")

    def encode(self, request: ChatRequest, *, stream: bool) -> Request:
        """Spell the request: what the caller gave, and `max_tokens`, which must be there.

        Raises:
            ValidationError: It cannot be written as JSON, or the API has no form for it.
        """
        if request.prefill not in (None, "trailing"):
            raise ValidationError(
                f"prefill={request.prefill!r}: Anthropic's API goes on from a trailing message of"
                ' the assistant, without a flag: pass prefill="trailing" or leave it out'
            )
        system, turns = encode_messages(request.messages)
        payload: Json = {"model": request.model, "messages": turns}
        fields, instruction = spelled_options(request, self.profile)
        if system := _with(system, instruction):
            payload["system"] = system
        payload |= fields
        if stream:
            payload["stream"] = True
        given = {**request.extra}
        if is_object(config := given.get("output_config")):  # ours and theirs say different things
            given["output_config"] = {**payload.get("output_config", {}), **config}
        return Request(self._path, dump(payload | given), request.headers, VERSION)

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
            ResponseFormatError: It is not a message.
        """
        answer = self.answer(request, response)
        data = response.body
        document = answer.read(data)
        if is_object(document) and is_array(document.get("content")):
            answer.take_message(document, data)
        if (error := find_error(document)) is not None:
            raise answer.failed(error, data)
        if not answer.done:
            raise answer.no_completion("it has no content blocks, as a message of this API", data)
        raw = document if request.keep_raw else None
        return answer.whole(raw)

    def answer(self, request: ChatRequest, head: Response) -> AnthropicAnswer:
        """An empty answer, for the events that follow `head`."""
        return AnthropicAnswer(request, head, tags=self.profile.think_tags)


def versioned(base_url: str, path: str) -> str:
    """A path under `base_url`, with the API's version before it where `base_url` has none."""
    found = _VERSIONED.search(urlsplit(base_url).path.rstrip("/"))
    return path if found else f"v1/{path}"


def _with(system: str | list[Json], instruction: str) -> str | list[Json]:
    """The system prompt with our words at its end."""
    if isinstance(system, str):
        return "\n\n".join(filter(None, (system, instruction)))
    return [*system, {"type": "text", "text": instruction}] if instruction else system
