# ruff: noqa: D102, PERF401 - each method is what its name says; as one writes it by hand
# /// script
# dependencies = ["httptools", "msgspec"]
# [tool.benchmark]
# place = 11
# title = "httptools + msgspec"
# ///
"""The compiled floor: a parser of HTTP in C, typed JSON in C, and next to no Python between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httptools
import msgspec
from child import Messages, payload, serve

READ = 1 << 18


class Function(msgspec.Struct):
    """Of a tool call's delta."""

    arguments: str = ""


class Call(msgspec.Struct):
    """A tool call's delta."""

    function: Function


class Said(msgspec.Struct):
    """A message, or a part of one."""

    content: str | None = None
    tool_calls: list[Call] = msgspec.field(default_factory=list)


class Choice(msgspec.Struct):
    """Of a whole answer, or of a chunk."""

    delta: Said | None = None
    message: Said | None = None


class Body(msgspec.Struct):
    """A whole answer, or a chunk."""

    choices: list[Choice]


decode = msgspec.json.Decoder(Body).decode
encode = msgspec.json.Encoder().encode


class Answer:
    """The callbacks of the parser."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.done = False
        self._events = b""
        self._parser = httptools.HttpResponseParser(self)
        self.feed = self._parser.feed_data

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)

    def on_message_complete(self) -> None:
        self.done = True

    def said(self) -> list[Said]:
        """What the events say that have come."""
        *events, self._events = (self._events + b"".join(self.parts)).split(b"\n\n")
        self.parts.clear()
        return [decode(each[6:]).choices[0].delta for each in events if each[6:7] == b"{"]


class Connection(asyncio.Protocol):
    """Hands what comes to the answer that is awaited, and wakes who waits for it."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.woken: asyncio.Future[None] | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.answer.feed(data)
        if self.woken is not None and not self.woken.done():
            self.woken.set_result(None)

    async def arrival(self) -> None:
        self.woken = asyncio.get_running_loop().create_future()
        await self.woken


class Client:
    """Kept connections in two lists."""

    def __init__(self, base_url: str) -> None:
        host, _, path = base_url.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        self._place = name, int(port)
        self._head = (
            f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._sockets: list[socket.socket] = []
        self._connections: list[Connection] = []

    def _bytes(self, messages: Messages, *, stream: bool) -> bytes:
        data = encode(payload(messages, stream=stream))
        return b"%s%d\r\n\r\n%s" % (self._head, len(data), data)

    def _sent(self, messages: Messages, *, stream: bool) -> socket.socket:
        if self._sockets:
            opened = self._sockets.pop()
        else:
            opened = socket.create_connection(self._place)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.sendall(self._bytes(messages, stream=stream))
        return opened

    async def _asent(self, messages: Messages, *, stream: bool) -> Connection:
        if self._connections:
            opened = self._connections.pop()
            opened.answer = Answer()
        else:
            loop = asyncio.get_running_loop()
            opened = (await loop.create_connection(Connection, *self._place))[1]
        opened.transport.write(self._bytes(messages, stream=stream))
        return opened

    def call(self, messages: Messages) -> str:
        opened = self._sent(messages, stream=False)
        answer = Answer()
        while not answer.done:
            answer.feed(opened.recv(READ))
        self._sockets.append(opened)
        return decode(b"".join(answer.parts)).choices[0].message.content

    async def acall(self, messages: Messages) -> str:
        opened = await self._asent(messages, stream=False)
        while not opened.answer.done:
            await opened.arrival()
        self._connections.append(opened)
        return decode(b"".join(opened.answer.parts)).choices[0].message.content

    def _said(self, messages: Messages) -> Iterator[Said]:
        opened = self._sent(messages, stream=True)
        answer = Answer()
        while not answer.done:
            answer.feed(opened.recv(READ))
            yield from answer.said()
        self._sockets.append(opened)

    def stream(self, messages: Messages) -> Iterator[str]:
        for said in self._said(messages):
            yield said.content or ""

    async def astream(self, messages: Messages) -> AsyncIterator[str]:
        opened = await self._asent(messages, stream=True)
        while not opened.answer.done:
            if not opened.answer.parts:
                await opened.arrival()
            for said in opened.answer.said():
                yield said.content or ""
        for said in opened.answer.said():
            yield said.content or ""
        self._connections.append(opened)

    def arguments(self, messages: Messages) -> str:
        parts: list[str] = []
        for said in self._said(messages):
            for call in said.tool_calls:
                parts.append(call.function.arguments)
        return "".join(parts)


if __name__ == "__main__":
    serve(Client)
