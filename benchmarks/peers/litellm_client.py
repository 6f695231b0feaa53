# ruff: noqa: D102, PERF401 - each method is what its name says; as one writes it by hand
# /// script
# dependencies = ["litellm<1.109.1"]
# [tool.benchmark]
# place = 41
# title = "litellm"
# distribution = "litellm"
# imports = "import litellm"
# ///
"""litellm's functions, for an OpenAI-compatible server; it has no client to make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import litellm
from child import MODEL, TIMEOUT_S, Messages, serve


class Client:
    """With its defaults but for retries and time-outs."""

    def __init__(self, base_url: str) -> None:
        self._given: dict[str, Any] = {
            "model": f"openai/{MODEL}",
            "api_base": base_url,
            "api_key": "none",
            "timeout": TIMEOUT_S,
            "max_retries": 0,
        }

    def call(self, messages: Messages) -> str:
        return litellm.completion(messages=messages, **self._given).choices[0].message.content

    async def acall(self, messages: Messages) -> str:
        answer = await litellm.acompletion(messages=messages, **self._given)
        return answer.choices[0].message.content

    def stream(self, messages: Messages) -> Iterator[str]:
        for chunk in litellm.completion(messages=messages, stream=True, **self._given):
            yield chunk.choices[0].delta.content or ""

    async def astream(self, messages: Messages) -> AsyncIterator[str]:
        answer = await litellm.acompletion(messages=messages, stream=True, **self._given)
        async for chunk in answer:
            yield chunk.choices[0].delta.content or ""

    def arguments(self, messages: Messages) -> str:
        parts: list[str] = []
        for chunk in litellm.completion(messages=messages, stream=True, **self._given):
            for call in chunk.choices[0].delta.tool_calls or ():
                parts.append(call.function.arguments)
        return "".join(parts)


if __name__ == "__main__":
    serve(Client)
