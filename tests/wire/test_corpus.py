"""Recorded responses of many providers, in every byte-level variant, against what they say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import partial

import pytest
from corpus import (
    STREAM_VARIANTS,
    Cut,
    Record,
    at_once,
    bodies,
    one_byte_per_read,
    records,
    report,
    streams,
    with_bom,
    with_white_space,
)

from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult
from lexilux_like.wire.encoding import Inflater
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder

DIALECT, REQUEST = OpenAIDialect(), ChatRequest("m", [])


def compressed(body: bytes) -> Iterable[bytes]:
    inflater = Inflater("gzip", 48 * 1024 * 1024)
    packed = gzip.compress(body)
    for i in range(0, len(packed), 100):
        yield from inflater.feed(packed[i : i + 100])
    yield inflater.end()


def heard(record: Record, *, cut: Cut = at_once) -> ChatResult:
    """What a record's body says, streamed or whole, in a variant of the wire."""
    reads = cut(record["body"].encode())
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


def test_every_record_says_what_is_expected() -> None:
    assert len(records()) > 1_700
    assert report(records(), heard) == {}


@pytest.mark.parametrize(
    "variant",
    [*STREAM_VARIANTS, compressed],
)
def test_every_stream_says_the_same_in_the_variant(variant: Cut) -> None:
    assert report(streams(), partial(heard, cut=variant)) == {}


def test_streams_say_the_same_byte_by_byte() -> None:
    short = [each for each in streams() if len(each["body"]) < 20_000]
    assert len(short) > 100
    assert report(short[::2], partial(heard, cut=one_byte_per_read)) == {}


@pytest.mark.parametrize("variant", [with_white_space, with_bom, compressed])
def test_every_whole_body_says_the_same_in_the_variant(variant: Cut) -> None:
    assert report(bodies(), partial(heard, cut=variant)) == {}


def test_every_whole_error_body_is_found_under_status_200() -> None:
    failed = [each for each in bodies() if each["status"] != 200]
    hidden = [{**each, "status": 200, "stream": False} for each in failed]
    plain = {each["id"] for each in failed if not each["body"].lstrip().startswith("{")}
    wrong = report([each for each in hidden if each["id"] not in plain], heard)
    assert all(
        len(lines) == 1 and "'status': 200" in lines[0] and "no error" not in lines[0]
        for lines in wrong.values()
    )
    assert len(wrong) == len(failed) - len(plain)


def test_every_cut_of_a_stream_is_a_prefix_and_never_whole() -> None:
    short = [each for each in streams() if 1_000 < len(each["body"]) < 6_000]
    for record in short[::4]:
        body = record["body"].encode()
        for place in range(0, len(body), 97):
            answer = DIALECT.answer(REQUEST, Response(200, {}))
            for event in SSEDecoder().feed(body[:place]):
                answer.feed(event)
            so_far = answer.so_far()
            assert record["expected"]["text"].startswith(so_far.text), record["id"]
            assert answer.announced or not so_far.complete, record["id"]


def test_raw_is_the_servers_own_json() -> None:
    whole = next(each for each in records() if not each["stream"] and each["status"] == 200)
    response = Response(200, {}, whole["body"].encode())
    result = DIALECT.decode(response, ChatRequest("m", [], keep_raw=True))
    assert result.raw == json.loads(whole["body"])
