"""The played model of the contracts: what it hears, and what it does when it was told nothing."""

from __future__ import annotations

import httpx
import pytest

from lexilux_like import Chat, ServerError
from lexilux_like.testing.contracts import (
    Call,
    Counted,
    Echoes,
    Heard,
    PlayedModel,
    PlayedModelError,
    Refuses,
    Says,
    Turn,
)

CALL = {"id": "call_7", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How late is it?"},
    {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_7", "content": "noon"},
]
both_apis = pytest.mark.parametrize("api", ["openai", "anthropic"])


def chat_on(model: PlayedModel, api: str) -> Chat:
    options = {"api_key": "k", "model": "m", "proxies": {}, "max_retries": 0}
    return Chat.for_provider(api, base_url=model.url, **options)


@both_apis
def test_it_hears_the_same_by_both_apis(api: str):
    with PlayedModel() as model, chat_on(model, api) as chat:
        model.play(Says(("Noon.",)))
        chat(TALK)
    assert model.asked[0].turns == (
        Turn("system", "Be brief."),
        Turn("user", "How late is it?"),
        Turn("assistant", "Let me see.", calls=(Call("clock", "{}", "call_7"),)),
        Turn("tool", "noon", call_id="call_7"),
    )


@both_apis
def test_it_counts_the_same_by_both_apis(api: str):
    with PlayedModel() as model, chat_on(model, api) as chat:
        model.play(Says(("Noon.",), counted=Counted(input=12, output=5, cached=4)))
        usages = [chat(TALK).usage]
        with chat.stream(TALK) as chunks:
            for _ in chunks:
                pass
        usages.append(chunks.result.usage)
    assert [(u.input_tokens, u.output_tokens, u.cached_tokens) for u in usages] == [(12, 5, 4)] * 2


@both_apis
def test_it_does_one_thing_for_each_request_and_the_last_for_ever(api: str):
    with PlayedModel() as model, chat_on(model, api) as chat:
        model.play(Says(("one",)), Echoes())
        assert [chat(text).text for text in ("x", "two", "three")] == ["one", "two", "three"]


@both_apis
def test_a_refusal_tells_how_long_to_wait(api: str):
    path = "/messages" if api == "anthropic" else "/chat/completions"
    with PlayedModel() as model:
        model.play(Refuses(429, retry_after_s=1.5))
        reply = httpx.post(model.url + path, json={"messages": []}, trust_env=False)
    told = (reply.headers["retry-after-ms"], reply.headers["retry-after"])
    assert (reply.status_code, told) == (429, ("1500", "2"))


def test_a_model_that_was_told_nothing_says_so():
    with PlayedModel() as model, chat_on(model, "openai") as chat:
        with pytest.raises(PlayedModelError, match=r"play\(\) has not told"):
            model.hear(Heard(()))
        with pytest.raises(ServerError, match="has not told the model what to do"):
            chat("Hi")


def test_an_unknown_address_is_not_taken_for_a_request():
    with PlayedModel() as model:
        reply = httpx.get(f"{model.root_url}/v1/models", trust_env=False)
    assert (reply.status_code, model.asked) == (404, [])
    assert "nothing at '/v1/models'" in reply.text
