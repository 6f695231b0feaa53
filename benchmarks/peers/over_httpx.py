# ruff: noqa: INP001, PERF401 - a script's neighbour, not a package; as one writes it by hand
"""What httpx and httpx2 have in common: their interface."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from child import TIMEOUT_S, Messages, delta_of, payload

PREFIX = "data: "


def client(library: Any) -> Callable[[str], Any]:
    """The client over one of them, with its defaults but for time-outs."""

    class Client:
        def __init__(self, base_url: str) -> None:
            self._url = f"{base_url}/chat/completions"
            self._sync = library.Client(timeout=TIMEOUT_S)
            self._async = library.AsyncClient(timeout=TIMEOUT_S)

        def call(self, messages: Messages) -> str:
            answer = self._sync.post(self._url, json=payload(messages)).json()
            return answer["choices"][0]["message"]["content"]

        async def acall(self, messages: Messages) -> str:
            answer = (await self._async.post(self._url, json=payload(messages))).json()
            return answer["choices"][0]["message"]["content"]

        def _deltas(self, messages: Messages) -> Iterator[Any]:
            body = payload(messages, stream=True)
            with self._sync.stream("POST", self._url, json=body) as response:
                for line in response.iter_lines():
                    if line.startswith(PREFIX) and not line.startswith("[DONE]", len(PREFIX)):
                        yield delta_of(json.loads(line[len(PREFIX) :]))

        def stream(self, messages: Messages) -> Iterator[str]:
            for delta in self._deltas(messages):
                yield delta.get("content") or ""

        async def astream(self, messages: Messages) -> AsyncIterator[str]:
            body = payload(messages, stream=True)
            async with self._async.stream("POST", self._url, json=body) as response:
                async for line in response.aiter_lines():
                    if line.startswith(PREFIX) and not line.startswith("[DONE]", len(PREFIX)):
                        yield delta_of(json.loads(line[len(PREFIX) :])).get("content") or ""

        def arguments(self, messages: Messages) -> str:
            parts: list[str] = []
            for delta in self._deltas(messages):
                for call in delta.get("tool_calls", ()):
                    parts.append(call["function"]["arguments"])
            return "".join(parts)

    return Client
