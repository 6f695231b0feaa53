"""Running what the model asks for: every call is answered, and no half call is run."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .errors import ValidationError
from .functions import Function
from .messages import Message
from .results import ChatResult, ToolCall, ToolOutcome
from .text import printable
from .tools import FunctionTool, ToolLike, tools_by_name

OnError: TypeAlias = Literal["report", "raise"]
"""What becomes of a call that fails: the model is told, or the error is raised."""

Approve: TypeAlias = Callable[[ToolCall], bool | str | Awaitable[bool | str]]
"""Whether a call may be run: True, False, or the reason for a no, which the model is told."""

Started: TypeAlias = ToolOutcome | Awaitable[Any]
Elsewhere: TypeAlias = Callable[[Callable[[], Started]], Awaitable[Started]]
"""Runs a function without blocking the event loop: on a thread."""


def execute_tool_calls(
    result: ChatResult | Iterable[ToolCall],
    tools: Iterable[ToolLike] | Mapping[str, Function],
    *,
    on_error: OnError = "report",
) -> list[Message]:
    """Run the calls of an answer, in order, and make a tool message of each result.

    A string is the message's content as it is; anything else becomes JSON. What goes wrong (an
    unknown tool, arguments that do not fit, an exception) is reported to the model as
    `{"error": "..."}`, so that it can try again.

    Args:
        result: An answer, or the calls themselves. Calls that were cut off are never run.
        tools: The functions, as they were offered; or by name.
        on_error: `"raise"` raises what goes wrong first, and the results before it are lost.

    Returns:
        One message per call, to be sent after the answer's own message.

    Raises:
        ValidationError: The answer was cut off inside a call; or a tool that is called has no
            function, or an async one. Nothing was run.
    """
    jobs = _jobs(result, tools, awaits=False)
    return [_told(job.run(), on_error) for job in jobs]


async def aexecute_tool_calls(
    result: ChatResult | Iterable[ToolCall],
    tools: Iterable[ToolLike] | Mapping[str, Function],
    *,
    on_error: OnError = "report",
) -> list[Message]:
    """`execute_tool_calls`, async: functions may be async or not, and run one after another."""
    jobs = _jobs(result, tools, awaits=True)
    return [_told(await job.arun(), on_error) for job in jobs]


@dataclass(frozen=True, slots=True)
class Job:
    """A call that is to be answered. What goes wrong is a part of its outcome, never raised."""

    call: ToolCall
    tools: Mapping[str, FunctionTool]
    """By name."""

    @property
    def tool(self) -> FunctionTool:
        """The tool that is called.

        Raises:
            ValidationError: There is none of that name.
        """
        if self.call.name not in self.tools:
            known = ", ".join(sorted(self.tools))
            raise ValidationError(f"there is no tool {self.call.name!r}; the tools are: {known}")
        return self.tools[self.call.name]

    @property
    def is_async(self) -> bool:
        """Whether it calls a coroutine function."""
        return self.call.name in self.tools and self.tool.is_async

    def require_function(self, *, awaits: bool) -> None:
        """Raise where the tool can be run by nobody here; an unknown tool is the model's mistake.

        Raises:
            ValidationError: The tool has no function, or an async one and nobody awaits.
        """
        if self.call.name in self.tools:
            self.tool.require_function(awaits=awaits)

    def run(self) -> ToolOutcome:
        """Run it to its outcome."""
        started = self._start()
        if isinstance(started, ToolOutcome):
            return started
        if inspect.iscoroutine(started):
            started.close()
        name = self.call.name
        return self._failed(
            ValidationError(f"tool {name!r} returned something to await: use the async methods")
        )

    async def arun(self, elsewhere: Elsewhere | None = None) -> ToolOutcome:
        """`run`, async.

        Args:
            elsewhere: Runs functions that are not async; without it they run at once.
        """
        if elsewhere is None or self.is_async:
            started = self._start()
        else:
            started = await elsewhere(self._start)
        if isinstance(started, ToolOutcome):
            return started
        try:
            return self._returned(await started)
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is told
            return self._failed(error)

    def denied(self, reason: str = "") -> ToolOutcome:
        """It is not to be run; the model is told the reason."""
        content = _json({"error": reason or "this call was not allowed"})
        return ToolOutcome(self.call, content, denied=True)

    def _start(self) -> Started:
        """Call the function. An exception must not leave here: a thread could not hand it on."""
        try:
            value = self.tool.bind(self.call.arguments)()
            return value if inspect.isawaitable(value) else self._returned(value)
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is told
            return self._failed(error)

    def _returned(self, value: object) -> ToolOutcome:
        content = value if isinstance(value, str) else _json(value)
        return ToolOutcome(self.call, content, value)

    def _failed(self, error: Exception) -> ToolOutcome:
        name = "" if isinstance(error, ValidationError) else f"{type(error).__name__}: "
        content = _json({"error": f"{name}{printable(str(error))}"})
        return ToolOutcome(self.call, content, error=error)


def _jobs(
    result: ChatResult | Iterable[ToolCall],
    tools: Iterable[ToolLike] | Mapping[str, Function],
    *,
    awaits: bool,
) -> list[Job]:
    """What is to be run; the caller's own mistakes are raised here, before anything runs."""
    if isinstance(result, ChatResult):
        if result.incomplete_tool_calls and not result.tool_calls:
            raise ValidationError(
                "the answer was cut off inside a tool call, so there is nothing safe to run: raise"
                " max_tokens, or ask again"
            )
        result = result.tool_calls
    known = tools_by_name(tools)
    jobs = [Job(call, known) for call in result]
    for job in jobs:
        job.require_function(awaits=awaits)
    return jobs


def _told(outcome: ToolOutcome, on_error: OnError) -> Message:
    if on_error == "raise" and outcome.error is not None:
        raise outcome.error
    return outcome.to_message()


def _json(value: object) -> str:
    import pydantic_core  # noqa: PLC0415 - only what a tool returned needs it

    return pydantic_core.to_json(value, inf_nan_mode="strings").decode()
