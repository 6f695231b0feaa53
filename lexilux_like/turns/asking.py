"""How the rest of an answer is asked for: what is said to the model, and in which request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..values.history import ChatHistory
from ..values.options import PrefillForm
from ..values.request import ChatRequest
from .cut import Cut

BEGIN = (
    "Begin with exactly this text, which is how your message ends so far, and go straight on from"
    " it:"
)
_WORDS = "Your last message was cut off. Send the rest of it, so that a program can join it on."
_RAW = (
    "Send nothing else: no introduction, no code fence around it, no comment, and nothing that"
    " stands before that text."
)
_END = "Write {sentinel} right after the last character of the whole message, when it is done."

_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
BUDGETS = ("max_tokens", "max_completion_tokens")
_CONSTRAINTS = ("response_format", "grammar", "json_schema", "guided_json", "structured_outputs")
"""Fields that hold an answer to a form; under most servers they hold the rest to it as well."""


def rest_prompt(cut: Cut, *, sentinel: str | None, words: str | None = None) -> str:
    """Ask for the rest of an answer: a user turn that ends with the anchor.

    Args:
        cut: What the model is shown of its answer.
        sentinel: What it is asked to write at the end; None for JSON, whose end shows.
        words: The caller's own words, in place of ours.
    """
    parts = [_WORDS if words is None else words, _RAW]
    if sentinel:
        parts.append(_END.format(sentinel=sentinel))
    return f"{' '.join(parts)}\n\n{BEGIN}\n{cut.anchor}"


def sentinel_for(text: str) -> str:
    """A mark that the text does not hold."""
    number = 1
    mark = "[[END]]"
    while mark in text:
        number += 1
        mark = f"[[END-{number}]]"
    return mark


def with_turn(request: ChatRequest, history: ChatHistory, cut: Cut, prompt: str) -> ChatRequest:
    """The request for the rest as a user turn behind the answer so far."""
    turns = _answered(history, cut.kept)
    turns.add_user(prompt)
    return replace(_unconstrained(request), messages=turns.get_messages())


def with_prefill(
    request: ChatRequest,
    history: ChatHistory,
    cut: Cut,
    form: PrefillForm,
    *,
    keeps_constraint: bool,
) -> ChatRequest:
    """The request for the rest with the answer so far as the beginning of the model's message.

    Some servers refuse white space at its end, and models go on better without it.
    """
    turns = _answered(history, cut.kept.rstrip())
    asked = request if keeps_constraint and not request.answer_tool else _unconstrained(request)
    return replace(asked, messages=turns.get_messages(), prefill=form)


def budget(request: ChatRequest) -> int | None:
    """Most tokens that the request allows; None where it does not say."""
    given = {**request.options, **request.extra}
    found = [given[name] for name in BUDGETS if type(given.get(name)) is int]
    return min(found) if found else None


def with_budget(request: ChatRequest, tokens: int) -> ChatRequest:
    """The request with another limit, in the field that the caller used."""
    return replace(
        request,
        options=_budgeted(request.options, tokens),
        extra=_budgeted(request.extra, tokens),
    )


def prompt_of(request: ChatRequest) -> str:
    """The text of the last user message, for callbacks."""
    for message in reversed(request.messages):
        if message.get("role") == "user":
            content = message.get("content") or ""
            if isinstance(content, str):
                return content
            return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return ""


def _answered(history: ChatHistory, kept: str) -> ChatHistory:
    """A clone of the history with the answer so far; two assistant messages become one."""
    turns = history.clone()
    last = turns.get_last_message()
    if last is not None and last["role"] == "assistant" and isinstance(last.get("content"), str):
        turns.remove_last()
        kept = last["content"] + kept
    turns.add_assistant(kept)
    return turns


def _unconstrained(request: ChatRequest) -> ChatRequest:
    """The request without what holds the answer to a form, a tool of ours included."""
    names = {*_CONSTRAINTS, *(_TOOLS if request.answer_tool else ())}
    return replace(
        request,
        options={name: each for name, each in request.options.items() if name not in names},
        extra={name: each for name, each in request.extra.items() if name not in names},
        answer_tool=None,
    )


def _budgeted(fields: Mapping[str, Any], tokens: int) -> Mapping[str, Any]:
    return {name: tokens if name in BUDGETS else value for name, value in fields.items()}
