"""The options of a call, declared once.

The TypedDicts spell them as keyword arguments (PEP 692), so that all methods share
a few signatures; `ChatParams` keeps the same sampling options as one reusable value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeAlias, Unpack

import pydantic
from pydantic import Field

# pydantic reads TypedDicts on Python < 3.12 only from typing_extensions.
from typing_extensions import TypedDict

from .errors import ValidationError
from .history import ChatHistory
from .tools import ToolChoiceLike, ToolLike

Reasoning: TypeAlias = bool | Mapping[str, Any]
Temperature = Annotated[float, Field(ge=0, le=2)]
Probability = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Count = Annotated[int, Field(ge=1)]


class BoundedOptions(TypedDict, total=False):
    """The sampling options that pydantic checks."""

    temperature: Temperature | None
    """Randomness, 0 to 2."""
    top_p: Probability | None
    """Nucleus sampling: the probability mass to draw from, 0 to 1."""
    max_tokens: Count | None
    """Most tokens to generate, at least 1."""
    max_completion_tokens: Count | None
    """The same for reasoning models, whose reasoning counts too."""
    stop: str | Sequence[str] | None
    """Text that ends the answer and is not part of it; one or several."""
    presence_penalty: Penalty | None
    """Against words that occurred at all, -2 to 2."""
    frequency_penalty: Penalty | None
    """Against words by how often they occurred, -2 to 2."""
    logit_bias: Mapping[int, float] | None
    """Token id to bias, -100 to 100."""
    seed: int | None
    """For repeatable sampling, where the provider can."""
    logprobs: bool | None
    """Return log probabilities, in `result.logprobs`."""
    top_logprobs: Annotated[int, Field(ge=0)] | None
    """How many alternatives per token; needs `logprobs=True`."""
    user: str | None
    """Your end user's id, for the provider's abuse detection."""
    metadata: Mapping[str, str] | None
    """Tags that the provider stores with the answer."""
    service_tier: str | None
    """`"auto"`, `"default"`, `"flex"`, ...: what the provider offers."""
    response_format: Mapping[str, Any] | None
    """`{"type": "json_object"}` or `{"type": "json_schema", "json_schema": {...}}`."""
    parallel_tool_calls: bool | None
    """Whether several tool calls may come in one answer."""


class SamplingOptions(BoundedOptions, total=False):
    """What the model is asked to do. Left out or None: not sent, so the server's own default."""

    tools: Sequence[ToolLike] | None
    """What the model may call: `Tool`s, functions, or dicts as on the wire."""
    tool_choice: ToolChoiceLike | None
    """`"auto"`, `"none"`, `"required"`, a tool's name, or a `ToolChoice`."""


class ChatOptions(SamplingOptions, total=False):
    """What every method of a `Chat` takes."""

    model: str | None
    """Overrides the client's model for this call."""
    system: str | None
    """System prompt for this call; it takes the place of the history's."""
    params: ChatParams | None
    """A reusable set of sampling options; keywords win over it."""
    extra: Mapping[str, Any] | None
    """Fields merged into the payload last, unchecked: whatever a provider takes beyond the rest."""
    reasoning: Reasoning | None
    """Extended thinking: True, False, or a mapping such as `{"effort": "high"}`; spelled as the
    provider wants it. When it is asked for, a leading `<think>` block counts as reasoning."""
    timeout_s: float | None
    """Seconds; in place of the client's connect and read timeouts, for this call."""
    deadline_s: float | None
    """Seconds for this whole call, in place of the client's."""
    headers: Mapping[str, str] | None
    """Sent with this call; they win over the client's."""


class WholeOptions(ChatOptions, total=False):
    """What every method takes that waits for the whole answer."""

    n: Count | None
    """How many answers to generate, all in `result.choices`."""
    return_raw: bool
    """Keep the server's JSON in `result.raw`."""


class EventOptions(ChatOptions, total=False):
    """What every method takes that streams."""

    include_usage: bool
    """Ask for token usage at the end (`stream_options`); True unless given."""
    return_raw_events: bool
    """Keep each event's JSON in `chunk.raw`, and hand on events that add nothing else."""
    include_reasoning: bool
    """Show reasoning in `chunk.reasoning` as it comes; `iterator.result` has it in any case."""


class HistoryOption(TypedDict, total=False):
    """The turns before this one."""

    history: ChatHistory | None
    """Earlier turns; read, never changed."""


class CallOptions(WholeOptions, HistoryOption, total=False):
    """What `chat()` and `chat.acall()` take."""


class StreamOptions(EventOptions, HistoryOption, total=False):
    """What `chat.stream()` and `chat.astream()` take."""


class ChatParams:
    """Sampling options as one reusable, validated, immutable value.

    Each option is an attribute too; None where it was not given.

    Raises:
        TypeError: An option is not known.
        ValidationError: An option is out of bounds.

    Examples:
        >>> careful = ChatParams(temperature=0, max_tokens=200)
        >>> careful.max_tokens
        200
    """

    __slots__ = ("_given",)

    def __init__(self, **options: Unpack[SamplingOptions]) -> None:
        check_options(options, SamplingOptions)
        self._given = validated(options)

    def __getattr__(self, name: str) -> Any:
        if name in SamplingOptions.__optional_keys__:
            return self._given.get(name)
        raise AttributeError(f"ChatParams has no {name!r}")

    def to_dict(self) -> dict[str, Any]:
        """The options that were given."""
        return dict(self._given)

    def replace(self, **options: Unpack[SamplingOptions]) -> ChatParams:
        """A copy with some options changed; None takes one out."""
        changed: dict[str, Any] = {**self._given, **options}
        return ChatParams(**changed)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._given.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChatParams) and self._given == other._given

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"ChatParams({', '.join(f'{k}={v!r}' for k, v in self._given.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _params, (self._given,)


def _params(given: Mapping[str, Any]) -> ChatParams:
    return ChatParams(**given)


def check_options(options: Mapping[str, Any], kind: type[Any]) -> None:
    """Refuse a keyword that the method does not take, as Python itself would.

    Raises:
        TypeError: It names the nearest known keyword, where one is near.
    """
    known: frozenset[str] = kind.__optional_keys__ | kind.__required_keys__
    if options.keys() <= known:
        return
    name = min(options.keys() - known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(sorted(known))}"
    raise TypeError(f"unexpected keyword {name!r}{hint}")


def sampling(options: Mapping[str, Any], params: ChatParams | None) -> dict[str, Any]:
    """The sampling options of a call, keywords over `params`, checked and without the Nones.

    Raises:
        ValidationError: An option is out of bounds.
    """
    names = SamplingOptions.__optional_keys__
    given = {k: v for k, v in options.items() if v is not None and k in names}
    checked = validated(given) if given else given
    return {**params.to_dict(), **checked} if params is not None else checked


def validated(options: Mapping[str, Any]) -> dict[str, Any]:
    """Check sampling options against their bounds; returns those that are not None.

    Raises:
        ValidationError: It names the option, its bounds and the value. Nothing was sent.
    """
    given = {name: value for name, value in options.items() if value is not None}
    bounded = {k: v for k, v in given.items() if k in BoundedOptions.__optional_keys__}
    try:
        return {**given, **_adapter().validate_python(bounded)}
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise ValidationError(f"{name}={given.get(name)!r}: {first['msg']}") from None


@cache
def _adapter() -> pydantic.TypeAdapter[Any]:
    """Made when the first option is checked, because that takes a few milliseconds."""
    return pydantic.TypeAdapter(BoundedOptions)
