"""What is in a list of messages: its text, its rounds, its tokens. Reads, never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, TypeAlias

from .messages import REASONING_FIELDS, Message, is_mapping, is_sequence

TokenCounter: TypeAlias = Callable[[str], int]
"""Counts the tokens of a text: a tokenizer's own function, or an estimate such as
`lambda text: len(text) // 4`."""


@dataclass(frozen=True, slots=True)
class TokenAnalysis:
    """Where the tokens of a history are: those of its texts, without the wrapping of messages."""

    total: int
    """The system prompt's and all messages'."""
    by_role: Mapping[str, int]
    """The system prompt counts under `"system"`."""
    per_message: tuple[int, ...]
    """By index in the history; the system prompt is not among them."""
    per_round: tuple[int, ...]
    """By index in `history.rounds`."""


@dataclass(frozen=True, slots=True)
class HistoryStatistics:
    """A history in figures."""

    messages: int
    """Without the system prompt, as are all the others."""
    rounds: int
    by_role: Mapping[str, int]
    """Messages by role."""
    characters: int
    """Of all texts, arguments of tool calls included."""
    tool_calls: int


def analyze(system: str | None, messages: Sequence[Message], count: TokenCounter) -> TokenAnalysis:
    """Count the tokens of each message once."""
    per_message = tuple(count_message(message, count) for message in messages)
    prompt = count(system) if system else 0
    by_role = Counter({"system": prompt} if prompt else {})
    for message, tokens in zip(messages, per_message, strict=True):
        by_role[message["role"]] += tokens
    edges = pairwise([*round_starts(messages), len(messages)])
    per_round = tuple(sum(per_message[start:end]) for start, end in edges)
    return TokenAnalysis(prompt + sum(per_message), dict(by_role), per_message, per_round)


def summarize(messages: Sequence[Message]) -> HistoryStatistics:
    """Count messages, rounds, characters and tool calls."""
    return HistoryStatistics(
        messages=len(messages),
        rounds=len(round_starts(messages)),
        by_role=dict(Counter(message["role"] for message in messages)),
        characters=sum(len(piece) for message in messages for piece in _pieces(message)),
        tool_calls=sum(len(called(message)) for message in messages),
    )


def count_message(message: Message, count: TokenCounter) -> int:
    """The tokens of a message's text; 0 where it has none, without asking `count`."""
    text = message_text(message)
    return count(text) if text else 0


def message_text(message: Message) -> str:
    """All text of a message that the model reads, one piece a line.

    Content, refusal, reasoning that is sent back, and the names and arguments of tool calls;
    images, audio and files have none.
    """
    return "\n".join(piece for piece in _pieces(message) if piece)


def _pieces(message: Message) -> Iterator[str]:
    for part in content_parts(message):
        yield _text(part, "text")
        yield _text(part, "refusal")
    for name in ("refusal", *REASONING_FIELDS):
        yield _text(message, name)
    for call in called(message):
        yield _text(call, "name")
        yield _text(call, "arguments")


def content_parts(message: Message) -> list[Message]:
    """The content as parts: a string is one text part, None is none."""
    content = message.get("content")
    parts = content if is_sequence(content) else [content]
    return [
        {"type": "text", "text": part} if isinstance(part, str) else part
        for part in parts
        if isinstance(part, str) or is_mapping(part)
    ]


def called(message: Message) -> list[Message]:
    """The functions that the message calls, each with its name and arguments."""
    calls = message.get("tool_calls") or ()
    functions = ((call, call.get("function")) for call in calls if is_mapping(call))
    return [
        {**function, "id": call.get("id")} for call, function in functions if is_mapping(function)
    ]


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


def round_starts(messages: Sequence[Message]) -> list[int]:
    """Where rounds begin: at each user message, and at what precedes the first."""
    return [i for i, message in enumerate(messages) if i == 0 or message["role"] == "user"]


def last_rounds(messages: Sequence[Message], n: int) -> int:
    """Where the newest `n` rounds begin; earlier, where that would part an answer from its call."""
    starts = round_starts(messages)
    wanted = [*starts, len(messages)][max(0, len(starts) - n)]
    return max(start for start in [*safe_starts(messages), len(messages)] if start <= wanted)


def fitting_rounds(messages: Sequence[Message], room: int, count: TokenCounter) -> int | None:
    """Where the longest run of newest rounds within `room` tokens begins; None: one is too long."""
    costs = [count_message(message, count) for message in reversed(messages)]
    newest = [*accumulate(costs, initial=0)]
    starts = safe_starts(messages) or [0]
    return next((start for start in starts if newest[len(messages) - start] <= room), None)


def safe_starts(messages: Sequence[Message]) -> list[int]:
    """The round starts from which on no tool message has lost the call that it answers.

    A tool message belongs to the last assistant message before it that made a call of its id;
    where there is none, nothing is lost.
    """
    callers: dict[str, int] = {}
    answers: dict[int, int] = {}
    for i, message in enumerate(messages):
        if message["role"] == "tool" and (answered := str(message.get("tool_call_id"))) in callers:
            answers[i] = callers[answered]
        for call in called(message):
            callers[str(call["id"])] = i
    earliest = len(messages)
    starts = {*round_starts(messages)}
    safe: list[int] = []
    for i in reversed(range(len(messages))):
        earliest = min(earliest, answers.get(i, earliest))
        if i in starts and earliest >= i:
            safe.append(i)
    return safe[::-1]


def instructions(messages: Sequence[Message]) -> int:
    """How many messages at the beginning are the application's: system and developer messages."""
    kinds = ("system", "developer")
    return next((i for i, m in enumerate(messages) if m["role"] not in kinds), len(messages))
