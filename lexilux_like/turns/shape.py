"""How a model is told which JSON its answer must be, in the strictest form its server takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never, cast, get_args

from ..values.errors import InvalidRequestError, LexiluxError
from ..values.messages import Message, as_content
from ..values.request import AnyOptions, ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, Json
from ..wire.profile import SchemaForm
from .flow import Flow, Track, relay
from .rules import Server
from .turn import Turn

if TYPE_CHECKING:
    from ..values.output import OutputType

JSON_OBJECT: Json = {"type": "json_object"}
FORMS: tuple[SchemaForm, ...] = get_args(SchemaForm)
"""The strictest first."""

_OF_THE_FORM = re.compile(
    r"response_?format|output_(?:config|format)|json[_ ]?(?:schema|object|mode)"
    r"|structured[_ ]outputs?|\btool(?:s|_choice)?\b",
    re.IGNORECASE,
)
_PERHAPS_OF_IT = re.compile(
    r"schema|strict|unsupported|not support|grammar|json_validate_failed", re.IGNORECASE
)
"""Groq says the last one, where the model did not manage to keep to the form."""
_OF_THIS_SCHEMA = re.compile(
    r"invalid[_ ](?:json[_ ])?schema|schema conversion|grammar|in context=", re.IGNORECASE
)
"""How servers refuse one schema and would take another: OpenAI, llama.cpp, vLLM."""


def wanted_type(options: AnyOptions) -> OutputType[Any] | None:
    """The type that `response_format` is; None where it is a mapping, or nothing.

    Raises:
        ValidationError: JSON has no form for it.
    """
    form: object = options.get("response_format")
    if form is None and (params := options.get("params")) is not None:
        form = params.response_format
    if form is None or isinstance(form, Mapping):
        return None
    from ..values.output import output_type  # noqa: PLC0415 - pydantic, which only a type needs

    return output_type(form)


def as_json(options: AnyOptions) -> AnyOptions:
    """The options with JSON as the `response_format`, in place of a type."""
    return cast("AnyOptions", {**options, "response_format": JSON_OBJECT})


def shaped(turn: Turn, kind: OutputType[Any], server: Server) -> Turn:
    """Ask with the schema of `kind`.

    A server that refuses the form in which it is sent is asked in the next simpler one; nothing
    is lost by that, because it answers before there is any content. It is remembered where it was
    the form that it refused, and not this one schema.
    """

    def asking(request: ChatRequest) -> Flow[ChatResult]:
        *stricter, simplest = _forms(server, request)
        for form in stricter:
            try:
                return (yield from turn(with_schema(request, kind, form)))
            except InvalidRequestError as error:
                words = f"{error.code} {error.param} {error.provider_message or error.message}"
                if error.partial is not None or not _speaks_of_form(words):
                    raise
                if _is_for_good(words, request):
                    server.learned.note(server.base_url, request.model, _fact(form), works=False)
        return (yield from turn(with_schema(request, kind, simplest)))

    return asking


def with_schema(request: ChatRequest, kind: OutputType[Any], form: SchemaForm) -> ChatRequest:
    """The request with the schema of `kind`; its own `response_format` makes room."""
    options = {name: each for name, each in request.options.items() if name != "response_format"}
    messages = request.messages
    match form:
        case "json_schema":
            options["response_format"] = kind.json_schema_format
        case "json_object":
            options["response_format"] = JSON_OBJECT
            messages = instructed(messages, kind.instructions())
        case "tool":
            return _as_tool(replace(request, options=options), kind)
        case "prompt":
            messages = instructed(messages, kind.instructions())
        case _:
            assert_never(form)
    return replace(request, options=options, messages=messages)


def from_tool(turn: Turn) -> Turn:
    """Take the arguments of the tool that a schema was sent as for the answer's text."""

    def unpacking(request: ChatRequest) -> Flow[ChatResult]:
        if request.answer_tool is None:
            return (yield from turn(request))
        try:
            return _unpacked((yield from relay(turn(request), _arguments)))
        except LexiluxError as error:
            error.partial = error.partial and _unpacked(error.partial)
            raise

    return unpacking


def _as_tool(request: ChatRequest, kind: OutputType[Any]) -> ChatRequest:
    schema = kind.json_schema_format["json_schema"]
    function = {
        "name": kind.name,
        "description": "Give the answer.",
        "parameters": schema["schema"],
        **({"strict": True} if kind.strict else {}),
    }
    tools = {"tools": [{"type": "function", "function": function}], "tool_choice": kind.name}
    return replace(request, options={**request.options, **tools}, answer_tool=kind.name)


def _arguments(effect: ChatStreamChunk | Track) -> Iterable[ChatStreamChunk | Track]:
    """A chunk with the pieces of arguments as text."""
    if type(effect) is ChatStreamChunk and effect.tool_calls:
        effect.delta += "".join(each.arguments for each in effect.tool_calls if not each.index)
        effect.tool_calls = ()
    return (effect,)


def _unpacked(result: ChatResult) -> ChatResult:
    """The answer with the arguments of its call as text; as it is where it has none."""
    calls = result.tool_calls or result.incomplete_tool_calls
    if not calls:
        return result
    whole = result.status == "tool_calls"
    return replace(
        result,
        text=calls[0].arguments,
        tool_calls=(),
        incomplete_tool_calls=(),
        status="complete" if whole else result.status,
        finish_reason="stop" if whole else result.finish_reason,
    )


def _forms(server: Server, request: ChatRequest) -> list[SchemaForm]:
    """Those to try, the strictest first; the last one is the prompt, which no server refuses.

    A tool of ours would stand in the way of the caller's own.
    """
    best, tools = server.profile.schema, request.options.get("tools")
    if tools and server.profile.schema_bars_tools:
        return ["prompt"]
    taken = "tool" if best != "tool" or tools else None
    return [
        form
        for form in FORMS[FORMS.index(best) :]
        if form != taken
        and server.learned.works(server.base_url, request.model, _fact(form)) is not False
    ]


def _fact(form: SchemaForm) -> str:
    return f"schema:{form}"


def _speaks_of_form(words: str) -> bool:
    return bool(_OF_THE_FORM.search(words) or _PERHAPS_OF_IT.search(words))


def _is_for_good(words: str, request: ChatRequest) -> bool:
    """Whether the form was refused, and not this schema, nor the form together with tools."""
    of_this = _OF_THIS_SCHEMA.search(words) or request.options.get("tools")
    return bool(_OF_THE_FORM.search(words) and not of_this)


def instructed(messages: Sequence[Message], words: str) -> list[Message]:
    """The messages with `words` at the end of the system prompt, or as one."""
    first, *rest = messages
    if first["role"] not in ("system", "developer"):
        return [{"role": "system", "content": words}, *messages]
    content = as_content(first.get("content")) or ""
    if isinstance(content, str):
        said: str | list[Any] = f"{content}\n\n{words}".lstrip()
    else:
        said = [*content, {"type": "text", "text": words}]
    return [{**first, "content": said}, *rest]
