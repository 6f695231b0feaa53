"""Error events: every shape is on the wire as it says, and none is taken for an end."""

from __future__ import annotations

import httpx
import pytest

from lexilux_like import APIError, ServerError, ValidationError
from lexilux_like.testing import (
    ERROR_EVENTS,
    ErrorEvent,
    RecordedRequest,
    Reply,
    ScriptedServer,
    answer,
    body_of,
    fail,
    stream,
)
from lexilux_like.testing.complaints import MESSAGE
from lexilux_like.testing.door import Doors
from lexilux_like.testing.messages import message_stream, text_block

WORDLESS = {"finish"}


@pytest.mark.parametrize("name", [name for name in ERROR_EVENTS if name != "anthropic"])
def test_error_is_raised_with_what_came_before(
    door: Doors, scripted_server: ScriptedServer, name: str
) -> None:
    scripted_server.play(fail(stream("Hel", "lo"), name))
    with pytest.raises(APIError) as caught:
        door().stream("Hi")
    assert caught.value.partial.text == "Hello"
    if name not in WORDLESS:
        assert caught.value.provider_message == MESSAGE


def test_error_of_anthropic_is_raised(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(fail(message_stream(["Hel", "lo"]), "anthropic", after=1))
    with pytest.raises(ServerError, match=MESSAGE) as caught:
        door(provider="anthropic").stream("Hi")
    assert caught.value.partial.text == "Hel"


@pytest.mark.parametrize("name", ERROR_EVENTS)
def test_each_shape_says_what_it_is(name: str) -> None:
    shape = ERROR_EVENTS[name]
    assert shape.name == name
    assert shape.says.endswith(".")
    assert shape.seen_at
    assert shape.data.endswith(b"\n\n")
    assert name in WORDLESS or MESSAGE.encode() in shape.data


def test_shapes_differ() -> None:
    assert len({shape.data for shape in ERROR_EVENTS.values()}) == len(ERROR_EVENTS)


@pytest.mark.parametrize(("after", "text"), [(0, []), (1, ["a"]), (2, ["a", "b"]), (None, "abc")])
def test_so_many_pieces_come_first(
    scripted_server: ScriptedServer, after: int | None, text: list[str]
) -> None:
    scripted_server.play(fail(stream("a", "b", "c"), after=after))
    response = httpx.get(scripted_server.url, trust_env=False)
    assert response.status_code == 200
    body = response.text
    assert [each for each in "abc" if f'"content": "{each}"' in body] == [*text]
    assert body.endswith(ERROR_EVENTS["object"].data.decode())
    assert "[DONE]" not in body


def test_shape_of_your_own_is_sent(scripted_server: ScriptedServer) -> None:
    own = ErrorEvent("own", "Odd.", b"oops: 1\n\n", "here")
    assert body_of(fail(stream("a"), own)).endswith(b"oops: 1\n\n")


def test_function_that_makes_streams_is_wrapped(scripted_server: ScriptedServer) -> None:
    def make(_request: RecordedRequest) -> Reply:
        return stream("a")

    scripted_server.play(fail(make, "text"))
    assert MESSAGE in httpx.get(scripted_server.url, trust_env=False).text


def test_unknown_shape_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'odd': object, .*anthropic"):
        fail(stream("a"), "odd")


@pytest.mark.parametrize(
    ("reply", "after"),
    [(stream("a"), 2), (stream("a"), -1), (answer("a"), None), (stream(), None)],
    ids=["too many", "negative", "whole", "empty"],
)
def test_stream_with_fewer_pieces_is_refused(reply: Reply, after: int | None) -> None:
    with pytest.raises(ValidationError, match="give a stream"):
        fail(reply, after=after)


def test_block_of_a_message_is_a_piece() -> None:
    reply = fail(message_stream("a", text_block("b")), "anthropic")
    assert body_of(reply).count(b"event: content_block_delta") == 2
