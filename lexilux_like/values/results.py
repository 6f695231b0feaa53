"""What a chat returns: usage, tool calls, chunks, results. Plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, final

Json: TypeAlias = dict[str, Any]

Status: TypeAlias = Literal[
    "complete",
    "truncated",
    "context_exceeded",
    "tool_calls",
    "filtered",
    "refused",
    "interrupted",
    "unannounced",
    "unknown",
]
"""The verdict on an answer; `docs/completeness.md` says what each one means."""

FinishReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "content_filter", "refusal", "error", "unknown"
]
"""Why the model stopped, in OpenAI's words whatever the provider's."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent; None where the server did not say.

    `cached_tokens` is a part of `input_tokens`, and `reasoning_tokens` a part of
    `output_tokens`, where the provider counts as OpenAI does: never add them.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)
    """The provider's own usage object, as it was sent."""
    cache_creation_tokens: int | None = None
    """What was written into the provider's cache, also a part of `input_tokens`; most say
    nothing of it."""

    @property
    def prompt_tokens(self) -> int | None:
        """`input_tokens`, by its name on the wire."""
        return self.input_tokens

    @property
    def completion_tokens(self) -> int | None:
        """`output_tokens`, by its name on the wire."""
        return self.output_tokens

    def __bool__(self) -> bool:
        """Whether the server said anything at all."""
        return bool(self.details) or any(
            count is not None
            for count in (self.input_tokens, self.output_tokens, self.total_tokens)
        )

    def __add__(self, other: Usage) -> Usage:
        """Add up two requests. A count that one side did not give is the other's."""
        return Usage(
            _plus(self.input_tokens, other.input_tokens),
            _plus(self.output_tokens, other.output_tokens),
            _plus(self.total_tokens, other.total_tokens),
            _plus(self.cached_tokens, other.cached_tokens),
            _plus(self.reasoning_tokens, other.reasoning_tokens),
            cache_creation_tokens=_plus(self.cache_creation_tokens, other.cache_creation_tokens),
        )


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


@dataclass(frozen=True, slots=True)
class Timing:
    """How long it took, in seconds; None where it does not apply."""

    first_content_s: float | None = None
    """From the request to the first text, reasoning or tool call of a stream."""
    total_s: float | None = None
    """From the first attempt to the end, retries and their waits included."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model asks for."""

    id: str = ""
    """What the tool's answer refers to; empty where the server gave none."""
    name: str = ""
    arguments: str = ""
    """JSON text, as the model wrote it: an object for every known model, but not checked."""
    type: str = "function"
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False, repr=False)
    """What else the call had, as sent, and is sent back: Gemini's `extra_content`, for example."""

    def get_arguments(self) -> Json:
        """The arguments as a dict; empty text means no arguments.

        Raises:
            ValueError: The text is not a JSON object.
        """
        try:
            value: object = json.loads(self.arguments or "{}")
        except RecursionError as error:
            raise ValueError("tool call arguments are nested too deeply") from error
        if not isinstance(value, dict):
            raise ValueError(f"tool call arguments are not a JSON object: {self.arguments[:200]!r}")
        return value  # pyright: ignore[reportUnknownVariableType]

    def to_dict(self) -> Json:
        """The call as it stands in an assistant message."""
        function = {"name": self.name, "arguments": self.arguments}
        return {**self.fields, "id": self.id, "type": self.type, "function": function}


@dataclass(slots=True)
class ToolCallDelta:
    """A piece of a tool call; pieces with one `index` make one call."""

    index: int = 0
    """The call's place in the answer, counted by this client from 0."""
    id: str = ""
    name: str = ""
    arguments: str = ""
    """The next piece of the JSON text."""


@final  # so that the drivers tell it from the effects by `type(...) is`
@dataclass(slots=True)
class ChatStreamChunk:
    """One step of a stream. Not frozen, because there are millions; treat it as if it were."""

    delta: str = ""
    """The next piece of the text."""
    reasoning: str = ""
    """The next piece of the reasoning; empty unless `include_reasoning=True`."""
    tool_calls: Sequence[ToolCallDelta] = ()
    """Pieces of tool calls. Never run one: wait for `iterator.result.tool_calls`."""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    done: bool = False
    """True on the last chunk only, which repeats finish reason and usage."""
    refusal: str = ""
    """The next piece of a refusal."""
    index: int = 0
    """Which choice it belongs to."""
    raw: Mapping[str, Any] | None = None
    """The server's event, with `return_raw_events=True`."""
    step: ToolStep | None = None
    """The step that has just been done, with `run_tools_stream`; such a chunk has nothing else."""


Asked: TypeAlias = Literal["first", "prefill", "turn", "again"]
"""How the model was asked for a segment: the request as it was given; with the answer so far as
the beginning of its own message; with a user turn that asks for the rest; or once more from the
start."""

Join: TypeAlias = Literal["first", "repeated", "reworded", "prefill", "restarted", "none"]
"""What proved where a segment joins: it is the first; it repeated what had been dropped; it
repeated the text before that; the server is known to go on from a prefill; it is a whole answer of
its own; or nothing did, and it was not joined."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One request's part in an answer that took several."""

    text: str = field(repr=False)
    """What the model sent, as it came."""
    start: int = 0
    """Where it begins to count in the joined text; meaningless where it was not joined."""
    asked: Asked = "first"
    joined: Join = "first"
    status: Status = "unknown"
    raw_finish_reason: str | None = None
    usage: Usage = Usage()
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer; `n > 1` gives several."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """Whole calls, safe to run: filled only when the answer itself is whole."""
    incomplete_tool_calls: tuple[ToolCall, ...] = ()
    """What had come of calls when the answer was cut. Never run these."""
    refusal: str | None = None
    status: Status = "unknown"
    """Whether the answer is whole, or why not."""
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    """The provider's own word for it."""
    index: int = 0
    logprobs: Mapping[str, Any] | None = None
    reasoning_field: str | None = None
    """The message field that the reasoning came in, where it is sent back to; or `"thinking"` for
    parts of the content, `"<think>"` for tags in the text, which a dialect spells as it must."""
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """What else the message had, as sent: audio, annotations, reasoning_details, ...; from
    Anthropic's API `content_blocks`, where there is more in them than text and tool calls."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing: the model came to its own end, or asks for tools."""
        return self.status in ("complete", "tool_calls")

    @property
    def truncated(self) -> bool:
        """Whether a limit cut it off: `max_tokens` or the context window."""
        return self.status in ("truncated", "context_exceeded")

    def to_message(self) -> Json:
        """The answer as an assistant message for the next request."""
        message: Json = {"role": "assistant", "content": self.text or None}
        if self.refusal:
            message["refusal"] = self.refusal
        if self.reasoning and self.reasoning_field:
            message[self.reasoning_field] = self.reasoning
        for name in ("reasoning_details", "thinking_blocks", "content_blocks"):
            if name in self.fields:
                message[name] = self.fields[name]
        if self.tool_calls:
            message["tool_calls"] = [call.to_dict() for call in self.tool_calls]
        elif message["content"] is None:
            message["content"] = ""
        return message


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A request that failed before another one was answered."""

    base_url: str
    model: str
    key_index: int = 0
    """Which of the client's keys it carried, counted from 0."""
    error: str = ""
    """The name of the exception's class."""
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResult(Choice):
    """The first choice, and what belongs to the answer as a whole."""

    choices: tuple[Choice, ...] = ()
    """Every choice, by index; the first one's fields are this result's own."""
    usage: Usage = Usage()
    model: str | None = None
    id: str | None = None
    request_id: str | None = None
    """The provider's name for the request, from its response headers."""
    system_fingerprint: str | None = None
    service_tier: str | None = None
    created: int | None = None
    """Unix time in seconds."""
    timing: Timing = Timing()
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    """The server's JSON, with `return_raw=True`."""
    segments: tuple[Segment, ...] = ()
    """The requests that the answer took, in order; empty where nothing was to be continued."""
    continues: int = 0
    """How many of them asked for the rest of an answer that had been cut."""
    parsed: Any = None
    """The answer as the type that was asked for with `response_format=`."""
    base_url: str | None = None
    """Where the answer came from: the client's own address, or a fallback's."""
    key_index: int = 0
    """Which of that client's keys was accepted, counted from 0."""
    failed_attempts: tuple[FailedAttempt, ...] = ()
    """The requests that failed on the way: retries, other keys, and clients before a fallback."""
    steps: tuple[ToolStep, ...] = ()
    """With `run_tools`: the answers of the model, in order, and what became of their calls. The
    last one is this answer as it came alone, with its own usage; `usage` here is that of all."""

    def to_messages(self) -> list[Json]:
        """What a call adds to the conversation: the answer, or all messages of all steps."""
        if not self.steps:
            return [self.to_message()]
        return [message for step in self.steps for message in step.to_messages()]

    @property
    def has_content(self) -> bool:
        """Whether there is any text, reasoning, refusal or piece of a tool call."""
        calls = self.tool_calls or self.incomplete_tool_calls
        return bool(self.text or self.reasoning or self.refusal or calls)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What became of one tool call."""

    call: ToolCall
    content: str = ""
    """What the model is told."""
    value: Any = field(default=None, hash=False)
    """What the function returned."""
    error: Exception | None = None
    """What went wrong, which is in `content` too: an unknown tool, arguments that do not fit, or
    what the function raised."""
    denied: bool = False
    """Whether `approve` did not allow it; nothing was run then."""
    seconds: float = 0.0
    """How long it ran."""

    def to_message(self) -> Json:
        """The tool message for the next request."""
        return {"role": "tool", "tool_call_id": self.call.id, "content": self.content}


@dataclass(frozen=True, slots=True)
class ToolStep:
    """One answer of the model in a `run_tools`, and what became of its calls."""

    result: ChatResult
    outcomes: tuple[ToolOutcome, ...] = ()
    """One for each call, in the order of the calls; empty where none was run."""
    seconds: float = 0.0
    """How long the tools took, with the waits for `approve`."""

    def to_messages(self) -> list[Json]:
        """The assistant message, and the tool messages after it."""
        return [self.result.to_message(), *(each.to_message() for each in self.outcomes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingResult(ChatResult):
    """The answer so far: what the consumer was handed up to this moment."""

    done: bool = False
    """Whether the stream came to an announced end."""

    def to_chat_result(self) -> ChatResult:
        """The same as a plain result."""
        return ChatResult(**{f.name: getattr(self, f.name) for f in fields(ChatResult)})


def stamp(result: ChatResult, facts: Mapping[str, Any]) -> None:
    """Write fields on a result that its maker did not know, before anybody has seen it.

    Every call ends with this: a copy by `dataclasses.replace` costs as much as reading the answer.
    """
    for name, value in facts.items():
        object.__setattr__(result, name, value)
