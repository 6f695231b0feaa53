"""The tool loop: ask, run the tools that the model calls, send the results, until it answers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..values.errors import ChatIncompleteResponseError, LexiluxError, ValidationError
from ..values.events import ToolsRun
from ..values.execution import Approve, Job
from ..values.options import OnStep
from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, StreamingResult, ToolStep, Usage
from ..values.tools import FunctionTool, relaxed, tools_by_name
from .flow import NOW, Flow, Progress, RunTools, Tell, Track, relay, run_tools
from .turn import Turn, streaming_result

MAX_STEPS = 10
"""Most requests of one run, unless given."""
MOST_AT_ONCE = 16
"""Most tools of one step that run side by side, unless given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRules:
    """The options of `run_tools()`, with their defaults."""

    tools: Mapping[str, FunctionTool]
    max_steps: int = MAX_STEPS
    approve: Approve | None = None
    on_step: OnStep | None = None
    raises: bool = False
    """What a tool raises ends the run; else the model is told."""
    at_once: int = MOST_AT_ONCE
    ensure_complete: bool = True


def checked_tool_rules(
    options: Mapping[str, Any], request: ChatRequest, *, awaits: bool
) -> ToolRules:
    """The rules of a run.

    Args:
        options: Of `run_tools()` or its kin.
        request: What it asks, tools included.
        awaits: Whether it is one of the async methods.

    Raises:
        ValidationError: There are no tools, one is async and nobody awaits it, or an option is out
            of bounds.
    """
    tools = request.options.get("tools")
    if not tools:
        raise ValidationError("there are no tools to run: pass tools=[...], or ask by complete()")
    known = tools_by_name(tools)
    if not awaits:
        for each in known.values():
            if each.is_async:
                raise ValidationError(f"tool {each.name!r} is async: use arun_tools()")
    given = {name: value for name, value in options.items() if value is not None}
    on_tool_error = given.get("on_tool_error", "report")
    if on_tool_error not in ("report", "raise"):
        raise ValidationError(f"on_tool_error={on_tool_error!r}: it is 'report' or 'raise'")
    _check_callback(given, "approve", awaits=awaits)
    _check_callback(given, "on_step", awaits=False)
    return ToolRules(
        tools=known,
        max_steps=_count(given, "max_steps", MAX_STEPS),
        approve=given.get("approve"),
        on_step=given.get("on_step"),
        raises=on_tool_error == "raise",
        at_once=_count(given, "max_parallel", MOST_AT_ONCE),
        ensure_complete=bool(given.get("ensure_complete", True)),
    )


def with_tools(turn: Turn, rules: ToolRules, *, live: bool) -> Turn:
    """Ask until there is an answer, running the tools that the model calls in between.

    Args:
        turn: How to ask once and make the answer whole.
        rules: How far to go.
        live: Hand text on as it comes, and a chunk for each step.
    """

    def looping(request: ChatRequest) -> Flow[ChatResult]:
        return ToolLoop(turn, request, rules, live=live).run()

    return looping


class ToolLoop:
    """One run. `iterator.result` shows the answer that is being written, and the steps before it.

    Args:
        turn: How to ask once and make the answer whole.
        request: The question; its messages are never changed.
        rules: How far to go.
        live: Hand text on as it comes, and a chunk for each step.
    """

    def __init__(self, turn: Turn, request: ChatRequest, rules: ToolRules, *, live: bool) -> None:
        self._turn = turn
        self._request = request
        self._rules = rules
        self._live = live
        self._steps: list[ToolStep] = []
        self._answer = ChatResult(status="unannounced")
        self._progress: Progress | None = None
        self._last_chunk: ChatStreamChunk | None = None
        self._final: StreamingResult | None = None

    def run(self) -> Flow[ChatResult]:
        """Ask, and run tools, until the model answers.

        Raises:
            ChatIncompleteResponseError: The model still calls tools in its last step.
            ValidationError: It calls a tool that has no function.
            LexiluxError: A request failed; `partial` has the steps before it.
        """
        yield Track(self)
        request = self._request
        while True:
            answer = self._answer = yield from self._ask(request)
            if not (answer.complete and answer.tool_calls):
                return (yield from self._end(self._joined(answer)))
            if len(self._steps) + 1 >= self._rules.max_steps:
                return (yield from self._given_up(self._joined(answer)))
            step = yield from self._run_tools(answer)
            self._steps.append(step)
            yield Tell(partial(ToolsRun, number=len(self._steps), step=step))
            self._answer = ChatResult(status="unannounced")
            if self._rules.on_step is not None:
                self._rules.on_step(step)
            if self._live:
                yield ChatStreamChunk(step=step)
            request = _answered(request, step)

    def so_far(self) -> StreamingResult:
        """The answer that is being written, and the steps before it."""
        if self._final is not None:
            return self._final
        answer = self._progress.so_far() if self._progress is not None else self._answer
        return streaming_result(self._joined(answer), done=False)

    def _ask(self, request: ChatRequest) -> Flow[ChatResult]:
        """Ask once; a failure takes the steps so far with it."""
        try:
            return (yield from relay(self._turn(request), self._pass_on))
        except LexiluxError as error:
            if self._steps:
                error.partial = self._joined(error.partial or ChatResult(status="interrupted"))
                if isinstance(error, ChatIncompleteResponseError):
                    error.final_result = error.partial
            raise
        finally:
            self._progress = None

    def _pass_on(self, effect: ChatStreamChunk | Track) -> Iterable[ChatStreamChunk]:
        """A chunk, unless it ends the answer: many consumers stop there."""
        if type(effect) is Track:
            self._progress = effect.progress
            return ()
        assert type(effect) is ChatStreamChunk
        if effect.done:
            self._last_chunk = effect
            return ()
        return (effect,)

    def _run_tools(self, answer: ChatResult) -> Flow[ToolStep]:
        """Run what an answer calls."""
        rules = self._rules
        for call in answer.tool_calls:
            tool = rules.tools.get(call.name)
            if tool is not None and tool.function is None:
                raise ValidationError(
                    f"the model calls {call.name!r}, which has no function to run: pass a typed"
                    " function or a Tool with function=, or ask by complete() and run it yourself;"
                    " error.partial has the call",
                    partial=self._joined(answer),
                )
        began: float = yield NOW
        outcomes = yield from run_tools(
            RunTools(
                tuple(Job(call, rules.tools) for call in answer.tool_calls),
                approve=rules.approve,
                raises=rules.raises,
                at_once=rules.at_once,
            )
        )
        ended: float = yield NOW
        return ToolStep(_plain(answer), outcomes, ended - began)

    def _given_up(self, result: ChatResult) -> Flow[ChatResult]:
        """The model calls tools in its last step."""
        if not self._rules.ensure_complete:
            return (yield from self._end(result))
        steps = self._rules.max_steps
        raise ChatIncompleteResponseError(
            f"the model still calls tools in request {steps} of max_steps={steps}; these calls were"
            " not run; error.final_result has all steps",
            final_result=result,
            continue_count=result.continues,
            reason="max_steps",
        )

    def _end(self, result: ChatResult) -> Flow[ChatResult]:
        """Hand out the chunk with `done`, and the result."""
        if self._last_chunk is None:
            return result
        self._final = streaming_result(result, done=True)
        self._last_chunk.usage = result.usage or None
        yield self._last_chunk
        return streaming_result(result, done=True)  # its own: the other one was shown

    def _joined(self, answer: ChatResult) -> ChatResult:
        """The answer, with the steps and the usage of the whole run."""
        last = _plain(answer)
        steps = list(self._steps)
        if last.has_content or last.complete:
            steps.append(ToolStep(last))
        if not self._steps:
            return replace(last, steps=tuple(steps))
        first = self._steps[0].result
        earlier = (each.result.usage for each in self._steps)
        return replace(
            last,
            usage=sum(earlier, Usage()) + last.usage,
            timing=replace(last.timing, first_content_s=first.timing.first_content_s),
            steps=tuple(steps),
        )


def _answered(request: ChatRequest, step: ToolStep) -> ChatRequest:
    """The next request: what the tools returned stands behind the calls."""
    options = dict(request.options)
    if "tool_choice" in options:
        options["tool_choice"] = relaxed(options["tool_choice"])
    messages = [*request.messages, *step.to_messages()]
    return replace(request, messages=messages, options=options)


def _plain(result: ChatResult) -> ChatResult:
    return result.to_chat_result() if isinstance(result, StreamingResult) else result


def _count(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValidationError(f"{name}={value!r}: it must be a whole number, at least 1")
    return value


def _check_callback(given: Mapping[str, Any], name: str, *, awaits: bool) -> None:
    value = given.get(name)
    if value is not None and not callable(value):
        raise ValidationError(f"{name}={value!r}: it must be a function that can be called")
    if not awaits and inspect.iscoroutinefunction(value):
        raise ValidationError(f"{name} is async, and nothing awaits it here: pass a plain function")
