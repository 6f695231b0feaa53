"""Forms of tool calls in a stream: odd as they are, the calls are the same."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from lexilux_like import ValidationError
from lexilux_like.testing import (
    CALL_FORMS,
    CallForm,
    Reply,
    ScriptedServer,
    body_of,
    call_stream,
    tool_call,
)
from lexilux_like.testing.chunks import event_of
from lexilux_like.testing.door import Doors

CALLS = [
    tool_call("weather", {"city": "Rome", "days": 3}, id="call_a"),
    tool_call("weather", {"city": "Lisbon"}, id="call_b"),
]
WANTED = [("weather", {"city": "Rome", "days": 3}), ("weather", {"city": "Lisbon"})]


@pytest.mark.parametrize("name", [name for name in CALL_FORMS if name != "cut_off"])
def test_calls_are_the_same_in_every_form(
    door: Doors, scripted_server: ScriptedServer, name: str
) -> None:
    scripted_server.play(call_stream(*CALLS, form=name))
    result = door().stream("Hi").result
    assert [(call.name, json.loads(call.arguments)) for call in result.tool_calls] == WANTED
    assert result.status == "tool_calls"
    if CALL_FORMS[name].keeps_ids:
        assert [call.id for call in result.tool_calls] == ["call_a", "call_b"]


def test_calls_that_are_cut_off_are_not_whole(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(call_stream(*CALLS, form="cut_off"))
    result = door().stream("Hi").result
    assert (result.status, result.tool_calls) == ("truncated", ())
    first, second = result.incomplete_tool_calls
    assert first.arguments == CALLS[0]["function"]["arguments"]
    assert CALLS[1]["function"]["arguments"].startswith(second.arguments)
    assert not second.arguments.endswith("}")


@pytest.mark.parametrize("name", CALL_FORMS)
def test_each_form_says_what_it_is(name: str) -> None:
    form = CALL_FORMS[name]
    assert form.name == name
    assert form.says.endswith(".")
    assert form.seen_at


def test_forms_differ_on_the_wire() -> None:
    assert len({body_of(call_stream(*CALLS, form=name)) for name in CALL_FORMS}) == len(CALL_FORMS)


def pieces(reply: Reply) -> list[list[Any]]:
    """The pieces of calls, by chunk."""
    told = [value for step in reply.steps if (value := event_of(step)) is not None]
    deltas = [choice["delta"] for value in told for choice in value["choices"]]
    return [delta["tool_calls"] for delta in deltas if delta.get("tool_calls")]


def seen(name: str, field: str) -> list[Any]:
    """A field of the pieces of a form, `...` where a piece has none."""
    every = [piece for chunk in pieces(call_stream(*CALLS, form=name)) for piece in chunk]
    found = [{**piece, **piece["function"]}.get(field, ...) for piece in every]
    return list(dict.fromkeys(map(repr, found)))


@pytest.mark.parametrize(
    ("name", "field", "values"),
    [
        ("plain", "index", ["0", "1"]),
        ("no_index", "index", ["Ellipsis"]),
        ("one_delta", "index", ["Ellipsis"]),
        ("index_zero", "index", ["0"]),
        ("index_from_one", "index", ["1", "2"]),
        ("plain", "id", ["'call_a'", "Ellipsis", "'call_b'"]),
        ("repeated", "id", ["'call_a'", "'call_b'"]),
        ("repeated", "name", ["'weather'"]),
        ("later_null", "id", ["'call_a'", "None", "'call_b'"]),
        ("later_empty", "name", ["'weather'", "''"]),
        ("numeric_id", "id", ["0", "1"]),
        ("no_id", "id", ["''"]),
    ],
)
def test_oddity_is_on_the_wire(name: str, field: str, values: list[str]) -> None:
    assert seen(name, field) == values


def test_arguments_may_be_objects() -> None:
    [[first], _] = pieces(call_stream(*CALLS, form="object"))
    assert first["function"]["arguments"] == {"city": "Rome", "days": 3}


def test_arguments_may_come_before_the_name() -> None:
    [[first], [second], *_] = pieces(call_stream(*CALLS, form="late_name"))
    assert "name" not in first["function"]
    assert second["function"]["name"] == "weather"


@pytest.mark.parametrize(("name", "sizes"), [("one_delta", [2]), ("interleaved", [2, 2])])
def test_chunks_may_have_pieces_of_several_calls(name: str, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in pieces(call_stream(*CALLS, form=name))][: len(sizes)] == sizes


def last_words(scripted_server: ScriptedServer, name: str) -> Any:
    scripted_server.play(call_stream(*CALLS, form=name))
    lines = httpx.get(scripted_server.url, trust_env=False).text.split("\n\n")
    return json.loads(lines[-3].removeprefix("data: "))["choices"][0]


@pytest.mark.parametrize(
    ("name", "word"),
    [("plain", "tool_calls"), ("stop", "stop"), ("empty_word", ""), ("cut_off", "length")],
)
def test_finish_reason_is_the_forms(scripted_server: ScriptedServer, name: str, word: str) -> None:
    assert last_words(scripted_server, name)["finish_reason"] == word


def test_calls_may_stand_in_the_last_chunk(scripted_server: ScriptedServer) -> None:
    last = last_words(scripted_server, "finish_chunk")
    assert last["finish_reason"] == "tool_calls"
    assert len(last["delta"]["tool_calls"]) == 2


def test_form_of_your_own_is_written() -> None:
    own = CallForm("own", "Odd.", lambda calls: [{"tool_calls": list(calls)}], "here")
    assert pieces(call_stream(*CALLS, form=own)) == [CALLS]


def test_unknown_form_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'odd': plain, .*cut_off"):
        call_stream(*CALLS, form="odd")


def test_stream_without_calls_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs one"):
        call_stream()
