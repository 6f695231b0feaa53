"""Finding a chat window's provider by its name."""

from __future__ import annotations

import pytest

import lexilux_like.providers as rooms
from lexilux_like.providers import (
    AnthropicProvider,
    CallbackProvider,
    ChatConfig,
    ChatProvider,
    OpenAIProvider,
    get_provider,
)


@pytest.mark.parametrize(
    ("name", "kind"), [("openai", OpenAIProvider), ("anthropic", AnthropicProvider)]
)
def test_a_provider_gets_its_options(name: str, kind: type[ChatProvider]):
    provider = get_provider(name, api_key="k", base_url="http://127.0.0.1:1/v1", max_retries=7)
    assert type(provider) is kind
    assert isinstance(provider, OpenAIProvider | AnthropicProvider)
    assert (provider.chat.base_url, provider.chat.max_retries) == ("http://127.0.0.1:1/v1", 7)


def test_a_provider_of_functions_gets_them():
    provider = get_provider("callback", generate_fn=print)
    assert isinstance(provider, CallbackProvider)


def test_a_config_names_its_provider():
    config = ChatConfig(provider="openai", provider_config={"api_key": "k", "model": "m"})
    assert config.provider is not None
    assert isinstance(get_provider(config.provider, **config.provider_config), OpenAIProvider)


def test_a_known_server_is_asked_where_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    provider = get_provider("groq")
    assert isinstance(provider, OpenAIProvider)
    assert provider.chat.base_url == "https://api.groq.com/openai/v1"


@pytest.mark.parametrize("name", ["x", "OpenAI", "", None])
def test_an_unknown_name_is_refused_with_those_that_are_known(name: str):
    with pytest.raises(ValueError, match="Available: openai, anthropic, callback, magentic, ") as e:
        get_provider(name)
    assert str(e.value).startswith(f"Unknown provider: {name!r}. ")


def test_every_name_of_the_room_is_there():
    assert sorted(rooms._HOME) == sorted(rooms.__all__)
    assert {*rooms.__all__} <= {*dir(rooms)}
    for name in {*rooms.__all__} - {"MagenticProvider"}:
        assert getattr(rooms, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'GPT'"):
        rooms.GPT  # noqa: B018 - looking is the test
