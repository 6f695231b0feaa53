"""Errors as single providers spell them: rows for each."""

from __future__ import annotations

from typing import Any

from pieces import HI, STOP, USAGE
from rows import Row, body_of, broken, refusal, refused, row, unannounced, whole

from lexilux_like.testing import DONE, Reply, chunk, json_reply, sse
from lexilux_like.values.errors import (
    APIError,
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)


def verdict(code: Any, message: str = "No") -> dict[str, Any]:
    return {"base_resp": {"status_code": code, "status_msg": message}}


MINIMAX = [
    *(
        each
        for code, error in [
            (1000, ServerError),
            (1001, ServerError),
            (1002, RateLimitError),
            (1004, AuthenticationError),
            (1008, QuotaExceededError),
            (1013, ServerError),
            (1024, ServerError),
            (1026, InvalidRequestError),
            (1027, InvalidRequestError),
            (1033, ServerError),
            (1039, RateLimitError),
            (1041, RateLimitError),
            (1042, InvalidRequestError),
            (2013, InvalidRequestError),
            (2045, RateLimitError),
            (2049, AuthenticationError),
            (2056, QuotaExceededError),
            (7, APIError),
        ]
        for each in refused(f"MiniMax {code}", verdict(code), error=error, code=code)
    ),
    *refused(
        "MiniMax 1004 beside null choices",
        {"id": "c", "choices": None, "usage": {"total_tokens": 0}, **verdict(1004)},
        error=AuthenticationError,
        code=1004,
    ),
    broken(
        "MiniMax 1027 in an event of its own",
        *(HI, sse(verdict(1027))),
        error=InvalidRequestError,
        code=1027,
    ),
    broken(
        "MiniMax 1002 beside choices keeps their text",
        sse(chunk({"content": "Hi"}) | verdict(1002)),
        error=RateLimitError,
        code=1002,
    ),
    row("MiniMax 0 is success", HI, sse(chunk({}, finish_reason="stop") | verdict(0, ""))),
    whole("MiniMax 0 is success, whole", body_of({"content": "Hi"}, **verdict(0, ""))),
    row(
        "MiniMax ends with usage and no delta",
        HI,
        sse({"choices": [{"index": 0, "finish_reason": "stop"}], "usage": USAGE}),
        usage=(3, 4, 7),
    ),
    row(
        "MiniMax repeats the whole message at the end",
        HI,
        sse(
            {
                "object": "chat.completion",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": "Hi"},
                    }
                ],
                "usage": USAGE,
                **verdict(0, ""),
            }
        ),
        usage=(3, 4, 7),
    ),
    row("MiniMax sends an empty role", sse(chunk({"role": "", "content": "Hi"})), STOP),
    broken(
        "MiniMax names the HTTP status in an event",
        HI,
        sse({"type": "error", "error": {"type": "odd", "message": "No", "http_code": "401"}}),
        error=AuthenticationError,
    ),
]
REFUSALS = [
    *(
        each
        for status in (400, 413)
        for each in refusal(
            f"Cerebras refuses with {status} and an empty body",
            Reply(status, {}, b""),
            error=InvalidRequestError,
            message="",
        )
    ),
    *refused(
        "xAI's error in a 200",
        {"code": "Client specified an invalid argument", "error": "No"},
        error=InvalidRequestError,
        code="Client specified an invalid argument",
    ),
    *refused(
        "OpenRouter's error in a 200",
        {"error": {"message": "No", "code": 429, "metadata": {"provider_name": "X"}}},
        error=RateLimitError,
        code=429,
    ),
    *refused(
        "OpenRouter's error in a choice of a 200",
        {
            "choices": [
                {"message": None, "finish_reason": None, "error": {"code": 502, "message": "No"}}
            ]
        },
        error=ServerError,
        code=502,
        status="interrupted",
    )[:1],
    *refused(
        "OpenRouter's error after white space",
        b"\n         \n" * 9 + b'{"error": {"message": "No", "code": 502}}',
        error=ServerError,
        code=502,
    ),
    *refusal(
        "Azure's content filter on the prompt",
        json_reply(
            {
                "error": {
                    "message": "No",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                    "innererror": {
                        "code": "ResponsibleAIPolicyViolation",
                        "content_filter_result": {"violence": {"filtered": True}},
                    },
                }
            },
            400,
        ),
        error=InvalidRequestError,
        code="content_filter",
    ),
    *refusal(
        "Z.ai has no credit left",
        json_reply({"error": {"code": "1113", "message": "Insufficient balance."}}, 429),
        error=QuotaExceededError,
        code="1113",
        message="Insufficient balance.",
    ),
    broken(
        "Groq's x_groq.error",
        *(HI, sse(chunk({}, x_groq={"id": "r", "error": "over capacity"}))),
        error=APIError,
        message="over capacity",
    ),
    broken(
        "Ollama's error event",
        *(HI, b'data: {"error": {"message": "No", "type": "api_error"}}\n\n'),
        error=ServerError,
    ),
    broken("Ollama's error line", *(HI, sse({"error": "No"})), error=APIError),
    unannounced("Ollama's clean end after an error that it lost", HI, sse(chunk({"content": ""}))),
    broken(
        "Mistral's finish reason error",
        *(HI, sse(chunk({}, finish_reason="error")), DONE),
        error=ServerError,
        message="the server ended the answer with the finish reason 'error'",
        finish="error",
        word="error",
    ),
]
PROVIDER_ERRORS: list[Row] = [*MINIMAX, *REFUSALS]
