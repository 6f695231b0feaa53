"""The scripted server speaks https."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest
import trustme

from lexilux_like.testing import (
    Cut,
    Reply,
    ScriptedServer,
    Stall,
    answer,
    stream,
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[ScriptedServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ScriptedServer(tls=context) as server:
        yield server


@pytest.fixture
def tls_client(authority: trustme.CA, tls_server: ScriptedServer) -> Iterator[httpx.Client]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with httpx.Client(base_url=tls_server.url, verify=context, trust_env=False) as client:
        yield client


def test_https_is_served(tls_server: ScriptedServer, tls_client: httpx.Client) -> None:
    assert tls_server.url.startswith("https://")
    tls_server.play(answer("one"), Reply(body=b"two", framing="close"))
    assert tls_client.get("/x").json()["choices"]
    assert tls_client.get("/x").content == b"two"


def test_https_is_cut_without_a_goodbye(
    tls_server: ScriptedServer, tls_client: httpx.Client
) -> None:
    tls_server.play(stream("a", end=Cut()))
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        tls_client.get("/x")


def test_disconnect_under_https_is_noticed(
    tls_server: ScriptedServer, tls_client: httpx.Client
) -> None:
    tls_server.play(stream("a", end=Stall()))
    with tls_client.stream("GET", "/x") as response:
        pieces = response.iter_raw()
        next(pieces)
    assert tls_server.wait_for_disconnect()


def test_client_that_does_not_trust_leaves_no_request(tls_server: ScriptedServer) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(tls_server.url, trust_env=False)
    assert tls_server.connections == 1
    assert tls_server.requests == []
