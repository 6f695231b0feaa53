"""The settings of a LangChain model: what is sent, what is refused, saved, cached and traced."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any, ClassVar

import pytest
from chains import EACH_WAY, ask, chunks_of
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps, load
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField

from lexilux_like import Chat, ValidationError
from lexilux_like.bridges.langchain import ChatLexilux
from lexilux_like.testing import ScriptedServer, call_stream, refuse, stream, tool_call

WORDS = [f"word {number}, " for number in range(30)]
IN_BETA = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
LOADED = {"allowed_objects": [ChatLexilux], "valid_namespaces": ["lexilux_like"]}


@pytest.fixture
def server(scripted_server: ScriptedServer) -> ScriptedServer:
    scripted_server.always(stream("Hello"))
    return scripted_server


@pytest.fixture
def model(server: ScriptedServer) -> ChatLexilux:
    return ChatLexilux(base_url=server.url, model="m", api_key="sk-secret")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Tokens(BaseCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[Any] = []
        self.ends: list[Any] = []

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.tokens.append(token)

    def on_llm_end(self, response: Any, **_: Any) -> None:
        self.ends.append(response.generations[0][0].message)


def test_only_what_was_given_is_sent(model: ChatLexilux, server: ScriptedServer):
    model.invoke("Hi")
    assert server.requests[0].json == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert server.requests[0].headers["authorization"] == "Bearer sk-secret"


@EACH_WAY
def test_options_of_a_call_win_over_those_of_the_model(server: ScriptedServer, way: str):
    model = ChatLexilux(
        base_url=server.url,
        model="m",
        temperature=0,
        max_tokens=50,
        stop=["never"],
        seed=7,
        model_kwargs={"presence_penalty": 0.5},
    )
    ask(model, way, "Hi", model="other", max_tokens=60, stop=["now"], extra={"min_p": 0.1})
    sent = server.requests[0].json
    assert [sent[name] for name in ("model", "temperature", "max_tokens", "stop", "seed")] == [
        "other",
        0,
        60,
        ["now"],
        7,
    ]
    assert (sent["presence_penalty"], sent["min_p"]) == (0.5, 0.1)


def test_an_empty_stop_is_not_sent(server: ScriptedServer):
    ChatLexilux(base_url=server.url, model="m", stop=[]).invoke("Hi")
    assert "stop" not in server.requests[0].json


@EACH_WAY
def test_an_option_that_is_not_known_is_a_type_error(model: ChatLexilux, way: str):
    with pytest.raises(TypeError, match="did you mean 'temperature'"):
        ask(model, way, "Hi", temprature=1)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "pass provider=, base_url=, or chat="),
        ({"base_url": "http://127.0.0.1/v1"}, "no model: pass model="),
        ({"base_url": "127.0.0.1/v1", "model": "m"}, "base_url"),
        ({"provider": "no-such", "model": "m"}, "no-such"),
        ({"provider": "deepseek", "model": "m"}, "DEEPSEEK_API_KEY"),
        ({"base_url": "http://127.0.0.1/v1", "modle": "m"}, "modle"),
        (
            {"base_url": "http://127.0.0.1/v1", "model": "m", "model_kwargs": {"stop": "."}},
            "pass them as arguments",
        ),
    ],
)
def test_a_model_without_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], problem: str
):
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    with pytest.raises(ValueError, match=problem):
        ChatLexilux(**fields)


def test_a_chat_brings_its_own_address(server: ScriptedServer):
    with Chat(base_url=server.url, model="mine", headers={"x-team": "blue"}) as chat:
        assert ChatLexilux(chat=chat).invoke("Hi").content == "Hello"
        assert server.requests[0].json["model"] == "mine"
        assert server.requests[0].headers["x-team"] == "blue"
        with pytest.raises(ValueError, match="timeout of its own"):
            ChatLexilux(chat=chat, timeout=5)


@pytest.mark.parametrize(("given", "retries"), [({}, 2), ({"max_retries": 3}, 3)])
def test_failures_that_may_pass_are_tried_again(
    server: ScriptedServer, given: dict[str, int], retries: int
):
    server.play(*[refuse(500, retry_after=0)] * retries)
    assert ChatLexilux(base_url=server.url, model="m", **given).invoke("Hi").content == "Hello"


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_call_can_be_told_to_stream(model: ChatLexilux, way: str):
    handler = Tokens()
    assert ask(model, way, "Hi", stream=True, config={"callbacks": [handler]}).content == "Hello"
    assert handler.tokens


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (False, None),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ("add", {"type": "function", "function": {"name": "add"}}),
        ({"type": "tool", "name": "add"}, {"type": "function", "function": {"name": "add"}}),
        (
            {"type": "function", "function": {"name": "add"}},
            {"type": "function", "function": {"name": "add"}},
        ),
    ],
)
def test_a_tool_choice_in_any_words(
    model: ChatLexilux, server: ScriptedServer, choice: Any, sent: Any
):
    server.always(call_stream(tool_call("add", {"a": 1, "b": 2})))
    model.bind_tools([add], tool_choice=choice).invoke("Add.")
    assert server.requests[0].json.get("tool_choice") == sent


@pytest.mark.parametrize("choice", ["subtract", {"type": "tool", "name": "subtract"}])
def test_a_choice_of_no_tool_is_refused(model: ChatLexilux, choice: Any):
    with pytest.raises(ValidationError, match="'subtract' is none of the tools"):
        model.bind_tools([add], tool_choice=choice)


def test_a_choice_that_is_none_is_refused(model: ChatLexilux):
    with pytest.raises(ValidationError, match="tool_choice=3"):
        model.bind_tools([add], tool_choice=3)


def test_strict_and_parallel_calls_are_sent(model: ChatLexilux, server: ScriptedServer):
    server.always(call_stream(tool_call("add", {"a": 1, "b": 2})))
    model.bind_tools([add], strict=True, parallel_tool_calls=False).invoke("Add.")
    sent = server.requests[0].json
    assert sent["tools"][0]["function"]["strict"] is True
    assert sent["parallel_tool_calls"] is False


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_callbacks_hear_each_token_once(model: ChatLexilux, server: ScriptedServer, way: str):
    server.play(stream(*WORDS))
    handler = Tokens()
    chunks = chunks_of(model, way, "Hi", config={"callbacks": [handler]})
    assert len([each for each in chunks if each.content]) > 1
    assert "".join(handler.tokens) == "".join(WORDS)
    assert handler.ends[0].response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_streaming_model_tells_tokens_while_it_is_invoked(server: ScriptedServer, way: str):
    server.play(stream(*WORDS))
    handler = Tokens()
    model = ChatLexilux(base_url=server.url, model="m", streaming=True)
    message = ask(model, way, "Hi", config={"callbacks": [handler]})
    assert "".join(handler.tokens) == message.content == "".join(WORDS)


@IN_BETA
def test_events_of_the_third_version_tell_tokens_too(model: ChatLexilux, server: ScriptedServer):
    server.play(stream(*WORDS))
    handler = Tokens()
    assert list(model.stream_events("Hi", {"callbacks": [handler]}, version="v3"))
    assert "".join(handler.tokens) == "".join(WORDS)


def test_tracing_is_told_the_provider_and_the_options(server: ScriptedServer):
    model = ChatLexilux(
        base_url="https://api.deepseek.com", api_key="k", model="m", temperature=0.5, stop="."
    )
    assert model._get_ls_params(max_tokens=9) == {
        "ls_provider": "deepseek",
        "ls_model_name": "m",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["."],
    }
    assert model._get_ls_params(stop=["!"])["ls_stop"] == ["!"]


def test_tracing_is_told_the_provider_of_a_chat(server: ScriptedServer):
    with Chat(base_url=server.url, model="m", provider="vllm") as chat:
        assert ChatLexilux(chat=chat)._get_ls_params()["ls_provider"] == "vllm"


def test_a_cache_answers_in_place_of_the_server(server: ScriptedServer):
    model = ChatLexilux(base_url=server.url, model="m", cache=InMemoryCache())
    first, second = model.invoke("Hi"), asyncio.run(model.ainvoke("Hi"))
    assert (first.content, len(server.requests)) == (second.content, 1)


@pytest.mark.parametrize(
    "other",
    [{"stop": ["!"]}, {"model": "m2"}, {"temperature": 1}, {"base_url": None}, {"top_p": 0.5}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_cache_knows_what_decides_an_answer(server: ScriptedServer, other: dict[str, Any]):
    fields = {"base_url": server.url, "model": "m", "cache": InMemoryCache()}
    if "base_url" in other:
        other = {"base_url": server.url.replace("/v1", "/v2")}
    ChatLexilux(**fields).invoke("Hi")
    ChatLexilux(**{**fields, **other}).invoke("Hi")
    assert len(server.requests) == 2


@pytest.mark.parametrize("other", [{"stop": ["!"]}, {"temperature": 1}, {"model": "m2"}])
def test_a_cache_knows_the_options_of_a_call(server: ScriptedServer, other: dict[str, Any]):
    model = ChatLexilux(base_url=server.url, model="m", cache=InMemoryCache())
    model.invoke("Hi")
    model.invoke("Hi", **other)
    assert len(server.requests) == 2


def test_no_key_is_in_what_a_cache_keeps(model: ChatLexilux):
    assert "sk-secret" not in model._get_llm_string()


@EACH_WAY
def test_the_rate_limiter_is_asked_first(server: ScriptedServer, way: str):
    class Limiter(BaseRateLimiter):
        asked: ClassVar[list[int]] = []

        def acquire(self, *, blocking: bool = True) -> bool:
            self.asked.append(len(server.requests))
            return blocking

        async def aacquire(self, *, blocking: bool = True) -> bool:
            return self.acquire(blocking=blocking)

    ask(ChatLexilux(base_url=server.url, model="m", rate_limiter=Limiter()), way, "Hi")
    assert Limiter.asked == [0]


@IN_BETA
def test_a_model_is_saved_without_its_key_and_loaded_with_it(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
):
    model = ChatLexilux(base_url=server.url, model="m", api_key="sk-secret", temperature=0.5)
    assert "sk-secret" not in dumps(model)
    monkeypatch.setenv("LEXILUX_API_KEY", "sk-of-the-environment")
    loaded = load(dumpd(model), secrets_from_env=True, **LOADED)
    assert loaded._identifying_params == model._identifying_params
    loaded.invoke("Hi")
    assert server.requests[0].headers["authorization"] == "Bearer sk-of-the-environment"


def test_the_key_of_a_provider_is_saved_as_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-secret")
    saved = dumpd(ChatLexilux(provider="deepseek", model="m"))
    assert saved["kwargs"]["api_key"]["id"] == ["DEEPSEEK_API_KEY"]


def test_a_model_is_saved_under_the_name_that_is_imported(model: ChatLexilux):
    class Mine(ChatLexilux):
        """A class of one's own."""

    assert dumpd(model)["id"] == ["lexilux_like", "bridges", "langchain", "ChatLexilux"]
    mine = Mine(base_url=model.base_url, model="m")
    assert dumpd(mine)["id"] == [*__name__.split("."), "Mine"]


def test_a_model_with_a_chat_is_not_saved_as_if_it_could_be_loaded(server: ScriptedServer):
    with Chat(base_url=server.url, model="m") as chat:
        assert dumpd(ChatLexilux(chat=chat))["type"] == "not_implemented"


def test_a_pickled_model_reads_its_key_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, model: ChatLexilux, server: ScriptedServer
):
    monkeypatch.setenv("LEXILUX_API_KEY", "sk-of-the-environment")
    data = pickle.dumps(model)
    assert b"sk-secret" not in data
    pickle.loads(data).invoke("Hi")
    assert server.requests[0].headers["authorization"] == "Bearer sk-of-the-environment"


def test_a_pickled_model_without_a_key_says_which_variable_has_it(
    monkeypatch: pytest.MonkeyPatch, model: ChatLexilux
):
    monkeypatch.delenv("LEXILUX_API_KEY", raising=False)
    data = pickle.dumps(model)
    with pytest.raises(ValidationError, match="set LEXILUX_API_KEY"):
        pickle.loads(data)


def test_the_key_is_in_no_repr(model: ChatLexilux):
    assert "sk-secret" not in repr(model)


def test_a_copy_asks_where_it_says(model: ChatLexilux, server: ScriptedServer):
    with ScriptedServer(stream("There")) as other:
        moved = model.model_copy(update={"base_url": other.url})
        assert moved.invoke("Hi").content == "There"
    assert copy.deepcopy(model).invoke("Hi").content == "Hello"


def test_fields_are_configured_for_a_call_and_keep_the_connection(
    model: ChatLexilux, server: ScriptedServer
):
    configured = model.configurable_fields(temperature=ConfigurableField(id="heat"))
    configured.invoke("Hi")
    configured.with_config(configurable={"heat": 0.9}).invoke("Hi")
    assert [request.json.get("temperature") for request in server.requests] == [None, 0.9]
    assert {request.connection for request in server.requests} == {1}
