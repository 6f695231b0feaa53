"""Answers as LangChain's messages: whole, and as chunks that add up to the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import uuid4

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages import ToolCall as LangChainCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.messages.tool import invalid_tool_call as unusable
from langchain_core.messages.tool import tool_call as usable
from langchain_core.messages.tool import tool_call_chunk as piece_of_call
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk
from langchain_core.outputs import ChatResult as Generations

from ...values.messages import is_mapping
from ...values.results import ChatResult, ChatStreamChunk, Json, ToolCall, Usage
from .messages import BROKEN, SENT

_FACTS = ("finish_reason", "id", "request_id", "system_fingerprint", "service_tier", "created")


def as_generations(result: ChatResult, model: str | None) -> Generations:
    """The answer as what `_generate` returns; `model` is its name where the server gave none."""
    return Generations(generations=[ChatGeneration(message=as_message(result, model))])


def as_message(result: ChatResult, model: str | None) -> AIMessage:
    """The answer as a message. Calls that were cut are among `invalid_tool_calls`."""
    calls, broken = _sorted_calls(result)
    beside = _beside(result, [call for call, _, _ in calls])
    if result.reasoning:
        beside["reasoning_content"] = result.reasoning
    if result.refusal:
        beside["refusal"] = result.refusal
    return AIMessage(
        content=result.text,
        additional_kwargs=beside,
        tool_calls=[_usable(*each) for each in calls],
        invalid_tool_calls=[_unusable(*each) for each in broken],
        usage_metadata=as_usage(result.usage),
        response_metadata=_facts(result, model),
    )


def as_chunk(chunk: ChatStreamChunk) -> ChatGenerationChunk | None:
    """The text, reasoning and refusal of a chunk; None where there is none.

    Pieces of calls are left out: LangChain mends what it adds up, and half a call would look like
    a whole one. The last chunk has the calls.
    """
    beside: Json = {}
    if chunk.reasoning:
        beside["reasoning_content"] = chunk.reasoning
    if chunk.refusal:
        beside["refusal"] = chunk.refusal
    if not (chunk.delta or beside):
        return None
    message = AIMessageChunk(content=chunk.delta, additional_kwargs=beside)
    return ChatGenerationChunk(message=message)


def as_last_chunk(result: ChatResult, model: str | None) -> ChatGenerationChunk:
    """What only the end of a stream knows: calls, usage, and whether the answer is whole."""
    calls, broken = _sorted_calls(result)
    message = AIMessageChunk(
        content="",
        additional_kwargs=_beside(result, [call for call, _, _ in calls]),
        tool_call_chunks=[*_pieces(calls, broken)],
        usage_metadata=as_usage(result.usage),
        response_metadata=_facts(result, model),
        chunk_position="last",
    )
    return ChatGenerationChunk(message=message)


def as_usage(usage: Usage) -> UsageMetadata | None:
    """Tokens as LangChain counts them; None where the server said nothing."""
    if not usage:
        return None
    spent, made = usage.input_tokens or 0, usage.output_tokens or 0
    total = spent + made if usage.total_tokens is None else usage.total_tokens
    counted = UsageMetadata(input_tokens=spent, output_tokens=made, total_tokens=total)
    read = _known(
        cache_read=usage.cached_tokens,
        cache_creation=usage.cache_creation_tokens,
        audio=_audio_tokens(usage, "prompt_tokens_details"),
    )
    written = _known(
        reasoning=usage.reasoning_tokens,
        audio=_audio_tokens(usage, "completion_tokens_details"),
    )
    if read:
        counted["input_token_details"] = cast("InputTokenDetails", read)
    if written:
        counted["output_token_details"] = cast("OutputTokenDetails", written)
    return counted


def _known(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _audio_tokens(usage: Usage, where: str) -> int | None:
    details = usage.details.get(where)
    count: Any = details.get("audio_tokens") if is_mapping(details) else None
    return count if isinstance(count, int) else None


def _facts(result: ChatResult, model: str | None) -> Json:
    """`response_metadata`: `status` is the verdict on the answer, in this library's words."""
    facts: Json = {
        "model_name": result.model or model,
        "model_provider": "lexilux_like",
        "status": result.status,
        "continues": result.continues,
        "logprobs": dict(result.logprobs) if result.logprobs is not None else None,
        **{name: getattr(result, name) for name in _FACTS},
    }
    return {name: value for name, value in facts.items() if value is not None}


def _beside(result: ChatResult, calls: list[ToolCall]) -> Json:
    """`additional_kwargs` with what the answer needs to be sent back as it came."""
    message = result.to_message()
    kept = {k: v for k, v in message.items() if k not in ("role", "content", "refusal")}
    kept.pop("tool_calls", None)
    if calls:
        kept["tool_calls"] = [call.to_dict() for call in calls]
    return {SENT: kept} if kept else {}


Read = tuple[ToolCall, Json, str]
"""A call, its arguments, and what is wrong with them."""


def _sorted_calls(result: ChatResult) -> tuple[list[Read], list[Read]]:
    """The calls that may be run, and those that must not; each has an id, of ours if need be."""
    whole: list[Read] = []
    broken: list[Read] = []
    for call in map(_identified, result.tool_calls):
        try:
            whole.append((call, call.get_arguments(), ""))
        except ValueError as error:
            broken.append((call, {}, str(error)))
    cut = f"the answer is not whole ({result.status}), and so this call must not be run"
    broken += [(_identified(call), {}, cut) for call in result.incomplete_tool_calls]
    return whole, broken


def _identified(call: ToolCall) -> ToolCall:
    """The call with an id: LangChain tells calls and their results apart by nothing else."""
    if call.id:
        return call
    return ToolCall(f"call_{uuid4().hex}", call.name, call.arguments, call.type, call.fields)


def _usable(call: ToolCall, arguments: Json, _problem: str) -> LangChainCall:
    return usable(name=call.name, args=arguments, id=call.id)


def _unusable(call: ToolCall, _arguments: Json, problem: str) -> InvalidToolCall:
    return unusable(name=call.name, args=call.arguments, id=call.id, error=problem)


def _pieces(calls: list[Read], broken: list[Read]) -> Iterable[ToolCallChunk]:
    """Each call in one piece, the broken ones so that no sum of chunks can mend them."""
    texts = [(call, call.arguments) for call, _, _ in calls]
    texts += [(call, BROKEN + call.arguments) for call, _, _ in broken]
    for place, (call, text) in enumerate(texts):
        yield piece_of_call(name=call.name, args=text, id=call.id, index=place)
