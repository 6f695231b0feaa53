"""What a base_url, a key, headers and proxies may be, and what is never shown of them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lexilux_like.transport.endpoint import (
    Endpoint,
    choose_proxy,
    parse_base_url,
    secrets_in,
    tls_context,
)
from lexilux_like.values.errors import ValidationError
from lexilux_like.values.headers import checked_headers
from lexilux_like.wire.http import Request

KEY = "sk-0123456789abcdef"


def fields(endpoint: Endpoint, request: Request | None = None) -> dict[bytes, bytes]:
    request = request or Request("chat/completions", b"{}")
    return dict(endpoint.header_fields(request, accept="application/json"))


@pytest.mark.parametrize(
    ("given", "url", "netloc"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1", "api.openai.com"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1", "api.openai.com"),
        ("http://localhost:8080", "http://localhost:8080", "localhost:8080"),
        ("http://[::1]:9/v1", "http://[::1]:9/v1", "[::1]:9"),
        ("  https://x.example/v1  ", "https://x.example/v1", "x.example"),
    ],
)
def test_a_base_url_is_taken_apart(given: str, url: str, netloc: str) -> None:
    target = parse_base_url(given)
    assert (target.url, target.netloc) == (url, netloc)


def test_a_host_beyond_ascii_is_sent_as_punycode() -> None:
    assert parse_base_url("https://bücher.example/v1").host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("api.openai.com/v1", "must start with http"),
        ("ftp://x/v1", "must start with http"),
        ("https:///v1", "name a host"),
        ("https://me:pw@x.example/v1", "user name or password"),
        ("https://x.example/v1?key=abc", "query"),
        ("https://x.example/v1#here", "fragment"),
        ("https://x.example/v1\r\nHost: evil", "one line"),
        ("https://x.example/v 1", "without spaces"),
        ("https://x.example:99999/v1", "cannot be read"),
        ("https://x.example/v1/chat/completions", "without /chat/completions"),
        ("https://x.example/ü", "percent-encoded"),
        ("https://x.example\\@evil/v1", "base_url must"),
        ("https://x.example\\v1", "percent-encoded"),
        (f"https://{'ü' * 80}.example/v1", "cannot be read"),
    ],
)
def test_a_base_url_that_cannot_be_meant_is_refused(given: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        parse_base_url(given)


def test_a_refused_base_url_does_not_show_its_password() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_base_url("https://me:hunter2@x.example/v1")
    assert "hunter2" not in str(caught.value)


def test_the_key_goes_out_as_a_bearer_token_and_nowhere_else() -> None:
    endpoint = Endpoint("http://x.example/v1", api_key=KEY, headers=None)
    assert fields(endpoint)[b"authorization"] == f"Bearer {KEY}".encode()
    assert KEY not in repr(endpoint)


def test_an_authorization_header_of_the_callers_wins_over_the_key() -> None:
    endpoint = Endpoint("http://x.example", api_key=KEY, headers={"Authorization": "Basic eHg6"})
    assert fields(endpoint)[b"authorization"] == b"Basic eHg6"


def test_a_calls_own_headers_win() -> None:
    endpoint = Endpoint("http://x.example", api_key=None, headers={"X-Tag": "client"})
    request = Request("chat/completions", b"{}", {"x-tag": "call"})
    assert fields(endpoint, request)[b"x-tag"] == b"call"


@pytest.mark.parametrize("key", ["sk-1\n", "sk-1\r\nX: y", "sk-ü", " sk-1", "sk-1 ", "sk\x00"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValidationError, match="api_key") as caught:
        Endpoint("http://x.example", api_key=key, headers=None)
    assert key.strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"X-Tag\r\nEvil": "1"}, "header name"),
        ({"X Tag": "1"}, "header name"),
        ({"": "1"}, "header name"),
        ({"X-Tag": "1\r\nEvil: 2"}, "one line"),
        ({"X-Tag": "1\n"}, "one line"),
        ({"X-Tag": "ü"}, "ASCII"),
        ({"X-Tag": 5}, "ASCII"),
        ({"Content-Length": "5"}, "frames"),
        ({"Transfer-Encoding": "chunked"}, "frames"),
    ],
)
def test_headers_that_would_inject_or_frame_are_refused(headers: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        checked_headers(headers)


def test_a_refused_header_value_is_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        checked_headers({"Api-Key": f"{KEY}\n"})
    assert KEY not in str(caught.value)


def test_the_callers_headers_are_copied() -> None:
    headers = {"X-Tag": "1"}
    endpoint = Endpoint("http://x.example", api_key=KEY, headers=headers)
    headers["X-Tag"] = "2"
    assert fields(endpoint)[b"x-tag"] == b"1"
    assert headers == {"X-Tag": "2"}


def test_secrets_are_the_values_of_headers_that_sound_like_one() -> None:
    found = secrets_in({"authorization": f"Bearer {KEY}", "x-api-key": "abcd", "x-tag": "public"})
    assert set(found) == {f"Bearer {KEY}", KEY, "abcd"}


def test_censoring_takes_out_the_key_and_the_calls_own_secrets() -> None:
    endpoint = Endpoint("http://x.example", api_key=KEY, headers=None)
    text = endpoint.censor(f"key {KEY}, token t0ken-9, tag", {"X-Token": "t0ken-9"})
    assert text == "key [redacted], token [redacted], tag"


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("proxies", "chosen"),
    [
        ({}, None),
        ({"https": PROXY}, PROXY),
        ({"https://": PROXY}, PROXY),
        ({"all": PROXY}, PROXY),
        ({"http": PROXY}, None),
        ({"https": None, "all": PROXY}, PROXY),
    ],
)
def test_a_proxy_is_chosen_by_the_scheme_of_base_url(
    proxies: dict[str, str | None], chosen: str | None
) -> None:
    assert choose_proxy(parse_base_url("https://x.example/v1"), proxies) == chosen


def test_without_proxies_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert choose_proxy(parse_base_url("https://x.example/v1"), None) == PROXY
    assert choose_proxy(parse_base_url("https://inside.example/v1"), None) is None
    assert choose_proxy(parse_base_url("https://x.example/v1"), {}) is None


def test_an_unknown_proxy_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="'htps'"):
        choose_proxy(parse_base_url("https://x.example"), {"htps": PROXY})


def test_one_tls_context_is_made_per_configuration() -> None:
    assert tls_context(verify=True) is tls_context(verify=True)
    assert tls_context(verify=False) is not tls_context(verify=True)


def test_a_tls_context_of_the_callers_is_used_as_it_is() -> None:
    context = ssl.create_default_context()
    assert tls_context(context) is context


def test_verify_false_checks_nothing() -> None:
    assert tls_context(verify=False).verify_mode == ssl.CERT_NONE


def test_a_ca_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="cannot be read as CA certificates"):
        tls_context(tmp_path / "missing.pem")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(ValidationError, match="cannot be read as CA certificates"):
        tls_context(str(empty))


def test_a_folder_of_certificates_is_taken(tmp_path: Path) -> None:
    assert tls_context(tmp_path).verify_mode == ssl.CERT_REQUIRED
