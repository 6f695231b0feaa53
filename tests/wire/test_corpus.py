"""Recorded responses of many providers, in every byte-level variant, against what they say."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from lexilux_like.values.errors import APIError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult
from lexilux_like.wire.encoding import Inflater
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder

Record = dict[str, Any]
Cut = Callable[[bytes], Iterable[bytes]]
DIALECT, REQUEST = OpenAIDialect(), ChatRequest("m", [])


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


def compressed(body: bytes) -> Iterable[bytes]:
    inflater = Inflater("gzip", 48 * 1024 * 1024)
    packed = gzip.compress(body)
    for i in range(0, len(packed), 100):
        yield from inflater.feed(packed[i : i + 100])
    yield inflater.end()


def heard(record: Record, reads: Iterable[bytes]) -> ChatResult:
    """What a record's body says, streamed or whole."""
    head = Response(record["status"], record["response_headers"])
    if not record["stream"] or record["status"] != 200:
        response = Response(head.status, head.headers, b"".join(reads))
        DIALECT.check(response)
        return DIALECT.decode(response, REQUEST)
    decoder, answer, text = SSEDecoder(), DIALECT.answer(REQUEST, head), ""
    events = [event for data in reads for event in decoder.feed(data)] + decoder.flush()
    for event in events:
        for chunk in answer.feed(event):
            text += chunk.delta if chunk.index == 0 else ""
    assert answer.announced, "the end was not announced"
    text += answer.last_chunk().delta
    assert text == answer.so_far().text, "the chunks do not add up to the result"
    return answer.so_far()


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


def differences(record: Record, reads: Iterable[bytes]) -> list[str]:
    """What a record was heard to say that it does not say."""
    expected = record["expected"]
    try:
        said = found(heard(record, reads))
    except APIError as error:
        said = {
            "error": {
                "status": error.status_code,
                "message": error.provider_message,
                "code": error.code,
                "type": error.type,
            }
        }
    except AssertionError as error:
        return [str(error)]
    if expected["error"] and "error" not in said:
        return ["no error was raised"]
    return [
        f"{name}: {value!r} and not {expected[name]!r}"
        for name, value in said.items()
        if value != expected[name]
    ]


def report(records: Iterable[Record], cut: Cut) -> dict[str, list[str]]:
    """The records that were not heard rightly, and how."""
    every = {each["id"]: differences(each, cut(each["body"].encode())) for each in records}
    return {name: wrong for name, wrong in every.items() if wrong}


def streams(corpus: list[Record]) -> list[Record]:
    return [each for each in corpus if each["stream"] and each["status"] == 200]


def test_every_record_says_what_is_expected(corpus: list[Record]) -> None:
    assert len(corpus) > 1_700
    assert report(corpus, at_once) == {}


@pytest.mark.parametrize(
    "variant",
    [
        one_event_per_read,
        cut_inside_characters,
        crlf,
        cr,
        without_space,
        with_bom,
        with_comments,
        in_several_lines,
        with_line_separators,
        without_last_blank_line,
        compressed,
    ],
)
def test_every_stream_says_the_same_in_the_variant(variant: Cut, corpus: list[Record]) -> None:
    assert report(streams(corpus), variant) == {}


def test_streams_say_the_same_byte_by_byte(corpus: list[Record]) -> None:
    short = [each for each in streams(corpus) if len(each["body"]) < 20_000]
    assert len(short) > 100
    assert report(short[::2], one_byte_per_read) == {}


def with_white_space(body: bytes) -> list[bytes]:
    return [b"\n         \n\n" * 5 + body + b"\n"]


@pytest.mark.parametrize("variant", [with_white_space, with_bom, compressed])
def test_every_whole_body_says_the_same_in_the_variant(variant: Cut, corpus: list[Record]) -> None:
    whole = [each for each in corpus if not each["stream"]]
    assert report(whole, variant) == {}


def test_every_whole_error_body_is_found_under_status_200(corpus: list[Record]) -> None:
    bodies = [each for each in corpus if each["status"] != 200]
    hidden = [{**each, "status": 200, "stream": False} for each in bodies]
    plain = {each["id"] for each in bodies if not each["body"].lstrip().startswith("{")}
    wrong = report([each for each in hidden if each["id"] not in plain], at_once)
    assert all(
        len(lines) == 1 and "'status': 200" in lines[0] and "no error" not in lines[0]
        for lines in wrong.values()
    )
    assert len(wrong) == len(bodies) - len(plain)


def test_every_cut_of_a_stream_is_a_prefix_and_never_whole(corpus: list[Record]) -> None:
    short = [each for each in streams(corpus) if 1_000 < len(each["body"]) < 6_000]
    for record in short[::4]:
        body = record["body"].encode()
        for place in range(0, len(body), 97):
            answer = DIALECT.answer(REQUEST, Response(200, {}))
            for event in SSEDecoder().feed(body[:place]):
                answer.feed(event)
            so_far = answer.so_far()
            assert record["expected"]["text"].startswith(so_far.text), record["id"]
            assert answer.announced or not so_far.complete, record["id"]


def test_raw_is_the_servers_own_json(corpus: list[Record]) -> None:
    whole = next(each for each in corpus if not each["stream"] and each["status"] == 200)
    response = Response(200, {}, whole["body"].encode())
    result = DIALECT.decode(response, ChatRequest("m", [], keep_raw=True))
    assert result.raw == json.loads(whole["body"])
