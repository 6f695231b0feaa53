"""Reasoning: how each family is asked, and how `<think>` blocks are split off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.profiles import PROFILES
from lexilux_like.wire.reasoning import ThinkSplitter, is_asked, reasoning_fields
from lexilux_like.wire.registry import find_provider

ENABLED, DISABLED = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}
MEDIUM, HIGH, NONE = ({"reasoning_effort": each} for each in ("medium", "high", "none"))
THINKS, RESTS = ({"chat_template_kwargs": {"enable_thinking": each}} for each in (True, False))
PARSED = {"reasoning_format": "parsed"}
ON, OFF = {"reasoning": {"enabled": True}}, {"reasoning": {"enabled": False}}
THOUGHTS = {"google": {"thinking_config": {"include_thoughts": True}}}
REFUSED = None
"""There is no field for it, and so it is refused."""
ASKED: dict[str, list[object]] = {
    # name: True, False, {"effort": "high"}, {"max_tokens": 9}
    "openai": [MEDIUM, NONE, HIGH, REFUSED],
    "azure": [MEDIUM, NONE, HIGH, REFUSED],
    "deepseek": [ENABLED, DISABLED, ENABLED | HIGH, REFUSED],
    "moonshot": [
        ENABLED,
        DISABLED,
        REFUSED,
        {"thinking": {"type": "enabled", "budget_tokens": 9}},
    ],
    "zai": [ENABLED, DISABLED, ENABLED | HIGH, REFUSED],
    "minimax": [
        {"thinking": {"type": "adaptive"}, "reasoning_split": True},
        DISABLED,
        REFUSED,
        REFUSED,
    ],
    "qwen": [
        {"enable_thinking": True},
        {"enable_thinking": False},
        REFUSED,
        {"enable_thinking": True, "thinking_budget": 9},
    ],
    "mistral": [HIGH, NONE, HIGH, REFUSED],
    "groq": [PARSED, NONE, PARSED | HIGH, REFUSED],
    "together": [ON, OFF, HIGH, REFUSED],
    "fireworks": [
        ENABLED,
        DISABLED,
        HIGH,
        {"thinking": {"type": "enabled", "budget_tokens": 9}},
    ],
    "cerebras": [MEDIUM, NONE, HIGH, REFUSED],
    "openrouter": [
        ON,
        OFF,
        {"reasoning": {"effort": "high"}},
        {"reasoning": {"max_tokens": 9}},
    ],
    "xai": [MEDIUM, NONE, HIGH, REFUSED],
    "gemini": [
        {"extra_body": THOUGHTS},
        NONE,
        HIGH,
        {
            "extra_body": {
                "google": {"thinking_config": {"include_thoughts": True, "thinking_budget": 9}}
            }
        },
    ],
    "anthropic-compat": [
        REFUSED,
        DISABLED,
        REFUSED,
        {"thinking": {"type": "enabled", "budget_tokens": 9}},
    ],
    "perplexity": [MEDIUM, REFUSED, HIGH, REFUSED],
    "cohere": [HIGH, NONE, HIGH, REFUSED],
    "huggingface": [MEDIUM, NONE, HIGH, REFUSED],
    "ollama": [MEDIUM, NONE, HIGH, REFUSED],
    "vllm": [THINKS, RESTS, HIGH, {"thinking_token_budget": 9}],
    "sglang": [THINKS, RESTS, HIGH, REFUSED],
    "llama.cpp": [THINKS, RESTS, HIGH, {"thinking_budget_tokens": 9}],
    "lmstudio": [THINKS, RESTS, HIGH, REFUSED],
    "tgi": [THINKS, RESTS, HIGH, REFUSED],
    "local": [THINKS, RESTS, HIGH, {"thinking_token_budget": 9}],
    "unknown": [THINKS, RESTS, HIGH, {"thinking_token_budget": 9}],
}
WAYS: list[Any] = [True, False, {"effort": "high"}, {"max_tokens": 9}]
SAME: list[Any] = [
    {},
    {"enabled": False},
    {"effort": "high", "enabled": True},
    {"max_tokens": 9, "enabled": True},
]
"""Other words for the four ways."""


def asked(name: str, reasoning: Any, model: str = "m") -> Any:
    """The fields, or `REFUSED`."""
    try:
        return reasoning_fields(find_provider(name), reasoning, model)
    except ValidationError:
        return REFUSED


@pytest.mark.parametrize("name", ASKED)
def test_each_family_is_asked_in_its_words(name: str) -> None:
    assert [asked(name, way) for way in WAYS] == ASKED[name]


@pytest.mark.parametrize("name", ASKED)
def test_each_way_has_other_words(name: str) -> None:
    assert [asked(name, way) for way in SAME] == ASKED[name]


def test_every_row_of_the_dialect_is_in_the_table() -> None:
    assert {each.name for each in PROFILES if each.dialect == "openai"} <= ASKED.keys()


@pytest.mark.parametrize("name", ASKED)
def test_an_effort_of_none_is_none_at_all(name: str) -> None:
    assert asked(name, {"effort": "none"}) == ASKED[name][1]


@pytest.mark.parametrize(
    ("name", "model", "fields"),
    [
        ("groq", "openai/gpt-oss-120b", [PARSED, REFUSED, PARSED | HIGH, REFUSED]),
        ("together", "openai/GPT-OSS-20b", [MEDIUM, REFUSED, HIGH, REFUSED]),
        ("cerebras", "gpt-oss-120b", [MEDIUM, REFUSED, HIGH, REFUSED]),
        (
            "cerebras",
            "zai-glm-4.7",
            [{"disable_reasoning": False}, {"disable_reasoning": True}, REFUSED, REFUSED],
        ),
        ("moonshot", "kimi-k3", [HIGH, REFUSED, HIGH, REFUSED]),
    ],
)
def test_some_models_are_asked_in_another_way(name: str, model: str, fields: object) -> None:
    assert [asked(name, way, model) for way in WAYS] == fields


@pytest.mark.parametrize(
    ("name", "reasoning", "fields"),
    [
        (
            "openrouter",
            {"effort": "low", "exclude": True},
            {"reasoning": {"effort": "low", "exclude": True}},
        ),
        ("deepseek", {"keep": 1}, {"thinking": {"keep": 1}}),
        (
            "moonshot",
            {"max_tokens": 9, "keep": "all"},
            {"thinking": {"type": "enabled", "budget_tokens": 9, "keep": "all"}},
        ),
        (
            "gemini",
            {"thinking_level": "low"},
            {"extra_body": {"google": {"thinking_config": {"thinking_level": "low"}}}},
        ),
    ],
)
def test_an_object_for_it_takes_any_field(name: str, reasoning: Any, fields: object) -> None:
    assert asked(name, reasoning) == fields


@pytest.mark.parametrize(
    ("name", "reasoning", "words"),
    [
        ("openai", {"max_tokens": 9}, "no field for 'max_tokens' is known for provider 'openai'"),
        ("qwen", {"effort": "high"}, "no field for 'effort' .* pass it as that server spells it"),
        ("vllm", {"effrot": "high"}, "no field for 'effrot'"),
        ("perplexity", False, "reasoning=False: no field to ask for none"),
        ("anthropic-compat", True, "reasoning=True: no field to ask for it without saying how"),
    ],
)
def test_what_a_family_has_no_field_for_is_refused(name: str, reasoning: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        reasoning_fields(find_provider(name), reasoning)


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_said_unless_asked(name: str) -> None:
    assert reasoning_fields(find_provider(name), None) == {}


@pytest.mark.parametrize("name", ["gemini", "moonshot", "fireworks"])
def test_asking_does_not_change_the_row(name: str) -> None:
    before = repr(find_provider(name))
    reasoning_fields(find_provider(name), {"max_tokens": 9})
    assert repr(find_provider(name)) == before


@pytest.mark.parametrize(
    ("reasoning", "asked"),
    [
        (True, True),
        (False, False),
        (None, False),
        ({}, True),
        ({"effort": "low"}, True),
        ({"effort": "none"}, False),
        ({"enabled": False}, False),
    ],
)
def test_whether_reasoning_is_asked_for(reasoning: object, asked: bool) -> None:
    assert is_asked(reasoning) is asked  # type: ignore[arg-type]


def test_extra_wins_over_reasoning() -> None:
    request = ChatRequest("m", [], extra={"reasoning_effort": "minimal"}, reasoning=True)
    body = OpenAIDialect("https://api.openai.com/v1").encode(request, stream=False).body
    assert json.loads(body)["reasoning_effort"] == "minimal"


def split(*pieces: str) -> tuple[str, str]:
    splitter = ThinkSplitter()
    fed = [*map(splitter.feed, pieces), splitter.rest()]
    return "".join(reasoning for reasoning, _ in fed), "".join(text for _, text in fed)


@pytest.mark.parametrize(
    ("text", "reasoning", "rest"),
    [
        ("<think>why</think>so", "why", "so"),
        (" \n<think>\nwhy\n</think>\n\nso\n", "\nwhy\n", "so\n"),
        ("<think>why</think>\n  so", "why", "  so"),
        ("<think></think>so", "", "so"),
        ("<think>a<b></thin></think>so</think><think>x", "a<b></thin>", "so</think><think>x"),
        ("<think>cut", "cut", ""),
        ("<think>cut</thi", "cut</thi", ""),
        ("  plain <think>x</think>", "", "  plain <think>x</think>"),
        ("<thin", "", "<thin"),
        ("<thinking>x", "", "<thinking>x"),
        ("   ", "", "   "),
        ("", "", ""),
    ],
)
def test_leading_block_is_split_off_however_it_is_cut(text: str, reasoning: str, rest: str) -> None:
    assert split(text) == (reasoning, rest)
    assert split(*text) == (reasoning, rest)
    for cut in range(len(text)):
        assert split(text[:cut], text[cut:]) == (reasoning, rest)


@given(st.text("<think/> \nab", max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_cuts_do_not_change_the_split(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    assert split(*pieces) == split(text)


@given(st.text())
def test_text_without_the_tag_passes_as_it_is(text: str) -> None:
    if not text.lstrip().startswith("<think>"):
        assert split(text) == ("", text)


def test_white_space_is_not_held_back_for_ever() -> None:
    splitter = ThinkSplitter()
    assert any(splitter.feed(" " * 100)[1] for _ in range(20))


def test_other_tags_are_split_off_alike() -> None:
    splitter = ThinkSplitter(("<thought>", "</thought>"))
    fed = [splitter.feed(each) for each in "<thought>why</thought>\n<think>so"]
    assert "".join(reasoning for reasoning, _ in fed) == "why"
    assert "".join(text for _, text in fed) == "<think>so"


@pytest.mark.parametrize(
    ("text", "over"), [("", False), (" <thin", False), ("<think>a", False), ("so", True)]
)
def test_it_is_over_when_only_text_can_follow(text: str, over: bool) -> None:
    splitter = ThinkSplitter()
    splitter.feed(text)
    assert splitter.over is over


def test_text_is_handed_on_as_it_comes() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>a") == ("a", "")
    assert splitter.feed("b</think>c") == ("b", "c")
    assert splitter.feed("d") == ("", "d")
