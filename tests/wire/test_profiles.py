"""What is known of each provider, and how its row is found and spelled."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError
from typing import Any, get_args

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.options import PrefillForm, SamplingOptions
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.engines import LOCAL, UNKNOWN
from lexilux_like.wire.finish import WORDS
from lexilux_like.wire.http import Request
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.profile import Column, Evidence, Profile
from lexilux_like.wire.profiles import PROFILES
from lexilux_like.wire.registry import find_profile, find_provider

MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hel"}]


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://res.openai.azure.com/openai/v1", "azure"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.deepseek.com/beta", "deepseek"),
        ("https://api.moonshot.cn/v1", "moonshot"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://API.GROQ.COM/openai/v1", "groq"),
        ("https://api.x.ai:443/v1", "xai"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://127.0.0.1:1234/v1", "lmstudio"),
        ("http://user:pass@localhost:11434/v1", "ollama"),
        ("http://LOCALHOST:11434/v1", "ollama"),
        ("https://res.cognitiveservices.azure.com", "azure"),
        ("https://res.services.ai.azure.com/openai/v1", "azure"),
        ("https://api.together.ai/v1", "together"),
    ],
)
def test_a_provider_is_known_by_its_host(base_url: str, name: str) -> None:
    assert find_profile(base_url).name == name


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.openai.com.evil.example/v1",
        "https://notapi.deepseek.com.example/v1",
        "https://xapi.mistral.ai/v1",
        "https://gateway.example/api.openai.com/v1",
        "http://192.168.1.4:8000/v1",
        "http://host.example:11434/v1",
    ],
)
def test_a_host_that_only_looks_like_one_is_unknown(base_url: str) -> None:
    assert find_profile(base_url) is UNKNOWN


@pytest.mark.parametrize(
    "base_url", ["http://localhost:8080/v1", "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1"]
)
def test_an_engine_on_this_machine_is_local(base_url: str) -> None:
    assert find_profile(base_url) is LOCAL


def test_a_name_wins_over_the_host() -> None:
    assert find_profile("https://api.openai.com/v1", "vllm").name == "vllm"


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValidationError, match="'deepsek' is not known; did you mean 'deepseek'"):
        find_profile("http://x/v1", "deepsek")


def test_an_unknown_name_like_none_is_refused_with_all_of_them() -> None:
    with pytest.raises(ValidationError, match="known are unknown, local, openai, azure"):
        find_profile("http://x/v1", "qqqqq")


def test_names_and_hosts_are_there_once() -> None:
    names = [each.name for each in PROFILES]
    hosts = [host for each in PROFILES for host in each.hosts]
    assert len(set(names)) == len(names)
    assert len(set(hosts)) == len(hosts)


def test_every_provider_has_a_row() -> None:
    assert {each.name for each in PROFILES} == {
        "openai",
        "azure",
        "deepseek",
        "moonshot",
        "zai",
        "minimax",
        "qwen",
        "mistral",
        "groq",
        "together",
        "fireworks",
        "cerebras",
        "openrouter",
        "xai",
        "gemini",
        "anthropic",
        "anthropic-compat",
        "perplexity",
        "cohere",
        "ollama",
        "vllm",
        "sglang",
        "llama.cpp",
        "lmstudio",
        "huggingface",
        "tgi",
    }


ROWS = pytest.mark.parametrize("row", [*PROFILES, LOCAL, UNKNOWN], ids=lambda row: row.name)


@ROWS
def test_only_columns_are_verified(row: Profile) -> None:
    assert row.verified.keys() <= {*get_args(Column)}
    assert {*row.verified.values()} <= {*get_args(Evidence)}


@ROWS
def test_what_is_documented_has_its_source(row: Profile) -> None:
    assert bool(row.sources) or "documented" not in row.verified.values()
    assert all(each.startswith("https://") for each in row.sources)


@ROWS
def test_a_finish_word_says_something(row: Profile) -> None:
    assert {word.lower() for word in row.finish_words} <= WORDS.keys()


@ROWS
def test_what_is_not_heeded_is_an_option(row: Profile) -> None:
    assert {*row.ignores, *row.renamed} <= {*SamplingOptions.__optional_keys__, "n"}


@pytest.mark.parametrize("row", PROFILES, ids=lambda row: row.name)
def test_a_row_has_what_its_users_read(row: Profile) -> None:
    assert row.label
    assert row.verified
    assert all(each.endswith(".") for each in row.quirks)


@pytest.mark.parametrize("row", [row for row in PROFILES if row.env], ids=lambda row: row.name)
def test_a_provider_with_a_key_has_an_address(row: Profile) -> None:
    found = find_profile(row.base_url) if row.base_url else row
    assert found.name == row.name.removesuffix("-compat")
    assert all(re.fullmatch("[A-Z_]+", each) for each in row.env)


@pytest.mark.parametrize(
    ("model", "old"),
    [
        ("claude-3-5-sonnet-latest", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-opus-4-1-20250805", True),
        ("claude-haiku-4-5", True),
        ("claude-opus-4-6", False),
        ("claude-sonnet-5", False),
    ],
)
def test_only_old_claudes_go_on_from_a_beginning(model: str, old: bool) -> None:
    prefill = find_provider("anthropic-compat").prefill
    assert prefill is not None
    assert prefill.models is not None
    assert bool(re.match(prefill.models, model)) is old


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PROFILES[0].name = "mine"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("deepseek", "prefix"),
        ("mistral", "prefix"),
        ("moonshot", "partial"),
        ("qwen", "partial"),
        ("vllm", "continue_final_message"),
        ("sglang", "continue_final_message"),
        ("groq", "trailing"),
        ("openrouter", "trailing"),
        ("anthropic", "trailing"),
        ("ollama", "trailing"),
        ("lmstudio", "trailing"),
        ("llama.cpp", "trailing"),
        ("tgi", "trailing"),
    ],
)
def test_a_prefill_has_the_form_of_its_provider(name: str, form: PrefillForm) -> None:
    prefill = find_profile("http://x/v1", name).prefill
    assert prefill is not None
    assert prefill.form == form


@pytest.mark.parametrize("name", ["openai", "azure", "xai", "gemini", "cerebras", "fireworks"])
def test_a_provider_without_a_known_prefill_has_none(name: str) -> None:
    assert find_profile("http://x/v1", name).prefill is None


def test_only_what_is_documented_is_trusted_unseen() -> None:
    trusted = {each.name for each in PROFILES if each.prefill and each.prefill.documented}
    assert trusted == {"deepseek", "moonshot", "qwen", "mistral", "groq", "anthropic"}


@pytest.mark.parametrize("name", ["deepseek", "moonshot", "qwen"])
def test_a_prefill_that_excludes_reasoning_says_so(name: str) -> None:
    prefill = find_profile("http://x/v1", name).prefill
    assert prefill is not None
    assert prefill.without_reasoning


def test_only_an_engine_whose_grammar_holds_inside_a_prefill_keeps_it() -> None:
    keeping = {e.name for e in (*PROFILES, LOCAL) if e.prefill and e.prefill.keeps_constraint}
    assert keeping == {"llama.cpp", "local"}


# How it is spelled.


def encode(provider: str, form: PrefillForm | None, **fields: Any) -> Request:
    base_url = "https://host.example/v1"
    dialect = OpenAIDialect(base_url, find_profile(base_url, provider))
    return dialect.encode(ChatRequest("m", MESSAGES, prefill=form, **fields), stream=False)


@pytest.mark.parametrize(
    ("provider", "form", "last", "fields"),
    [
        ("mistral", "prefix", {"prefix": True}, {}),
        ("moonshot", "partial", {"partial": True}, {}),
        ("groq", "trailing", {}, {}),
        (
            "vllm",
            "continue_final_message",
            {},
            {"continue_final_message": True, "add_generation_prompt": False},
        ),
    ],
)
def test_a_prefill_adds_nothing_but_its_marks(
    provider: str, form: PrefillForm, last: dict[str, Any], fields: dict[str, Any]
) -> None:
    request = encode(provider, form)
    question, part = MESSAGES
    sent = {"model": "m", "messages": [question, {**part, **last}], **fields}
    assert (request.path, json.loads(request.body)) == ("chat/completions", sent)


def test_deepseeks_prefill_goes_to_its_beta_path() -> None:
    assert encode("deepseek", "prefix").path == "/beta/chat/completions"


@pytest.mark.parametrize("form", [None, "trailing"])
def test_no_other_request_goes_there(form: PrefillForm | None) -> None:
    assert encode("deepseek", form).path == "chat/completions"


def test_a_prefill_leaves_the_callers_messages_alone() -> None:
    before = json.dumps(MESSAGES)
    encode("mistral", "prefix")
    assert json.dumps(MESSAGES) == before


def test_a_prefill_marks_the_messages_that_are_sent() -> None:
    own = [{"role": "user", "content": "Mine"}, {"role": "assistant", "content": "Yo"}]
    sent = json.loads(encode("mistral", "prefix", extra={"messages": own}).body)
    assert sent["messages"] == [own[0], {**own[1], "prefix": True}]
