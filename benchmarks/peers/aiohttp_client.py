# ruff: noqa: D102 - each method is what its name says
# /// script
# dependencies = ["aiohttp"]
# [tool.benchmark]
# place = 22
# title = "aiohttp + json"
# distribution = "aiohttp"
# imports = "import aiohttp"
# ///
"""aiohttp and the json module, as one writes it by hand; it is async only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
from child import TIMEOUT_S, Messages, delta_of, payload, serve

PREFIX = b"data: "


class Client:
    """With its defaults but for time-outs; connections are not bounded, as its users have it."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self._kept: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._kept is None:
            limits = aiohttp.ClientTimeout(total=TIMEOUT_S)
            connector = aiohttp.TCPConnector(limit=0)
            self._kept = aiohttp.ClientSession(timeout=limits, connector=connector)
        return self._kept

    async def acall(self, messages: Messages) -> str:
        async with self._session.post(self._url, json=payload(messages)) as response:
            return (await response.json())["choices"][0]["message"]["content"]

    async def astream(self, messages: Messages) -> AsyncIterator[str]:
        body = payload(messages, stream=True)
        async with self._session.post(self._url, json=body) as response:
            async for line in response.content:
                if line.startswith(PREFIX) and not line.startswith(b"[DONE]", len(PREFIX)):
                    yield delta_of(json.loads(line[len(PREFIX) :])).get("content") or ""

    async def aclose(self) -> None:
        await self._session.close()


if __name__ == "__main__":
    serve(Client)
