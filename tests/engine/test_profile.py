"""What the row of llama.cpp says, shown by the engine."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from lexilux_like.testing.door import Door, Doors
from lexilux_like.testing.engine import literal_grammar
from lexilux_like.wire.profile import Column
from lexilux_like.wire.registry import find_provider

SAID = {"role": "assistant", "content": "four"}
SHOWN_ELSEWHERE = {"prefill": "test_continuation.py", "tools": "test_engine.py"}


@pytest.fixture
def engine(doors: Doors) -> Door:
    return doors(provider="llama.cpp")


def says(text: str) -> dict[str, Any]:
    """Options that make the random model say `text`."""
    return {"extra": {"grammar": literal_grammar(text)}}


def prompt_tokens(engine: Door, *messages: dict[str, str], **options: Any) -> int:
    """How long the template makes the prompt."""
    asked = [{"role": "user", "content": "Hi"}, *messages, {"role": "user", "content": "And?"}]
    count = engine.call(asked, **says("x"), **options).usage.input_tokens
    assert count is not None
    return count


def test_reasoning_is_turned_off_in_the_template(engine: Door) -> None:
    asked, refused = (prompt_tokens(engine, reasoning=each) for each in (True, False))
    assert refused > asked == prompt_tokens(engine)


@pytest.mark.parametrize("streams", [True, False])
def test_reasoning_is_in_its_field(engine: Door, streams: bool) -> None:
    options = says("<think>\nhm\n</think>\n\nfour")
    result = engine.stream("Hi", **options).result if streams else engine.call("Hi", **options)
    assert result.reasoning_field in find_provider("llama.cpp").reasons_in
    assert (result.reasoning.strip(), result.text) == ("hm", "four")


def test_reasoning_that_is_sent_back_reaches_the_template(engine: Door) -> None:
    with_it = prompt_tokens(engine, {**SAID, "reasoning_content": "two and two"})
    assert with_it > prompt_tokens(engine, SAID)


@pytest.mark.parametrize("field", find_provider("llama.cpp").limit)
def test_each_limit_is_heeded(engine: Door, field: str) -> None:
    result = engine.call("Hi", **{field: 4}, **says("abcdefgh"))
    assert (result.text, result.status) == ("abcd", "truncated")


def test_a_schema_is_kept(engine: Door) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["b"]}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    result = engine.call("Hi", reasoning=False, response_format=form, temperature=0)
    assert json.loads(result.text) == {"a": "b"}


def test_usage_comes_where_it_is_asked_for(engine: Door) -> None:
    asked = engine.stream("Hi", **says("x")).result.usage
    unasked = engine.stream("Hi", include_usage=False, **says("x")).result.usage
    assert (bool(asked), bool(unasked)) == (True, False)


@pytest.mark.parametrize(("budget", "ends"), [(3, True), (1000, False)])
def test_a_budget_ends_the_reasoning(engine: Door, budget: int, ends: bool) -> None:
    begun = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "<think>\nab"}]
    options = {"max_tokens": 24, "seed": 3, "temperature": 0, "extra": {"ignore_eos": True}}
    result = engine.call(begun, reasoning={"max_tokens": budget}, **options)
    assert result.reasoning.startswith("\nab")
    assert bool(result.text) is ends


def test_every_cell_is_shown() -> None:
    row = find_provider("llama.cpp")
    assert {*row.verified.values()} == {"engine"}
    here = {"reasoning", "reasons_in", "reasoning_back", "limit", "schema", "usage"}
    assert (
        row.verified.keys()
        == here | SHOWN_ELSEWHERE.keys()
        == {*get_args(Column)} - {"finish_words"}
    )
