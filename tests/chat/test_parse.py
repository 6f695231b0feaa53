"""`parse`, `stream_parse` and `response_format=` a type, through both doors on a live server."""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from lexilux_like import (
    Chat,
    ChatHistory,
    ChatIncompleteResponseError,
    ChatParams,
    ChatStreamInterruptedError,
    InvalidRequestError,
    LexiluxTimeoutError,
    OutputValidationError,
    ServerError,
    ValidationError,
)
from lexilux_like.testing import (
    Cut,
    RecordedRequest,
    Reply,
    ScriptedServer,
    Stall,
    answer,
    refuse,
    stream,
)
from lexilux_like.testing.door import Doors
from lexilux_like.testing.engine import LlamaServer
from lexilux_like.values.output import output_type


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Movie(TypedDict):
    title: str
    year: int


@dataclass
class Song:
    title: str
    notes: list[str]


class Unit(enum.Enum):
    CELSIUS = "c"


KINDS: list[tuple[Any, Any]] = [
    (Person, Person(name="Änn", age=3)),
    (Song, Song("Air", ["g", "a"])),
    (Movie, {"title": "Alien", "year": 1979}),
    (list[Person], [Person(name="Ann"), Person(name="Bob", age=4)]),
    (list[Person | Cat], [Cat(kind="cat", lives=9), Person(name="Ann")]),
    (Person | Cat, Cat(kind="cat", lives=9)),
    (Person | None, None),
    (dict[str, int], {"a": 1}),
    (Unit, Unit.CELSIUS),
    (Literal["a", "b"], "b"),
    (int, 7),
    (dt.date, dt.date(2024, 2, 29)),
]
EACH_KIND = pytest.mark.parametrize(("kind", "value"), KINDS, ids=lambda each: str(each)[:30])

ANN = Person(name="Ann", age=3)
ANN_TEXT = '{"name": "Ann", "age": 3}'
ODD_TEXT = '{"name": "Ann", "age": "old"}'
PEOPLE = [Person(name=f"Person number {i}", age=i) for i in range(12)]
PEOPLE_TEXT = json.dumps({"value": [each.model_dump() for each in PEOPLE]}, indent=1)


def written(kind: Any, value: Any) -> str:
    """A perfect model's answer."""
    data = TypeAdapter(kind).dump_python(value, mode="json")
    return json.dumps({"value": data} if output_type(kind).wrapped else data, ensure_ascii=False)


def pieces(text: str, size: int = 5) -> Iterator[str]:
    return (text[i : i + size] for i in range(0, len(text), size))


def says(text: str, **given: Any) -> Reply:
    return stream(*pieces(text), **given)


def cut_at(text: str, size: int) -> Any:
    """A model that is cut after `size` characters, and goes on from the end of what it is shown."""

    def reply(request: RecordedRequest) -> Reply:
        shown = request.json["messages"][-1]
        begun = len(shown["content"]) if shown["role"] == "assistant" else 0
        part = text[begun : begun + size]
        word = "stop" if begun + size >= len(text) else "length"
        return says(part, finish_reason=word)

    return reply


def sent(server: ScriptedServer) -> list[dict[str, Any]]:
    return [request.json for request in server.requests]


def formats(server: ScriptedServer) -> list[str | None]:
    """The `response_format` of each request, in a word."""
    return [body.get("response_format", {}).get("type") for body in sent(server)]


@EACH_KIND
def test_a_value_of_each_kind_comes_back(
    door: Doors, scripted_server: ScriptedServer, kind: Any, value: Any
) -> None:
    scripted_server.play(says(written(kind, value)))
    assert door().parse("Go", kind) == value


@EACH_KIND
def test_a_value_of_each_kind_stands_at_the_end_of_its_parts(
    door: Doors, scripted_server: ScriptedServer, kind: Any, value: Any
) -> None:
    scripted_server.play(says(written(kind, value)))
    assert door().stream_parse("Go", kind).value == value


@pytest.mark.parametrize("resume", ["auto", "off"])
def test_complete_has_the_value_beside_the_text(
    door: Doors, scripted_server: ScriptedServer, resume: str
) -> None:
    text = f"Here you are:\n```json\n{ANN_TEXT}\n```"
    scripted_server.play(answer(text) if resume == "off" else says(text))
    result = door().complete("Who?", response_format=Person, resume=resume)
    assert (result.parsed, result.text, result.status) == (ANN, ANN_TEXT, "complete")


def test_complete_stream_hands_on_the_text_and_has_the_value_at_the_end(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says(PEOPLE_TEXT))
    streamed = door().complete_stream("Who?", response_format=list[Person])
    assert "".join(streamed.deltas) == streamed.result.text == PEOPLE_TEXT
    assert streamed.result.parsed == PEOPLE
    assert [chunk.done for chunk in streamed.chunks].count(True) == 1
    assert streamed.chunks[-1].done


def test_a_type_may_stand_in_the_params(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says(ANN_TEXT))
    params = ChatParams(response_format=Person, temperature=0)
    assert door().complete("Who?", params=params).parsed == ANN
    assert sent(scripted_server)[0]["temperature"] == 0
    assert formats(scripted_server) == ["json_schema"]


def test_the_schema_is_sent_and_nothing_is_put_into_the_prompt(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says(ANN_TEXT))
    door().parse("Who?", Person)
    [body] = sent(scripted_server)
    assert body["response_format"] == output_type(Person).json_schema_format
    assert body["messages"] == [{"role": "user", "content": "Who?"}]


# Truncation and breaks.


@pytest.mark.parametrize("size", [150, 400])
@pytest.mark.parametrize("method", ["parse", "stream_parse"])
def test_a_cut_answer_is_gone_on_from(
    door: Doors, scripted_server: ScriptedServer, method: str, size: int
) -> None:
    scripted_server.always(cut_at(PEOPLE_TEXT, size))
    got = getattr(door(), method)("Who?", list[Person], max_continues=40)
    assert (got if method == "parse" else got.value) == PEOPLE
    assert len(scripted_server.requests) > 1


def test_a_broken_answer_is_gone_on_from(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream(*pieces(PEOPLE_TEXT[:200]), end=Cut()))
    scripted_server.always(cut_at(PEOPLE_TEXT, 10_000))
    assert door().parse("Who?", list[Person]) == PEOPLE


def test_a_cut_answer_that_then_does_not_fit_is_asked_again(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    wrong = PEOPLE_TEXT.replace('"age": 11', '"age": "x"')
    cut = cut_at(wrong, 300)
    scripted_server.play(cut, cut, cut, says(PEOPLE_TEXT))
    result = door().complete("Who?", response_format=list[Person])
    assert result.parsed == PEOPLE
    assert "- value.11.age: " in sent(scripted_server)[-1]["messages"][-1]["content"]
    assert [each.asked for each in result.segments] == ["first", "prefill", "prefill", "again"]
    assert result.usage.output_tokens == 4 * 2


def test_an_answer_that_stays_cut_carries_what_has_finished(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says(PEOPLE_TEXT[:200], finish_reason="length"))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        door().parse("Who?", list[Person], max_continues=0)
    assert caught.value.items == PEOPLE[: len(caught.value.items)]
    assert len(caught.value.items) >= 2
    assert caught.value.parsed[0] == PEOPLE[0].model_dump()
    assert len(scripted_server.requests) == 1


def test_parse_returns_no_half_value_whatever_it_is_told(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(says(PEOPLE_TEXT[:200], finish_reason="length"))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        door().parse("Who?", list[Person], max_continues=0, ensure_complete=False)
    assert caught.value.reason == "max_continues"


def test_complete_returns_half_an_answer_without_a_value_where_that_was_asked_for(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says(ANN_TEXT[:9], finish_reason="length"))
    result = door().complete("Who?", response_format=Person, max_continues=0, ensure_complete=False)
    assert (result.parsed, result.text, result.status) == (None, ANN_TEXT[:9], "truncated")


# What does not fit.


@pytest.mark.parametrize("method", ["parse", "complete"])
def test_a_misfit_is_asked_again_with_what_is_wrong(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(says(ODD_TEXT), says(ANN_TEXT))
    if method == "parse":
        assert door().parse("Who?", Person) == ANN
    else:
        assert door().complete("Who?", response_format=Person).parsed == ANN
    question, answer, complaint = sent(scripted_server)[1]["messages"]
    assert (question["content"], answer["content"]) == ("Who?", ODD_TEXT)
    assert "- age: Input should be a valid integer" in complaint["content"]
    assert formats(scripted_server) == ["json_schema"] * 2


@pytest.mark.parametrize(("given", "requests"), [({}, 3), ({"max_reasks": 0}, 1)])
def test_a_misfit_that_stays_is_an_error(
    door: Doors, scripted_server: ScriptedServer, given: dict[str, int], requests: int
) -> None:
    scripted_server.always(says(ODD_TEXT))
    with pytest.raises(OutputValidationError, match="does not fit Person") as caught:
        door().parse("Who?", Person, **given)
    assert len(scripted_server.requests) == requests
    assert caught.value.errors[0].startswith("age: ")
    assert caught.value.parsed == {"name": "Ann", "age": "old"}
    assert caught.value.partial is not None
    assert caught.value.partial.text == ODD_TEXT
    assert caught.value.partial.usage.output_tokens == 2 * requests


def test_usage_of_all_answers_adds_up(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says(ODD_TEXT), says(ODD_TEXT), says(ANN_TEXT))
    result = door().complete("Who?", response_format=Person)
    assert (result.usage.output_tokens, len(result.segments)) == (6, 3)


def test_json_that_is_broken_is_asked_again(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says('{"name": Ann}'), says(ANN_TEXT))
    assert door().parse("Who?", Person) == ANN
    assert "Invalid JSON" in sent(scripted_server)[1]["messages"][-1]["content"]


def test_an_answer_in_prose_is_asked_again(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says("Her name is Ann."), says(ANN_TEXT))
    assert door().parse("Who?", Person) == ANN


def test_an_answer_in_prose_is_shown_to_the_model_again(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says("Her name is Ann."), says(ANN_TEXT))
    door().parse("Who?", Person)
    _, prose, complaint = sent(scripted_server)[1]["messages"]
    assert prose == {"role": "assistant", "content": "Her name is Ann."}
    assert "Invalid JSON" in complaint["content"]


def test_an_answer_in_prose_does_not_ask_for_more_tokens(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says("Her name is Ann."), says(ANN_TEXT))
    door().parse("Who?", Person, max_tokens=100)
    assert [body["max_tokens"] for body in sent(scripted_server)] == [100, 100]


@pytest.mark.parametrize("method", ["stream_parse", "complete_stream"])
def test_a_stream_cannot_ask_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.always(says(ODD_TEXT))
    opened = (
        door().open_stream("Who?", Person, method=method)
        if method == "stream_parse"
        else door().open_stream("Who?", response_format=Person, method=method)
    )
    with pytest.raises(OutputValidationError, match="age: "):
        opened.drain()
    assert len(scripted_server.requests) == 1
    assert (opened.result.text, opened.result.done) == (ODD_TEXT, False)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (says("[", finish_reason="content_filter"), "content_filter"),
        (stream({"refusal": "I will not."}), "refused"),
    ],
)
@pytest.mark.parametrize("method", ["parse", "stream_parse"])
def test_refusals_and_filters_are_not_asked_again(
    door: Doors, scripted_server: ScriptedServer, method: str, reply: Reply, reason: str
) -> None:
    scripted_server.always(reply)
    with pytest.raises(ChatIncompleteResponseError) as caught:
        getattr(door(), method)("Who?", Person)
    assert caught.value.reason == reason
    assert len(scripted_server.requests) == 1


def test_tool_calls_are_no_value(door: Doors, scripted_server: ScriptedServer) -> None:
    call = {"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}
    scripted_server.always(stream({"tool_calls": [call]}, finish_reason="tool_calls"))
    tools = [{"type": "function", "function": {"name": "f"}}]
    with pytest.raises(OutputValidationError, match="asks for tools"):
        door().parse("Who?", Person, tools=tools)
    result = door().complete("Who?", response_format=Person, tools=tools)
    assert (result.status, result.parsed, result.tool_calls[0].name) == ("tool_calls", None, "f")


# Providers.


@pytest.mark.parametrize(
    ("provider", "form"),
    [
        ("openai", "json_schema"),
        ("llama.cpp", "json_schema"),
        ("deepseek", "json_object"),
        ("moonshot", "json_object"),
        ("minimax", None),
    ],
)
def test_each_provider_is_asked_in_its_form(
    door: Doors, scripted_server: ScriptedServer, provider: str, form: str | None
) -> None:
    scripted_server.play(says(ANN_TEXT))
    assert door(provider=provider).parse("Who?", Person, system="Be brief.") == ANN
    assert formats(scripted_server) == [form]
    system, question = sent(scripted_server)[0]["messages"]
    in_prompt = "" if form == "json_schema" else f"\n\n{output_type(Person).instructions()}"
    assert system == {"role": "system", "content": f"Be brief.{in_prompt}"}
    assert question["content"] == "Who?"


def test_a_history_with_a_system_prompt_is_not_changed(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(says(ODD_TEXT), says(ANN_TEXT))
    history = ChatHistory(["Hi", {"role": "assistant", "content": "Ho"}], system="Be brief.")
    before = history.to_json()
    assert door(provider="deepseek").parse("Who?", Person, history=history) == ANN
    assert history.to_json() == before
    kinds = [[each["role"] for each in body["messages"]] for body in sent(scripted_server)]
    assert kinds[1] == [*kinds[0], "assistant", "user"]


def test_a_refused_form_is_asked_in_a_simpler_one_and_remembered(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    words = "This response_format type is unavailable now"
    scripted_server.play(refuse(400, words), refuse(422, words), says(ANN_TEXT), says(ANN_TEXT))
    asked = door(model="of-the-refused-form")
    assert asked.parse("Who?", Person) == asked.parse("Who?", Person) == ANN
    assert formats(scripted_server) == ["json_schema", "json_object", None, None]


def test_another_refusal_is_raised_at_once(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(refuse(400, "the model is overfed"))
    with pytest.raises(InvalidRequestError):
        door().parse("Who?", Person)
    assert len(scripted_server.requests) == 1


# Parts.


def test_parts_only_ever_grow(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says(PEOPLE_TEXT))
    parsed = door().stream_parse("Who?", list[Person])
    assert len(parsed.snapshots) > 12
    for one, later in itertools.pairwise(each for each in parsed.snapshots if each):
        *before, last = one
        assert before == later[: len(before)]
        assert last.items() <= later[len(before)].items()
    assert parsed.snapshots[-1] == [each.model_dump() for each in PEOPLE]
    assert parsed.result.parsed == parsed.value == PEOPLE


def test_parts_go_on_growing_over_a_break(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream(*pieces(PEOPLE_TEXT[:300]), end=Cut()))
    scripted_server.always(cut_at(PEOPLE_TEXT, 10_000))
    parsed = door().stream_parse("Who?", list[Person])
    lengths = [len(each) for each in parsed.snapshots]
    assert lengths == sorted(lengths)
    assert parsed.value == PEOPLE


def test_there_is_no_value_before_the_end(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream(*pieces(PEOPLE_TEXT), end=Stall()))
    opened = door().open_stream("Who?", list[Person], method="stream_parse")
    part: Any = opened.next_chunk()
    assert isinstance(part, list)
    with pytest.raises(ValidationError, match="read on"):
        _ = opened.iterator.value
    assert opened.result.text
    assert PEOPLE_TEXT.startswith(opened.result.text)
    opened.close()
    assert scripted_server.wait_for_disconnect()
    assert opened.next_chunk() is None


def test_there_is_no_value_after_a_failure(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.always(stream(*pieces(PEOPLE_TEXT[:200]), end=Cut()))
    opened = door().open_stream("Who?", list[Person], method="stream_parse", resume="off")
    with pytest.raises(ChatStreamInterruptedError):
        opened.drain()
    with pytest.raises(ValidationError):
        _ = opened.iterator.value


def test_there_is_no_value_after_a_misfit(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says(ODD_TEXT))
    opened = door().open_stream("Who?", Person, method="stream_parse")
    with pytest.raises(OutputValidationError):
        opened.drain()
    with pytest.raises(ValidationError):
        _ = opened.iterator.value


def test_the_with_block_closes(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream(*pieces(PEOPLE_TEXT), end=Stall()))
    asked = door()
    if asked.is_async:

        async def leave() -> None:
            async with asked.chat.astream_parse("Who?", list[Person]) as parts:
                async for _ in parts:
                    break

        assert asked._runner is not None
        asked._runner.run(leave())
    else:
        with asked.chat.stream_parse("Who?", list[Person]) as parts:
            next(parts)
    assert scripted_server.wait_for_disconnect()


def test_awaiting_gives_the_iterator_itself(scripted_server: ScriptedServer) -> None:
    async def ask() -> list[Any]:
        async with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
            parts = await chat.astream_parse("Who?", Person)
            return [[each async for each in parts][-1], parts.value, await parts is parts]

    scripted_server.play(says(ANN_TEXT))
    assert asyncio.run(ask()) == [{"name": "Ann", "age": 3}, ANN, True]


# What is refused beforehand, and what comes through.


@pytest.mark.parametrize("method", ["parse", "stream_parse"])
@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (Exception, {}, "no answer can be of type"),
        (Person, {"response_format": Person}, "response_format is for complete"),
        (Person, {"response_format": {"type": "json_object"}}, "response_format is for complete"),
        (Person, {"max_reasks": -1}, "max_reasks=-1"),
        (Person, {"max_reasks": True}, "max_reasks=True"),
        (Person, {"n": 2}, "unexpected keyword 'n'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    kind: Any,
    options: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises((ValidationError, TypeError), match=words):
        door().open_stream("Who?", kind, method=method, **options)
    assert scripted_server.requests == []


@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_type_is_not_for_a_plain_call(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    with pytest.raises(ValidationError, match="a type is for complete"):
        getattr(door(), method)("Who?", response_format=Person)
    assert scripted_server.requests == []


def test_a_failure_before_any_content_comes_through(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(refuse(500))
    with pytest.raises(ServerError):
        door().parse("Who?", Person)


def test_one_deadline_holds_for_all_answers(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(says(ODD_TEXT))
    scripted_server.always(stream(end=Stall()))
    with pytest.raises(LexiluxTimeoutError, match=r"not done after 0\.3 s") as caught:
        door().parse("Who?", Person, deadline_s=0.3)
    assert caught.value.partial is not None
    assert caught.value.partial.text == ODD_TEXT


@pytest.mark.parametrize("max_tokens", [8, 20, 60, 400])
@pytest.mark.parametrize("method", ["parse", "stream_parse"])
def test_a_real_engine_keeps_to_the_schema_across_cuts(
    door: Doors, llama: LlamaServer, method: str, max_tokens: int
) -> None:
    class Draw(BaseModel):
        suits: list[Literal["hearts", "spades", "clubs"]]
        seven: Literal["the seven of diamonds, which nobody wants to have"]
        n: Literal[1, 2, 3]

    got = getattr(door(base_url=llama.url), method)(
        "Draw", Draw, max_tokens=max_tokens, max_continues=60, seed=3, temperature=1
    )
    value = got if method == "parse" else got.value
    assert isinstance(value, Draw)
