"""The fast engine's connections inside clients of httpx."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import trustme

from lexilux_like import Chat
from lexilux_like.testing import (
    Cut,
    Raw,
    Reply,
    ScriptedServer,
    Send,
    Stall,
    answer,
    raw_reply,
    stream,
)
from lexilux_like.transport.fast_httpx import AsyncFastTransport, FastTransport


class Clients:
    """One request through a client of either kind."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async

    def __call__(self, method: str, url: str, count: int = 1, **options: Any) -> httpx.Response:
        """The last of so many responses to the same request, on one client."""
        client = {name: options.pop(name) for name in ("timeout",) if name in options}
        verify = options.pop("verify", True)
        if self.is_async:
            return asyncio.run(self._asked(method, url, count, client, verify, options))
        with httpx.Client(transport=FastTransport(verify=verify), **client) as made:
            return [made.request(method, url, **options) for _ in range(count)][-1]

    async def _asked(
        self, method: str, url: str, count: int, client: Any, verify: Any, options: Any
    ) -> httpx.Response:
        transport = AsyncFastTransport(verify=verify)
        async with httpx.AsyncClient(transport=transport, **client) as made:
            return [await made.request(method, url, **options) for _ in range(count)][-1]


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Clients:
    return Clients(is_async=request.param == "async")


def test_requests_share_a_connection(ask: Clients, scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("hi", headers={"set-cookie": "a=1"}))
    response = ask("POST", f"{scripted_server.url}/x?q=1", count=3, json={"a": 1})
    assert response.json()["choices"][0]["message"]["content"] == "hi"
    assert scripted_server.connections == 1
    assert (scripted_server.requests[0].path, scripted_server.requests[0].json) == (
        "/v1/x?q=1",
        {"a": 1},
    )
    assert scripted_server.requests[1].headers["cookie"] == "a=1"


def test_methods_without_a_body(ask: Clients, scripted_server: ScriptedServer) -> None:
    scripted_server.play(
        Reply(body=b"got"),
        raw_reply(Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), Stall(3)),
    )
    assert ask("GET", scripted_server.url).content == b"got"
    assert "content-length" not in scripted_server.requests[0].headers
    head = ask("HEAD", scripted_server.url)
    assert (head.content, head.headers["content-length"]) == (b"", "9")


def test_a_body_that_is_generated_is_sent_whole(
    ask: Clients, scripted_server: ScriptedServer
) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"a", b"b")

    async def aparts() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    scripted_server.play(Reply(body=b"ok"))
    ask("POST", scripted_server.url, content=aparts() if ask.is_async else parts())
    assert scripted_server.requests[0].body == b"ab"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (raw_reply(Stall(3)), httpx.ReadTimeout),
        (raw_reply(Raw(b"SSH-2.0\r\n\r\n"), Stall(3)), httpx.RemoteProtocolError),
        (
            raw_reply(Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"), Cut()),
            httpx.RemoteProtocolError,
        ),
        (Reply(steps=[Send(b"ab"), Stall(3)]), httpx.ReadTimeout),
    ],
)
def test_errors_are_httpxs(
    ask: Clients, scripted_server: ScriptedServer, reply: Reply, error: type[Exception]
) -> None:
    scripted_server.play(reply)
    with pytest.raises(error):
        ask("POST", scripted_server.url, timeout=0.1)


def test_a_server_that_reads_nothing_strikes_the_write_timeout(ask: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(httpx.WriteTimeout):
            ask("POST", url, content=b"x" * 20_000_000, timeout=0.1)


def test_what_cannot_be_reached_or_spoken_is_httpxs_error_too(ask: Clients) -> None:
    with pytest.raises(httpx.ConnectError):
        ask("GET", "http://127.0.0.1:1/")
    with pytest.raises(httpx.UnsupportedProtocol):
        ask("GET", "ftp://127.0.0.1/")


def test_certificates_are_checked(ask: Clients) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with ScriptedServer(Reply(body=b"safe"), tls=context) as server:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
            ask("GET", server.url)
        assert ask("GET", server.url, verify=trusting).content == b"safe"


def test_a_chat_runs_on_such_a_client(scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("a"), stream("b", end=Stall(5)))
    with (
        httpx.Client(transport=FastTransport()) as client,
        Chat(base_url=scripted_server.url, model="m", http_client=client) as chat,
    ):
        assert chat("x").text == "a"
        chunks = chat.stream("x")
        next(chunks)
        del chunks
        assert scripted_server.wait_for_disconnect()


def test_a_client_that_was_closed_has_closed_its_sockets(scripted_server: ScriptedServer) -> None:
    scripted_server.always(Reply(body=b"ok"))

    async def go() -> int:
        transport = AsyncFastTransport()
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(scripted_server.url)
        return sum(len(lines._open) for lines in transport._lines.values())

    assert asyncio.run(go()) == 0
