"""Values of a schema out of a LangChain chat model, and an error in place of half of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from operator import itemgetter
from typing import Any, Literal, TypeAlias, cast, get_args

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import (
    convert_to_openai_function,
    convert_to_openai_tool,
)
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from ...values.errors import ValidationError
from ...values.messages import is_mapping
from ...values.results import Json

Schema: TypeAlias = dict[str, Any] | type
Method: TypeAlias = Literal["json_schema", "function_calling", "json_mode"]
Value: TypeAlias = dict[str, Any] | BaseModel

WHOLE = ("complete", "tool_calls")


def structured(
    model: BaseChatModel,
    schema: Schema | None,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    options: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Value]:
    """What `ChatLexilux.with_structured_output` returns.

    Raises:
        ValidationError: As there.
    """
    if method not in get_args(Method):
        raise ValidationError(f"method={method!r}: use one of {', '.join(get_args(Method))}")
    if schema is None and method != "json_mode":
        raise ValidationError(f"method={method!r} needs a schema")
    if strict is not None and method == "json_mode":
        raise ValidationError("strict= is not for method='json_mode', which has no schema")
    given = dict(options)
    if include_raw:  # a cut answer is then told as parsing_error, beside the message
        given["ensure_complete"] = False
    asked = _asking(model, schema, method, given, strict=strict)
    parsed = _whole(calls=method == "function_calling") | _parser(schema, method)
    if not include_raw:
        return cast("Runnable[LanguageModelInput, Value]", asked | parsed)
    read = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parsed, parsing_error=lambda _: None
    )
    unread = RunnablePassthrough.assign(parsed=lambda _: None)
    reading = read.with_fallbacks([unread], exception_key="parsing_error")
    return cast("Runnable[LanguageModelInput, Value]", RunnableMap(raw=asked) | reading)


def _asking(
    model: BaseChatModel,
    schema: Schema | None,
    method: Method,
    options: Json,
    *,
    strict: bool | None,
) -> Runnable[LanguageModelInput, AIMessage]:
    """The model, bound to say what the method needs."""
    told: Json = {"kwargs": {"method": method}, "schema": schema}
    if strict is not None:
        told["kwargs"]["strict"] = strict
    if method == "function_calling":
        assert schema is not None
        return model.bind_tools(
            [schema],
            tool_choice="any",
            strict=strict,
            parallel_tool_calls=False,
            ls_structured_output_format=told,
            **options,
        )
    form: Json = {"type": "json_object"}
    if method == "json_schema":
        assert schema is not None
        form = response_format(schema, strict=strict)
    return model.bind(response_format=form, ls_structured_output_format=told, **options)


def response_format(schema: Schema, *, strict: bool | None) -> Json:
    """The schema as `response_format` on the wire; one that is in that form is left as it is."""
    if is_mapping(schema) and is_mapping(schema.get("json_schema")):
        return dict(schema)
    if is_mapping(schema) and "name" in schema and is_mapping(schema.get("schema")):
        return {"type": "json_schema", "json_schema": dict(schema)}
    function = convert_to_openai_function(schema, strict=strict)
    function["schema"] = function.pop("parameters", {"type": "object", "properties": {}})
    return {"type": "json_schema", "json_schema": function}


def _parser(schema: Schema | None, method: Method) -> Runnable[AIMessage, Any]:
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method == "function_calling":
        if is_class:
            return PydanticToolsParser(tools=[cast("Any", schema)], first_tool_only=True)
        name = convert_to_openai_tool(cast("Any", schema))["function"]["name"]
        return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
    if is_class:
        parser = PydanticOutputParser(pydantic_object=cast("Any", schema))
        return cast("Runnable[AIMessage, Any]", parser)
    return cast("Runnable[AIMessage, Any]", JsonOutputParser())


def _whole(*, calls: bool) -> Runnable[AIMessage, AIMessage]:
    """Hands messages on, and raises at their end if they are not a whole answer."""

    def checked(messages: Iterator[AIMessage]) -> Iterator[AIMessage]:
        total: AIMessage | None = None
        for message in messages:
            total = _added(total, message)
            yield message
        _check(total, calls=calls)

    async def achecked(messages: AsyncIterator[AIMessage]) -> AsyncIterator[AIMessage]:
        total: AIMessage | None = None
        async for message in messages:
            total = _added(total, message)
            yield message
        _check(total, calls=calls)

    return RunnableGenerator(checked, achecked, name="whole")


def _added(total: AIMessage | None, message: AIMessage) -> AIMessage:
    if isinstance(total, AIMessageChunk) and isinstance(message, AIMessageChunk):
        return total + message
    return message


def _check(message: AIMessage | None, *, calls: bool) -> None:
    """Raise what keeps a message from being a value, so that no parser has to guess.

    Raises:
        OutputParserException: The answer was refused, is not whole, or is no call of the tool.
    """
    assert message is not None
    status = message.response_metadata.get("status", "complete")
    if refusal := message.additional_kwargs.get("refusal"):
        problem = f"the model refused: {refusal}"
    elif status not in WHOLE:
        problem = (
            f"the answer is not whole ({status}): allow more max_tokens, or more max_continues"
        )
    elif calls and message.invalid_tool_calls:
        problem = f"the model called its tool with no JSON object: {message.invalid_tool_calls!r}"
    elif calls and not message.tool_calls:
        problem = "the model called no tool: use another method, or another model"
    else:
        return
    raise OutputParserException(problem, llm_output=str(message.content))
