"""Captured bytes of real servers, replayed over sockets through both doors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from captured import answer_to, captures, parted, response_of
from rows import facts

from lexilux_like import ChatResult, LexiluxError
from lexilux_like.testing import Cut, Reply, ScriptedServer, Send
from lexilux_like.testing.door import Doors

FRAMING = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}
SHORT = 1_500
"""Bytes of a body that is worth a write for each of them."""


def as_captured(name: str) -> Reply:
    """The capture, chunk by chunk."""
    head, chunks = parted(name, captures()[name])
    headers = {name: value for name, value in head.headers.items() if name not in FRAMING}
    return Reply(head.status, headers, steps=[*map(Send, filter(None, chunks))], framing="chunked")


def one_byte_a_write(name: str) -> Reply:
    reply = as_captured(name)
    body = b"".join(step.data for step in reply.steps if isinstance(step, Send))
    steps = [Send(body[i : i + 1]) for i in range(len(body))]
    return Reply(reply.status, reply.headers, steps=steps, framing="chunked")


def cut_at_the_end(name: str) -> Reply:
    """The connection breaks where the last chunk of the framing should be."""
    return as_captured(name).then(Cut())


def is_stream(name: str) -> bool:
    head = parted(name, captures()[name])[0]
    return "event-stream" in head.headers.get("content-type", "")


def heard(ask: Callable[[], ChatResult]) -> dict[str, object]:
    try:
        return facts(ask())
    except LexiluxError as error:
        return facts(error)


def replayed(
    door: Doors, server: ScriptedServer, names: Iterable[str], play: Callable[[str], Reply]
) -> dict[str, dict[str, object]]:
    """What each capture was heard to say."""
    asked, said = door(), {}
    for name in names:
        server.play(play(name))
        ask = (lambda: asked.stream("x").result) if is_stream(name) else lambda: asked.call("x")
        said[name] = heard(ask)
    return said


def meant() -> dict[str, dict[str, object]]:
    """What each capture says, by its bytes alone."""
    every = captures().items()
    return {name: heard(partial(answer_to, response_of(name, raw))) for name, raw in every}


def test_every_capture_says_the_same_over_a_socket(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    assert len(captures()) > 200
    assert replayed(door, scripted_server, captures(), as_captured) == meant()


def test_short_captures_say_the_same_one_byte_a_write(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    short = [name for name, raw in captures().items() if len(raw) < SHORT]
    assert len(short) > 50
    expected = {name: each for name, each in meant().items() if name in short}
    assert replayed(door, scripted_server, short, one_byte_a_write) == expected


def test_streams_that_said_their_end_lose_nothing_by_a_cut_after_it(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    ended = {name: each for name, each in meant().items() if is_stream(name) and not each["error"]}
    assert len(ended) > 70
    assert replayed(door, scripted_server, ended, cut_at_the_end) == ended
