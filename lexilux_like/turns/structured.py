"""Answers as values of a type: the schema goes in, and a value comes out, or an honest error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from ..values.errors import (
    ChatIncompleteResponseError,
    IncompleteReason,
    LexiluxError,
    OutputValidationError,
    ValidationError,
)
from ..values.messages import Message, is_sequence
from ..values.output import OutputFault, OutputType
from ..values.request import ChatRequest
from ..values.results import ChatResult, ChatStreamChunk, Choice, Segment, StreamingResult, Usage
from .flow import Flow, Tell, Track, relay
from .partial import MISSING, PartialJSON
from .rules import Server
from .shape import shaped
from .turn import Turn

_FOR_WANT_OF_TEXT = ("no_progress", "reasoning_budget", "max_continues")
"""What an answer without any JSON is given up for."""


def structured(
    turn: Turn, kind: OutputType[Any], server: Server, *, max_reasks: int, required: bool
) -> Turn:
    """Ask for a value, which stands in `result.parsed`; where it does not fit, ask again.

    Args:
        turn: How to ask once and make the answer whole.
        kind: What it must be.
        server: What is known of the server.
        max_reasks: How often the model is told what does not fit. 0 where text is handed out as
            it comes: a new answer could not take it back.
        required: An answer without a value, such as one that asks for tools, is an error.

    The flow raises OutputValidationError where the answer still does not fit, before the last
    chunk of a stream; ChatIncompleteResponseError carries what has finished of a value.
    """
    told = shaped(turn, kind, server)

    def valid(request: ChatRequest) -> Flow[ChatResult]:
        answers: list[ChatResult] = []
        question = request
        while True:
            answer, end = yield from _answer(told(question), kind, answers)
            answers.append(answer)
            result = _together(answers)
            if answer.status == "complete":
                try:
                    result = replace(result, parsed=kind.validate(answer.text))
                except OutputFault as fault:
                    if len(answers) > max_reasks:
                        raise _misfit(kind, result, fault) from fault
                    question = _told_again(request, answer.text, kind.complaint(fault))
                    from ..values.events import Continuing  # noqa: PLC0415 - rare

                    yield Tell(partial(Continuing, number=len(answers), reason="invalid"))
                    continue
            elif required:
                raise _no_value(result)
            if end is not None:
                yield end
            return result

    return valid


class Snapshots:
    """What has finished of a value, while its JSON comes in.

    Attributes:
        latest: JSON data, without the wrapper; only what has finished, and what is open around it.
    """

    def __init__(self, kind: OutputType[Any]) -> None:
        self.latest: Any = None
        self._kind = kind
        self._partial = PartialJSON()

    def take(self, text: str) -> bool:
        """Take in what comes next; returns whether `latest` is new."""
        if not (text and self._partial.feed(text)):
            return False
        self.latest = self._kind.unwrap(self._partial.value, MISSING)
        return self.latest is not MISSING


def value_of(result: StreamingResult) -> Any:
    """The value at the end of a stream.

    Raises:
        ValidationError: The stream has not come to its end.
    """
    if not (result.done and result.complete):
        raise ValidationError("there is no value before the stream has come to its end: read on")
    return result.parsed


def _answer(
    flow: Flow[ChatResult], kind: OutputType[Any], earlier: list[ChatResult]
) -> Flow[tuple[ChatResult, ChatStreamChunk | None]]:
    """An answer that is to be judged, and the chunk that ends its stream."""
    try:
        return (yield from _up_to_the_end(flow))
    except ChatIncompleteResponseError as error:
        result = error.final_result
        assert result is not None
        if _is_no_json(result, error.reason):
            return _spoken(result)
        error.parsed, error.items = _finished(kind, result.text)
        error.partial = error.final_result = _together([*earlier, result])
        raise
    except LexiluxError as error:
        if earlier and not (error.partial and error.partial.text):
            error.partial = _together(earlier)
        raise


def _up_to_the_end(
    flow: Flow[ChatResult],
) -> Flow[tuple[ChatResult, ChatStreamChunk | None]]:
    """Run a turn, but keep the chunk with `done`: many consumers stop at it."""
    end: ChatStreamChunk | None = None

    def keep_the_last(effect: ChatStreamChunk | Track) -> Iterable[ChatStreamChunk | Track]:
        nonlocal end
        if type(effect) is ChatStreamChunk and effect.done:
            end = effect
            return ()
        return (effect,)

    result = yield from relay(flow, keep_the_last)
    return result, end


def _is_no_json(result: ChatResult, reason: IncompleteReason) -> bool:
    """Whether the model has said all that it wanted to, and it is no JSON."""
    said_all = not result.text and result.finish_reason == "stop"
    return reason == "invalid_json" or (said_all and reason in _FOR_WANT_OF_TEXT)


def _spoken(result: ChatResult) -> tuple[ChatResult, ChatStreamChunk]:
    """What the model said in place of JSON, as a whole answer, for there will be no more of it.

    The chunk is wanted only if it fits after all: a bare number or word, of which a stream has
    not handed anything out.
    """
    text = result.text or next((each.text for each in reversed(result.segments) if each.text), "")
    whole = replace(result, text=text, status="complete", finish_reason="stop")
    own = {each.name: getattr(whole, each.name) for each in fields(Choice)}
    end = ChatStreamChunk(text, finish_reason="stop", usage=result.usage or None, done=True)
    return replace(whole, choices=(Choice(**own),)), end


def _told_again(request: ChatRequest, answer: str, complaint: str) -> ChatRequest:
    """The question, the answer, and what is wrong with it."""
    if not answer:
        return request
    turns: list[Message] = [
        {"role": "assistant", "content": answer},
        {"role": "user", "content": complaint},
    ]
    return replace(request, messages=[*request.messages, *turns])


def _misfit(kind: OutputType[Any], result: ChatResult, fault: OutputFault) -> OutputValidationError:
    requests = len(result.segments) or 1
    return OutputValidationError(
        f"the answer does not fit {kind.name} after {requests} request{'s' * (requests > 1)}:"
        f" {fault}; error.partial holds it",
        errors=fault.lines(),
        parsed=_data(kind, result.text),
        items=_finished(kind, result.text)[1],
        partial=result,
    )


def _no_value(result: ChatResult) -> LexiluxError:
    if result.status == "tool_calls":
        return OutputValidationError(
            "the model asks for tools and gives no value: run error.partial.tool_calls, or ask by"
            " complete(response_format=...)",
            errors=["the answer is a tool call"],
            partial=result,
        )
    return ChatIncompleteResponseError(
        f"there is no value, because the answer is {result.status}; error.final_result holds what"
        " came",
        final_result=result,
        continue_count=result.continues,
        reason="failed",
    )


def _data(kind: OutputType[Any], text: str) -> Any:
    """A whole answer as JSON data; None where it is no JSON."""
    try:
        return kind.unwrap(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _finished(kind: OutputType[Any], text: str) -> tuple[Any, list[Any]]:
    """The finished parts of an answer as JSON data, and its finished and valid items.

    The data are None where nothing has finished; the items are none where the type is no list.
    """
    partial = PartialJSON()
    partial.feed(text)
    data, again = (kind.unwrap(partial.value, MISSING) for _ in range(2))
    if data is MISSING:
        return None, []
    whole = data
    if is_sequence(data):
        # What is still open is copied each time; what has finished is shared.
        whole = [one for one, other in zip(data, again, strict=True) if one is other]
    return data, kind.items(whole)


def _together(answers: Sequence[ChatResult]) -> ChatResult:
    """The last answer, with all that it took to get there."""
    if len(answers) == 1:
        return answers[0]
    last = answers[-1]
    return replace(
        last,
        usage=sum((each.usage for each in answers), Usage()),
        timing=replace(last.timing, first_content_s=answers[0].timing.first_content_s),
        continues=sum(each.continues for each in answers),
        segments=tuple(_segments(answers)),
    )


def _segments(answers: Sequence[ChatResult]) -> Iterator[Segment]:
    for number, answer in enumerate(answers):
        for each in answer.segments or (_only_segment(answer),):
            yield replace(
                each,
                asked="again" if number and each.asked == "first" else each.asked,
                joined=each.joined if answer is answers[-1] else "none",
            )


def _only_segment(answer: ChatResult) -> Segment:
    return Segment(
        answer.text,
        status=answer.status,
        raw_finish_reason=answer.raw_finish_reason,
        usage=answer.usage,
        request_id=answer.request_id,
    )
