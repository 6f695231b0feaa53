"""What servers may send beside what was recorded: rows for each case."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pieces import CALLED, HI, STOP, USAGE, said
from rows import Row, body_of, broken, refused, row, whole
from wire_table import CALLS, STREAM, chunked

from lexilux_like.testing import DONE, Pause, Reply, Send, chunk, sse
from lexilux_like.values.errors import ResponseFormatError, ServerError

SAID = said("H", "é", "😀", " i") + STOP + DONE
WORDS = {"text": "Hé😀 i"}
SPLIT = re.split(
    rb"(?<=\r)",
    b'data: {"choices": [\r\ndata: {"index": 0, "delta":\r\ndata: {"content": "Hi"}}]}\r\n\r\n',
)


def framed(claim: str, reply: Reply, **expected: Any) -> Row:
    """A stream in writes and under a head of its own."""
    return replace(row(claim, **expected), sent=reply)


def in_writes(claim: str, pieces: Iterable[bytes], **expected: Any) -> Row:
    return framed(claim, chunked(*map(Send, pieces)), **expected)


def each_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def mixed_ends(data: bytes) -> bytes:
    """The lines of `data`, ended by CR, LF and CRLF in turns, and never by CR before LF."""
    ends = (b"\r\n", b"\r", b"\n", b"\n", b"\r", b"\r\n")
    return b"".join(line + ends[i % 6] for i, line in enumerate(data.split(b"\n")[:-1]))


def half(text: bytes, name: bytes = b"content") -> bytes:
    """An event whose JSON string ends or begins inside a character."""
    return b'data: {"choices": [{"index": 0, "delta": {"%s": "%s"}}]}\n\n' % (name, text)


def coded(claim: str, encoding: str, body: bytes, **expected: Any) -> Row:
    reply = Reply(200, {**STREAM, "content-encoding": encoding}, body)
    return framed(claim, reply, **expected)


def choice_of(index: Any) -> tuple[bytes, bytes]:
    delta = {"content": "Hi"}
    return sse(chunk(delta, index=index)), sse(chunk({}, index=index, finish_reason="stop"))


LINES = [
    row("CRLF", SAID.replace(b"\n", b"\r\n"), **WORDS),
    row("CR", SAID.replace(b"\n", b"\r"), **WORDS),
    row("CR, LF and CRLF mixed", mixed_ends(SAID), **WORDS),
    in_writes("CRLF split over writes", re.split(rb"(?<=\r)", mixed_ends(SAID)), **WORDS),
    framed(
        "CRLF split over reads inside an event of several lines",
        chunked(*(step for part in SPLIT for step in (Send(part), Pause(0.02))), Send(STOP)),
    ),
    row("a byte-order mark", b"\xef\xbb\xbf", SAID, **WORDS),
    in_writes("a byte-order mark split over writes", [b"\xef", b"\xbb", b"\xbf", SAID], **WORDS),
    row("comments", SAID.replace(b"data:", b": ping\n: data: x\ndata:"), **WORDS),
    row(
        "id: and retry: fields",
        SAID.replace(b"data:", b"id: 3\nretry: 10\nretry: x\ndata:"),
        **WORDS,
    ),
    row("fields that nobody knows", SAID.replace(b"data:", b"mood: fine\ndata:"), **WORDS),
    in_writes("one byte a write", each_byte(SAID), **WORDS),
    in_writes("characters split over writes", re.split(rb"(?=[\x80-\xbf])", SAID), **WORDS),
    in_writes("events split inside their blank line", re.split(rb"(?<=\n)", SAID), **WORDS),
    row("the last event without its blank line", (HI + STOP)[:-2]),
    row("the last event without its second line end", (HI + STOP)[:-1]),
    row("an event of ten megabytes", said("x" * 10_000_000), STOP, text="x" * 10_000_000),
    row("invalid UTF-8", HI.replace(b"Hi", b"H\xff"), STOP, text="H\ufffd"),
]
DONES = [
    row("[DONE] twice", HI, STOP, DONE, DONE),
    row("data after [DONE]", HI, STOP, DONE, said(" more"), sse({"error": "late"})),
    row("white space around [DONE]", HI, STOP, b"data:  [DONE] \n\n"),
]
JSONS = [
    row(
        "NaN, a huge integer and duplicate keys",
        b'data: {"x": NaN, "y": ' + b"9" * 4_000 + b', "choices": [], "choices": '
        b'[{"index": 0, "delta": {"content": "a", "content": "Hi"}}]}\n\n',
        STOP,
    ),
    whole(
        "NaN, a huge integer and duplicate keys, whole",
        b'{"x": NaN, "y": ' + b"9" * 4_000 + b', "choices": [], "choices": '
        b'[{"message": {"content": "a", "content": "Hi"}, "finish_reason": "stop"}]}',
    ),
    *(
        broken(
            f"{claim} in mid-stream",
            HI + b"data: " + data + b"\n\n",
            error=ResponseFormatError,
            message="",
        )
        for claim, data in [
            ("deep nesting", b"[" * 100_000),
            ("a number of thousands of digits", b'{"x": ' + b"9" * 5_000 + b"}"),
            ("no JSON", b"hello"),
            ("half a JSON object", b'{"choices": ['),
        ]
    ),
    *refused("deep nesting", b"[" * 100_000, error=ResponseFormatError, message=""),
    row(
        "a character cut in two JSON strings",
        half(rb"H\ud83d"),
        half(rb"\ude00i"),
        STOP,
        text="H😀i",
    ),
    row("half a character that stays alone", half(rb"H\ud83d"), HI, STOP, text="H\ufffdHi"),
    row("half a character at the end", half(rb"H\ud83d"), STOP, text="H\ufffd"),
    row(
        "half a character at [DONE]",
        *(half(rb"H\ud83d"), DONE),
        text="H\ufffd",
        status="unknown",
        finish=None,
        word=None,
    ),
    row(
        "reasoning cut inside a character",
        *(half(rb"\ud83d", b"reasoning"), half(rb"\ude00", b"reasoning"), HI, STOP),
        options={"include_reasoning": True},
        reasoning="😀",
        reasoning_field="reasoning",
    ),
    whole(
        "half a character, whole",
        rb'{"choices": [{"message": {"content": "H\ud83d"}, "finish_reason": "stop"}]}',
        text="H\ufffd",
    ),
    row(
        "arguments cut inside a character",
        *(
            b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a",'
            b' "function": {"name": "f", "arguments": "%s"}}]}}]}\n\n' % part
            for part in (rb"\ud83d", rb"\ude00")
        ),
        CALLED,
        calls=[("a", "f", "😀")],
        **CALLS,
    ),
]
ENCODINGS = [
    coded("gzip", "gzip", gzip.compress(SAID), **WORDS),
    coded("deflate", "deflate", zlib.compress(SAID), **WORDS),
    coded("deflate without zlib's header", "deflate", zlib.compress(SAID)[2:-4], **WORDS),
    *(
        Row(
            f"{encoding}, which was not asked for",
            coded("", encoding, b"\x0b\x02\x80Hi\x03").sent,
            broken("", error=ResponseFormatError, text="", status=None, message="").expected,
        )
        for encoding in ("br", "zstd")
    ),
    *(
        Row(
            f"a bomb of {encoding}",
            coded("", encoding, compress(bytes(60_000_000))).sent,
            broken("", error=ResponseFormatError, text="", status=None, message="").expected,
        )
        for encoding, compress in (("gzip", gzip.compress), ("deflate", zlib.compress))
    ),
    *(
        framed(
            f"Content-Type {kind!r}",
            Reply(200, {"content-type": kind} if kind else {}, SAID),
            **WORDS,
        )
        for kind in (None, "text/plain", "application/json", "text/html")
    ),
]
ROLES = [
    row(
        "the role in every chunk",
        *(sse(chunk({"role": "assistant", "content": text})) for text in "Hi"),
        STOP,
    ),
    *(
        row(f"a choice with the index {index}", *choice_of(index), index=index)
        for index in (1, -1, 10**30)
    ),
    *(
        row(f"a choice with the index {index!r}", *choice_of(index))
        for index in (None, "0", 0.0, [], {})
    ),
    row("empty deltas by the thousand", sse(chunk({})) * 5_000, HI, STOP),
    row("usage in the first chunk", sse(chunk({}, usage=USAGE)), HI, STOP, usage=(3, 4, 7)),
    row(
        "usage for each of two choices",
        *(
            sse(chunk({"content": "Hi"}, index=i))
            + sse(chunk({}, index=i, finish_reason="stop"))
            + sse(chunk(usage=USAGE))
            for i in (0, 1)
        ),
        DONE,
        options={"extra": {"n": 2}},
        usage=(6, 8, 14),
        others=[("Hi", "complete")],
    ),
    row(
        "usage once for two choices",
        *(
            sse(chunk({"content": "Hi"}, index=i)) + sse(chunk({}, index=i, finish_reason="stop"))
            for i in (0, 1)
        ),
        sse(chunk(usage=USAGE)),
        DONE,
        options={"extra": {"n": 2}},
        usage=(3, 4, 7),
        others=[("Hi", "complete")],
    ),
]
FIELDS = [
    row(
        "pieces of a refusal",
        *(sse(chunk({"content": None, "refusal": part})) for part in ("I ", "cannot.")),
        STOP,
        text="",
        refusal="I cannot.",
        status="refused",
    ),
    row(
        "log probabilities",
        *(
            sse(chunk({"content": t}, logprobs={"content": [{"token": t}], "refusal": None}))
            for t in "Hi"
        ),
        STOP,
        logprobs={"content": [{"token": "H"}, {"token": "i"}]},
    ),
    row(
        "pieces of audio",
        *(
            sse(chunk({"audio": part}))
            for part in (
                {"id": "a1", "transcript": "Hel"},
                {"transcript": "lo", "data": "QU"},
                {"data": "JD", "expires_at": 5},
            )
        ),
        STOP,
        text="",
        fields={"audio": {"id": "a1", "transcript": "Hello", "data": "QUJD", "expires_at": 5}},
    ),
    row(
        "annotations",
        *(sse(chunk({"annotations": [n], "mood": n})) for n in (1, 2)),
        HI,
        STOP,
        fields={"annotations": [1, 2], "mood": 2},
    ),
    whole(
        "audio and annotations, whole",
        body_of({"content": "Hi", "audio": {"id": "a", "data": "QQ=="}, "annotations": [1]}),
        fields={"audio": {"id": "a", "data": "QQ=="}, "annotations": [1]},
    ),
]
ERROR_EVENTS = [
    broken(f"an error event of {who}", HI, sse(event), error=ServerError, code=code)
    for who, event, code in [
        ("llama.cpp", {"error": {"code": 500, "message": "No", "type": "server_error"}}, 500),
        (
            "LiteLLM",
            {"error": {"message": "No", "type": None, "param": None, "code": "500"}},
            "500",
        ),
        ("vLLM", {"object": "error", "message": "No", "type": "internal", "code": 500}, 500),
        ("Groq", {"error": {"message": "No", "type": "server_error", "status_code": 500}}, None),
    ]
]
CASES: list[Row] = [
    *LINES,
    *DONES,
    *JSONS,
    *ENCODINGS,
    *ROLES,
    *FIELDS,
    *ERROR_EVENTS,
]
