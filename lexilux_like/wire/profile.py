"""What a row about a provider says: the words for it, with no provider in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from ..values.options import PrefillForm
from ..values.results import Json

Tags: TypeAlias = tuple[str, str]
"""What stands before and after reasoning inside a text."""

THINK: Tags = ("<think>", "</think>")

DialectName = Literal["openai", "anthropic"]
"""OpenAI's chat completions, or Anthropic's messages."""

SchemaForm = Literal["json_schema", "json_object", "tool", "prompt"]
"""How a JSON schema is sent: enforced by the server, as JSON mode with the schema in the prompt,
as the one tool that the model must call, or in the prompt alone."""

LimitField = Literal["max_tokens", "max_completion_tokens"]

UsageForm = Literal["stream_options", "always", "never"]
"""How a stream comes to tell its token counts: asked for with `stream_options`, by itself, or not
at all."""

ToolForm = Literal["native", "mixed", "text"]
"""Where tool calls are: in `tool_calls`; there or written out in the text, as some servers leave
them; or in the text alone, and then the tools are told in the system prompt too."""

ReasoningBack = Literal[
    "as_received", "dropped", "reasoning", "reasoning_content", "thinking_parts", "think_tags"
]
"""How the reasoning of earlier answers is sent back: in the field that it came in; not at all; in
a certain field; as parts of the content; or as a `<think>` block before the text, where it is not
in `reasoning_details`."""

UrlForm = Literal["plain", "azure"]
"""`/chat/completions` under the base_url; or Azure's, where the model may be part of the path."""

Column = Literal[
    "reasoning",
    "reasons_in",
    "reasoning_back",
    "prefill",
    "limit",
    "schema",
    "usage",
    "finish_words",
    "tools",
]
"""What a row says that can be verified, by the names of its fields."""

Evidence = Literal["engine", "recorded", "documented", "reported"]
"""How something is known: we asked the real server; recorded traffic shows it; the provider's
documentation says so; or another client's source or an issue does."""


@dataclass(frozen=True, slots=True)
class Prefill:
    """How a server goes on from the beginning of its own answer."""

    form: PrefillForm
    documented: bool = False
    """The provider's documentation promises it on its own host. What is only known from hearsay
    counts after it has been seen to work: gateways drop it, and some models answer afresh."""
    path: str | None = None
    """Where the request goes instead, from the host's root."""
    keeps_constraint: bool = False
    """A JSON schema goes on to hold inside the prefill, in place of starting again."""
    without_reasoning: bool = False
    """Only where reasoning is off."""
    models: str | None = None
    """A regular expression that the beginning of a model's name must match; None: all have it."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a family is asked to reason. Paths are payload fields: `"thinking.budget_tokens"`."""

    on: Json | None
    """For True; None where there is no way to ask for it without a number or a word."""
    off: Json | None
    """For False; None where it cannot be turned off."""
    effort: str | None = None
    """The path of an effort, `"low"` to `"high"`; None where there is no such field."""
    budget: str | None = None
    """The path of the most tokens to reason with."""
    with_effort: Json = field(default_factory=dict[str, Any])
    """What an effort needs beside it."""
    with_budget: Json = field(default_factory=dict[str, Any])
    """What a budget needs beside it."""
    others: str | None = None
    """The object that takes any other field."""
    models: str = ""
    """Whom it is for, in words, where not all models of a provider are asked so."""


TEMPLATE = Spelling(
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"chat_template_kwargs": {"enable_thinking": False}},
    "reasoning_effort",
    "thinking_token_budget",  # vLLM
)
"""Engines that hand the request on to a chat template: llama.cpp, vLLM, SGLang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One provider: where it is, and how it differs from the rest.

    Register one of your own with `register_provider`; `dataclasses.replace` makes one of another.
    """

    name: str
    label: str = ""
    """Its name in sentences; `name` where it is empty."""
    hosts: tuple[str, ...] = ()
    """Ends of host names, with or without a port."""
    base_url: str | None = None
    """Where `Chat.for_provider` goes; None where everybody has an address of their own."""
    env: tuple[str, ...] = ()
    """Environment variables for the key, the first one set counts; empty: no key is needed."""
    dialect: DialectName = "openai"
    key_header: str = "authorization"
    """The header that carries the key; a `Bearer` token in `authorization`, bare in any other."""
    reasoning: Spelling = TEMPLATE
    """How it is asked for."""
    reasoning_of: tuple[tuple[str, Spelling], ...] = ()
    """Models that are asked in another way: a regular expression that is searched in the name,
    whatever its case, and how. The first that is found counts."""
    reasons_in: tuple[str, ...] = ()
    """Where it is answered: fields, `"thinking"` parts of the content, `"<think>"` tags; empty
    where not known."""
    think_tags: Tags | None = None
    """Tags around reasoning at the beginning of the text, which are always split off; None: only
    `<think>`, and only where reasoning was asked for."""
    end_marker: bool = False
    """LM Studio's marker between reasoning and text is taken out of them."""
    reasoning_back: ReasoningBack = "as_received"
    """How the reasoning of earlier answers is sent back."""
    prefill: Prefill | None = None
    """None: not known to have any, so the rest is asked for in a user turn."""
    limit: tuple[LimitField, ...] = ("max_tokens", "max_completion_tokens")
    """The fields for the most tokens that every model of it takes, the better one first. A limit
    in another field is sent in the first."""
    schema: SchemaForm = "json_schema"
    """The strictest form of structured output."""
    schema_bars_tools: bool = False
    """A schema holds the answer from its first character on, so that the model cannot call a tool:
    beside tools it is told in the prompt."""
    usage: UsageForm = "stream_options"
    finish_words: tuple[str, ...] = ()
    """Its finish reasons beyond OpenAI's; `wire/finish.py` says what each one means."""
    tools: ToolForm = "native"
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Options by another name on the wire."""
    urls: UrlForm = "plain"
    """Where requests go."""
    joins_text: bool = False
    """Content that is a list of nothing but texts is sent as one text."""
    plain_image_url: bool = False
    """`image_url` is a text, not an object."""
    temperature_max: float = 2.0
    """A higher temperature is refused here, where the server would refuse it or cut it down."""
    ignores: tuple[str, ...] = ()
    """Options that it takes and does not heed: they are sent, for what it may learn to heed."""
    quirks: tuple[str, ...] = ()
    """What else is known, in sentences."""
    verified: Mapping[Column, Evidence] = field(default_factory=dict[Column, Evidence])
    """How each cell is known; one that is not here is unverified."""
    sources: tuple[str, ...] = ()
    """Addresses of the documentation that was read."""


def known(**columns: str) -> dict[Column, Evidence]:
    """What is known of a row: the names of columns, apart by spaces, by the kind of evidence."""
    found = ((name, kind) for kind, names in columns.items() for name in names.split())
    return cast("dict[Column, Evidence]", dict(found))
