"""Providers by name and by row, over sockets: addresses, keys, Azure's URLs, spellings."""

from __future__ import annotations

import pytest

from lexilux_like import (
    Chat,
    InvalidRequestError,
    Prefill,
    Profile,
    Spelling,
    ValidationError,
    find_provider,
    register_provider,
)
from lexilux_like.testing import ScriptedServer, answer, events, json_reply, stream
from lexilux_like.testing.door import Doors
from lexilux_like.testing.script import chunk
from lexilux_like.wire import registry
from lexilux_like.wire.profiles import PROFILES

FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
VERSION = "2024-10-21"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key in the environment, no registered row left behind."""
    monkeypatch.setattr(registry, "_registered", {})
    for name in {name for row in PROFILES for name in row.env}:
        monkeypatch.delenv(name, raising=False)


def root(server: ScriptedServer) -> str:
    """The server's address without a path."""
    return server.url.removesuffix("/v1")


# By name.


@pytest.mark.parametrize(
    ("name", "variable", "url"),
    [
        ("deepseek", "DEEPSEEK_API_KEY", "https://api.deepseek.com"),
        ("gemini", "GOOGLE_API_KEY", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("anthropic-compat", "ANTHROPIC_API_KEY", "https://api.anthropic.com/v1"),
    ],
)
def test_a_provider_has_its_address(
    name: str, variable: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "sk-own")
    with Chat.for_provider(name, model="m") as chat:
        assert chat.base_url == url


def _key(chat: Chat) -> str | None:
    """The key that a client sends."""
    keys = chat._endpoint._keys
    return next(iter(keys[0].values())).removeprefix("Bearer ") if keys else None


def test_a_key_is_read_from_the_environment(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-own")
    scripted_server.play(answer("hi"))
    url = scripted_server.url
    with Chat.for_provider("deepseek", model="m", base_url=url, proxies={}) as chat:
        chat("Hi")
    assert scripted_server.requests[0].headers["authorization"] == "Bearer sk-own"


def test_the_first_variable_that_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "second")
    assert _key(Chat.for_provider("moonshot")) == "second"
    monkeypatch.setenv("MOONSHOT_API_KEY", "first")
    assert _key(Chat.for_provider("moonshot")) == "first"


def test_a_key_that_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "sk-own")
    assert _key(Chat.for_provider("groq", api_key="given")) == "given"


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_key_is_refused(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is not None:
        monkeypatch.setenv("MOONSHOT_API_KEY", value)
    words = "'moonshot' needs a key: set MOONSHOT_API_KEY or KIMI_API_KEY in the environment"
    with pytest.raises(ValidationError, match=words):
        Chat.for_provider("moonshot")


@pytest.mark.parametrize("header", ["Authorization", "api-key"])
def test_a_header_may_carry_the_key(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "not-this")
    url = "https://res.openai.azure.com"
    chat = Chat.for_provider("azure", base_url=url, headers={header: "Bearer token"})
    assert _key(chat) is None


def test_another_header_carries_no_key() -> None:
    with pytest.raises(ValidationError, match="set GROQ_API_KEY"):
        Chat.for_provider("groq", headers={"x-team": "blue"})


@pytest.mark.parametrize("name", ["ollama", "vllm", "sglang", "llama.cpp", "lmstudio"])
def test_an_engine_needs_no_key(name: str) -> None:
    chat = Chat.for_provider(name)
    assert _key(chat) is None
    assert chat.base_url.startswith("http://localhost:")


@pytest.mark.parametrize("name", ["azure", "tgi"])
def test_a_provider_without_an_address_wants_one(name: str) -> None:
    with pytest.raises(ValidationError, match=f"'{name}' has no address of its own"):
        Chat.for_provider(name, api_key="k")


@pytest.mark.parametrize(
    ("url", "given", "name"),
    [
        ("https://api.deepseek.com", None, "deepseek"),
        ("https://api.deepseek.com", "vllm", "vllm"),
        ("http://127.0.0.1:8000/v1", None, "local"),
        ("https://llm.example/v1", None, "unknown"),
    ],
)
def test_a_client_tells_who_serves_it(url: str, given: str | None, name: str) -> None:
    with Chat(base_url=url, provider=given) as chat:
        assert chat.provider == name


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ValidationError, match="did you mean 'deepseek'"):
        Chat.for_provider("deepsek")


# By a row of one's own.

MINE = Profile(
    name="mine",
    key_header="x-key",
    env=("MINE_KEY",),
    reasoning=Spelling({"think": True}, {"think": False}, "think_hard"),
    prefill=Prefill("prefix"),
    limit=("max_completion_tokens",),
    usage="never",
)


def test_a_registered_row_spells_the_request(door: Doors, scripted_server: ScriptedServer) -> None:
    register_provider(MINE)
    scripted_server.play(stream("hi"))
    door(provider="mine").stream("Hi", max_tokens=7, reasoning={"effort": "high"})
    request = scripted_server.requests[0]
    assert request.json == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 7,
        "think_hard": "high",
        "stream": True,
    }
    assert (request.headers["x-key"], "authorization" in request.headers) == ("test-key", False)


def test_a_registered_row_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    register_provider(MINE)
    monkeypatch.setenv("MINE_KEY", "sk-mine")
    assert _key(Chat.for_provider("mine", base_url="https://llm.example/v1")) == "sk-mine"


def test_a_row_can_be_looked_up() -> None:
    assert find_provider("vllm").label == "vLLM"


# What rows do to a conversation.


def test_reasoning_goes_back_in_its_field(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("so", reasoning="why"), answer("ok"))
    chat = door(provider="deepseek")
    first = chat.call("Hi")
    chat.call([{"role": "user", "content": "Hi"}, first.to_message()])
    sent = scripted_server.requests[1].json["messages"][1]
    assert sent == {"role": "assistant", "content": "so", "reasoning_content": "why"}


def test_thinking_parts_go_back_as_parts(door: Doors, scripted_server: ScriptedServer) -> None:
    part = {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}
    scripted_server.play(stream({"content": [part]}, "so"), answer("ok"))
    chat = door(provider="mistral")
    first = chat.stream("Hi").result
    assert (first.reasoning, first.text) == ("why", "so")
    chat.call([{"role": "user", "content": "Hi"}, first.to_message()])
    sent = scripted_server.requests[1].json["messages"][1]
    assert sent["content"] == [part, {"type": "text", "text": "so"}]


def test_think_tags_go_back_as_tags(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("<thi", "nk>why</th", "ink>\n\nso"), answer("ok"))
    chat = door(provider="minimax")
    first = chat.stream("Hi", include_reasoning=True)
    assert "".join(each.reasoning for each in first.chunks) == "why"
    assert first.deltas == ["so"]
    chat.call([{"role": "user", "content": "Hi"}, first.result.to_message()])
    sent = scripted_server.requests[1].json["messages"][1]
    assert sent == {"role": "assistant", "content": "<think>why</think>\n\nso"}


def test_one_history_serves_two_providers(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("so", reasoning="why"), answer("ok"))
    first = door(provider="deepseek").call("Hi")
    door(provider="groq").call([{"role": "user", "content": "Hi"}, first.to_message()])
    sent = scripted_server.requests[1].json["messages"][1]
    assert sent == {"role": "assistant", "content": "so"}


# Azure.


@pytest.mark.parametrize(
    ("below", "version", "path"),
    [
        ("", VERSION, f"/openai/deployments/m/chat/completions?api-version={VERSION}"),
        ("/", VERSION, f"/openai/deployments/m/chat/completions?api-version={VERSION}"),
        ("/openai", VERSION, f"/openai/deployments/m/chat/completions?api-version={VERSION}"),
        ("", None, "/openai/v1/chat/completions"),
        ("/openai", None, "/openai/v1/chat/completions"),
        ("/openai/v1", None, "/openai/v1/chat/completions"),
        ("/openai/v1/", "preview", "/openai/v1/chat/completions?api-version=preview"),
        (
            "/openai/deployments/d",
            VERSION,
            f"/openai/deployments/d/chat/completions?api-version={VERSION}",
        ),
        ("/models", "2024-05-01", "/models/chat/completions?api-version=2024-05-01"),
        ("/proxy", None, "/proxy/openai/v1/chat/completions"),
    ],
)
def test_azure_has_its_own_paths(
    door: Doors, scripted_server: ScriptedServer, below: str, version: str | None, path: str
) -> None:
    scripted_server.play(answer("hi"))
    base_url = root(scripted_server) + below
    door(base_url=base_url, provider="azure", api_version=version).call("Hi")
    request = scripted_server.requests[0]
    assert (request.method, request.path) == ("POST", path)
    assert request.headers["api-key"] == "test-key"
    assert "authorization" not in request.headers
    assert request.json["model"] == "m"


def test_a_deployment_is_percent_encoded(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("hi"))
    azure = door(base_url=root(scripted_server), provider="azure", api_version=VERSION)
    assert azure.stream("Hi", model="a/b ü?").result.text == "hi"
    path = scripted_server.requests[0].path
    assert path.startswith("/openai/deployments/a%2Fb%20%C3%BC%3F/chat/completions?")


def test_azure_takes_a_token(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("hi"))
    headers = {"Authorization": "Bearer entra"}
    door(base_url=root(scripted_server), provider="azure", api_key=None, headers=headers).call("Hi")
    sent = scripted_server.requests[0].headers
    assert (sent["authorization"], "api-key" in sent) == ("Bearer entra", False)


def test_azure_s_first_chunk_is_read(door: Doors, scripted_server: ScriptedServer) -> None:
    prompt = [{"prompt_index": 0, "content_filter_results": FILTERED}]
    scripted_server.play(
        events(
            {"choices": [], "prompt_filter_results": prompt},
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": "hi"}),
            {"choices": [{"index": 0, "content_filter_results": FILTERED}]},
            chunk({}, finish_reason="stop"),
        )
    )
    azure = door(base_url=root(scripted_server), provider="azure", api_version=VERSION)
    result = azure.stream("Hi").result
    assert (result.text, result.status) == ("hi", "complete")


def test_azure_s_filter_is_a_typed_error(door: Doors, scripted_server: ScriptedServer) -> None:
    found = {"hate": {"filtered": True, "severity": "high"}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    error = {
        "message": "The prompt was filtered.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": inner,
    }
    scripted_server.play(json_reply({"error": error}, 400))
    azure = door(base_url=root(scripted_server), provider="azure", api_version=VERSION)
    with pytest.raises(InvalidRequestError, match="The prompt was filtered") as caught:
        azure.call("Hi")
    assert (caught.value.code, caught.value.param) == ("content_filter", "prompt")
    assert caught.value.body is not None
    assert '"severity": "high"' in str(caught.value.body).replace("'", '"')


@pytest.mark.parametrize("provider", ["openai", None, "anthropic"])
def test_an_api_version_is_for_azure(provider: str | None) -> None:
    with pytest.raises(ValidationError, match="api_version='2024-10-21' is for Azure"):
        Chat(base_url="https://llm.example/v1", provider=provider, api_version=VERSION)


@pytest.mark.parametrize(
    "host", ["res.openai.azure.com", "res.cognitiveservices.azure.com", "res.services.ai.azure.com"]
)
def test_azure_is_known_by_its_hosts(host: str) -> None:
    Chat(base_url=f"https://{host}", api_version=VERSION, api_key="k").close()
