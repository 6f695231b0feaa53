"""The door: one way to ask, through the sync or the async methods."""

from __future__ import annotations

import asyncio

import pytest

from lexilux_like import AuthenticationError, ChatHistory, ChatStreamInterruptedError
from lexilux_like.testing import Cut, ScriptedServer, Stall, answer, refuse, stream
from lexilux_like.testing.door import Door, Doors


def test_call_gives_the_result(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(answer("Hello"))
    assert door().call("Hi", temperature=0).text == "Hello"
    [request] = scripted_server.requests
    assert request.json["temperature"] == 0
    assert request.headers["authorization"] == "Bearer test-key"


def test_each_kind_of_door_is_tried(door: Doors, request: pytest.FixtureRequest) -> None:
    assert request.node.callspec.id == ("async" if door.is_async else "sync")


def test_options_are_the_constructors(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(answer())
    door(model="other").call("Hi")
    assert scripted_server.requests[0].json["model"] == "other"


def test_stream_is_read_to_its_end(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(stream("a", "b"))
    streamed = door().stream("Hi")
    assert (streamed.deltas, streamed.result.text) == (["a", "b"], "ab")
    assert streamed.chunks[-1].done


def test_history_is_sent(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(answer("one"), stream("two"))
    history = ChatHistory("first")
    asked = door()
    assert asked.chat_with_history(history).text == "one"
    assert asked.stream_with_history(history, "second").result.text == "two"
    sent = [[m["content"] for m in r.json["messages"]] for r in scripted_server.requests]
    assert sent == [["first"], ["first", "second"]]


def test_errors_come_through(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(refuse(401), stream("a", end=Cut()))
    asked = door()
    with pytest.raises(AuthenticationError):
        asked.call("Hi")
    with pytest.raises(ChatStreamInterruptedError):
        asked.stream("Hi")


def test_open_stream_steps_and_closes(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(stream("a", "b", end=Stall()))
    opened = door().open_stream("Hi")
    assert [opened.next_chunk().delta, opened.result.text] == ["a", "a"]
    opened.close()
    assert scripted_server.wait_for_disconnect()


def test_open_stream_ends_with_none(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.play(stream("a"))
    opened = door().open_stream("Hi")
    opened.drain()
    assert opened.next_chunk() is None


def test_calls_of_one_door_share_a_connection(scripted_server: ScriptedServer, door: Doors) -> None:
    scripted_server.always(answer())
    asked = door()
    for _ in range(3):
        asked.call("Hi")
    assert scripted_server.connections == 1


def test_closed_doors_leave_no_connection(scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer())
    for is_async in (False, True):
        with Doors(scripted_server.url, is_async=is_async) as doors:
            doors().call("Hi")
            assert scripted_server.open_connections == 1
        assert scripted_server.wait_for_disconnect()


class Completing:
    """A chat whose methods only say that they were called."""

    def complete(self, prompt: str) -> str:
        return f"complete {prompt}"

    async def acomplete(self, prompt: str) -> str:
        await asyncio.sleep(0)
        return f"acomplete {prompt}"

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("is_async", "expected"), [(False, "complete x"), (True, "acomplete x")])
def test_complete_goes_through_its_twin(is_async: bool, expected: str) -> None:
    with Door(Completing(), is_async=is_async) as door:
        assert door.complete("x") == expected
