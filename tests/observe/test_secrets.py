"""No key reaches a hook or a log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from told import Told

from lexilux_like import (
    APIError,
    CallEnded,
    Chat,
    FallingBack,
    Hooks,
    RequestSent,
    ResponseReceived,
    Retrying,
)
from lexilux_like.testing import Reply, ScriptedServer, answer, refuse
from lexilux_like.testing.door import Doors

KEY = "sk-very-secret-key"
ECHO = refuse(429, f"the key {KEY} is too fast")
ECHO = Reply(429, {**ECHO.headers, "retry-after": "0", "x-echo": KEY}, ECHO.body)


def shown(told: Told) -> str:
    """All that the events hold, bodies and tracebacks too."""
    found: list[Any] = []
    for event in told.events:
        found += [getattr(event, name) for kind in type(event).__mro__ for name in
                  getattr(kind, "__slots__", ())]  # fmt: skip
        error = getattr(event, "error", None)
        if error is not None:
            found += [str(error), vars(error), error.__cause__, getattr(error, "body", "")]
            found += [error.__notes__] if hasattr(error, "__notes__") else []
    return repr(found)


def test_headers_that_sound_secret_are_redacted(
    door: Doors, scripted_server: ScriptedServer, told: Told
):
    reply = answer("Hi")
    scripted_server.play(Reply(200, {**reply.headers, "Set-Cookie": "session=1234"}, reply.body))
    door(hooks=told.hooks, api_key=KEY, headers={"x-auth-token": "tok-5678"}).call("x")
    sent, came = told.only(RequestSent).headers, told.only(ResponseReceived).headers
    assert sent["authorization"] == sent["x-auth-token"] == "[redacted]"
    assert came["set-cookie"] == "[redacted]"
    assert scripted_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_key_is_cut_out_wherever_it_stands(
    door: Doors, scripted_server: ScriptedServer, told: Told, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, "lexilux_like")
    scripted_server.play(ECHO, ECHO)
    base_url = f"{scripted_server.url}/for/{KEY}"
    with pytest.raises(APIError):
        door(hooks=told.hooks, api_key=KEY, base_url=base_url, max_retries=1).call("x")
    urls = {each.url for each in told.of(RequestSent)} | {
        each.url for each in told.of(ResponseReceived)
    }
    assert urls == {f"{scripted_server.url}/for/[redacted]/chat/completions"}
    assert told.of(ResponseReceived)[0].headers["x-echo"] == "[redacted]"
    assert "[redacted]" in str(told.only(Retrying).error)
    assert KEY not in caplog.text
    assert "[redacted]" in caplog.text


def test_no_event_of_a_failing_call_holds_the_key(
    door: Doors, scripted_server: ScriptedServer, told: Told, second_server: ScriptedServer,
    other: Chat,
):  # fmt: skip
    scripted_server.always(ECHO)
    second_server.always(refuse(500, f"other-key and {KEY} are unknown"))
    with pytest.raises(APIError):
        door(hooks=told.hooks, api_key=KEY, max_retries=1, fallbacks=[other]).call("x")
    assert {type(each) for each in told.events} >= {Retrying, FallingBack, CallEnded}
    assert KEY not in shown(told)
    assert "other-key" not in shown(told)


def test_an_error_is_told_without_the_frames_that_held_the_key(
    door: Doors, scripted_server: ScriptedServer
):
    scripted_server.play(ECHO, answer("Hi"))
    frames: list[Any] = []
    hooks = Hooks(on_retry=lambda event: frames.append(event.error.__traceback__))
    door(hooks=hooks, api_key=KEY, max_retries=1).call("x")
    assert frames == [None]
