"""Who does not listen pays nothing."""

from __future__ import annotations

import logging
import sys
from types import FrameType

import pytest

from lexilux_like import CallEnded, Chat, Hooks
from lexilux_like.testing import ScriptedServer, answer, stream
from lexilux_like.transport.observe import Audience, Observer

TEXTS = [f"word {i} " for i in range(50)]
ROOMS = ("transport/observe.py", "values/events.py")


def calls_of_observing(chat: Chat) -> int:
    """Calls of Python functions in the rooms that tell, for one call and one stream."""
    counted = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        collects = frame.f_code.co_name == "_watch_collector"  # once somebody had hooks
        ours = frame.f_code.co_filename.endswith(ROOMS) and not collects
        counted += event == "call" and ours

    chat("x")
    sys.setprofile(count)
    try:
        chat("x")
        for _ in chat.stream("x"):
            pass
    finally:
        sys.setprofile(None)
    return counted


@pytest.fixture
def chat(scripted_server: ScriptedServer):
    scripted_server.always(lambda r: stream(*TEXTS) if r.json.get("stream") else answer("hi"))
    with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
        yield chat


def test_nothing_is_called_where_nobody_listens(chat: Chat):
    assert calls_of_observing(chat) == 0


def test_empty_hooks_are_none(chat: Chat, scripted_server: ScriptedServer):
    with Chat(base_url=scripted_server.url, model="m", proxies={}, hooks=[]) as deaf:
        assert calls_of_observing(deaf) == 0


def test_no_chunk_is_looked_at_where_only_others_are_wanted(
    chat: Chat, scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, "lexilux_like")
    assert calls_of_observing(chat) < len(TEXTS)
    ends: list[CallEnded] = []
    hooks = Hooks(on_end=ends.append)
    with Chat(base_url=scripted_server.url, model="m", proxies={}, hooks=hooks) as heard:
        few = calls_of_observing(heard)
    assert len(ends) == 3
    assert few < 2 * len(TEXTS)
    flow = heard._ask_streamed("x", {})
    assert Observer(Audience([hooks])).watched(flow) is flow
