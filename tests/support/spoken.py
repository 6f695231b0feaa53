"""Random answers, and random ways in which servers put the same answer on the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from lexilux_like.testing import DONE
from lexilux_like.values.results import ChatResult, Choice

WORDS = {"stop": "complete", "length": "truncated", "content_filter": "filtered", "odd": "unknown"}
NULLS = ("content", "refusal", "reasoning", "tool_calls", "function_call", "audio", "logprobs")
NOISE = (
    b": ping\n\n",
    b"\n",
    b"id: 3\n\n",
    b"retry: 5\n\n",
    b"event: ping\ndata: {}\n\n",
    b'data: {"type": "ping"}\n\n',
    b'data: {"choices": null}\n\n',
    b'data: {"choices": [], "prompt_filter_results": []}\n\n',
    b'data: {"choices": [{"index": 0, "delta": null}]}\n\n',
    b'data: {"choices": [{"index": 0}], "usage": null}\n\n',
)
"""Events that say nothing."""


@dataclass
class Said:
    """One choice, as it was said."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[list[str]] = field(default_factory=list)
    """Id, name and arguments of each, in the order in which they began."""
    word: str = "stop"

    @property
    def status(self) -> str:
        if self.word == "tool_calls":
            return "tool_calls"
        if self.word == "stop" and self.calls:
            return "tool_calls"
        if self.word == "stop" and self.refusal and not self.text:
            return "refused"
        return WORDS[self.word]


@dataclass(frozen=True)
class Answer:
    """What was said, and the events that say it."""

    said: list[Said]
    events: list[dict[str, Any]]
    usage: tuple[int, int, int] | None


def seen(choice: Choice) -> Said:
    """A choice of a result, to be compared."""
    calls = [*choice.tool_calls, *choice.incomplete_tool_calls]
    return Said(
        choice.text,
        choice.reasoning,
        choice.refusal or "",
        [[call.id, call.name, call.arguments] for call in calls],
        choice.raw_finish_reason or "",
    )


def is_beginning(choice: Choice, said: Said) -> bool:
    """Whether all of a choice is a beginning of what was said."""
    calls = [*choice.tool_calls, *choice.incomplete_tool_calls]
    return (
        said.text.startswith(choice.text)
        and said.reasoning.startswith(choice.reasoning)
        and said.refusal.startswith(choice.refusal or "")
        and len(calls) <= len(said.calls)
        and all(
            call.id in ("", whole[0])
            and call.name in ("", whole[1])
            and whole[2].startswith(call.arguments)
            for call, whole in zip(calls, said.calls, strict=False)
        )
    )


def check_same(result: ChatResult, answer: Answer) -> None:
    """That a result is what was said: every choice, its verdict, and the token counts."""
    assert [seen(each) for each in result.choices] == answer.said
    assert [each.status for each in result.choices] == [each.status for each in answer.said]
    usage = result.usage
    counts = (usage.input_tokens, usage.output_tokens, usage.total_tokens)
    assert (counts if usage else None) == answer.usage


@st.composite
def call_pieces(draw: st.DrawFn, said: Said) -> list[list[dict[str, Any]]]:
    """For each call its pieces, each of them told apart by its index, its id or both."""
    by = draw(st.sampled_from(["index", "id", "both"]))
    nothing = draw(st.sampled_from([None, "", ...]))
    queues = []
    for place in range(draw(st.integers(0, 3))):
        call = [f"id{place}" if by != "index" else "", f"f{place % 2}", ""]
        named = draw(st.booleans())  # whether the name and the id come with each piece
        pieces = []
        for turn, arguments in enumerate(draw(st.lists(st.text(max_size=5), min_size=1))):
            first = turn == 0
            function: dict[str, Any] = {"arguments": arguments}
            piece: dict[str, Any] = {"function": function}
            if by != "id":
                piece["index"] = place
            if by == "id" or (by == "both" and (first or named)):
                piece["id"] = call[0]
            elif nothing is not ...:
                piece["id"] = nothing
            if first or named:
                function["name"] = call[1]
            elif nothing is not ...:
                function["name"] = nothing
            pieces.append({"call": call, "piece": piece})
        queues.append(pieces)
    return queues


@st.composite
def deltas(draw: st.DrawFn) -> tuple[Said, list[dict[str, Any]]]:
    """One choice and its deltas: texts, reasoning, a refusal and calls, interleaved."""
    said = Said()
    name = draw(st.sampled_from(["reasoning", "reasoning_content"]))
    texts = st.lists(st.text(max_size=6), max_size=4)
    plain = [
        [("text", {"content": each}, each) for each in draw(texts)],
        [("reasoning", {name: each}, each) for each in draw(texts)],
        [("refusal", {"refusal": each}, each) for each in draw(texts)],
    ]
    queues: list[list[Any]] = [each for each in (*plain, *draw(call_pieces(said))) if each]
    found: list[dict[str, Any]] = []
    while queues:
        queue = draw(st.sampled_from(queues))
        item = queue.pop(0)
        queues = [each for each in queues if each]
        if isinstance(item, tuple):
            kind, delta, text = item
            setattr(said, kind, getattr(said, kind) + text)
        else:
            call, piece = item["call"], item["piece"]
            if not any(each is call for each in said.calls):
                said.calls.append(call)
            call[2] += piece["function"]["arguments"]
            delta = {"tool_calls": [piece]}
        nulls = draw(st.lists(st.sampled_from(NULLS), max_size=2))
        role = {"role": "assistant"} if draw(st.booleans()) else {}
        found.append({**dict.fromkeys(nulls), **role, **delta})
    words = [*WORDS, "tool_calls"] if said.calls else [*WORDS]
    said.word = draw(st.sampled_from(words))
    return said, found


@st.composite
def answers(draw: st.DrawFn, *, most: int = 3) -> Answer:
    """Up to `most` choices, interleaved, with token counts somewhere or nowhere."""
    every = [draw(deltas()) for _ in range(draw(st.integers(1, most)))]
    where = draw(st.sampled_from(["nowhere", "alone", "choice", "every", "x_groq"]))
    counts = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    queues: list[list[dict[str, Any]]] = []
    for index, (said, found) in enumerate(every):
        queue = [{"index": index, "delta": each} for each in found]
        if queue and draw(st.booleans()):
            queue[-1]["finish_reason"] = said.word
        else:
            delta = draw(st.sampled_from([{}, None]))
            queue.append({"index": index, "delta": delta, "finish_reason": said.word})
        if where == "choice":
            queue[-1]["usage"] = counts
        queues.append(queue)
    events: list[dict[str, Any]] = []
    while queues:
        queue = draw(st.sampled_from(queues))
        choice = queue.pop(0)
        queues = [each for each in queues if each]
        together = events and draw(st.booleans()) and len(events[-1]["choices"]) == 1
        if together and events[-1]["choices"][0]["index"] != choice["index"]:
            events[-1]["choices"].append(choice)
        else:
            events.append({"id": "c", "choices": [choice]})
    for place, event in enumerate(events):
        if where == "every":
            event["usage"] = {**counts, "completion_tokens": place}
    last = {"alone": {"usage": counts}, "x_groq": {"x_groq": {"usage": counts}}}
    if where in ("alone", "x_groq", "every"):
        events.append({"id": "c", "choices": [], **last.get(where, {"usage": counts})})
    usage = None if where == "nowhere" else (3, 4, 7)
    return Answer([said for said, _ in every], events, usage)


@st.composite
def dressed(draw: st.DrawFn, answer: Answer) -> bytes:
    """The events as the bytes of a stream: line ends, comments, white space, escapes, a BOM."""
    body = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    for event in answer.events:
        lines = json.dumps(
            event, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 1]))
        )
        field = draw(st.sampled_from(["data: ", "data:"]))
        end = draw(st.sampled_from(["\n", "\r", "\r\n"]))
        before = draw(st.sampled_from(["", ": keep-alive", "event: message", "id: 7"]))
        told = [before] if before else []
        told += [field + line for line in lines.split("\n")]
        body += "".join(line + end for line in [*told, ""]).encode()
        if draw(st.booleans()):
            body += draw(st.sampled_from(NOISE))
    return body + (DONE if draw(st.booleans()) else b"")


@st.composite
def dressed_answers(draw: st.DrawFn, *, most: int = 3) -> tuple[Answer, bytes]:
    """An answer, and the bytes that say it."""
    answer = draw(answers(most=most))
    return answer, draw(dressed(answer))


def pieces_of(data: bytes, places: Sequence[float]) -> list[bytes]:
    """The data, cut at parts of its length."""
    every = sorted({0, len(data), *(int(place * len(data)) for place in places)})
    return [data[a:b] for a, b in pairwise(every)]


PLACES = st.lists(st.floats(0, 1), max_size=12)
