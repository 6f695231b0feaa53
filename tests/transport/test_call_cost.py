"""What a call costs beside the network, in calls of Python functions."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

import lexilux_like
from lexilux_like import Chat
from lexilux_like.testing import answer
from lexilux_like.transport.engine import Opened
from lexilux_like.transport.watch import Watch
from lexilux_like.wire.http import Request

PACKAGE = str(Path(lexilux_like.__file__).parent)
BODY = answer("Hi.").body or b""


class Canned:
    """An engine whose answer is there."""

    def open(self, request: Request, watch: Watch, *, accept: str) -> Opened:
        del request, watch, accept
        pieces = [b"", BODY]
        return Opened(200, {}, pieces.pop, lambda: None, None)

    def drain(self, opened: Opened, watch: Watch) -> None: ...

    def abandon(self, opened: Opened) -> None: ...

    def close(self) -> None: ...


def test_calls_of_a_whole_answer(monkeypatch: pytest.MonkeyPatch):
    counted = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    with Chat(base_url="http://127.0.0.1:1/v1", model="m") as chat:
        monkeypatch.setattr(chat, "_make_engine", Canned)
        assert chat("Hi").text == "Hi."
        sys.setprofile(count)
        try:
            chat("Hi")
        finally:
            sys.setprofile(None)
    assert counted <= 150, counted
