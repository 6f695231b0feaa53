"""Options as fields of Anthropic's messages API.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from ..values.errors import ValidationError
from ..values.messages import is_mapping
from ..values.request import ChatRequest
from ..values.results import Json
from ..values.tools import ToolChoiceLike, ToolLike, encode_tool_choice, encode_tools
from .profile import Profile
from .reasoning import is_asked, reasoning_fields, spelling_of

LIMITS = (
    (r"claude-(?:instant|2|3-(?:opus|sonnet|haiku))", 4_096),
    (r"claude-3[-.]5", 8_192),
    (r"claude-", 32_000),
    (r"", 8_192),
)
"""`max_tokens` where the caller gives none, by what is found first in the model's name: the API
must have one, and these are the most that every model of the family takes, or less."""
LEAST_BUDGET = 1_024
"""https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""
SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.9, "max": 0.95}
"""The part of `max_tokens` that an effort is, for models that want a number; True is medium."""
ROOM = 4_096
"""Tokens for the answer behind a budget that leaves none of the default."""

CHOICES = {"auto": "auto", "none": "none", "required": "any"}
NO_PARAMETERS: Json = {"type": "object", "properties": {}}
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
AS_THEY_ARE = ("temperature", "top_p", "service_tier")
OTHERWISE = frozenset(
    {*LIMIT_NAMES, *AS_THEY_ARE, "n", "stop", "user", "metadata", "tools", "tool_choice"}
    | {"parallel_tool_calls", "response_format"}
)
JSON_OBJECT = "Answer with one JSON object, and with nothing else."
JSON_SCHEMA = "Answer with JSON that fits this JSON Schema, and with nothing else: {}"


def spelled_options(request: ChatRequest, profile: Profile) -> tuple[Json, str]:
    """Options as payload fields, and what has to be said in words, at the end of `system`.

    Raises:
        ValidationError: The API has no form for an option.
    """
    options = request.options
    _check(options, profile)
    fields: Json = {name: options[name] for name in AS_THEY_ARE if name in options}
    if "stop" in options:
        stop = options["stop"]
        fields["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if "user" in options or "metadata" in options:
        user = {"user_id": options["user"]} if "user" in options else {}
        fields["metadata"] = {**options.get("metadata", {}), **user}
    thinking, limit = _thinking(request, profile)
    fields |= {"max_tokens": limit, **thinking}
    fields |= _tools(request, profile)
    form, instruction = _form(options.get("response_format"), request.model)
    if form:
        fields["output_config"] = {**fields.get("output_config", {}), "format": form}
    return fields, instruction


def _check(options: Mapping[str, Any], profile: Profile) -> None:
    name = next((name for name in options if name not in OTHERWISE), None)
    if name is not None:
        raise ValidationError(f"Anthropic has no {name}: leave it out")
    if options.get("n", 1) > 1:
        raise ValidationError(f"n={options['n']!r}: Anthropic gives one answer; ask n times")
    temperature = options.get("temperature", 0)
    if temperature > profile.temperature_max:
        raise ValidationError(
            f"temperature={temperature!r}: Anthropic takes at most {profile.temperature_max:g};"
            " pass a lower one, or the field in extra="
        )


def _form(form: Any, model: str) -> tuple[Json, str]:
    """`response_format` as `output_config.format`, or in words.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    """
    kind = form.get("type") if is_mapping(form) else None
    if form is None or kind == "text":
        return {}, ""
    if kind == "json_object":
        return {}, JSON_OBJECT
    given: Any = form.get("json_schema", form) if is_mapping(form) else None
    schema = given.get("schema") if is_mapping(given) else None
    if kind != "json_schema" or not is_mapping(schema):
        raise ValidationError(
            f"response_format={form!r:.200}: Anthropic takes a json_schema with a schema, and"
            " json_object"
        )
    # Other models' servers are known to pass over the field without a word.
    words = "" if "claude-" in model.lower() else JSON_SCHEMA.format(to_json(schema).decode())
    return {"type": "json_schema", "schema": schema}, words


# Thinking.


def _thinking(request: ChatRequest, profile: Profile) -> tuple[Json, int]:
    """The fields that ask for thinking, and `max_tokens`, which a budget must be below.

    Raises:
        ValidationError: It is not.
    """
    model, reasoning = request.model, request.reasoning
    given = _limit(request)
    default = next(most for name, most in LIMITS if re.search(name, model.lower()))
    spelling = spelling_of(profile, model)
    if not is_asked(reasoning) or spelling.effort or not spelling.budget:
        return reasoning_fields(profile, reasoning, model), given or default
    asked = dict(reasoning) if is_mapping(reasoning) else {}
    budget = _budget(asked, given or default)
    limit = given or max(default, budget + ROOM)
    if budget >= limit:
        raise ValidationError(
            f"reasoning={reasoning!r}, max_tokens={limit!r}: thinking counts too, so its budget,"
            f" of {budget:,} here and at least {LEAST_BUDGET:,}, must be below max_tokens"
        )
    asked = {**asked, "max_tokens": budget, "enabled": True}
    return reasoning_fields(profile, asked, model), limit


def _limit(request: ChatRequest) -> int | None:
    """The most tokens that the caller wants."""
    extra, options = request.extra.get("max_tokens"), request.options
    if type(extra) is int:
        return extra
    return min((options[name] for name in LIMIT_NAMES if name in options), default=None)


def _budget(asked: Json, limit: int) -> int:
    """The tokens to think with; takes an effort, which the model does not know, out of `asked`."""
    effort, budget = asked.pop("effort", None), asked.get("max_tokens")
    if type(budget) is int and effort is None:
        return budget
    if budget is not None or effort not in (None, *SHARES):
        raise ValidationError(
            f"reasoning: effort={effort!r}, max_tokens={budget!r}: this model thinks with a budget:"
            f" pass either max_tokens, or an effort of {', '.join(SHARES)}"
        )
    return max(LEAST_BUDGET, int(limit * SHARES[effort or "medium"]))


# Tools.


def _tools(request: ChatRequest, profile: Profile) -> Json:
    """The tools and the choice of one.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
    """
    options = request.options
    fields: Json = {}
    names: list[str] = []
    if "tools" in options:
        fields["tools"] = tools = [_tool(each) for each in options["tools"]]
        names = [str(each.get("name")) for each in tools]
        if again := next((name for name in names if names.count(name) > 1), None):
            raise ValidationError(f"{names.count(again)} tools have the name {again!r}")
    choice: Json = {}
    if "tool_choice" in options:
        choice = _choice(options["tool_choice"])
        if choice.get("type") == "tool" and names and choice.get("name") not in names:
            raise ValidationError(f"tool_choice {choice['name']!r} is none of the tools: {names}")
        choice = _unforced(choice, request, profile)
    parallel = options.get("parallel_tool_calls")
    if parallel is not None and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": not parallel}
    return {**fields, "tool_choice": choice} if choice else fields


def _tool(tool: ToolLike) -> Json:
    """One tool; a dict in Anthropic's own form is left as it is."""
    if is_mapping(tool) and tool.get("type", "function") != "function":
        return dict(tool)
    if is_mapping(tool) and "input_schema" in tool:
        return dict(tool)
    [encoded] = encode_tools([tool])
    function: Mapping[str, Any] = encoded.get("function") or {}
    beside = {k: v for k, v in encoded.items() if k not in ("type", "function")}
    spelled = {k: v for k, v in function.items() if k != "parameters"}
    schema = function.get("parameters") or NO_PARAMETERS
    return {**spelled, "input_schema": schema, **beside}


def _choice(given: ToolChoiceLike) -> Json:
    choice = encode_tool_choice(given)
    if isinstance(choice, str):
        return {"type": CHOICES[choice]}
    if choice.get("type") != "function":
        return choice
    return {"type": "tool", "name": choice.get("function", {}).get("name")}


def _unforced(choice: Json, request: ChatRequest, profile: Profile) -> Json:
    """The choice, where Claude can be forced to it: not while it thinks with a budget.

    A tool of ours that carries the answer is only offered then: what comes is checked anyway.
    """
    forced = choice.get("type") in ("any", "tool")
    if not forced or not is_asked(request.reasoning):
        return choice
    if request.answer_tool is not None:
        return {"type": "auto"}
    if "claude-" in request.model.lower() and not spelling_of(profile, request.model).effort:
        raise ValidationError(
            f"tool_choice={request.options['tool_choice']!r}: Claude cannot be forced to call a"
            ' tool while it thinks: leave reasoning= out, or pass tool_choice="auto"'
        )
    return choice
