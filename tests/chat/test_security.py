"""What must never leak, and what must never be followed, sent or swallowed whole."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import pickle
import traceback
import tracemalloc
import warnings
import zlib
from collections.abc import Iterator

import pytest

from lexilux_like import (
    APIError,
    AuthenticationError,
    Chat,
    ChatResult,
    LexiluxError,
    ResponseFormatError,
    ValidationError,
)
from lexilux_like.testing import (
    Raw,
    Reply,
    ScriptedServer,
    Send,
    Stall,
    answer,
    events,
    json_reply,
    raw_reply,
    refuse,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors

KEY = "sk-very-secret-0123456789"
OTHER = "t0ken-of-the-call-987"


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Every log record and warning of every library, at the lowest level."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield text
    root.removeHandler(handler)
    root.setLevel(level)


def shown(error: BaseException, *, with_locals: bool = True) -> str:
    """All that an error shows of itself: message, repr, state, traceback with locals, pickle."""
    chain: BaseException | None = error
    parts: list[str] = []
    while chain is not None:
        parts += [str(chain), repr(chain), repr(vars(chain))]
        chain = chain.__cause__ or chain.__context__
    whole = traceback.TracebackException.from_exception(error, capture_locals=with_locals)
    parts += whole.format()
    with contextlib.suppress(TypeError):
        parts.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(parts)


FAILURES = {
    "echoed": refuse(401, f"Incorrect API key provided: {KEY}", code=KEY, type=KEY),
    "echoed in a header": refuse(401, "no", x_request_id=KEY),
    "echoed in text": Reply(403, {"content-type": "text/plain"}, f"bad key {KEY}".encode()),
    "echoed in HTML": Reply(200, {"content-type": "text/html"}, f"<h1>{KEY}</h1>".encode()),
    "echoed in a 200": json_reply({"error": {"message": f"no {KEY}"}}),
    "cut": raw_reply(),
    "no HTTP": raw_reply(Raw(b"bogus\r\n\r\n")),
    "silent": raw_reply(Stall(2)),
    "redirect": Reply(302, {"location": f"http://evil.example/?k={KEY}"}),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", ["call", "stream"])
def test_no_failure_shows_the_key(
    door: Doors, scripted_server: ScriptedServer, heard: io.StringIO, failure: str, method: str
) -> None:
    scripted_server.play(FAILURES[failure])
    with pytest.raises(LexiluxError) as caught:
        getattr(door(api_key=KEY, read_timeout_s=0.1), method)("x", headers={"X-Auth": OTHER})
    assert KEY not in shown(caught.value)
    if failure not in ("echoed in a header", "redirect"):  # httpcore logs what servers send
        assert KEY not in heard.getvalue()
    # The call's own options are locals of the caller's frame: those are the caller's to show.
    assert OTHER not in shown(caught.value, with_locals=False) + heard.getvalue()


def test_an_error_event_that_echoes_the_key_does_not_show_it(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(events(sse({"error": {"message": f"no {KEY}"}}), done=False))
    with pytest.raises(APIError) as caught:
        door(api_key=KEY).stream("x")
    assert KEY not in shown(caught.value)


def test_no_server_does_not_show_the_key(door: Doors, heard: io.StringIO) -> None:
    with pytest.raises(LexiluxError) as caught:
        door(base_url="http://127.0.0.1:1/v1", api_key=KEY).call("x")
    assert KEY not in shown(caught.value) + heard.getvalue()


def test_a_good_call_logs_nothing_of_the_key(
    door: Doors, scripted_server: ScriptedServer, heard: io.StringIO
) -> None:
    scripted_server.play(answer("hi"), stream("hi"))
    asked = door(api_key=KEY)
    asked.call("x")
    asked.stream("x")
    assert KEY not in heard.getvalue()


def test_a_chat_does_not_show_its_key() -> None:
    options = {"api_key": KEY, "model": "m", "headers": {"api-key": OTHER}}
    chat = Chat(base_url="http://x.example/v1", engine="httpx", **options)
    shown = "Chat(base_url='http://x.example/v1', max_retries=0, engine='httpx', model='m')"
    assert repr(chat) == shown
    assert KEY not in repr(vars(chat))
    assert OTHER not in repr(vars(chat))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_chat_cannot_be_pickled_or_copied(take: object) -> None:
    assert callable(take)
    with pytest.raises(TypeError, match="make one in each process"):
        take(Chat(base_url="http://x.example/v1", api_key=KEY))


def test_errors_survive_pickling_with_what_they_carry(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(refuse(401, "who are you", code="invalid_api_key", x_request_id="req-1"))
    with pytest.raises(AuthenticationError) as caught:
        door().call("x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.status_code, again.code, again.request_id) == (
        str(caught.value),
        401,
        "invalid_api_key",
        "req-1",
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["call", "stream"])
def test_no_redirect_is_followed(
    door: Doors, scripted_server: ScriptedServer, status: int, method: str
) -> None:
    with ScriptedServer() as elsewhere:
        scripted_server.play(Reply(status, {"location": elsewhere.url}))
        with pytest.raises(APIError, match="redirect") as caught:
            getattr(door(api_key=KEY, max_retries=2), method)("x", headers={"X-Api-Key": OTHER})
        assert elsewhere.requests == []
    assert caught.value.status_code == status
    assert len(scripted_server.requests) == 1


def test_cookies_are_not_kept(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("a", headers={"set-cookie": "id=1"}), answer("b"))
    asked = door()
    asked.call("x")
    asked.call("x")
    assert "cookie" not in scripted_server.requests[1].headers


def test_netrc_is_not_read(
    door: Doors,
    scripted_server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password pw\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    scripted_server.play(answer("a"))
    door(api_key=KEY).call("x")
    assert scripted_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("headers", [{"X-A\r\nX-B": "1"}, {"X-A": "1\r\nX-B: 2"}])
def test_headers_cannot_be_injected(
    door: Doors, scripted_server: ScriptedServer, headers: dict[str, str]
) -> None:
    with pytest.raises(ValidationError):
        door(headers=headers)
    asked = door()
    for method in (asked.call, asked.stream):
        with pytest.raises(ValidationError):
            method("x", headers=headers)
    assert scripted_server.requests == []


def test_the_callers_headers_are_not_changed(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("a"))
    mine, calls = {"X-Mine": "1"}, {"X-Call": "2"}
    door(api_key=KEY, headers=mine).call("x", headers=calls)
    assert (mine, calls) == ({"X-Mine": "1"}, {"X-Call": "2"})
    sent = scripted_server.requests[0].headers
    assert (sent["x-mine"], sent["x-call"]) == ("1", "2")


MIB = 1024 * 1024


def bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    return b"".join(squeeze.compress(b" " * MIB) for _ in range(size // MIB)) + squeeze.flush()


@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_decompression_bomb_stays_small(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    body = bomb(512 * MIB)
    kind = {"content-encoding": "gzip", "content-type": "application/json"}
    scripted_server.play(Reply(200, kind, body))
    asked = door()
    tracemalloc.start()
    try:
        with pytest.raises(ResponseFormatError, match="not read further"):
            getattr(asked, method)("x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * MIB


def test_an_endless_body_is_not_read_to_its_end(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(Reply(200, {}, steps=[Send(b" " * MIB)] * 60, framing="chunked"))
    with pytest.raises(ResponseFormatError, match="not read further") as caught:
        door().call("x")
    assert len(caught.value.body) <= 1000


def test_an_endless_line_stays_small(door: Doors, scripted_server: ScriptedServer) -> None:
    piece = b"x" * MIB
    steps = [Send(b"data: "), *[Send(piece)] * 80]
    scripted_server.play(Reply(200, {"content-type": "text/event-stream"}, steps=steps))
    with pytest.raises(ResponseFormatError, match="larger than"):
        door().stream("x")


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress"])
@pytest.mark.parametrize("method", ["call", "stream"])
def test_an_encoding_that_was_not_asked_for_is_refused(
    door: Doors, scripted_server: ScriptedServer, encoding: str, method: str
) -> None:
    scripted_server.play(Reply(200, {"content-encoding": encoding}, b"\x00\x01"))
    with pytest.raises(ResponseFormatError, match=encoding):
        getattr(door(), method)("x")
    assert scripted_server.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("method", ["call", "stream"])
def test_terminal_escapes_and_forged_lines_are_escaped(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    evil = "\x1b[2J\nERROR root: all is well \u202egpj.exe"
    scripted_server.play(refuse(400, evil))
    with pytest.raises(APIError) as caught:
        getattr(door(), method)("x")
    for text in (str(caught.value), repr(caught.value)):
        assert text.isprintable()
    assert caught.value.provider_message == evil


def test_a_huge_error_message_is_cut(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(400, "x" * 1_000_000))
    with pytest.raises(APIError) as caught:
        door().call("x")
    assert len(str(caught.value)) < 2_500
    assert len(caught.value.provider_message) == 1_000_000


def test_the_repr_of_a_result_is_printable() -> None:
    assert repr(ChatResult(text="\x1b[31m\n\u202e")).isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b"{}",
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":[3]}',
        b'{"choices":[{"message":3}]}',
        b'{"choices":{"0":{}}}',
        b"[" * 100_000,
        b'{"choices":[{"message":{"content":"cut',
        b"\xff\xfe\x00",
        b'{"choices":[{"index":' + b"9" * 5000 + b"}]}",
    ],
)
@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_hostile_body_is_one_of_our_errors(
    door: Doors, scripted_server: ScriptedServer, body: bytes, method: str
) -> None:
    scripted_server.play(Reply(200, {"content-type": "application/json"}, body))
    with pytest.raises(LexiluxError):
        getattr(door(), method)("x")
