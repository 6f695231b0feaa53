"""The models that a server lists: what is asked, what is understood, what is said of the rest."""

from __future__ import annotations

import gzip
import ssl
import time
from typing import Any

import pytest
import trustme
from interpreters import output_of

from lexilux_like.testing import Pause, Reply, ScriptedServer, Send, json_reply, raw_reply, refuse
from lexilux_like.testing.faults import cut
from lexilux_like.testing.script import Stall
from lexilux_like.transport.endpoint import _tls_context
from lexilux_like.transport.listing import Listing, list_models
from lexilux_like.wire.encoding import PIECE_BYTES
from lexilux_like.wire.registry import find_provider

KEY = "sk-never-to-be-seen-4711"
ENTRIES = [{"id": "small", "object": "model"}, {"id": "large"}]
LIST = json_reply({"object": "list", "data": ENTRIES})
NAMES = ("small", "large")


def listed(server: ScriptedServer, provider: str = "local", **options: Any) -> Listing:
    """What a server lists, asked with the key."""
    base_url = options.pop("base_url", server.url)
    return list_models(base_url, find_provider(provider), **{"api_key": KEY, **options})


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        (LIST, NAMES),
        (json_reply(ENTRIES), NAMES),
        (json_reply({"data": []}), ()),
        (json_reply({"data": [{"id": "small"}, {"id": None}, "x", {}, {"id": "large"}]}), NAMES),
    ],
    ids=["list", "array", "none", "odd-entries"],
)
def test_the_names_are_in_the_server_s_order(scripted_server, reply, names):
    scripted_server.play(reply)
    assert listed(scripted_server) == Listing(200, names)


def test_a_list_comes_out_of_its_compression_whole(scripted_server):
    body = gzip.compress(b" " * 3 * PIECE_BYTES + (LIST.body or b""))
    scripted_server.play(Reply(headers={"content-encoding": "gzip"}, body=body))
    assert listed(scripted_server).names == NAMES


def test_it_is_one_get_with_the_key_and_the_headers_and_nothing_of_a_body(scripted_server):
    scripted_server.play(LIST)
    listed(scripted_server, headers={"x-team": "blue"})
    (asked,) = scripted_server.requests
    assert (asked.method, asked.path, asked.body) == ("GET", "/v1/models", b"")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["x-team"] == "blue"
    assert asked.headers["accept"] == "application/json"
    assert not {"content-type", "content-length"} & asked.headers.keys()


def test_without_a_key_none_is_sent(scripted_server):
    scripted_server.play(LIST)
    listed(scripted_server, api_key=None)
    assert "authorization" not in scripted_server.requests[0].headers


def test_the_header_of_the_row_carries_the_key(scripted_server):
    scripted_server.play(LIST)
    listed(scripted_server, "azure")
    (asked,) = scripted_server.requests
    assert asked.headers["api-key"] == KEY
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("root", ["", "/v1", "/v1/", "/anthropic", "/v1beta"])
def test_anthropic_s_list_is_asked_for_in_its_own_way(scripted_server, root):
    scripted_server.play(LIST)
    base_url = scripted_server.url.removesuffix("/v1") + root
    assert listed(scripted_server, "anthropic", base_url=base_url).names == NAMES
    (asked,) = scripted_server.requests
    place = {"": "/v1", "/anthropic": "/anthropic/v1"}.get(root, root.rstrip("/"))
    assert asked.path == f"{place}/models?limit=1000"
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["anthropic-version"] == "2023-06-01"


def test_a_version_of_anthropic_s_api_that_is_given_wins(scripted_server):
    scripted_server.play(LIST)
    listed(scripted_server, "anthropic", headers={"anthropic-version": "2030-01-01"})
    assert scripted_server.requests[0].headers["anthropic-version"] == "2030-01-01"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (refuse(401, "no such key"), "401: {"),
        (Reply(200, {"content-type": "text/html"}, b"<!doctype html>"), "200: <!doctype html>"),
        (json_reply({"models": []}), '200: {"models'),
        (json_reply(ENTRIES, 500), "500: [{"),
        (Reply(200, body=b"[" * 100_000), "200: [[["),
        (Reply(404, body=b"\xff\x1b[2J"), "404: \ufffd\\x1b[2J"),
    ],
    ids=["refused", "html", "no-data", "error-with-list", "too-deep", "not-text"],
)
def test_what_is_no_list_is_told_with_its_status(scripted_server, reply, told):
    scripted_server.play(reply)
    listing = listed(scripted_server)
    assert (listing.reached, listing.status, listing.names) == (True, reply.status, None)
    assert listing.problem.startswith(f"GET /v1/models answered {told}")
    assert listing.problem.isprintable()


def test_a_redirect_is_not_followed(scripted_server):
    scripted_server.play(Reply(302, {"location": f"{scripted_server.url}/elsewhere"}))
    scripted_server.always(LIST)
    listing = listed(scripted_server)
    assert (listing.status, listing.names) == (302, None)
    assert [each.path for each in scripted_server.requests] == ["/v1/models"]


@pytest.mark.parametrize("before", [0, 190], ids=["whole", "where-the-words-are-cut"])
@pytest.mark.parametrize("secret", ["key", "header"])
def test_what_the_server_repeats_of_a_secret_is_censored(scripted_server, before, secret):
    scripted_server.play(Reply(401, body=f"{'x' * before}{KEY} is wrong".encode()))
    given = {"api_key": KEY} if secret == "key" else {"headers": {"x-api-key": KEY}}
    listing = listed(scripted_server, **{"api_key": None, **given})
    assert KEY[:8] not in listing.problem
    assert "[redact" in listing.problem


def test_an_encoding_that_repeats_the_key_is_censored(scripted_server):
    scripted_server.play(Reply(headers={"content-encoding": KEY}, body=b"x"))
    problem = listed(scripted_server).problem
    assert "Content-Encoding is '[redacted]'" in problem


def test_no_server_is_told(scripted_server):
    scripted_server.close()
    listing = listed(scripted_server)
    assert (listing.reached, listing.names) == (False, None)
    assert listing.problem.startswith("no connection: ")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"base_url": "ftp://x"}, "base_url must start with http"),
        ({"api_key": f"{KEY}\n"}, "api_key must be"),
        ({"headers": {"x y": "z"}}, "x y"),
        ({"timeout_s": 0}, "deadline_s must be a positive number"),
    ],
)
def test_what_cannot_be_asked_is_told_and_not_sent(scripted_server, options, told):
    listing = listed(scripted_server, **options)
    assert not listing.reached
    assert told in listing.problem
    assert KEY not in listing.problem
    assert scripted_server.requests == []


DRIPS = [step for _ in range(40) for step in (Pause(0.05), Send(b"x"))]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(head_delay=0.3), 0),
        (raw_reply(Send(b"HTTP/1.1 200 OK\r\nx: "), *DRIPS), 0),
        (Reply(steps=DRIPS), 200),
        (Reply(steps=[Send(b"["), Stall(2)]), 200),
    ],
    ids=["silent", "head-drips", "body-drips", "stalls"],
)
def test_its_time_is_bounded_whatever_the_server_does(scripted_server, reply, status):
    scripted_server.play(reply)
    began = time.monotonic()
    listing = listed(scripted_server, timeout_s=0.2)
    assert time.monotonic() - began < 1.5
    assert listing == Listing(status, problem="no whole answer came within 0.2 s")


def test_a_list_that_is_cut_off_is_no_list(scripted_server):
    scripted_server.play(cut(LIST, at_byte=30))
    listing = listed(scripted_server)
    assert (listing.status, listing.names) == (200, None)
    assert listing.problem.startswith("the connection broke: ")


def test_a_compressed_list_that_is_cut_off_is_no_list(scripted_server):
    half = gzip.compress(LIST.body or b"")[:-4]
    scripted_server.play(Reply(headers={"content-encoding": "gzip"}, body=half))
    listing = listed(scripted_server)
    assert (listing.status, listing.names) == (200, None)
    assert "its end is missing" in listing.problem


def test_the_environment_s_proxy_is_asked_unless_it_says_otherwise(scripted_server, monkeypatch):
    scripted_server.always(LIST)
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", scripted_server.url.removesuffix("/v1"))
    base_url = "http://models.invalid/v1"
    assert listed(scripted_server, base_url=base_url).names == NAMES
    assert scripted_server.requests[0].headers["host"] == "models.invalid"
    monkeypatch.setenv("no_proxy", "models.invalid")
    assert not listed(scripted_server, base_url=base_url).reached


def test_certificates_are_those_of_a_client(monkeypatch, tmp_path):
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with ScriptedServer(tls=server_side) as server:
        server.always(LIST)
        assert "certificate was not accepted" in listed(server).problem
        _tls_context.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        try:
            assert listed(server).names == NAMES
        finally:
            _tls_context.cache_clear()


def test_a_netrc_adds_no_key(scripted_server, monkeypatch, tmp_path):
    scripted_server.play(LIST)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    listed(scripted_server, api_key=None)
    assert "authorization" not in scripted_server.requests[0].headers


def test_importing_it_loads_no_http_library():
    code = "import sys, lexilux_like.transport.listing\n"
    names = {"httpx", "httpcore", "ssl", "asyncio", "anyio", "pydantic"}
    assert output_of(f"{code}print(*{names!r} & sys.modules.keys())").split() == []


def test_asking_over_plain_http_loads_no_httpx(scripted_server):
    scripted_server.play(LIST)
    code = (
        "import sys\nfrom lexilux_like.transport.listing import list_models\n"
        "from lexilux_like.wire.registry import find_provider\n"
        f"print(list_models({scripted_server.url!r}, find_provider('local')).status)\n"
        "print('httpx' in sys.modules)"
    )
    assert output_of(code).split() == ["200", "False"]
