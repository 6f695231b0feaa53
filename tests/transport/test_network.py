"""Network streams: what httpcore writes in parts leaves in one go."""

from __future__ import annotations

import httpcore
import pytest

from lexilux_like.transport.network import MOST_WAITING, WatchedStream


class Line(httpcore.NetworkStream):
    """Remembers what is written to it, and answers."""

    def __init__(self, *, broken: bool = False) -> None:
        self.written: list[bytes] = []
        self.broken = broken

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"answer"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self.broken:
            raise httpcore.WriteError("broken")
        self.written.append(buffer)


def test_what_is_written_leaves_at_the_first_read_in_one_piece():
    line = Line()
    stream = WatchedStream(line)
    for part in (b"head ", b"body", b""):
        stream.write(part)
    assert line.written == []
    assert stream.read(10) == b"answer"
    assert line.written == [b"head body"]


def test_it_leaves_once():
    line = Line()
    stream = WatchedStream(line)
    stream.write(b"a")
    stream.read(10)
    stream.read(10)
    stream.write(b"b")
    stream.read(10)
    assert line.written == [b"a", b"b"]


def test_a_large_body_does_not_wait():
    line = Line()
    WatchedStream(line).write(b"x" * (MOST_WAITING + 1))
    assert len(line.written) == 1


def test_a_server_that_answers_before_it_has_read_all_is_heard():
    stream = WatchedStream(Line(broken=True))
    stream.write(b"a")
    assert stream.read(10) == b"answer"


def test_a_large_body_that_cannot_be_written_is_an_error():
    with pytest.raises(httpcore.WriteError):
        WatchedStream(Line(broken=True)).write(b"x" * (MOST_WAITING + 1))
