"""Reasoning: how each family is asked, and how `<think>` blocks are split off."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.reasoning import ThinkSplitter, is_asked, reasoning_fields
from lexilux_like.wire.registry import find_profile

ENABLED, DISABLED = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize(
    ("base_url", "on", "off", "effort"),
    [
        (
            "https://api.openai.com/v1",
            {"reasoning_effort": "medium"},
            {"reasoning_effort": "none"},
            {"reasoning_effort": "high"},
        ),
        (
            "https://me.openai.azure.com/openai/v1",
            {"reasoning_effort": "medium"},
            {"reasoning_effort": "none"},
            {"reasoning_effort": "high"},
        ),
        (
            "http://localhost:11434/v1",
            {"reasoning_effort": "medium"},
            {"reasoning_effort": "none"},
            {"reasoning_effort": "high"},
        ),
        (
            "https://api.deepseek.com",
            ENABLED,
            DISABLED,
            {**ENABLED, "reasoning_effort": "high"},
        ),
        (
            "https://api.moonshot.ai/v1",
            ENABLED,
            DISABLED,
            {**ENABLED, "reasoning_effort": "high"},
        ),
        (
            "https://api.z.ai/api/paas/v4",
            ENABLED,
            DISABLED,
            {**ENABLED, "reasoning_effort": "high"},
        ),
        (
            "https://openrouter.ai/api/v1",
            {"reasoning": {"enabled": True}},
            {"reasoning": {"enabled": False}},
            {"reasoning": {"effort": "high"}},
        ),
        (
            "http://localhost:8000/v1",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
            {"reasoning_effort": "high"},
        ),
        (
            "",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
            {"reasoning_effort": "high"},
        ),
    ],
)
def test_each_family_is_asked_in_its_words(
    base_url: str, on: object, off: object, effort: object
) -> None:
    assert reasoning_fields(find_profile(base_url), reasoning=True) == on
    assert reasoning_fields(find_profile(base_url), reasoning=False) == off
    assert reasoning_fields(find_profile(base_url), {"effort": "high"}) == effort
    assert reasoning_fields(find_profile(base_url), {"enabled": False}) == off
    assert reasoning_fields(find_profile(base_url), {}) == on


@pytest.mark.parametrize(
    ("base_url", "fields"),
    [
        ("https://api.moonshot.ai/v1", {"thinking": {"type": "enabled", "budget_tokens": 9}}),
        (
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            {"enable_thinking": True, "thinking_budget": 9},
        ),
        ("https://openrouter.ai/api/v1", {"reasoning": {"max_tokens": 9}}),
        ("http://localhost:8000/v1", {"thinking_token_budget": 9}),
    ],
)
def test_most_tokens_to_reason_with(base_url: str, fields: object) -> None:
    assert reasoning_fields(find_profile(base_url), {"max_tokens": 9}) == fields


def test_openrouter_takes_any_field() -> None:
    asked = reasoning_fields(
        find_profile("https://openrouter.ai/api/v1"), {"effort": "low", "exclude": True}
    )
    assert asked == {"reasoning": {"effort": "low", "exclude": True}}


@pytest.mark.parametrize(
    ("base_url", "reasoning", "name"),
    [
        ("https://api.openai.com/v1", {"max_tokens": 9}, "max_tokens"),
        ("https://dashscope.aliyuncs.com/v1", {"effort": "high"}, "effort"),
        ("http://localhost:8000/v1", {"effrot": "high"}, "effrot"),
    ],
)
def test_what_a_family_has_no_field_for_is_refused(
    base_url: str, reasoning: dict[str, object], name: str
) -> None:
    with pytest.raises(ValidationError, match=name):
        reasoning_fields(find_profile(base_url), reasoning)


def test_minimax_is_asked_to_split_its_reasoning_off() -> None:
    assert reasoning_fields(find_profile("https://api.minimax.io/v1"), reasoning=True) == {
        "thinking": {"type": "adaptive"},
        "reasoning_split": True,
    }


def test_nothing_is_said_unless_asked() -> None:
    assert reasoning_fields(find_profile("https://api.openai.com/v1"), None) == {}


def test_host_is_matched_as_a_whole() -> None:
    fields = reasoning_fields(find_profile("https://not-api.openai.com.example/v1"), reasoning=True)
    assert "chat_template_kwargs" in fields


def test_asking_twice_gives_the_same_fields() -> None:
    first = reasoning_fields(find_profile("https://api.deepseek.com"), {"max_tokens": 9})
    assert reasoning_fields(find_profile("https://api.deepseek.com"), reasoning=True) == ENABLED
    assert first == reasoning_fields(find_profile("https://api.deepseek.com"), {"max_tokens": 9})


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


def test_text_is_handed_on_as_it_comes() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>a") == ("a", "")
    assert splitter.feed("b</think>c") == ("b", "c")
    assert splitter.feed("d") == ("", "d")
