# ruff: noqa: D102 - each method is what its name says
# /// script
# dependencies = ["lexilux==2.8.0"]
# [tool.benchmark]
# place = 42
# title = "lexilux"
# distribution = "lexilux"
# imports = "import lexilux"
# makes = "lexilux.Chat(base_url='http://127.0.0.1:9/v1', model='m', api_key='none')"
# ///
"""lexilux, the client whose interface ours resembles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from child import MODEL, TIMEOUT_S, Messages, serve
from lexilux import Chat


class Client:
    """With its defaults but for time-outs."""

    def __init__(self, base_url: str) -> None:
        self._chat = Chat(base_url=base_url, model=MODEL, api_key="none", timeout_s=TIMEOUT_S)

    def call(self, messages: Messages) -> str:
        return self._chat(messages).text

    async def acall(self, messages: Messages) -> str:
        return (await self._chat.acall(messages)).text

    def stream(self, messages: Messages) -> Iterator[str]:
        for chunk in self._chat.stream(messages):
            yield chunk.delta

    async def astream(self, messages: Messages) -> AsyncIterator[str]:
        async for chunk in await self._chat.astream(messages):
            yield chunk.delta

    def arguments(self, messages: Messages) -> str:
        whole = ""
        for chunk in self._chat.stream(messages):
            if chunk.tool_calls:
                whole = chunk.tool_calls[0].arguments
        return whole


if __name__ == "__main__":
    serve(Client)
