"""Tool calls that are text: tools told in the prompt, and calls read from the answer."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..values.errors import LexiluxError, ValidationError
from ..values.messages import Message, is_mapping, is_sequence
from ..values.request import ChatRequest
from ..values.results import (
    ChatResult,
    ChatStreamChunk,
    Choice,
    Json,
    StreamingResult,
    ToolCall,
    ToolCallDelta,
)
from ..values.tools import ToolLike, encode_tool_choice, encode_tools, tool_names
from ..wire.profile import ToolForm
from .flow import Flow, Progress, Track, relay
from .shape import instructed
from .turn import Turn
from .written import WrittenCalls

C = TypeVar("C", bound=Choice)

FIELDS = ("tools", "tool_choice", "parallel_tool_calls")
"""What a server that takes tools in the text alone is not sent."""
_WORDS = """\
# Tools

You may call functions. These are their signatures:
<tools>
{tools}
</tools>

To call one, write a JSON object with its name and its arguments between these tags:
<tool_call>
{{"name": "...", "arguments": {{...}}}}
</tool_call>
Write one such block for each call and nothing behind the last one. Then you are given what they \
return, in <tool_response> tags."""


def from_text(turn: Turn, form: ToolForm) -> Turn:
    """Take tool calls that are written out in the text of an answer for what they are.

    They count only where tools were offered, one of these is named, the JSON is whole, and the
    answer has no calls of its own. A call that was cut is an incomplete one. The text of a call is
    never handed out.

    Args:
        turn: How to ask once.
        form: Where the provider's tool calls are; `"text"`: the tools are told in the prompt too.
    """
    if form == "native":
        return turn

    def reading(request: ChatRequest) -> Flow[ChatResult]:
        names = tool_names(_offered(request))
        asked = told(request) if form == "text" else request
        if not names:
            return (yield from turn(asked))
        reader = _Reader(names, conversation=len(request.messages))
        try:
            return reader.read((yield from relay(turn(asked), reader.pass_on)))
        except LexiluxError as error:
            error.partial = error.partial and reader.read(error.partial)
            raise

    return reading


def told(request: ChatRequest) -> ChatRequest:
    """The request with its tools in the system prompt and the turns about them as text.

    Raises:
        ValidationError: A tool is no function, the choice cannot be said in words, or a tool
            returned something else than text.
    """
    messages = list(_spelled(request.messages))
    if tools := _offered(request):
        messages = instructed(messages, _instructions(tools, request.options))
    options = {name: each for name, each in request.options.items() if name not in FIELDS}
    return replace(request, messages=messages, options=options)


class _Reader:
    """One answer as it is read. Its `so_far` shows what was handed out.

    Args:
        names: Of the tools that were offered.
        conversation: How many messages it has, so that the ids of calls do not come twice.
    """

    def __init__(self, names: Collection[str], *, conversation: int) -> None:
        self._names = names
        self._conversation = conversation
        self._texts: dict[int, WrittenCalls] = {}
        self._reasons: dict[int, str] = {}
        self._ended = False
        self._progress: Progress | None = None

    def so_far(self) -> StreamingResult:
        """The answer so far."""
        assert self._progress is not None
        result = self._progress.so_far()
        if self._ended:
            return self._read(result)
        choices = tuple(map(self._shown, result.choices))
        return replace(self._shown(result), choices=choices)

    def pass_on(self, effect: ChatStreamChunk | Track) -> Iterator[ChatStreamChunk | Track]:
        """A chunk, without the text that is a call or may become one."""
        if type(effect) is Track:
            self._progress = effect.progress
            yield Track(self)
            return
        assert type(effect) is ChatStreamChunk
        text = self._text(effect.index)
        before = text.release() if effect.tool_calls else ""
        effect.delta = before + (text.feed(effect.delta) if effect.delta else "")
        if effect.finish_reason:
            self._reasons[effect.index] = effect.finish_reason
        if effect.done:
            yield from self._end(effect)
            return
        if text.holds:  # the reason is not certain yet
            effect.finish_reason = None
        if _shows_something(effect):
            yield effect

    def read(self, result: ChatResult) -> ChatResult:
        """The whole answer, with the calls that its text has."""
        self._ended = True
        return self._read(result)

    def _end(self, last: ChatStreamChunk) -> Iterator[ChatStreamChunk]:
        """What was held back, the calls, and the chunk with `done`."""
        self._ended = True
        for index, text in sorted(self._texts.items()):
            finished = self._reasons.get(index) == "stop"
            before = last.delta if index == last.index else ""
            delta = before + text.end(finished=finished)
            calls = self._calls(text) if finished and text.cut is None else []
            pieces = [
                ToolCallDelta(i, call.id, call.name, call.arguments) for i, call in enumerate(calls)
            ]
            if delta or pieces:
                yield ChatStreamChunk(delta, tool_calls=pieces, index=index)
            if pieces and index == last.index:
                last.finish_reason = "tool_calls"
        last.delta = ""
        yield last

    def _read(self, result: C) -> C:
        choices: Mapping[str, Any] = {}
        if isinstance(result, ChatResult):
            choices = {"choices": tuple(map(self._taken, result.choices))}
        return replace(self._taken(result), **choices)

    def _taken(self, choice: C) -> C:
        """The choice with its calls in place of their text."""
        if choice.tool_calls or choice.incomplete_tool_calls:
            return choice
        if choice.index not in self._texts:  # it came as one body
            self._text(choice.index).feed(choice.text)
        text = self._texts[choice.index]
        finished = choice.status == "complete"
        text.end(finished=finished)
        calls = self._calls(text)
        if not calls and text.cut is None:
            return choice
        if finished and text.cut is None:
            return replace(
                choice,
                text=text.shown,
                tool_calls=tuple(calls),
                status="tool_calls",
                finish_reason="tool_calls",
            )
        if text.cut is not None:
            calls.append(self._call(len(calls), *text.cut))
        return replace(
            choice,
            text=text.shown,
            incomplete_tool_calls=tuple(calls),
            status="truncated" if finished else choice.status,
        )

    def _shown(self, choice: C) -> C:
        """The choice as far as it was handed out; what it holds back may change its end."""
        text = self._text(choice.index)
        if not text.holds:
            return choice
        return replace(choice, text=text.shown, status="unannounced", finish_reason=None)

    def _text(self, index: int) -> WrittenCalls:
        if index not in self._texts:
            self._texts[index] = WrittenCalls(self._names)
        return self._texts[index]

    def _calls(self, text: WrittenCalls) -> list[ToolCall]:
        return [self._call(i, *each) for i, each in enumerate(text.calls)]

    def _call(self, place: int, name: str, arguments: str) -> ToolCall:
        # Mistral wants nine letters and digits.
        return ToolCall(f"call{self._conversation % 1000:03}{place:02}", name, arguments)


def _shows_something(chunk: ChatStreamChunk) -> bool:
    said = chunk.delta or chunk.reasoning or chunk.refusal or chunk.tool_calls
    return bool(said or chunk.finish_reason or chunk.usage) or chunk.raw is not None


def _offered(request: ChatRequest) -> Sequence[ToolLike]:
    """The tools that the model may call."""
    choice = request.options.get("tool_choice") or "auto"
    return () if encode_tool_choice(choice) == "none" else request.options.get("tools") or ()


def _instructions(tools: Sequence[ToolLike], options: Mapping[str, Any]) -> str:
    """The tools, how to call them, and whether it must be."""
    encoded = encode_tools(tools)
    for each in encoded:
        if each.get("type") != "function":
            raise ValidationError(
                f"a tool of the type {each.get('type')!r} cannot be told in the text: this provider"
                " takes functions only"
            )
    words = [_WORDS.format(tools="\n".join(map(_json, encoded)))]
    match encode_tool_choice(options.get("tool_choice") or "auto", tools):
        case "auto":
            pass
        case "required":
            words.append("You must call a function now.")
        case {"type": "function", "function": {"name": str(name)}}:
            words.append(f"You must call the function {name} now.")
        case other:
            raise ValidationError(
                f"tool_choice={other!r} cannot be told in the text: use 'auto', 'none', 'required'"
                " or a tool's name"
            )
    if options.get("parallel_tool_calls") is False:
        words.append("Call one function at a time.")
    return "\n\n".join(words)


def _spelled(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages with calls, and what the tools returned, as text."""
    names: dict[object, str] = {}
    responses: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            name = names.get(message.get("tool_call_id"), "")
            response = {"name": name, "content": _text_of(message.get("content"))}
            responses.append(f"<tool_response>\n{_json(response)}\n</tool_response>")
            continue
        if responses:
            yield {"role": "user", "content": "\n".join(responses)}
            responses.clear()
        calls: Any = message.get("tool_calls")
        if not calls:
            yield message
            continue
        names |= {call.get("id"): call["function"]["name"] for call in calls}
        text = _text_of(message.get("content"))
        content = "\n".join([*([text] if text else []), *map(_written, calls)])
        rest = {name: each for name, each in message.items() if name != "tool_calls"}
        yield {**rest, "content": content}
    if responses:
        yield {"role": "user", "content": "\n".join(responses)}


def _written(call: Json) -> str:
    function = call["function"]
    given = function.get("arguments") or "{}"
    try:
        arguments: Any = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        arguments = given
    spelt = {"name": function["name"], "arguments": arguments}
    return f"<tool_call>\n{_json(spelt)}\n</tool_call>"


def _text_of(content: object) -> str:
    """The text of a message about tools.

    Raises:
        ValidationError: It has other parts.
    """
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if is_sequence(content) else [content]
    texts = [each.get("text") if is_mapping(each) else None for each in parts]
    if not all(isinstance(each, str) for each in texts):
        raise ValidationError("this provider takes tool calls as text: their turns must be text")
    return "".join(map(str, texts))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
