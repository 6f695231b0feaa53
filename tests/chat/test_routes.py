"""Proxies, and HTTP clients of the caller's own."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trustme

from lexilux_like import (
    APIError,
    Chat,
    ChatStreamInterruptedError,
    LexiluxConnectionError,
    LexiluxTimeoutError,
    ValidationError,
)
from lexilux_like.testing import (
    Pause,
    Raw,
    Reply,
    ScriptedServer,
    Stall,
    answer,
    chunk,
    events,
    raw_reply,
    refuse,
    stream,
)
from lexilux_like.testing.door import Door, Doors

NOWHERE = "http://api.invalid/v1"


class Tunnel:
    """A proxy that knows CONNECT and nothing else, to one place whatever it is asked for."""

    def __init__(self, port: int) -> None:
        self.asked: list[bytes] = []
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            self.asked.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    readable, _, _ = select.select([client, server], [], [], 5)
                    if not readable:
                        return
                    for one in readable:
                        data = one.recv(65536)
                        if not data:
                            return
                        (server if one is client else client).sendall(data)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def certified() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The two ends of a TLS connection to api.invalid."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("api.invalid").configure_cert(server)
    authority.configure_trust(client)
    return server, client


def test_http_goes_through_the_proxy_as_an_absolute_url(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("hi"), stream("hi"))
    proxy = f"http://127.0.0.1:{scripted_server.port}"
    asked = door(base_url=NOWHERE, proxies={"http": proxy})
    assert asked.call("x").text == asked.stream("x").result.text == "hi"
    first = scripted_server.requests[0]
    assert first.path == "http://api.invalid:80/v1/chat/completions"
    assert first.headers["host"] == "api.invalid"


def test_a_proxys_password_goes_to_the_proxy(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    proxy = f"http://me:pw@127.0.0.1:{scripted_server.port}"
    door(base_url=NOWHERE, proxies={"all": proxy}).call("x")
    assert scripted_server.requests[0].headers["proxy-authorization"] == "Basic bWU6cHc="


def test_https_goes_through_a_tunnel(
    door: Doors, certified: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server_side, client_side = certified
    with ScriptedServer(answer("hi"), stream("hi"), tls=server_side) as server:
        tunnel = Tunnel(server.port)
        asked = door(
            base_url="https://api.invalid/v1",
            proxies={"https": tunnel.url},
            verify=client_side,
        )
        assert asked.call("x").text == asked.stream("x").result.text == "hi"
        tunnel.close()
    assert tunnel.asked[0].startswith(b"CONNECT api.invalid:443")
    assert b"test-key" not in b"".join(tunnel.asked)


def test_the_environments_proxy_is_used_and_an_empty_dict_is_not_it(
    door: Doors, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer() as proxy:
        proxy.always(answer("by proxy"))
        scripted_server.always(answer("straight"))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert door(proxies=None).call("x").text == "by proxy"
        assert door(proxies={}).call("x").text == "straight"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert door(proxies=None).call("x").text == "straight"


def test_a_dead_proxy_is_a_connection_error(door: Doors) -> None:
    with pytest.raises(LexiluxConnectionError):
        door(base_url=NOWHERE, proxies={"http": "http://127.0.0.1:1"}).call("x")


@pytest.mark.parametrize("url", ["gopher://x:1", "not a url", 3])
def test_a_proxy_that_cannot_be_meant_is_refused(door: Doors, url: Any) -> None:
    with pytest.raises(ValidationError, match="prox"):
        door(base_url=NOWHERE, proxies={"http": url})


def test_a_socks_proxy_without_its_package_says_what_to_install(
    door: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValidationError, match=r"lexilux_like\[socks\]"):
        door(base_url=NOWHERE, proxies={"http": "socks5://127.0.0.1:1"})


# Clients of the caller's own.


@pytest.fixture(params=["sync", "async"])
def own(request: pytest.FixtureRequest, scripted_server: ScriptedServer) -> Iterator[Own]:
    with contextlib.closing(Own(scripted_server.url, is_async=request.param == "async")) as made:
        yield made


class Own:
    """Doors whose chats use httpx clients that the test owns."""

    def __init__(self, url: str, *, is_async: bool) -> None:
        self._doors = Doors(url, is_async=is_async)
        self._made: list[tuple[Any, Door]] = []

    def __call__(self, *, client: dict[str, Any] | None = None, **options: Any) -> Door:
        settings = {"trust_env": False, **(client or {})}
        if self._doors.is_async:
            mine: Any = httpx.AsyncClient(**settings)
            door = self._doors(async_http_client=mine, **options)
        else:
            mine = httpx.Client(**settings)
            door = self._doors(http_client=mine, **options)
        self._made.append((mine, door))
        return door

    def close(self) -> None:
        for mine, door in self._made:
            if door._runner is None:
                mine.close()
            else:
                door._runner.run(mine.aclose())
        self._doors.__exit__(None, None, None)


def test_a_client_of_ones_own_is_used(own: Own, scripted_server: ScriptedServer) -> None:
    close = {"connection": "close"}
    scripted_server.play(answer("a", headers=close), stream("b", headers=close))
    asked = own(client={"headers": {"X-Mine": "1"}})
    assert asked.call("x").text == "a"
    streamed = asked.stream("x")
    assert (streamed.result.text, streamed.result.status) == ("b", "complete")
    sent = scripted_server.requests[0].headers
    assert (sent["x-mine"], sent["authorization"]) == ("1", "Bearer test-key")
    assert sent["accept-encoding"] == "gzip, deflate"


def test_a_client_of_ones_own_follows_no_redirect_either(
    own: Own, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(Reply(302, {"location": scripted_server.url, "connection": "close"}))
    with pytest.raises(APIError, match="redirect"):
        own(client={"follow_redirects": True}).call("x")
    assert len(scripted_server.requests) == 1


def test_errors_of_a_client_of_ones_own_are_translated(
    own: Own, scripted_server: ScriptedServer
) -> None:
    with pytest.raises(LexiluxConnectionError):
        own(base_url="http://127.0.0.1:1/v1").call("x")
    scripted_server.play(refuse(418, "teapot", connection="close"))
    with pytest.raises(APIError, match="teapot"):
        own().call("x")


def test_a_break_is_told_with_a_client_of_ones_own(
    own: Own, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("par", end=Stall(0.02)), raw_reply(Raw(b"bogus\r\n\r\n")))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        own().stream("x")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "par"
    with pytest.raises(LexiluxConnectionError):
        own().call("x")


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"read_timeout_s": 0.1}, "read_timeout_s"),
        ({"deadline_s": 0.1}, "deadline_s"),
        ({"first_content_timeout_s": 0.1, "idle_timeout_s": 0.1}, "first_content_timeout_s"),
    ],
)
def test_time_limits_hold_on_a_client_of_ones_own(
    own: Own, scripted_server: ScriptedServer, limits: dict[str, float], name: str
) -> None:
    scripted_server.play(raw_reply(Stall(3)))
    with pytest.raises(LexiluxTimeoutError) as caught:
        own(**limits).stream("x")
    assert caught.value.timeout == name


def test_comments_do_not_reset_the_idle_limit_on_a_client_of_ones_own(
    own: Own, scripted_server: ScriptedServer
) -> None:
    comments = [step for _ in range(60) for step in (b": on\n\n", Pause(0.03))]
    scripted_server.play(events(chunk({"content": "par"}), *comments))
    with pytest.raises(LexiluxTimeoutError) as caught:
        own(idle_timeout_s=0.2).stream("x")
    assert caught.value.timeout == "idle_timeout_s"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "par"


def test_leaving_a_stream_hangs_up_on_a_client_of_ones_own(
    own: Own, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream("a", end=Stall(5)))
    opened = own().open_stream("x")
    opened.next_chunk()
    opened.close()
    assert scripted_server.wait_for_disconnect()


def test_a_dropped_stream_hangs_up_on_a_client_of_ones_own(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.play(stream("a", end=Stall(5)), answer("next"))
    with (
        httpx.Client(trust_env=False) as client,
        Chat(base_url=scripted_server.url, model="m", http_client=client) as chat,
    ):
        chunks = chat.stream("x")
        next(chunks)
        del chunks
        assert scripted_server.wait_for_disconnect()
        assert chat("x").text == "next"


@pytest.mark.parametrize("unused", [{"proxies": {}}, {"verify": False}])
def test_options_that_clients_of_ones_own_would_not_use_are_refused(unused: Any) -> None:
    mine = {"http_client": httpx.Client(), "async_http_client": httpx.AsyncClient()}
    with pytest.raises(ValidationError, match="set them on the clients"):
        Chat(base_url=NOWHERE, **mine, **unused)


def test_the_callers_client_is_left_open(scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    with httpx.Client(trust_env=False) as client:
        with Chat(base_url=scripted_server.url, model="m", http_client=client) as chat:
            chat("x")
        assert not client.is_closed
