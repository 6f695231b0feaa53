"""The scripted server over real sockets: what a client sees, and what the server knows."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lexilux_like.testing import (
    Cut,
    Pause,
    Raw,
    RecordedRequest,
    Reply,
    Reset,
    ScriptedServer,
    Send,
    Stall,
    Wait,
    answer,
    raw_reply,
    refuse,
    sends,
    stream,
)

TERMINATED = b"0\r\n\r\n"


@pytest.fixture
def client(scripted_server: ScriptedServer) -> Iterator[httpx.Client]:
    # Loading the certificates that plain HTTP does not need takes 30 ms a test.
    with httpx.Client(base_url=scripted_server.url, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def peer(scripted_server: ScriptedServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", scripted_server.port), 5) as peer:
        yield peer


def ask(peer: socket.socket, *headers: str) -> None:
    peer.sendall("\r\n".join(["GET /v1/x HTTP/1.1", "host: x", *headers, "", ""]).encode())


def read_all(peer: socket.socket) -> bytes:
    data = b""
    while more := peer.recv(65_536):
        data += more
    return data


def test_replies_are_played_in_order(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.play(answer("one"), refuse(429, retry_after=1))
    first, second = client.post("/x"), client.post("/x")
    assert first.json()["choices"][0]["message"]["content"] == "one"
    assert (second.status_code, second.headers["retry-after"]) == (429, "1")


def test_connection_is_kept_alive(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.play(answer("one"), stream("two"), refuse(500))
    for _ in range(3):
        client.post("/x")
    assert scripted_server.connections == 1


def test_empty_script_answers_500_and_records(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    response = client.post("/x")
    assert (response.status_code, response.json()["error"]["message"]) == (
        500,
        "the script is empty",
    )
    assert len(scripted_server.requests) == 1


def test_always_answers_when_the_script_is_over(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(refuse(429))
    scripted_server.always(answer("again"))
    assert [client.post("/x").status_code for _ in range(3)] == [429, 200, 200]


def test_request_is_recorded_whole(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    before = time.monotonic()
    client.post("/x?y=1", json={"a": 1}, headers=[("X-One", "1"), ("x-one", "2")])
    [request] = scripted_server.requests
    assert (request.method, request.path, request.json) == ("POST", "/v1/x?y=1", {"a": 1})
    assert request.headers["x-one"] == "1, 2"
    assert ("X-One", "1") in request.raw_headers
    assert request.connection == 1
    assert before <= request.at <= time.monotonic()


def test_chunked_request_is_put_together(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    client.post("/x", content=iter([b"ab", b"c" * 70_000]))
    assert scripted_server.requests[0].body == b"ab" + b"c" * 70_000


def test_trailers_of_a_chunked_request_are_read(
    scripted_server: ScriptedServer, peer: socket.socket
) -> None:
    scripted_server.always(Reply(body=b"ok"))
    ask(peer, "transfer-encoding: chunked")
    peer.sendall(b"2;x=y\r\nab\r\n0\r\nx-trailer: 1\r\n\r\n")
    ask(peer, "connection: close")
    assert read_all(peer).count(b"HTTP/1.1 200") == 2
    assert [request.body for request in scripted_server.requests] == [b"ab", b""]


def test_pipelined_requests_are_answered_in_order(
    scripted_server: ScriptedServer, peer: socket.socket
) -> None:
    scripted_server.play(Reply(body=b"one"), Reply(body=b"two"))
    ask(peer)
    ask(peer, "connection: close")
    data = read_all(peer)
    assert data.index(b"one") < data.index(b"two")


def test_what_is_no_request_gets_400(peer: socket.socket) -> None:
    peer.sendall(b"hello\r\n\r\n")
    assert peer.recv(100).startswith(b"HTTP/1.1 400 ")


def test_length_framing_counts_body_and_sends(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(Reply(body=b"ab", steps=sends([b"c", b"d"])))
    response = client.get("/x")
    assert (response.headers["content-length"], response.content) == ("4", b"abcd")


def test_each_send_is_a_chunk(scripted_server: ScriptedServer, peer: socket.socket) -> None:
    steps = [Send(b"a"), Send(b""), Raw(b"1;x=y\r\nb\r\n")]
    scripted_server.play(Reply(steps=steps, framing="chunked"))
    ask(peer, "connection: close")
    assert read_all(peer).endswith(b"\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n" + TERMINATED)


def test_close_framing_ends_with_the_connection(
    scripted_server: ScriptedServer, peer: socket.socket
) -> None:
    scripted_server.play(Reply(body=b"ab", steps=sends([b"c"]), framing="close"))
    ask(peer)
    head, _, body = read_all(peer).partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"content-length" not in head
    assert body == b"abc"


def test_connection_close_in_the_headers_is_done(
    scripted_server: ScriptedServer, peer: socket.socket
) -> None:
    scripted_server.play(Reply(headers={"Connection": "close"}, body=b"ab"))
    ask(peer)
    assert read_all(peer).endswith(b"\r\n\r\nab")


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_body_has_no_length(
    scripted_server: ScriptedServer, client: httpx.Client, status: int
) -> None:
    scripted_server.play(Reply(status))
    assert "content-length" not in client.get("/x").headers


def test_headers_win_over_the_framing(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(Reply(headers={"Content-Length": "1"}, body=b"a"))
    assert client.get("/x").headers.get_list("content-length") == ["1"]


def test_status_that_nobody_knows_is_played(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(Reply(599))
    assert client.get("/x").status_code == 599


def test_raw_reply_has_no_head_of_ours(
    scripted_server: ScriptedServer, peer: socket.socket
) -> None:
    scripted_server.play(raw_reply(Raw(b"HTTP/1.1 200 "), Pause(0.01), Raw(b"OK\r\n\r\nx")))
    ask(peer)
    assert read_all(peer) == b"HTTP/1.1 200 OK\r\n\r\nx"


def test_cut_leaves_a_chunked_body_unfinished(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(stream("a", end=Cut()))
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        client.get("/x")


def test_cut_leaves_a_length_unfinished(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(stream("a", end=Cut(), framing="length"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get("/x")


def test_reset_breaks_the_connection(scripted_server: ScriptedServer, peer: socket.socket) -> None:
    scripted_server.play(raw_reply(Reset()))
    ask(peer)
    with pytest.raises(ConnectionResetError):
        read_all(peer)


def test_pause_and_head_delay_take_their_time(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(Reply(steps=[Pause(0.05), Send(b"a")], head_delay=0.05))
    began = time.monotonic()
    with client.stream("GET", "/x") as response:
        assert time.monotonic() - began >= 0.05
        assert response.read() == b"a"
    assert time.monotonic() - began >= 0.1


def test_wait_goes_on_when_the_event_is_set(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    event = threading.Event()
    scripted_server.play(Reply(steps=[Send(b"a"), Wait(event), Send(b"b")], framing="chunked"))
    with client.stream("GET", "/x") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"a"
        event.set()
        assert next(pieces) == b"b"


def test_wait_cuts_when_the_event_does_not_come(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(Reply(steps=[Wait(threading.Event(), 0.02)], framing="chunked"))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/x")


def test_stall_ends_when_its_time_is_up(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(Reply(steps=[Stall(0.02), Send(b"a")]))
    assert client.get("/x").content == b"a"


@pytest.mark.parametrize("silence", [Stall(), Pause(30), Wait(threading.Event(), 30)])
def test_disconnect_during_silence_is_noticed_at_once(
    scripted_server: ScriptedServer, client: httpx.Client, silence: Stall | Pause | Wait
) -> None:
    scripted_server.play(Reply(steps=[Send(b"a"), silence], framing="chunked"))
    with client.stream("GET", "/x") as response:
        pieces = response.iter_raw()
        next(pieces)
        assert not scripted_server.wait_for_disconnect(0.02)
    assert scripted_server.wait_for_disconnect(1)


def test_disconnect_while_sending_is_noticed(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    big = Send(b"x" * 1_000_000)
    scripted_server.play(Reply(steps=[big] * 50, framing="chunked"))
    with client.stream("GET", "/x") as response:
        pieces = response.iter_raw()
        next(pieces)
    assert scripted_server.wait_for_disconnect()


def test_idle_connection_that_the_peer_closes_is_noticed(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.play(answer())
    client.get("/x")
    assert scripted_server.open_connections == 1
    client.close()
    assert scripted_server.wait_for_disconnect()
    assert scripted_server.open_connections == 0


def test_no_disconnect_before_any_request(scripted_server: ScriptedServer) -> None:
    assert not scripted_server.wait_for_disconnect(0.02)


def test_waiting_for_requests_says_whether_they_came(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    client.get("/x")
    assert scripted_server.wait_for_requests(1)
    assert not scripted_server.wait_for_requests(2, timeout=0.02)


def test_many_clients_are_served_at_once(scripted_server: ScriptedServer) -> None:
    everybody = threading.Barrier(20)

    def meet(_request: RecordedRequest) -> Reply:
        everybody.wait(5)  # passes only while twenty requests are being answered
        return answer()

    scripted_server.always(meet)
    with ThreadPoolExecutor(20) as threads:
        urls = [scripted_server.url] * 20
        statuses = [r.status_code for r in threads.map(_get, urls)]
    assert statuses == [200] * 20


def _get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=5)


def test_close_ends_a_stalled_reply_at_once() -> None:
    with ScriptedServer(Reply(steps=[Send(b"a"), Stall(30)], framing="chunked")) as server:
        peer = socket.create_connection(("127.0.0.1", server.port), 5)
        ask(peer)
        assert peer.recv(1)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    peer.close()


def test_close_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with (
        ScriptedServer(answer()) as server,
        socket.create_connection(("127.0.0.1", server.port), 5) as peer,
    ):
        ask(peer)
        assert server.wait_for_requests(1)
    server.close()
    assert set(threading.enumerate()) == before


def test_closed_server_refuses_connections() -> None:
    with ScriptedServer() as server:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1).close()
