"""A kept connection that its server has given up costs nobody an answer."""

from __future__ import annotations

import pytest

from lexilux_like import LexiluxConnectionError
from lexilux_like.testing import Cut, Raw, Reset, ScriptedServer, answer, raw_reply, stream
from lexilux_like.testing.door import Doors


@pytest.mark.parametrize("end", [Cut(), Reset()])
def test_a_kept_connection_closed_without_a_word_is_replaced(
    door: Doors, scripted_server: ScriptedServer, end: Cut | Reset
) -> None:
    scripted_server.play(answer("first"), raw_reply(end), stream("second"))
    asked = door(max_retries=0)
    assert asked.call("x").text == "first"
    assert asked.stream("x").result.text == "second"
    assert len(scripted_server.requests) == 3


def test_a_new_connection_closed_without_a_word_is_an_error(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(raw_reply(Cut()), answer("never"))
    with pytest.raises(LexiluxConnectionError):
        door(max_retries=0).call("x")
    assert len(scripted_server.requests) == 1


def test_a_kept_connection_that_says_something_first_is_an_error(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("first"), raw_reply(Raw(b"HTTP/1.1 200 O"), Cut()), answer("never"))
    asked = door(max_retries=0)
    asked.call("x")
    with pytest.raises(LexiluxConnectionError):
        asked.call("x")
    assert len(scripted_server.requests) == 2
