"""Other libraries' exceptions become the package's own."""

from __future__ import annotations

import ssl

import httpcore
import httpx
import pytest

from lexilux_like.transport.foreign import quiet, translated
from lexilux_like.transport.watch import Watch
from lexilux_like.values.errors import (
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    NetworkError,
)
from lexilux_like.values.timeouts import Timeouts

WATCH = Watch(Timeouts(connect_timeout_s=1, read_timeout_s=2))


def ours(error: Exception) -> LexiluxError:
    return translated(error, WATCH, lambda text: text.replace("secret", "***"))


@pytest.mark.parametrize("library", [httpx, httpcore])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("ConnectTimeout", "connect_timeout_s"),
        ("ReadTimeout", "read_timeout_s"),
        ("WriteTimeout", "read_timeout_s"),
        ("PoolTimeout", "connect_timeout_s"),
    ],
)
def test_time_outs_are_told_by_name_whichever_library_raises_them(
    library: object, name: str, option: str
) -> None:
    error = ours(getattr(library, name)("late"))
    assert isinstance(error, LexiluxTimeoutError)
    assert error.timeout == option


def test_a_time_out_of_pythons_is_one_too() -> None:
    error = ours(TimeoutError())
    assert isinstance(error, LexiluxTimeoutError)
    assert error.timeout == "read_timeout_s"


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpcore.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpcore.RemoteProtocolError("nonsense"),
        ConnectionResetError("reset"),
    ],
)
def test_what_may_pass_is_a_connection_error_that_may_be_tried_again(error: Exception) -> None:
    made = ours(error)
    assert type(made) is LexiluxConnectionError
    assert made.retryable


@pytest.mark.parametrize(
    "error",
    [
        httpx.UnsupportedProtocol("gopher"),
        httpcore.LocalProtocolError("header"),
        RuntimeError("the client has been closed"),
    ],
)
def test_what_will_not_pass_is_a_network_error_that_is_not_tried_again(error: Exception) -> None:
    made = ours(error)
    assert type(made) is NetworkError
    assert not made.retryable
    assert str(error) in str(made)


def test_a_certificate_error_inside_another_is_found() -> None:
    outer = httpx.ConnectError("handshake")
    outer.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    made = ours(outer)
    assert "self-signed" in str(made)
    assert not made.retryable


def test_what_it_said_is_censored() -> None:
    assert "secret" not in str(ours(httpx.ReadError("the secret is out")))


def test_a_chain_of_causes_loses_its_frames_even_when_it_is_a_ring() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        divmod(1, 0)
    first = caught.value
    second = KeyError()
    first.__cause__, second.__cause__ = second, first
    quiet(first)
    assert first.__traceback__ is None
