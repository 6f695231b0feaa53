"""What single providers do differently: rows for each."""

from __future__ import annotations

from typing import Any

from pieces import HI, STOP, USAGE, called, piece, said
from rows import Row, body_of, broken, row, unannounced, whole
from wire_table import CALLS, REASONED

from lexilux_like.testing import DONE, chunk, sse
from lexilux_like.values.errors import (
    InvalidRequestError,
)

MARKER = "__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_f4e9a8d2c6b14d0c__"
LM_STUDIO = {"provider": "lmstudio"}
THINKING: dict[str, Any] = {"reasoning": "why", "reasoning_field": "reasoning_content"}
SHOWN = REASONED | THINKING


def ended(word: str, *before: bytes, **fields: Any) -> tuple[bytes, ...]:
    return *before, sse(chunk({}, finish_reason=word, **fields)), DONE


def of(client: dict[str, Any], given: Row) -> Row:
    """The row, asked by a client with options."""
    return Row(given.claim, given.sent, given.expected, given.whole, given.options, client)


LMSTUDIO = [
    of(
        LM_STUDIO,
        row(
            "LM Studio's marker at the end of the reasoning",
            *(sse(chunk({"reasoning_content": f"why{MARKER}"})), HI, STOP),
            **SHOWN,
        ),
    ),
    of(
        LM_STUDIO,
        row(
            "LM Studio's marker cut anywhere",
            *(sse(chunk({"reasoning_content": part})) for part in ("why__LM", *MARKER[4:])),
            *(HI, STOP),
            **SHOWN,
        ),
    ),
    of(
        LM_STUDIO,
        whole(
            "LM Studio's marker after reasoning in the text",
            body_of({"content": f"why{MARKER}Hi"}),
            **THINKING,
        ),
    ),
    of(LM_STUDIO, row("LM Studio's marker between two texts", said("H", MARKER, "i"), STOP)),
    of(
        LM_STUDIO,
        row(
            "what only looks like LM Studio's marker",
            said("Hi", MARKER[:60]),
            STOP,
            text=f"Hi{MARKER[:60]}",
        ),
    ),
    row("LM Studio's marker from another server", said(MARKER), STOP, text=MARKER),
    unannounced("LM Studio's stream when the context is too small", HI),
    unannounced(
        "LM Studio's stream of nothing but a role", sse(chunk({"role": "assistant"})), text=""
    ),
    broken(
        "LM Studio's overflow as an event",
        b"event: error\n"
        b'data: {"error": {"message": "The number of tokens to keep from the initial prompt is'
        b' greater than the context length."}}\n\n',
        text="",
        status=None,
        error=InvalidRequestError,
        context_exceeded=True,
        message="The number of tokens to keep from the initial prompt is greater than the"
        " context length.",
    ),
]
FIELDS = [
    row(
        "xAI's reasoning in two fields counts once",
        *(sse(chunk({"reasoning_content": t, "reasoning": t})) for t in ("w", "hy")),
        *(HI, STOP),
        **SHOWN,
    ),
    row(
        "xAI's empty word with tool calls",
        sse(chunk({"tool_calls": [piece("{}", index=0, id="a", name="f")]}, finish_reason="")),
        DONE,
        calls=[("a", "f", "{}")],
        **CALLS | {"word": ""},
    ),
    row(
        "Moonshot's choice.usage",
        HI,
        sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}]}),
        DONE,
        usage=(3, 4, 7),
    ),
    row(
        "Gemini's tool deltas without index",
        called([piece("{}", id="a", name="f")], [piece('{"y": 1}', id="b", name="g")]),
        calls=[("a", "f", "{}"), ("b", "g", '{"y": 1}')],
        **CALLS,
    ),
    row(
        "Gemini's tool deltas without index and id",
        called([piece("{}", id="", name="f")], [piece("{}", id="", name="g")]),
        calls=[("", "f", "{}"), ("", "g", "{}")],
        **CALLS,
    ),
    row(
        "SGLang's arguments before the name",
        called([piece('{"x":', index=0)], [piece(" 1}", index=0, id="a", name="f")]),
        calls=[("a", "f", '{"x": 1}')],
        **CALLS,
    ),
    row(
        "OpenRouter's native_finish_reason",
        *(
            HI,
            sse(
                {
                    "choices": [
                        {
                            "index": 0,
                            "delta": {},
                            "finish_reason": "stop",
                            "native_finish_reason": "STOP",
                        }
                    ]
                }
            ),
        ),
    ),
    row(
        "Azure's filter on the answer",
        *(
            HI,
            sse({"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}}]}),
        ),
        *ended("content_filter"),
        status="filtered",
        finish="content_filter",
        word="content_filter",
    ),
    row(
        "Azure's late filter results without delta and finish reason",
        *(HI, STOP, sse({"choices": [{"index": 0, "content_filter_offsets": {"start": 0}}]}), DONE),
    ),
    row(
        "vLLM's stop_reason",
        *(
            HI,
            sse(
                {
                    "choices": [
                        {
                            "index": 0,
                            "delta": {"content": ""},
                            "finish_reason": "stop",
                            "stop_reason": 128001,
                            "token_ids": None,
                        }
                    ]
                }
            ),
        ),
    ),
    row(
        "vLLM's continuous_usage_stats",
        *(
            sse(chunk({"content": t}, usage={"prompt_tokens": 3, "completion_tokens": i}))
            for i, t in enumerate("Hi", 1)
        ),
        sse(chunk({}, finish_reason="stop", usage={"prompt_tokens": 3, "completion_tokens": 3})),
        sse(chunk(usage=USAGE)),
        usage=(3, 4, 7),
    ),
    row(
        "Databricks' cumulative usage",
        *(
            sse(
                chunk(
                    {"content": t}, usage={**USAGE, "completion_tokens": i, "total_tokens": 3 + i}
                )
            )
            for i, t in enumerate("Hi", 1)
        ),
        *ended("stop", usage=USAGE),
        usage=(3, 4, 7),
    ),
    row(
        "DeepSeek's reasoning, its keep-alive comments and null content",
        b": keep-alive\n\n" * 3,
        sse(chunk({"role": "assistant", "content": None, "reasoning_content": "why"})),
        sse(chunk({"content": "Hi", "reasoning_content": None})),
        STOP,
        **SHOWN,
    ),
    row(
        "the compatible layer of Anthropic",
        sse(chunk({"role": "assistant"})),
        HI,
        sse({**chunk({}, finish_reason="stop"), "id": "msg_1", "service_tier": None}),
        DONE,
    ),
]
FINISHES = [
    row(f"{who}'s finish reason {word}", *ended(word, HI), word=word, finish=finish, status=status)
    for who, word, finish, status in [
        ("Z.ai", "sensitive", "content_filter", "filtered"),
        ("Z.ai", "network_error", "error", "interrupted"),
        ("Z.ai", "model_context_window_exceeded", "length", "context_exceeded"),
        ("Mistral", "model_length", "length", "truncated"),
        ("DeepSeek", "insufficient_system_resource", "error", "interrupted"),
        ("Together", "eos", "stop", "complete"),
        ("TGI", "eos_token", "stop", "complete"),
        ("TGI", "stop_sequence", "stop", "complete"),
        ("Cohere", "COMPLETE", "stop", "complete"),
        ("Cohere", "MAX_TOKENS", "length", "truncated"),
        ("Bedrock", "guardrail_intervened", "content_filter", "filtered"),
        ("Groq", "function_call", "tool_calls", "tool_calls"),
    ]
]
PROVIDERS: list[Row] = [*LMSTUDIO, *FIELDS, *FINISHES]
