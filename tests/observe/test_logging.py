"""What `logging` gets to see."""

from __future__ import annotations

import logging
import subprocess
import sys
from functools import partial

import pytest
from sockets import HALF, STORY, Model, broken

from lexilux_like import Chat, RateLimitError
from lexilux_like.testing import ScriptedServer, answer, rate_limited, refuse, stream
from lexilux_like.testing.door import Doors


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """The messages of a level, without the name of the call that each begins with."""
    records = [r for r in caplog.records if r.name == "lexilux_like" and r.levelno == level]
    calls, messages = zip(*(r.getMessage().split(": ", 1) for r in records), strict=True)
    assert len(set(calls)) == 1
    assert calls[0].startswith("call ")
    return list(messages)


@pytest.mark.parametrize("method", ["call", "stream"])
def test_debug_has_a_line_for_each_request_and_response(
    method: str, door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, "lexilux_like")
    reply = answer("Hi") if method == "call" else stream("Hi")
    scripted_server.play(reply)
    getattr(door(), method)("x")
    sent, came = lines(caplog, logging.DEBUG)
    url, size = f"{scripted_server.url}/chat/completions", len(scripted_server.requests[0].body)
    assert sent == f"request 1: POST {url}, {size} bytes"
    assert came.startswith(f"response 1: 200 from {url} after 0.")
    assert came.endswith(" s, request id None")


def test_info_has_the_retries(
    door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "lexilux_like")
    scripted_server.play(rate_limited("Slow down.", retry_after_s=0.01), answer("Hi"))
    door(max_retries=1).call("x")
    (line,) = lines(caplog, logging.INFO)
    assert line.startswith("attempt 2 in 0.01 s, after RateLimitError: ")
    assert "Slow down." in line
    assert [r for r in caplog.records if r.levelno == logging.DEBUG] == []


def test_info_has_the_continuations(
    door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "lexilux_like")
    scripted_server.always(Model(STORY[:HALF], faults=[partial(broken, after=20)]))
    door().complete("Tell me.")
    first = lines(caplog, logging.INFO)[0]
    assert first == "continuation 1, because the answer is interrupted"


def test_info_has_the_fallbacks(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat,
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    caplog.set_level(logging.INFO, "lexilux_like")
    scripted_server.play(refuse(503, "busy"))
    second_server.play(answer("Hi"))
    door(fallbacks=[other]).call("x")
    (line,) = lines(caplog, logging.INFO)
    assert line.startswith(f"falling back to {second_server.url}, after ServerError: ")


def test_nothing_is_a_warning(
    door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
):
    scripted_server.always(rate_limited(retry_after_s=0.01))
    with pytest.raises(RateLimitError):
        door(max_retries=1).call("x")
    assert [r for r in caplog.records if r.name.startswith("lexilux_like")] == []


def test_logging_beside_hooks_is_told_too(
    door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture, told
):
    caplog.set_level(logging.DEBUG, "lexilux_like")
    scripted_server.play(answer("Hi"))
    door(hooks=told.hooks).call("x")
    assert len(lines(caplog, logging.DEBUG)) == 2
    assert told.names == ["start", "request", "response", "end"]


def test_what_is_asked_and_answered_is_not_logged(
    door: Doors, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    scripted_server.play(answer("My answer"), stream("My answer"))
    asked = door()
    asked.call("My question")
    asked.stream("My question")
    assert "My " not in caplog.text


def test_nothing_is_printed_where_nobody_has_configured_logging(scripted_server: ScriptedServer):
    scripted_server.play(rate_limited(retry_after_s=0.01), answer("Hi"))
    code = (
        "import logging\n"
        "from lexilux_like import Chat\n"
        f"chat = Chat(base_url={scripted_server.url!r}, model='m', proxies={{}}, max_retries=1)\n"
        "chat('x')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
