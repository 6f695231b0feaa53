"""What the contracts of an agent's provider ask, by whichever of its three doors."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never

from ...providers.llm import LLMProvider, LLMResponse, Tool
from .events import Streamed, streamed
from .model import PlayedModel
from .running import Contract, tidily

DoorName: TypeAlias = Literal["complete", "acomplete", "stream"]
DOORS: tuple[DoorName, ...] = ("complete", "acomplete", "stream")
WHOLE_DOORS: tuple[DoorName, ...] = ("complete", "acomplete")


@dataclass(frozen=True, slots=True)
class Answered:
    """What all doors can tell of an answer."""

    text: str
    stop_reason: str
    calls: tuple[tuple[str, str, Any], ...]
    """Id, name and arguments of each."""
    tokens: tuple[int, int, int]
    """Input, output, and what of the input came from a cache."""
    model: str


def hi(text: str = "Hi") -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def ask(
    contract: Contract[LLMProvider],
    model: PlayedModel,
    door: DoorName,
    messages: list[dict[str, Any]],
    **options: Any,
) -> Answered:
    """Ask a provider of its own by a door, and take the whole answer.

    Raises:
        Exception: What the provider raised, or had in its error event.
    """
    provider = contract.made(model)

    async def once() -> Answered:
        try:
            match door:
                case "complete":
                    return _told(await asyncio.to_thread(provider.complete, messages, **options))
                case "acomplete":
                    return _told(await provider.acomplete(messages, **options))
                case "stream":
                    return _gathered(await streamed(provider.stream(messages, **options)))
                case _:
                    assert_never(door)
        finally:
            await contract.close(provider)

    return tidily(once())


def _told(response: LLMResponse) -> Answered:
    calls = tuple((each.id, each.name, each.input) for each in response.tool_uses)
    tokens = (response.input_tokens, response.output_tokens, response.cached_tokens)
    return Answered(response.content, response.stop_reason, calls, tokens, response.model)


def _gathered(answer: Streamed) -> Answered:
    if answer.raised is not None:
        raise answer.raised
    if answer.error is not None:
        told = answer.error
        raise told.exception if isinstance(told.exception, Exception) else RuntimeError(told.error)
    finish = answer.finish
    assert finish is not None
    calls = tuple((each.tool_use_id, each.tool_name, each.tool_input) for each in answer.calls)
    tokens = (finish.input_tokens, finish.output_tokens, finish.cached_tokens)
    return Answered(answer.text, finish.stop_reason, calls, tokens, finish.model)


TOOL = Tool(
    "weather",
    "The weather of a place.",
    {
        "type": "object",
        "properties": {"place": {"$ref": "#/$defs/Place"}},
        "required": ["place"],
        "additionalProperties": False,
        "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string"}}}},
    },
)
"""A tool whose schema has more than properties."""


@contextmanager
def watched_folders() -> Generator[list[str]]:
    """A new and empty home and working folder; at the end the list gets the files in it."""
    names = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    before = {name: os.environ.get(name) for name in names}
    place, found = Path.cwd(), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(dict.fromkeys(names, folder))
        os.chdir(folder)
        try:
            yield found
            found += sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))
        finally:
            os.chdir(place)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def logged() -> Generator[list[str]]:
    """All that is logged meanwhile, at any level."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
