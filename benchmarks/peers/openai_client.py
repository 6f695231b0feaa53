# ruff: noqa: D102, PERF401 - each method is what its name says; as one writes it by hand
# /// script
# dependencies = ["openai>=3"]
# [tool.benchmark]
# place = 40
# title = "openai"
# distribution = "openai"
# imports = "import openai"
# makes = "openai.OpenAI(base_url='http://127.0.0.1:9/v1', api_key='none')"
# ///
"""openai's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from child import MODEL, TIMEOUT_S, Messages, serve
from openai import AsyncOpenAI, OpenAI


class Client:
    """With its defaults but for retries and time-outs."""

    def __init__(self, base_url: str) -> None:
        given: dict[str, Any] = {"max_retries": 0, "timeout": TIMEOUT_S}
        self._sync = OpenAI(base_url=base_url, api_key="none", **given)
        self._async = AsyncOpenAI(base_url=base_url, api_key="none", **given)

    def call(self, messages: Messages) -> str:
        answer = self._sync.chat.completions.create(model=MODEL, messages=messages)
        return answer.choices[0].message.content

    async def acall(self, messages: Messages) -> str:
        answer = await self._async.chat.completions.create(model=MODEL, messages=messages)
        return answer.choices[0].message.content

    def stream(self, messages: Messages) -> Iterator[str]:
        create = self._sync.chat.completions.create
        for chunk in create(model=MODEL, messages=messages, stream=True):
            yield chunk.choices[0].delta.content or ""

    async def astream(self, messages: Messages) -> AsyncIterator[str]:
        create = self._async.chat.completions.create
        async for chunk in await create(model=MODEL, messages=messages, stream=True):
            yield chunk.choices[0].delta.content or ""

    def arguments(self, messages: Messages) -> str:
        create = self._sync.chat.completions.create
        parts: list[str] = []
        for chunk in create(model=MODEL, messages=messages, stream=True):
            for call in chunk.choices[0].delta.tool_calls or ():
                parts.append(call.function.arguments)
        return "".join(parts)


if __name__ == "__main__":
    serve(Client)
