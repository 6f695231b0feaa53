"""The options of a call, declared once.

The TypedDicts spell them as keyword arguments (PEP 692), so that all methods share
a few signatures; `ChatParams` keeps the same sampling options as one reusable value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypedDict,
    Unpack,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from .errors import ValidationError
from .execution import Approve, OnError
from .history import ChatHistory
from .results import ChatResult, ToolStep
from .tools import ToolChoiceLike, ToolLike

if TYPE_CHECKING:
    import pydantic
    from pydantic import GetCoreSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number must be, at least and at most. pydantic reads it when one is checked."""

    least: float
    most: float | None = None

    @property
    def highest(self) -> float:
        """`most`, or infinity."""
        return math.inf if self.most is None else self.most

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        most = {} if self.most is None else {"le": self.most}
        return cast("CoreSchema", {**handler(source), "ge": self.least, **most})


Reasoning: TypeAlias = bool | Mapping[str, Any]
Temperature = Annotated[float, Bounds(0, 2)]
Probability = Annotated[float, Bounds(0, 1)]
Penalty = Annotated[float, Bounds(-2, 2)]
Count = Annotated[int, Bounds(1)]

ResponseFormat: TypeAlias = Mapping[str, Any] | type[Any] | UnionType
PrefillForm: TypeAlias = Literal["trailing", "prefix", "partial", "continue_final_message"]
"""How a server is told to go on from the last message: by nothing but its place, by a flag in the
message, or by `continue_final_message` beside the messages."""
Resume: TypeAlias = Literal["auto", "off", "require"]
ContinuePrompt: TypeAlias = str | Callable[[int, int, str, str], str]
OnProgress: TypeAlias = Callable[[int, int, ChatResult, list[ChatResult]], object]
OnErrorCallback: TypeAlias = Callable[[Exception, ChatResult], Mapping[str, Any] | None]
OnStep: TypeAlias = Callable[[ToolStep], object]


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
    top_logprobs: Annotated[int, Bounds(0)] | None
    """How many alternatives per token; needs `logprobs=True`."""
    user: str | None
    """Your end user's id, for the provider's abuse detection."""
    metadata: Mapping[str, str] | None
    """Tags that the provider stores with the answer."""
    service_tier: str | None
    """`"auto"`, `"default"`, `"flex"`, ...: what the provider offers."""
    parallel_tool_calls: bool | None
    """Whether several tool calls may come in one answer."""


class SamplingOptions(BoundedOptions, total=False):
    """What the model is asked to do. Left out or None: not sent, so the server's own default."""

    tools: Sequence[ToolLike] | None
    """What the model may call: `Tool`s, functions, or dicts as on the wire."""
    response_format: ResponseFormat | None
    """`{"type": "json_object"}` or `{"type": "json_schema", "json_schema": {...}}`; `complete()`
    also takes a type: a pydantic model, a dataclass, a TypedDict, a list or union of them."""
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
    max_retries: int | None
    """How often this call is tried again after failures that may pass, 0 or more; in place of the
    client's, and of its fallbacks'."""


class WholeOptions(ChatOptions, total=False):
    """What every method takes that waits for the whole answer."""

    n: Count | None
    """How many answers to generate, all in `result.choices`."""
    return_raw: bool
    """Keep the server's JSON in `result.raw`."""


class ResumeOption(TypedDict, total=False):
    """Going on after a break."""

    resume: Resume
    """What happens when the connection breaks, falls silent or brings an error after content has
    come. `"auto"`: the model is asked for the rest, which is joined on; where that fails, the
    failure is raised. `"require"`: the same, and a call that could not be resumed is refused
    beforehand. `"off"`: the failure is raised. `"off"` for `stream()` unless given, `"auto"` for
    `complete()` and its kin. Resuming shares `max_retries` (or 2, if that is less), the waits
    and the deadline with retries."""


class EventOptions(ChatOptions, ResumeOption, total=False):
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


class ContinueOptions(HistoryOption, ResumeOption, total=False):
    """How an answer that was cut is made whole."""

    max_continues: int
    """Most requests for the rest, 0 or more; 5 unless given."""
    ensure_complete: bool
    """True unless given: an answer that is still not whole is a `ChatIncompleteResponseError`.
    False: it is returned, and `result.status` says what it is."""
    expect: Literal["json"] | None
    """`"json"`: the answer is one JSON value, and `result.text` is that value and nothing else.
    Implied by a `response_format` of JSON."""
    continue_prompt: ContinuePrompt | None
    """Your words for "send me the rest", or a function `(count, max_count, text_so_far, prompt)`
    that returns them. What makes the seam provable is put behind them."""
    continue_delay: float | tuple[float, float]
    """Seconds before each continuation but the first, or `(least, most)` for a random time."""
    on_progress: OnProgress | None
    """Called before each continuation with `(count, max_count, result_so_far, all_results)`."""
    on_error: Literal["raise", "return_partial"]
    """When a continuation fails: raise (unless given), or return what there is."""
    on_error_callback: OnErrorCallback | None
    """Called with `(error, partial_result)` when a continuation fails; may return `{"action": a}`
    with `"raise"`, `"return_partial"` or `"retry"`, which wins over `on_error`."""
    prefill: PrefillForm | Literal["auto", "off"]
    """How the rest is asked for: as the provider is known to take it (unless given), by the answer
    so far as the beginning of the model's own message in one certain form, or never so."""
    allow_larger_max_tokens: bool
    """True unless given: where an answer cannot be joined, or does not advance, a request may ask
    for more than `max_tokens`, up to `max_tokens * (1 + max_continues)`."""
    max_reasks: int
    """With a type as `response_format`: how often the model is told what does not fit and asked
    again, 0 or more; 2 unless given."""


class CompleteOptions(ChatOptions, ContinueOptions, total=False):
    """What `chat.complete()` and `chat.acomplete()` take."""


class CompleteStreamOptions(EventOptions, ContinueOptions, total=False):
    """What `chat.complete_stream()` and `chat.acomplete_stream()` take."""


class ToolLoopOptions(TypedDict, total=False):
    """How tools are run until there is an answer."""

    max_steps: int
    """Most requests to the model, 1 or more; 10 unless given. What the last one calls is not run:
    that is a `ChatIncompleteResponseError`, or the result with `ensure_complete=False`."""
    approve: Approve | None
    """Called with each `ToolCall` of an answer, in order, before any of them runs. It returns True,
    False, or a text: the reason for a no, which the model is told. It may be async in the async
    methods. What it raises ends the run and is raised as it is."""
    on_step: OnStep | None
    """Called with each `ToolStep` when its tools have run."""
    on_tool_error: OnError
    """`"report"` (unless given): the model is told what a tool raised, as `{"error": ...}`.
    `"raise"`: it ends the run and is raised as it is."""
    max_parallel: int | None
    """Most tools of one answer that run side by side, 1 or more; 16 unless given. Plain functions
    run on threads then, each with a copy of the context variables."""


class RunToolsOptions(CompleteOptions, ToolLoopOptions, total=False):
    """What `chat.run_tools()` and `chat.arun_tools()` take."""


class RunToolsStreamOptions(CompleteStreamOptions, ToolLoopOptions, total=False):
    """What `chat.run_tools_stream()` and `chat.arun_tools_stream()` take."""


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
    known: frozenset[str] = kind.__optional_keys__  # none has to be given
    if options.keys() <= known:
        return
    import difflib  # noqa: PLC0415 - only for the hint

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
    bounded = BoundedOptions.__optional_keys__
    return {k: _checked(k, v) if k in bounded else v for k, v in given.items()}


def _checked(name: str, value: Any) -> Any:
    """The value of a bounded option, converted as pydantic does.

    Raises:
        ValidationError: It is out of bounds.
    """
    kind, bounds = _numbers().get(name, (None, None))
    if kind and bounds and type(value) in (int, kind) and bounds.least <= value <= bounds.highest:
        return kind(value)  # nearly always, and pydantic need not be loaded
    adapter, misfit = _adapter(name)
    try:
        return adapter.validate_python(value)
    except misfit as error:
        first = error.errors(include_url=False)[0]
        raise ValidationError(f"{name}={value!r}: {first['msg']}") from None


@cache
def _numbers() -> dict[str, tuple[type[float], Bounds]]:
    """The options that are numbers within bounds."""
    hints = get_type_hints(BoundedOptions, include_extras=True)
    kinds = {name: get_args(hint)[0] for name, hint in hints.items()}
    return {name: get_args(kind) for name, kind in kinds.items() if get_origin(kind) is Annotated}


@cache
def _adapter(name: str) -> tuple[TypeAdapter[Any], type[pydantic.ValidationError]]:
    """What checks an option, and what it raises; made when the option is given first."""
    import pydantic  # noqa: PLC0415 - a tenth of a second

    hints = get_type_hints(BoundedOptions, include_extras=True)
    return pydantic.TypeAdapter(hints[name]), pydantic.ValidationError
