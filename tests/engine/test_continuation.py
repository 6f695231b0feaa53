"""Answers that llama.cpp cuts or loses, made whole by prefill: byte for byte the unbroken ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lexilux_like import (
    ChatIncompleteResponseError,
    ChatResult,
    ChatStreamInterruptedError,
)
from lexilux_like.testing.door import Door, Doors, Streamed
from lexilux_like.testing.engine import LlamaServer, literal_grammar
from lexilux_like.turns import policy
from lexilux_like.turns.rules import LEARNED

METHODS = ("complete", "complete_stream")
RESUMED = ("stream", *METHODS)
PATIENT = {"max_retries": 20}
"""The engine closes the connection behind each stream, in a race with the next request."""


@dataclass(frozen=True)
class Question:
    """A prompt to which the trained model has one answer, whichever token it goes on from."""

    prompt: str
    options: dict[str, Any] = field(default_factory=dict)


def schema_for(name: str, /, **fields: Any) -> dict[str, Any]:
    """Options that ask for an object with one list of objects, without a thought before it."""
    row = {"type": "object", "properties": fields, "required": list(fields)}
    row["additionalProperties"] = False
    schema = {
        "type": "object",
        "properties": {name: {"type": "array", "items": row}},
        "required": [name],
        "additionalProperties": False,
    }
    response_format = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    no_thinking = {"chat_template_kwargs": {"enable_thinking": False}}
    return {"response_format": response_format, "extra": no_thinking}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
SENTENCES = Question("What can you do?")
GUIDE = Question("Write the quick start guide.")
COUNT = Question("Count from 1 to 20.")
CAPITALS = "List the capitals of France, Italy, Norway and Spain as JSON."
JSON = Question(CAPITALS)
SCHEMA = Question(CAPITALS, schema_for("capitals", country=STRING, capital=STRING))
OBJECT = Question(
    "Give me the capitals of Japan, China and Egypt as JSON",
    {"response_format": {"type": "json_object"}},
)
KINDS = {"enum": ["rock", "gas", "ice"]}
PLANETS = Question(
    "List the planets as JSON.", schema_for("planets", name=STRING, kind=KINDS, moons=INTEGER)
)
QUESTIONS = [
    pytest.param(SENTENCES, 1, id="sentences"),
    pytest.param(GUIDE, 9, id="text"),
    pytest.param(COUNT, 9, id="list"),
    pytest.param(JSON, 1, id="json"),
    pytest.param(OBJECT, 3, id="json_object"),
    pytest.param(SCHEMA, 1, id="json_schema"),
    pytest.param(PLANETS, 19, id="long_json_schema"),
]
"""What is asked, and in what steps of the budget, of which each request costs milliseconds."""


@pytest.fixture(autouse=True)
def instantly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits between attempts take no time, and what a test taught the client is forgotten."""
    monkeypatch.setattr(policy, "_backoff", lambda _state: 0.0)
    yield
    LEARNED._works.clear()


@pytest.fixture
def trained(doors: Doors, trained_llama: LlamaServer) -> Door:
    return doors(base_url=trained_llama.url, **PATIENT)


def asked(door: Door, method: str, question: Question, **options: Any) -> tuple[str, ChatResult]:
    """The text as the caller got it, piece by piece where it is a stream; and the result.

    Each time the client knows nothing of the server.
    """
    LEARNED._works.clear()
    given = {"temperature": 0, **question.options, **options}
    got = getattr(door, method)(question.prompt, **given)
    if isinstance(got, Streamed):
        return "".join(got.deltas), got.result
    return got.text, got


def unbroken(door: Door, question: Question) -> ChatResult:
    result = door.call(question.prompt, temperature=0, max_tokens=300, **question.options)
    assert result.status == "complete"
    return result


def budgets(whole: ChatResult, *, every: int = 1, least: int = 1) -> range:
    """Values of `max_tokens` up to past the length of the answer."""
    return range(least, (whole.usage.output_tokens or 0) + 3, every)


# Truncation.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("question", "every"), QUESTIONS)
def test_answer_cut_at_any_budget_equals_the_unbroken_one(
    trained: Door, method: str, question: Question, every: int
) -> None:
    whole = unbroken(trained, question)
    every *= 1 if method == "complete" and not trained.is_async else 3
    for budget in budgets(whole, every=every):
        text, result = asked(trained, method, question, max_tokens=budget, max_continues=60)
        assert text == result.text == whole.text, f"max_tokens={budget}"
        assert result.status == "complete"


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(SENTENCES, id="sentences"),
        pytest.param(SCHEMA, id="json_schema"),
    ],
)
def test_answer_within_the_default_bounds_is_exact_or_an_honest_error(
    trained: Door, question: Question
) -> None:
    whole = unbroken(trained, question)
    for budget in budgets(whole, every=3):
        part: ChatResult | None = None
        text = ""
        try:
            text, _ = asked(trained, "complete", question, max_tokens=budget)
        except ChatIncompleteResponseError as error:
            part = error.final_result
        if part is None:
            assert text == whole.text, f"max_tokens={budget}"
        else:
            assert budget < 12
            assert whole.text.startswith(part.text)


@pytest.mark.parametrize("question", [GUIDE, SCHEMA], ids=["text", "json_schema"])
def test_rest_is_asked_for_by_prefill_alone(trained: Door, question: Question) -> None:
    whole = unbroken(trained, question)
    for budget in budgets(whole, every=17, least=12)[:-1]:
        _, result = asked(trained, "complete", question, max_tokens=budget, max_continues=60)
        first, *rest = result.segments
        assert (first.asked, first.status) == ("first", "truncated")
        assert {(each.asked, each.joined) for each in rest} == {("prefill", "repeated")}
        assert len(rest) == result.continues > 0


def test_usage_is_the_sum_of_the_requests(trained: Door) -> None:
    _, result = asked(trained, "complete", GUIDE, max_tokens=30, max_continues=60)
    spent = [each.usage for each in result.segments]
    assert len(spent) > 3
    assert result.usage.output_tokens == sum(each.output_tokens or 0 for each in spent)
    assert result.usage.input_tokens == sum(each.input_tokens or 0 for each in spent)
    assert result.usage.total_tokens == sum(each.total_tokens or 0 for each in spent)


def test_answer_that_ends_at_its_budget_is_not_asked_for_twice(trained: Door) -> None:
    whole = unbroken(trained, SCHEMA)
    _, result = asked(trained, "complete", SCHEMA, max_tokens=whole.usage.output_tokens)
    assert (result.text, result.segments) == (whole.text, ())


FLAG = "continue_final_message"


@pytest.mark.parametrize(
    ("question", "provider", "flag"),
    [
        pytest.param(GUIDE, "llama.cpp", None, id="text-llama.cpp"),
        pytest.param(GUIDE, "vllm", FLAG, id="text-vllm"),
        pytest.param(GUIDE, None, None, id="text-unnamed"),
        pytest.param(SCHEMA, "llama.cpp", None, id="json_schema-llama.cpp"),
        pytest.param(SCHEMA, "vllm", FLAG, id="json_schema-vllm"),
        pytest.param(SCHEMA, None, None, id="json_schema-unnamed"),
    ],
)
def test_prefill_has_the_form_of_the_provider(
    doors: Doors,
    trained_llama: LlamaServer,
    relay_to: Callable[[LlamaServer], Any],
    question: Question,
    provider: str | None,
    flag: str | None,
) -> None:
    relay = relay_to(trained_llama)
    door = doors(base_url=relay.url, provider=provider, **PATIENT)
    whole = unbroken(door, question)
    for budget in budgets(whole, every=23, least=12)[:-1]:
        relay.asked = b""
        text, result = asked(door, "complete", question, max_tokens=budget, max_continues=60)
        assert (text, result.segments[1].asked) == (whole.text, "prefill")
        last = json.loads(relay.asked.rpartition(b"\r\n\r\n")[2])
        assert last["messages"][-1]["role"] == "assistant"
        assert {name for name in (FLAG, "prefix", "partial") if last.get(name)} == {flag} - {None}


# Scripted by a grammar, which the engine begins anew in every prefill.

SCRIPTS = {
    "text": 'Grüße, "Welt"! Der Fluß trägt 😀 viele Boote nach 日本, und keins kam je zurück.',
    "json": '{"städte": [{"name": "Zürich", "note": "\\"b\\" \\n 😀"}, {"name": "東京"}], "n": 12}',
    "repetition": "ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_answer_that_begins_anew_in_a_prefill_is_joined_once(
    doors: Doors, method: str, script: str
) -> None:
    door = doors(**PATIENT)
    question = Question("Hi", {"extra": {"grammar": literal_grammar(script)}})
    for budget in range(3, len(script.encode()) + 3, 7):
        text, result = asked(door, method, question, max_tokens=budget, max_continues=60)
        assert text == result.text == script, f"max_tokens={budget}"


# Connections that break.


@pytest.mark.parametrize("method", RESUMED)
@pytest.mark.parametrize("question", [SENTENCES, SCHEMA], ids=["text", "json_schema"])
def test_answer_is_the_unbroken_one_wherever_the_connection_breaks(
    doors: Doors,
    trained_llama: LlamaServer,
    relay_to: Callable[[LlamaServer], Any],
    method: str,
    question: Question,
) -> None:
    relay = relay_to(trained_llama)
    door = doors(base_url=relay.url, **PATIENT)
    whole = unbroken(door, question)
    relay.answered = b""
    asked(door, "stream", question)
    size = relay.answered.index(b"[DONE]")
    for place in range(1, size, size // 13):
        relay.break_off(after=place)
        text, result = asked(door, method, question, resume="auto")
        assert relay.broke
        assert text == result.text == whole.text, f"broken after {place} bytes of {size}"
        assert result.status == "complete"


@pytest.mark.parametrize("method", RESUMED)
@pytest.mark.parametrize("inside", ["data: ", "\n\n", "😀", "日", '"finish_reason":"stop"'])
def test_break_inside_a_line_or_a_character_loses_nothing(
    doors: Doors,
    llama: LlamaServer,
    relay_to: Callable[[LlamaServer], Any],
    method: str,
    inside: str,
) -> None:
    relay = relay_to(llama)
    script = SCRIPTS["text"]
    relay.break_off(inside=inside.encode())
    question = Question("Hi", {"extra": {"grammar": literal_grammar(script)}})
    text, result = asked(doors(base_url=relay.url, **PATIENT), method, question, resume="auto")
    assert relay.broke
    assert (text, result.text, result.status) == (script, script, "complete")


@pytest.mark.parametrize("method", ["stream", "complete_stream"])
def test_break_raises_with_the_part_where_resuming_is_off(
    doors: Doors,
    trained_llama: LlamaServer,
    relay_to: Callable[[LlamaServer], Any],
    method: str,
) -> None:
    relay = relay_to(trained_llama)
    door = doors(base_url=relay.url)
    whole = unbroken(door, GUIDE)
    relay.break_off(after=6_000)
    with pytest.raises(ChatStreamInterruptedError) as caught:
        asked(door, method, GUIDE, resume="off")
    assert caught.value.partial is not None
    assert 0 < len(caught.value.partial.text) < len(whole.text)
    assert whole.text.startswith(caught.value.partial.text)
    assert caught.value.partial.status == "interrupted"
