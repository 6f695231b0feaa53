"""A chat window's providers that ask a server: what goes out, and what comes back."""

from __future__ import annotations

import asyncio

import pytest
from windows import CONFIG, HI, OPENAI, Api, both_apis, collect, generate, streamed

from lexilux_like import (
    AuthenticationError,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    LexiluxTimeoutError,
)
from lexilux_like.providers import (
    ChatMessage,
)
from lexilux_like.testing import (
    Cut,
    ScriptedServer,
    SimulatedModel,
    Stall,
    refuse,
    stream,
)


@both_apis
def test_generate_gives_the_assistants_message(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", "lo"))
    message = generate(api, scripted_server)
    assert (message.role, message.content, message.stopped) == ("assistant", "Hello", False)
    assert message.model
    assert message.usage is not None
    assert message.usage["output_tokens"] == message.metadata["usage"]["output_tokens"] > 0
    assert message.metadata["status"] == "complete"
    assert message.metadata["finish_reason"] == "stop"


@both_apis
def test_stream_gives_each_piece_as_it_came(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", "lo"))
    pieces, ended = streamed(api, scripted_server)
    assert pieces == ["Hel", "lo"]
    assert (ended.message.content, ended.message.stopped) == ("Hello", False)
    assert ended.message.usage


@both_apis
def test_the_message_of_a_stream_is_the_same_one_all_along(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hel", "lo"))

    async def go() -> list[ChatMessage]:
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG)
            return [pieces.message, *[pieces.message async for _ in pieces], pieces.message]

    seen = asyncio.run(go())
    assert [each.content for each in seen] == ["", "Hel", "Hello", "Hello"]
    assert len({(each.message_id, each.timestamp) for each in seen}) == 1


@both_apis
def test_nothing_is_sent_before_the_first_piece_is_asked_for(
    api: Api, scripted_server: ScriptedServer
):
    async def go() -> None:
        async with api.provider(scripted_server) as provider, provider.stream(HI, CONFIG):
            await asyncio.sleep(0.05)

    asyncio.run(go())
    assert scripted_server.requests == []


@both_apis
def test_an_ended_stream_stays_ended(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hi"))

    async def go() -> list[str]:
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG)
            return [*[each async for each in pieces], *[each async for each in pieces]]

    assert asyncio.run(go()) == ["Hi"]
    assert len(scripted_server.requests) == 1


def test_generate_goes_on_from_a_cut_answer(scripted_server: ScriptedServer):
    text = "The harbour wakes before the town does. Nets are mended by lamplight."
    scripted_server.always(SimulatedModel(text, cut=40))
    assert generate(OPENAI, scripted_server).content == text
    assert len(scripted_server.requests) > 1


def test_a_stream_that_may_go_on_is_joined(scripted_server: ScriptedServer):
    text = "The harbour wakes before the town does. Nets are mended by lamplight."
    scripted_server.always(SimulatedModel(text, cut=40))
    pieces, ended = streamed(OPENAI, scripted_server, max_continues=5)
    assert "".join(pieces) == ended.message.content == text


@both_apis
def test_an_answer_that_stays_cut_is_an_error_with_what_there_was(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hel", **api.limit))
    with pytest.raises(ChatIncompleteResponseError) as raised:
        generate(api, scripted_server, max_continues=0)
    assert raised.value.partial is not None
    assert (raised.value.partial.text, raised.value.partial.status) == ("Hel", "truncated")


@both_apis
def test_a_cut_stream_ends_with_an_error_with_what_there_was(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(api.streamed("Hel", **api.limit))

    async def go() -> tuple[list[str], ChatIncompleteResponseError, ChatMessage]:
        got: list[str] = []
        async with api.provider(scripted_server) as provider:
            pieces = provider.stream(HI, CONFIG)
            with pytest.raises(ChatIncompleteResponseError, match="truncated") as raised:
                await collect(pieces, got)
            return got, raised.value, pieces.message

    got, error, message = asyncio.run(go())
    assert got == ["Hel"]
    assert error.reason == "max_continues"
    assert error.final_result is not None
    assert error.final_result.text == message.content == "Hel"
    assert message.metadata["status"] == "truncated"
    assert not message.stopped


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [("content_filter", "content_filter"), (None, "max_continues")],
)
def test_a_stream_says_why_it_is_not_whole(
    finish_reason: str | None, reason: str, scripted_server: ScriptedServer
):
    scripted_server.play(stream("Hel", finish_reason=finish_reason))
    with pytest.raises(ChatIncompleteResponseError) as raised:
        streamed(OPENAI, scripted_server)
    assert raised.value.reason == reason


@both_apis
def test_a_broken_stream_is_an_error_with_what_there_was(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", end=Cut()))
    with pytest.raises(ChatStreamInterruptedError) as raised:
        streamed(api, scripted_server)
    assert raised.value.partial is not None
    assert raised.value.partial.text == "Hel"


@both_apis
def test_a_time_limit_that_strikes_is_the_clients_own(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.streamed("Hel", end=Stall(5)))
    with pytest.raises(LexiluxTimeoutError) as raised:
        streamed(api, scripted_server, read_timeout_s=0.1)
    assert raised.value.partial is not None
    assert raised.value.partial.text == "Hel"


@both_apis
def test_an_error_of_the_server_is_the_clients_own(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(refuse(401, "wrong key"), refuse(401, "wrong key"))
    with pytest.raises(AuthenticationError, match="wrong key"):
        generate(api, scripted_server)
    with pytest.raises(AuthenticationError, match="wrong key"):
        streamed(api, scripted_server)
