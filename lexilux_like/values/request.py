"""A call, resolved: options and defaults become one frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .errors import ValidationError
from .headers import checked_headers
from .history import ChatHistory
from .messages import Message, MessagesLike, normalize_messages
from .options import (
    CallOptions,
    CompleteOptions,
    CompleteStreamOptions,
    PrefillForm,
    Reasoning,
    StreamOptions,
    sampling,
)

AnyOptions: TypeAlias = CallOptions | StreamOptions | CompleteOptions | CompleteStreamOptions


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Every default applied, every bound checked, no dialect chosen yet."""

    model: str
    messages: Sequence[Message] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Sampling options by their names in `SamplingOptions`, and `n`; only those that were given."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Payload fields as they are on the wire; they win over `options`."""
    reasoning: Reasoning | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    include_usage: bool = True
    include_reasoning: bool = False
    keep_raw: bool = False
    prefill: PrefillForm | None = None
    """How to say that the last message, an assistant's, is to be gone on from."""
    answer_tool: str | None = None
    """The tool whose arguments are the answer, where a schema is sent as one."""


def resolve(
    messages: MessagesLike, options: AnyOptions, *, default_model: str | None
) -> ChatRequest:
    """Build the request that a call stands for; reads the history, never changes it.

    Raises:
        ValidationError: No model, no messages, a bad header, or an option out of bounds.
    """
    model = options.get("model") or default_model
    if not model:
        raise ValidationError("no model: pass model= to Chat or to the call")
    fields = sampling(options, options.get("params"))
    if (n := options.get("n")) is not None:
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise ValidationError(f"n={n!r}: it must be a whole number, at least 1")
        fields["n"] = n
    form: object = fields.get("response_format")
    if form is not None and not isinstance(form, Mapping):
        raise ValidationError(
            f"response_format={form!r}: a type is for complete(), complete_stream(), parse() and"
            ' their kin; here it is a mapping such as {"type": "json_object"}'
        )
    raw = options.get("return_raw", False) or options.get("return_raw_events", False)
    return ChatRequest(
        model,
        _messages(messages, options),
        fields,
        extra=options.get("extra") or {},
        reasoning=options.get("reasoning"),
        headers=checked_headers(options.get("headers")),
        include_usage=bool(options.get("include_usage", True)),
        include_reasoning=bool(options.get("include_reasoning", False)),
        keep_raw=bool(raw),
    )


def _messages(messages: MessagesLike, options: AnyOptions) -> list[Message]:
    """System prompt, history, and the new messages, in that order."""
    history, system = options.get("history"), options.get("system")
    before = history.get_messages(include_system=system is None) if history is not None else []
    if system is not None and isinstance(messages, ChatHistory):
        messages = messages.messages
    new = normalize_messages(messages)
    if not before and not new:
        raise ValidationError("messages must not be empty: pass a prompt, or a history with turns")
    head: list[Message] = [{"role": "system", "content": system}] if system is not None else []
    return [*head, *before, *new]
