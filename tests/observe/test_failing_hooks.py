"""A hook that fails harms nobody, and is not silent."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from told import Told

from lexilux_like import Hooks
from lexilux_like.testing import ScriptedServer, answer, stream
from lexilux_like.testing.door import Doors
from lexilux_like.values.events import HOOK_OF


def fail(event: object) -> None:
    raise RuntimeError("my own fault")


@pytest.fixture
def asked(door: Doors, scripted_server: ScriptedServer, told: Told):
    scripted_server.always(lambda r: stream("Hi") if r.json.get("stream") else answer("Hi"))
    failing = Hooks(**dict.fromkeys(HOOK_OF.values(), fail))
    return door(hooks=[failing, told.hooks])


def test_the_call_goes_on_and_the_others_are_told(asked, told: Told):
    assert asked.call("x").text == "Hi"
    assert asked.stream("x").result.text == "Hi"
    assert told.names == ["start", "request", "response", "end"] * 2


def test_each_hook_is_logged_once_with_its_traceback(asked, caplog: pytest.LogCaptureFixture):
    for _ in range(3):
        asked.call("x")
    records = [each for each in caplog.records if each.name == "lexilux_like.hooks"]
    assert len(records) == 1  # it is one function, though several hooks
    assert records[0].levelno == logging.ERROR
    assert "on_start=<function fail" in records[0].getMessage()
    assert records[0].exc_info is not None
    assert "my own fault" in str(records[0].exc_info[1])


def test_an_interrupt_in_a_hook_is_none_of_its_failures(
    door: Doors, scripted_server: ScriptedServer
):
    def interrupt(_event: object) -> None:
        raise KeyboardInterrupt

    scripted_server.play(answer("Hi"))
    with pytest.raises(KeyboardInterrupt):
        door(hooks=Hooks(on_request=interrupt)).call("x")


def test_a_failure_shows_where_nobody_has_configured_logging(scripted_server: ScriptedServer):
    scripted_server.play(answer("Hi"))
    code = (
        "from lexilux_like import Chat, Hooks\n"
        f"chat = Chat(base_url={scripted_server.url!r}, model='m', proxies={{}},\n"
        "    hooks=Hooks(on_start=lambda event: 1 / 0))\n"
        "assert chat('x').text == 'Hi'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ZeroDivisionError" in done.stderr
