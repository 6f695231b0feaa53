"""What a chat window's providers send, over either API, and by which client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from windows import ANTHROPIC, CONFIG, HI, OPENAI, Api, both_apis, collect, generate

from lexilux_like import (
    Chat,
    ChatParams,
    FunctionTool,
    ValidationError,
)
from lexilux_like.providers import (
    ChatConfig,
    ChatMessage,
    ImagePart,
    TextPart,
    get_provider,
)
from lexilux_like.testing import (
    ScriptedServer,
    answer,
    call_stream,
    stream,
    tool_call,
)
from lexilux_like.testing.messages import message, message_stream, thinking_block, tool_use_block

TOOL = FunctionTool("get_weather", parameters={"type": "object", "properties": {}})
ASKS = ChatMessage(role="user", content="Rome?")


def test_openai_is_sent_everything_in_its_place(scripted_server: ScriptedServer):
    scripted_server.play(answer("Hi"))
    picture = ChatMessage(role="user", content=[TextPart(text="See"), ImagePart(data="QUJD")])
    config = ChatConfig(system_prompt="Be brief.", model="m-1", temperature=0.2, max_tokens=9)
    generate(OPENAI, scripted_server, [picture], config)
    [request] = scripted_server.requests
    assert request.json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ],
        },
    ]
    given = {name: request.json[name] for name in ("model", "temperature", "max_tokens")}
    assert given == {"model": "m-1", "temperature": 0.2, "max_tokens": 9}


def test_anthropic_is_sent_everything_in_its_place(scripted_server: ScriptedServer):
    scripted_server.play(message("Hi"))
    picture = ChatMessage(role="user", content=[TextPart(text="See"), ImagePart(data="QUJD")])
    late = ChatMessage(role="system", content="Be kind.")
    generate(ANTHROPIC, scripted_server, [picture, late], ChatConfig(system_prompt="Be brief."))
    [request] = scripted_server.requests
    assert request.path.endswith("/v1/messages")
    assert request.headers["x-api-key"] == "k"
    assert request.json["system"] == "Be brief.\n\nBe kind."
    source = {"type": "base64", "media_type": "image/png", "data": "QUJD"}
    [sent] = request.json["messages"]
    assert sent["content"] == [{"type": "text", "text": "See"}, {"type": "image", "source": source}]
    assert (request.json["max_tokens"], request.json["temperature"]) == (4096, 0.7)


async def two_rounds(provider: Any) -> list[ChatMessage]:
    """A question, the call of a tool, its result, and the answer."""
    pieces = provider.stream([ASKS], CONFIG)
    async for _ in pieces:
        pass
    asked = pieces.message
    result = ChatMessage(role="tool", content="Sunny.", tool_call_id=asked.tool_calls[0].id)
    return [asked, await provider.generate([ASKS, asked, result], CONFIG)]


def test_a_tool_call_and_its_result_reach_openai(scripted_server: ScriptedServer):
    calls = call_stream(tool_call("get_weather", {"city": "Rome"}, id="call_1"))
    scripted_server.play(calls, answer("Sunny."))
    provider = OPENAI.provider(scripted_server, params=ChatParams(tools=[TOOL]))
    asked, last = asyncio.run(two_rounds(provider))
    assert asked.tool_calls is not None
    assert asked.tool_calls[0].function.name == "get_weather"
    assert (asked.metadata["status"], last.content) == ("tool_calls", "Sunny.")
    first, second = (each.json for each in scripted_server.requests)
    assert first["tools"][0]["function"]["name"] == "get_weather"
    _, call, result = second["messages"]
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] == "call_1"


def test_signed_thinking_and_its_tool_call_go_back_to_anthropic(scripted_server: ScriptedServer):
    blocks = [thinking_block("Rome."), tool_use_block("get_weather", {"city": "Rome"}, id="t_1")]
    scripted_server.play(message_stream(*blocks, stop_reason="tool_use"), message("Sunny."))
    provider = ANTHROPIC.provider(scripted_server, params=ChatParams(tools=[TOOL]))
    asked, _ = asyncio.run(two_rounds(provider))
    assert asked.metadata["reasoning"] == "Rome."
    _, call, result = scripted_server.requests[1].json["messages"]
    assert call["content"] == blocks
    assert result["content"][0]["tool_use_id"] == "t_1"


@pytest.mark.parametrize(
    ("config", "provider", "client", "model"),
    [
        (ChatConfig(model="a"), "b", "c", "a"),
        (ChatConfig(), "b", "c", "b"),
        (ChatConfig(), None, "c", "c"),
        (ChatConfig(), None, None, "gpt-4"),
    ],
)
def test_the_model_is_that_of_the_config_the_provider_or_the_client(
    config: ChatConfig,
    provider: str | None,
    client: str | None,
    model: str,
    scripted_server: ScriptedServer,
):
    scripted_server.play(answer("Hi"), stream("Hi"))
    with Chat(base_url=scripted_server.url, model=client) as chat:
        asking = OPENAI.kind(chat=chat, model=provider)
        asyncio.run(asking.generate(HI, config))
    assert scripted_server.requests[0].json["model"] == model


@pytest.mark.parametrize(
    ("config", "params", "sent"),
    [
        ({}, {}, (0.7, 4096)),
        ({}, {"temperature": 0.1, "max_tokens": 5}, (0.1, 5)),
        ({"temperature": 0.3}, {"temperature": 0.1}, (0.3, 4096)),
        ({"temperature": None, "max_tokens": None}, {"temperature": 0.1}, (None, None)),
    ],
)
def test_what_a_config_sets_wins_and_its_defaults_lose(
    config: dict[str, Any],
    params: dict[str, Any],
    sent: tuple[object, ...],
    scripted_server: ScriptedServer,
):
    scripted_server.play(answer("Hi"))
    generate(OPENAI, scripted_server, HI, ChatConfig(**config), params=ChatParams(**params))
    payload = scripted_server.requests[0].json
    assert (payload.get("temperature"), payload.get("max_tokens")) == sent


def test_a_limit_by_its_other_name_is_the_only_one(scripted_server: ScriptedServer):
    scripted_server.play(answer("Hi"))
    generate(OPENAI, scripted_server, params=ChatParams(max_completion_tokens=7))
    payload = scripted_server.requests[0].json
    assert [payload[name] for name in payload if name.startswith("max_")] == [7]


def test_reasoning_and_other_fields_go_with_every_request(scripted_server: ScriptedServer):
    scripted_server.play(answer("a"), stream("b"))

    async def go() -> None:
        extra = {"cache": True}
        async with OPENAI.provider(
            scripted_server, reasoning={"effort": "low"}, extra=extra, provider="openai"
        ) as provider:
            await provider.generate(HI, CONFIG)
            await collect(provider.stream(HI, CONFIG), [])

    asyncio.run(go())
    assert [each.json["cache"] for each in scripted_server.requests] == [True, True]
    assert [each.json["reasoning_effort"] for each in scripted_server.requests] == ["low", "low"]


# The client.


@both_apis
def test_address_and_key_come_from_the_environment(
    api: Api, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{api.name.upper()}_BASE_URL", scripted_server.url)
    monkeypatch.setenv(f"{api.name.upper()}_API_KEY", "from-the-environment")
    scripted_server.play(api.answered("Hi"))
    asyncio.run(get_provider(api.name).generate(HI, CONFIG))
    assert "from-the-environment" in str(scripted_server.requests[0].headers)


def test_a_known_address_wants_its_own_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "of-openai")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    with pytest.raises(ValidationError, match="GROQ_API_KEY"):
        OPENAI.kind(base_url="https://api.groq.com/openai/v1")


def test_without_an_address_it_is_the_providers_own(monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, "")
    addresses = [api.kind(api_key="k").chat.base_url for api in (OPENAI, ANTHROPIC)]
    assert addresses == ["https://api.openai.com/v1", "https://api.anthropic.com/v1"]


@both_apis
def test_a_key_that_is_missing_is_named(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(f"{api.name.upper()}_API_KEY", raising=False)
    monkeypatch.delenv(f"{api.name.upper()}_BASE_URL", raising=False)
    with pytest.raises(ValidationError, match=f"{api.name.upper()}_API_KEY"):
        api.kind()


@both_apis
def test_a_client_of_ones_own_stands_alone_and_stays_open(
    api: Api, scripted_server: ScriptedServer
):
    scripted_server.play(answer("a"), answer("b"))
    with Chat(base_url=scripted_server.url, model="m") as chat:
        with pytest.raises(ValidationError, match="chat= has its own max_retries"):
            api.kind(chat=chat, max_retries=1)

        async def go() -> None:
            async with api.kind(chat=chat) as provider:
                await provider.generate(HI, CONFIG)

        asyncio.run(go())
        assert chat("Hi").text == "b"


@both_apis
def test_its_own_client_is_closed_with_it(api: Api, scripted_server: ScriptedServer):
    scripted_server.play(api.answered("Hi"))

    async def go() -> None:
        async with api.provider(scripted_server) as provider:
            await provider.generate(HI, CONFIG)
        with pytest.raises(ValidationError, match="closed"):
            await provider.generate(HI, CONFIG)

    asyncio.run(go())


def test_an_option_that_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="did you mean 'max_retries'"):
        OPENAI.kind(api_key="k", max_retry=3)  # type: ignore[call-arg]


def test_fewer_than_no_continuations_are_refused():
    with pytest.raises(ValidationError, match="max_continues=-1"):
        OPENAI.kind(api_key="k", max_continues=-1)


def test_the_key_is_not_shown():
    assert "secret" not in repr(OPENAI.kind(api_key="sk-secret", model="m"))
