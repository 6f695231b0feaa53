"""The recorded traffic of real providers, what it says, and how it may be put on the wire.

The recordings are not part of this repository: they stand beside it, or the tests that
need them are skipped.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lexilux_like.values.errors import APIError
from lexilux_like.values.results import ChatResult

PATH = Path(__file__).parents[2].parent / "shared" / "corpus" / "public.jsonl.gz"
Record = dict[str, Any]
Cut = Callable[[bytes], Iterable[bytes]]
"""A variant of the wire: a body, changed in ways that mean nothing, as the pieces that arrive."""


@cache
def records() -> list[Record]:
    """Every record; skips the test where there are none."""
    if not PATH.exists():
        pytest.skip("the recorded traffic (../shared/corpus) is not here")
    with gzip.open(PATH, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def streams() -> list[Record]:
    """The event streams."""
    return [each for each in records() if each["stream"] and each["status"] == 200]


def bodies() -> list[Record]:
    """The whole bodies and the errors."""
    return [each for each in records() if not each["stream"] or each["status"] != 200]


def found(result: ChatResult) -> Record:
    """A result, as the corpus spells what it expects."""
    usage = result.usage
    return {
        "text": result.text,
        "reasoning": result.reasoning,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments, "type": call.type}
            for call in (*result.tool_calls, *result.incomplete_tool_calls)
        ],
        "finish_reason": result.raw_finish_reason,
        "usage": (
            usage
            and {
                "prompt_tokens": usage.input_tokens,
                "completion_tokens": usage.output_tokens,
                "total_tokens": usage.total_tokens,
                "cached_tokens": usage.cached_tokens,
                "reasoning_tokens": usage.reasoning_tokens,
            }
        )
        or None,
        "refusal": result.refusal or "",
        "function_call": result.fields.get("function_call"),
        "n_choices": len(result.choices),
    }


def complaint(error: APIError) -> Record:
    """An error, as the corpus spells what it expects."""
    return {
        "error": {
            "status": error.status_code,
            "message": error.provider_message,
            "code": error.code,
            "type": error.type,
        }
    }


def differences(record: Record, ask: Callable[[], ChatResult]) -> list[str]:
    """What a record was heard to say that it does not say.

    Args:
        record: One of the corpus.
        ask: Hears it: returns a result or raises an APIError; AssertionErrors are reported.
    """
    expected = record["expected"]
    try:
        said = found(ask())
    except APIError as error:
        said = complaint(error)
    except AssertionError as error:
        return [str(error)]
    if expected["error"] and "error" not in said:
        return ["no error was raised"]
    return [
        f"{name}: {value!r} and not {expected[name]!r}"
        for name, value in said.items()
        if value != expected[name]
    ]


def report(chosen: Iterable[Record], ask: Callable[[Record], ChatResult]) -> dict[str, list[str]]:
    """The records that were not heard rightly, and how."""
    every = {each["id"]: differences(each, lambda each=each: ask(each)) for each in chosen}
    return {name: wrong for name, wrong in every.items() if wrong}


def at_once(body: bytes) -> list[bytes]:
    return [body]


def one_byte_per_read(body: bytes) -> Iterable[bytes]:
    return (body[i : i + 1] for i in range(len(body)))


def one_event_per_read(body: bytes) -> list[bytes]:
    return re.findall(rb".*?(?:\n\n|\r\n\r\n|\Z)", body, re.DOTALL)


def cut_inside_characters(body: bytes) -> list[bytes]:
    return re.split(rb"(?=[\x80-\xbf])", body)


def crlf(body: bytes) -> list[bytes]:
    return [re.sub(rb"\r\n|\r|\n", b"\r\n", body)]


def cr(body: bytes) -> list[bytes]:
    return [re.sub(rb"\r\n|\r|\n", b"\r", body)]


def without_space(body: bytes) -> list[bytes]:
    return [re.sub(rb"^data: ", b"data:", body, flags=re.MULTILINE)]


def with_bom(body: bytes) -> list[bytes]:
    return [b"\xef\xbb", b"\xbf" + body]


def with_comments(body: bytes) -> list[bytes]:
    return [re.sub(rb"^", b": keep-alive\n", body, flags=re.MULTILINE)]


def in_several_lines(body: bytes) -> list[bytes]:
    return [re.sub(rb"^data: ?\{(.*)\}", rb"data: {\ndata:\1\ndata: }", body, flags=re.MULTILINE)]


def with_line_separators(body: bytes) -> list[bytes]:
    separators = ("data: {" + '"s": "\u2028\u2029\u0085",').encode()
    return [re.sub(rb"^data: ?\{", separators, body, flags=re.MULTILINE)]


def without_last_blank_line(body: bytes) -> list[bytes]:
    return [body.rstrip(b"\r\n")]


def with_white_space(body: bytes) -> list[bytes]:
    return [b"\n         \n\n" * 5 + body + b"\n"]


STREAM_VARIANTS: list[Cut] = [
    one_event_per_read,
    at_once,
    cut_inside_characters,
    crlf,
    cr,
    without_space,
    with_bom,
    with_comments,
    in_several_lines,
    with_line_separators,
    without_last_blank_line,
]
