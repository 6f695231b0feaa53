"""Where a span hangs: below the one that is current where the call is made."""

from __future__ import annotations

import asyncio

import pytest
from traced import Traced, full

from lexilux_like import Chat
from lexilux_like.testing import (
    ScriptedServer,
    stream,
)
from lexilux_like.testing.door import Doors


def test_the_current_span_is_the_parent(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(full(), stream("Hi"))
    asked = door(hooks=traced.hooks())
    with traced.tracers.get_tracer("test").start_as_current_span("mine") as mine:
        if not asked.is_async:
            asked.call("x")
            asked.stream("x")
        else:
            asyncio.run(_both(scripted_server.url, traced))
    parents = {each.parent.span_id for each in traced.spans if each.parent}
    assert len(traced.spans) == 2
    assert parents == {mine.get_span_context().span_id}


async def _both(url: str, traced: Traced) -> None:
    async with Chat(base_url=url, model="m", proxies={}, hooks=traced.hooks()) as chat:
        await chat.acall("x")
        async for _ in chat.astream("x"):
            pass


def test_a_stream_belongs_to_the_span_in_which_it_was_asked_for(
    scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(stream("Hi"))
    tracer = traced.tracers.get_tracer("test")
    url = scripted_server.url
    with Chat(base_url=url, model="m", proxies={}, hooks=traced.hooks()) as chat:
        with tracer.start_as_current_span("mine") as mine:
            opened = chat.stream("x")
        with tracer.start_as_current_span("another"):
            list(opened)
    assert traced.span.parent is not None
    assert traced.span.parent.span_id == mine.get_span_context().span_id


@pytest.mark.parametrize("is_async", [False, True])
def test_each_item_of_a_batch_has_its_span(
    is_async: bool, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.always(full())
    with traced.tracers.get_tracer("test").start_as_current_span("mine") as mine:
        chat = Chat(base_url=scripted_server.url, model="m", proxies={}, hooks=traced.hooks())
        if is_async:

            async def main() -> None:
                async with chat:
                    assert len([each async for each in chat.amap(["a", "b", "c"])]) == 3

            asyncio.run(main())
        else:
            with chat:
                assert len(list(chat.map(["a", "b", "c"]))) == 3
    assert len(traced.spans) == 3
    assert {each.parent and each.parent.span_id for each in traced.spans} == {
        mine.get_span_context().span_id
    }
