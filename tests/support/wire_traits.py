"""Traits of 4,303 recorded responses of 50 providers, numbered by how frequent they are."""

from __future__ import annotations

from typing import Any

from pieces import HI, STOP, USAGE, called, piece, said
from rows import Row, body_of, broken, refusal, refused, row, unannounced, whole
from wire_table import CALLS, REASONED

from lexilux_like.testing import DONE, Reply, chunk, json_reply, sse
from lexilux_like.values.errors import APIError, InvalidRequestError, ServerError

CALL = piece("{}", index=0, id="a", name="f")
ONE = [("a", "f", "{}")]
PAIR = [piece("{}", id="a", name="f"), piece('{"y": 1}', id="b", name="f")]
TWO = [("a", "f", "{}"), ("b", "f", '{"y": 1}')]
THOUGHT = {"reasoning": "why", "reasoning_details": [{"type": "reasoning.text", "text": "why"}]}
FUNCTION = {"function_call": {"name": "f", "arguments": '{"x": 1}'}}


def perplexity(text: str, so_far: str) -> bytes:
    event = chunk({"content": text})
    event["choices"][0]["message"] = {"role": "assistant", "content": so_far}
    return sse(event)


def ended(word: Any, *before: bytes) -> tuple[bytes, ...]:
    return *before, sse(chunk({}, finish_reason=word)), DONE


TEXTS = [
    row("01 a delta without content", sse(chunk({"role": "assistant"})), HI, STOP, DONE),
    row("02 usage after the finish reason", HI, STOP, sse(chunk(usage=USAGE)), usage=(3, 4, 7)),
    row(
        "03 usage beside the finish reason",
        *(HI, sse(chunk({}, finish_reason="stop", usage=USAGE)), DONE),
        usage=(3, 4, 7),
    ),
    whole("03 usage of a whole body", body_of({"content": "Hi"}, usage=USAGE), usage=(3, 4, 7)),
    row("04 null content in a delta", sse(chunk({"content": None})), HI, STOP),
    whole("04 null content in a message", body_of({"content": None}), text=""),
    whole("04 no content in a message", body_of({"role": "assistant"}), text=""),
    row("06 raw UTF-8", said("héllo 😀"), STOP, text="héllo 😀"),
    whole(
        "06 raw UTF-8, whole",
        '{"choices": [{"message": {"content": "é"}}]}'.encode(),
        text="é",
        status="unknown",
        finish=None,
        word=None,
    ),
    row("07 no usage at all", HI, STOP, DONE),
    Row(
        "08 white space before a whole body",
        b"\n         \n\n" * 20 + b'{"choices": [{"message": {"content": "Hi"},'
        b' "finish_reason": "stop"}]}',
        whole("", {}).expected,
        whole=True,
    ),
    row(
        "09 a finish reason in two chunks",
        *(HI, STOP, sse(chunk({"content": ""}, finish_reason="stop", usage=USAGE)), DONE),
        usage=(3, 4, 7),
    ),
    row(
        "10 comments",
        *(b": OPENROUTER PROCESSING\n\n" * 3, HI, b": ping\n", STOP, b": x\n\n", DONE),
    ),
    row(
        "12 a choice without the finish_reason key",
        sse({"choices": [{"index": 0, "delta": {"content": "Hi"}}]}),
        STOP,
    ),
    *(
        row(f"13 object {kind!r}", sse({**chunk({"content": "Hi"}), "object": kind}), STOP)
        for kind in (None, "", "chat.completion.done", "text_completion")
    ),
    row("14 empty choices first", sse({"choices": [], "prompt_filter_results": []}), HI, STOP),
    row(
        "15 usage in content chunks, then nulls",
        sse(chunk({"content": "Hi"}, usage=USAGE)),
        sse(chunk({}, usage=dict.fromkeys(USAGE))),
        sse(chunk({}, finish_reason="stop", usage=None)),
        usage=(3, 4, 7),
    ),
    row(
        "16 text beside the finish reason",
        *(said("H"), sse(chunk({"content": "i"}, finish_reason="stop")), DONE),
    ),
    row(
        "22 choices interleaved by index",
        *(sse(chunk({"content": t}, index=i)) for t, i in (("a", 1), ("H", 0), ("c", 1), ("i", 0))),
        *(sse(chunk({}, index=i, finish_reason="stop")) for i in (0, 1)),
        options={"extra": {"n": 2}},
        others=[("ac", "complete")],
    ),
    whole(
        "22 two choices, whole",
        {
            "choices": [
                {"index": i, "message": {"content": t}, "finish_reason": "stop"}
                for i, t in ((1, "ac"), (0, "Hi"))
            ]
        },
        options={"extra": {"n": 2}},
        others=[("ac", "complete")],
    ),
    row(
        "23 Groq's x_groq.usage",
        *(sse(chunk({}, x_groq={"id": "r"})), HI),
        sse(chunk({}, finish_reason="stop", x_groq={"id": "r", "usage": USAGE})),
        usage=(3, 4, 7),
    ),
    row("27 no [DONE]", HI, STOP),
    row(
        "30 a full message beside the delta",
        perplexity("H", "H"),
        perplexity("i", "Hi"),
        perplexity("", "Hi"),
        STOP,
    ),
    row(
        "30 a full message in place of deltas",
        sse(
            {
                "choices": [
                    {
                        "index": 0,
                        "message": {"content": "Hi", "tool_calls": PAIR},
                        "finish_reason": "tool_calls",
                    }
                ]
            }
        ),
        DONE,
        calls=TWO,
        **CALLS | {"text": "Hi"},
    ),
]
TOOLS = [
    row("11 a whole call in the first piece", called([CALL]), calls=ONE, **CALLS),
    row(
        "17 tool calls beside the finish reason",
        *(sse(chunk({"tool_calls": [CALL]}, finish_reason="tool_calls")), DONE),
        calls=ONE,
        **CALLS,
    ),
    row(
        "18 tool calls with the finish reason stop",
        *ended("stop", sse(chunk({"tool_calls": [CALL]}))),
        text="",
        calls=ONE,
        status="tool_calls",
    ),
    whole(
        "18 tool calls with the finish reason stop, whole",
        body_of({"content": None, "tool_calls": [CALL]}),
        text="",
        calls=ONE,
        status="tool_calls",
    ),
    whole(
        "18 tool calls with the finish reason length",
        body_of({"content": None, "tool_calls": [CALL]}, "length"),
        text="",
        cut_calls=ONE,
        status="truncated",
        finish="length",
        word="length",
    ),
    row("20 an empty list of tool calls", sse(chunk({"content": "Hi", "tool_calls": []})), STOP),
    whole("20 an empty list of tool calls, whole", body_of({"content": "Hi", "tool_calls": []})),
    *(
        row(
            f"21 arguments {arguments!r}",
            called([piece(arguments, index=0, id="a", name="f")]),
            calls=[("a", "f", arguments)],
            **CALLS,
        )
        for arguments in ('{"x": ', "")
    ),
    row("28 two calls in one delta, without index", called(PAIR), calls=TWO, **CALLS),
    row(
        "28 two calls in one delta, without index and id",
        called([piece("{}", name="f"), piece('{"y": 1}', name="f")]),
        calls=[("", "f", "{}"), ("", "f", '{"y": 1}')],
        **CALLS,
    ),
    row(
        "35 a numeric id",
        called([piece({"x": 1}, index=0, id=0, name="f")]),
        calls=[("0", "f", '{"x": 1}')],
        **CALLS,
    ),
    row(
        "35 a legacy function_call",
        *(
            sse(chunk({"function_call": part}))
            for part in (
                {"name": "f", "arguments": ""},
                {"name": "", "arguments": '{"x"'},
                {"name": None, "arguments": ": 1}"},
            )
        ),
        *ended("function_call"),
        fields=FUNCTION,
        **CALLS | {"word": "function_call"},
    ),
    whole(
        "35 a legacy function_call, whole",
        body_of({"content": None, **FUNCTION}, "function_call"),
        fields=FUNCTION,
        **CALLS | {"word": "function_call"},
    ),
]
THOUGHTS = [
    row(
        "19 reasoning_details with the text of reasoning",
        *(sse(chunk(THOUGHT)), HI, STOP),
        reasoning_field="reasoning",
        fields={"reasoning_details": THOUGHT["reasoning_details"]},
        **REASONED,
    ),
    row(
        "19 reasoning_details alone",
        *(sse(chunk({"reasoning_details": THOUGHT["reasoning_details"]})), HI, STOP),
        fields={"reasoning_details": THOUGHT["reasoning_details"]},
        **REASONED,
    ),
    whole(
        "19 reasoning_details with the text of reasoning, whole",
        body_of({"content": "Hi", **THOUGHT}),
        reasoning="why",
        reasoning_field="reasoning",
        fields={"reasoning_details": THOUGHT["reasoning_details"]},
    ),
    row(
        "24 a refusal with null content",
        *(sse(chunk({"content": None, "refusal": "No."})), STOP),
        text="",
        refusal="No.",
        status="refused",
    ),
    whole(
        "24 a refusal with null content, whole",
        body_of({"content": None, "refusal": "No."}),
        text="",
        refusal="No.",
        status="refused",
    ),
    row(
        "25 a <think> block cut anywhere",
        *(said("<th", "ink>wh", "y</thi", "nk>", "\nHi"), STOP, DONE),
        options={"reasoning": True, "include_reasoning": True},
        reasoning="why",
        reasoning_field="<think>",
    ),
    row(
        "25 a <think> block that nobody asked for",
        said("<think>why</think>Hi"),
        STOP,
        text="<think>why</think>Hi",
    ),
    whole(
        "25 a <think> block, whole",
        body_of({"content": "<think>why</think>\nHi"}),
        options={"reasoning": True},
        reasoning="why",
        reasoning_field="<think>",
    ),
    row(
        "29 content as a list of texts",
        sse(chunk({"content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]})),
        STOP,
    ),
    row(
        "35 content that is a JSON object", sse(chunk({"content": {"a": 1}})), STOP, text='{"a": 1}'
    ),
]
WORDS = [
    *(
        row(f"31 the finish reason {word}", *ended(word, HI), word=word)
        for word in ("eos", "eos_token", "stop_sequence")
    ),
    unannounced(
        "31 an empty finish reason", sse(chunk({"content": "Hi"}, finish_reason="")), word=""
    ),
    row(
        "31 an empty finish reason, and [DONE]",
        *ended("", HI),
        status="unknown",
        finish=None,
        word="",
    ),
    row("31 an empty finish reason after a real one", HI, *ended("")[:1], STOP, *ended("")),
    row(
        "31 an empty finish reason with tool calls",
        *ended("", sse(chunk({"tool_calls": [CALL]}))),
        calls=ONE,
        **CALLS | {"word": ""},
    ),
    row("31 a null finish reason", HI, DONE, status="unknown", finish=None, word=None),
    row("32 CRLF", (HI + STOP + DONE).replace(b"\n", b"\r\n")),
    row("32 data:{ without a space", (HI + STOP).replace(b"data: ", b"data:")),
    row("32 the last event without its blank line", (HI + STOP)[:-2]),
]
ERRORS = [
    *(
        each
        for shape, body, message, code in [
            ("a numeric code", {"error": {"code": 400, "message": "No"}}, "No", 400),
            ("message and code", {"message": "No", "code": "x"}, "No", "x"),
            ("detail", {"detail": "No"}, "No", None),
            ("a list of details", {"detail": [{"loc": ["body"], "msg": "No"}]}, "body: No", None),
            ("error as a text", {"error": "No"}, "No", None),
        ]
        for each in refusal(
            f"26 an error body with {shape}",
            json_reply(body, 400),
            error=InvalidRequestError,
            message=message,
            code=code,
        )
    ),
    *refusal(
        "26 a plain text",
        Reply(400, {"content-type": "text/plain"}, b"No"),
        error=InvalidRequestError,
    ),
    broken(
        "34 an error: line",
        *(HI, b'error: {"code": 503, "message": "No"}\n\n'),
        error=ServerError,
        code=503,
    ),
    *refused("34 an error in place of a stream", {"error": {"message": "No"}}, error=APIError),
    whole("35 a choice without a message", {"choices": [{"finish_reason": "stop"}]}, text=""),
]
TRAITS: list[Row] = [*TEXTS, *TOOLS, *THOUGHTS, *WORDS, *ERRORS]
