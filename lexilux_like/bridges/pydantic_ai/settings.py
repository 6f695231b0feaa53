"""pydantic-ai's settings and tools as our options, and what is known of a model as its profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic_ai import UserError
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.profiles import ModelProfile, merge_profile
from pydantic_ai.profiles.anthropic import anthropic_model_profile
from pydantic_ai.profiles.openai import openai_model_profile
from pydantic_ai.settings import ModelSettings, ThinkingLevel, ToolOrOutput
from pydantic_ai.tools import ToolDefinition

from ...values.messages import is_mapping
from ...values.options import ChatOptions, ContinueOptions, Reasoning
from ...values.results import Json
from ...values.tools import FunctionTool
from ...wire.profile import Profile
from ...wire.reasoning import spelling_of

SAME = ("max_tokens", "temperature", "top_p", "max_retries")
"""Settings that are options of ours."""
TUNING = ("presence_penalty", "frequency_penalty", "seed")
"""The same, but Anthropic has none of them: a model passes over what it has no such thing for."""
TIERS = {"auto": "auto", "default": "standard_only"}
"""Anthropic's words for the tiers of a service."""
FAMILIES = {
    "openai": openai_model_profile,
    "azure": openai_model_profile,
    "anthropic": anthropic_model_profile,
}
"""Providers whose models pydantic-ai knows better than by their provider."""


class LexiluxModelSettings(ModelSettings, total=False):
    """pydantic-ai's settings, and how an answer that was cut is made whole."""

    lexilux_max_continues: int
    """Most requests for the rest of an answer that was cut, 0 or more; 5 unless given."""
    lexilux_ensure_complete: bool
    """True unless given: an answer that is still not whole is an error. False: it is the response,
    whose `finish_reason` and `provider_details["status"]` say what it is. Only with False and
    `lexilux_max_continues=0` tool calls are streamed piece by piece."""


def profile_of(row: Profile, model: str) -> ModelProfile:
    """What a model can do, as far as its provider's row and pydantic-ai tell."""
    family = FAMILIES.get(row.name)
    known: ModelProfile = (family(model) if family else None) or {}
    spelling = spelling_of(row, model)
    reasons = bool(spelling.on or spelling.effort or spelling.budget)
    native = known.get("supports_json_schema_output", True) and row.schema == "json_schema"
    ours = ModelProfile(
        supports_json_schema_output=native,
        supports_json_object_output=row.schema in ("json_schema", "json_object"),
        supports_thinking=known.get("supports_thinking", reasons),
        supports_image_output=False,
        native_output_requires_schema_in_instructions=row.schema_bars_tools,
        supports_forced_tool_choice_with_thinking=row.dialect != "anthropic",
        # The messages API has one place for them, and templates of local models may want it too.
        supports_inline_system_prompts=row.name in ("openai", "azure"),
    )
    return merge_profile(known, ours)


def options_of(settings: ModelSettings, request: ModelRequestParameters, row: Profile) -> Json:
    """Settings by the names of our options; those that the API has no such thing for are left out.

    Raises:
        UserError: A timeout or `extra_body` is of a kind that cannot be used.
    """
    given = cast("Mapping[str, Any]", settings)
    of_openai = row.dialect == "openai"
    options: Json = {name: given[name] for name in SAME if name in given}
    options |= {name: given[name] for name in TUNING if name in given and of_openai}
    if "logit_bias" in given and of_openai:
        options["logit_bias"] = {int(token): bias for token, bias in given["logit_bias"].items()}
    if "stop_sequences" in given:
        options["stop"] = given["stop_sequences"]
    if "parallel_tool_calls" in given and request.declared_tool_defs:
        options["parallel_tool_calls"] = given["parallel_tool_calls"]
    if tier := given.get("service_tier"):
        options["service_tier"] = tier if of_openai else TIERS.get(tier)
    if "timeout" in given:
        options["timeout_s"] = _seconds(given["timeout"])
    if "extra_headers" in given:
        options["headers"] = given["extra_headers"]
    if "top_k" in given and not of_openai:
        options["extra"] = {"top_k": given["top_k"]}
    if (extra := given.get("extra_body")) is not None:
        if not is_mapping(extra):
            raise UserError(f"extra_body={extra!r}: pass a mapping of payload fields")
        options["extra"] = {**options.get("extra", {}), **extra}
    return options


def continuing_of(settings: ModelSettings) -> ContinueOptions:
    """How an answer that was cut is made whole; nothing where it is taken as it comes."""
    given = cast("LexiluxModelSettings", settings)
    most = given.get("lexilux_max_continues", 5)
    ensure_complete = given.get("lexilux_ensure_complete", True)
    if not most and not ensure_complete:
        return {}
    return ContinueOptions(max_continues=most, ensure_complete=ensure_complete)


def _seconds(timeout: Any) -> float:
    """A timeout as seconds; of an `httpx.Timeout` the time between two reads."""
    seconds = getattr(timeout, "read", timeout)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise UserError(f"timeout={timeout!r}: pass a number of seconds")
    return seconds


def reasoning_of(thinking: ThinkingLevel | None, row: Profile, model: str) -> Reasoning | None:
    """The unified `thinking` setting as this provider can be asked, or the nearest to it."""
    if thinking is None:
        return None
    spelling = spelling_of(row, model)
    if thinking is False:
        if spelling.off is not None:
            return False
        return {"effort": "minimal"} if spelling.effort else None
    if thinking is True:
        return True if spelling.on is not None or not spelling.effort else {"effort": "medium"}
    return {"effort": thinking} if spelling.effort or spelling.budget else True


def response_format_of(
    request: ModelRequestParameters, profile: ModelProfile, row: Profile
) -> Json | None:
    """How the server is to keep to JSON, if at all: not where it could not call its tools then."""
    wanted = request.output_object
    if row.schema_bars_tools and request.declared_function_tools:
        return None
    if request.output_mode == "native" and wanted is not None:
        schema: Json = {"name": wanted.name or "final_result", "schema": wanted.json_schema}
        if wanted.description:
            schema["description"] = wanted.description
        if wanted.strict is not None:
            schema["strict"] = wanted.strict
        return {"type": "json_schema", "json_schema": schema}
    if request.output_mode == "prompted" and profile.get("supports_json_object_output"):
        return {"type": "json_object"}
    return None


def tools_of(
    settings: ModelSettings,
    request: ModelRequestParameters,
    profile: ModelProfile,
    *,
    thinks: bool,
) -> ChatOptions:
    """The tools that are offered, and whether one must be called.

    Only those that may be called are offered, so that no server has to know how to restrict them.

    Raises:
        UserError: `tool_choice` names tools, and there is none of them.
    """
    choice = settings.get("tool_choice")
    defined = request.declared_tool_defs
    free = request.allow_text_output or request.allow_image_output
    outputs = {tool.name for tool in request.output_tools}
    if choice == "none" and free and not outputs:
        return _offered(defined.values(), "none")
    if choice is None or choice == "auto":
        names, must = {*defined}, not free
    elif isinstance(choice, ToolOrOutput):
        names, must = outputs.union(choice.function_tools), not free
    elif choice in ("none", []):
        names, must = outputs, not free
    elif choice == "required":
        names, must = {*defined} - outputs, True
    else:
        names, must = {*choice}, True
    if names and not names & defined.keys():
        raise UserError(f"tool_choice={choice!r} is none of the tools: {[*defined]}")
    explicit = choice == "required" or (isinstance(choice, list) and bool(choice))
    if must and thinks and not explicit:
        must = profile.get("supports_forced_tool_choice_with_thinking", True)
    offered = (tool for name, tool in defined.items() if name in names)
    return _offered(offered, "required" if must else None)


def _offered(tools: Iterable[ToolDefinition], choice: str | None) -> ChatOptions:
    made = [
        FunctionTool(tool.name, tool.description, tool.parameters_json_schema, tool.strict)
        for tool in tools
    ]
    return cast("ChatOptions", {"tools": made, "tool_choice": choice} if made else {})
