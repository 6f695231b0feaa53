# ruff: noqa: D102, D103, PERF401 - each method is what its name says; as one writes it by hand
# /// script
# dependencies = ["orjson"]
# [tool.benchmark]
# place = 10
# title = "raw socket + orjson"
# ///
"""A floor: a plain socket, a few lines of HTTP, and orjson. It fits this server and no other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from child import Messages, delta_of, payload, serve

READ = 1 << 18


def request(base_url: str, body: dict[str, Any]) -> tuple[tuple[str, int], bytes]:
    """Where it goes, and its bytes."""
    host, _, path = base_url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    data = orjson.dumps(body)
    head = (
        f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return (name, int(port)), head.encode() + data


class Dechunker:
    """The events of a stream, out of the bytes of its chunks."""

    def __init__(self) -> None:
        self._buffer = b""
        self._events = b""
        self._head = False
        self.done = False

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer + data if self._buffer else data
        at = 0
        if not self._head:
            at = buffer.find(b"\r\n\r\n") + 4
            if at < 4:
                self._buffer = buffer
                return []
            self._head = True
        parts = [self._events]
        while (end := buffer.find(b"\r\n", at)) >= 0:
            size = int(buffer[at:end], 16)
            if len(buffer) < end + size + 4:
                break
            parts.append(buffer[end + 2 : end + 2 + size])
            at = end + size + 4
            if not size:
                self.done = True
        self._buffer = buffer[at:]
        *events, self._events = b"".join(parts).split(b"\n\n")
        return events


def texts(events: list[bytes]) -> list[Any]:
    """Their deltas; `[DONE]` has none."""
    return [delta_of(orjson.loads(event[6:])) for event in events if event != b"data: [DONE]"]


def length(head: bytes) -> int:
    """Of the whole answer; -1 while its head is not there."""
    end = head.find(b"\r\n\r\n")
    if end < 0:
        return -1
    start = head.index(b"Content-Length: ") + 16
    return end + 4 + int(head[start : head.index(b"\r\n", start)])


def content(answer: bytes) -> str:
    body = orjson.loads(answer[answer.index(b"\r\n\r\n") + 4 :])
    text: str = body["choices"][0]["message"]["content"]
    return text


class Client:
    """Kept connections in two lists, the sockets' and the streams'."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._sockets: list[socket.socket] = []
        self._streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def _sent(self, body: dict[str, Any]) -> socket.socket:
        place, data = request(self._base_url, body)
        if self._sockets:
            opened = self._sockets.pop()
        else:
            opened = socket.create_connection(place)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.sendall(data)
        return opened

    async def _asent(
        self, body: dict[str, Any]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        place, data = request(self._base_url, body)
        opened = (
            self._streams.pop()
            if self._streams
            else await asyncio.open_connection(*place, limit=READ)
        )
        opened[1].write(data)
        return opened

    def call(self, messages: Messages) -> str:
        opened = self._sent(payload(messages))
        answer = opened.recv(READ)
        while not 0 <= length(answer) <= len(answer):
            answer += opened.recv(READ)
        self._sockets.append(opened)
        return content(answer)

    async def acall(self, messages: Messages) -> str:
        opened = await self._asent(payload(messages))
        answer = await opened[0].read(READ)
        while not 0 <= length(answer) <= len(answer):
            answer += await opened[0].read(READ)
        self._streams.append(opened)
        return content(answer)

    def _deltas(self, messages: Messages) -> Iterator[Any]:
        opened = self._sent(payload(messages, stream=True))
        decoder = Dechunker()
        while not decoder.done:
            yield from texts(decoder.feed(opened.recv(READ)))
        self._sockets.append(opened)

    def stream(self, messages: Messages) -> Iterator[str]:
        for delta in self._deltas(messages):
            yield delta.get("content") or ""

    async def astream(self, messages: Messages) -> AsyncIterator[str]:
        opened = await self._asent(payload(messages, stream=True))
        decoder = Dechunker()
        while not decoder.done:
            for delta in texts(decoder.feed(await opened[0].read(READ))):
                yield delta.get("content") or ""
        self._streams.append(opened)

    def arguments(self, messages: Messages) -> str:
        parts: list[str] = []
        for delta in self._deltas(messages):
            for call in delta.get("tool_calls", ()):
                parts.append(call["function"]["arguments"])
        return "".join(parts)


if __name__ == "__main__":
    serve(Client)
