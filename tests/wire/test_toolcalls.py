"""Tool calls: which pieces belong together."""

from __future__ import annotations

from typing import Any

import pytest

from lexilux_like.values.results import ToolCallDelta
from lexilux_like.wire.toolcalls import ToolCalls


def piece(arguments: object = None, **fields: Any) -> dict[str, Any]:
    function = {} if arguments is None else {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return {**fields, "function": function}


def put_together(*deltas: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    calls = ToolCalls()
    for delta in deltas:
        calls.feed(delta)
    return [(call.id, call.name, call.arguments) for call in calls.so_far()]


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        pytest.param(
            [[piece("", index=0, id="a", name="f")], [piece("{", index=0)], [piece("}", index=0)]],
            [("a", "f", "{}")],
            id="by index",
        ),
        pytest.param(
            [[piece("{", id="a", name="f")], [piece("[", id="b", name="g")], [piece("}", id="a")]],
            [("a", "f", "{}"), ("b", "g", "[")],
            id="by id, interleaved",
        ),
        pytest.param(
            [
                [piece("{", id="a", name="f")],
                [piece("[", id="b", name="g")],
                [piece("}", id="a")],
                [piece("!")],
            ],
            [("a", "f", "{}!"), ("b", "g", "[")],
            id="by neither, after an id",
        ),
        pytest.param(
            [
                [piece("{", index=0, id="a")],
                [piece("[", index=0, id="b")],
                [piece("}", index=0, id="a")],
            ],
            [("a", "", "{}"), ("b", "", "[")],
            id="ids take turns at one index",
        ),
        pytest.param(
            [[piece("{", index=2, id="a")], [piece("[", index=0, id="b")], [piece("}", index=2)]],
            [("a", "", "{}"), ("b", "", "[")],
            id="in order of appearance, not of index",
        ),
        pytest.param(
            [[piece("1", index=0, id="a")], [piece("2", index=1, id="a")]],
            [("a", "", "1"), ("a", "", "2")],
            id="one id at two indexes",
        ),
        pytest.param(
            [[piece("", index=0, name="f")], [piece("{}", index=0, id="a")]],
            [("a", "f", "{}")],
            id="the id comes late",
        ),
        pytest.param(
            [[piece("{", index=0)], [piece("}", index=0, id="a", name="f")]],
            [("a", "f", "{}")],
            id="arguments before id and name",
        ),
        pytest.param(
            [[piece("{}", index=0, name="f")], [piece("{}", index=0, id="b", name="g")]],
            [("", "f", "{}"), ("b", "g", "{}")],
            id="another name with a new id is a new call, whatever the index",
        ),
        pytest.param(
            [
                [piece("{", index=0, id="a", name="f"), piece("[", index=1, id="b", name="f")],
                [piece("]", index=1), piece("}", index=0)],
            ],
            [("a", "f", "{}"), ("b", "f", "[]")],
            id="by index, interleaved within each delta",
        ),
        pytest.param(
            [[piece("{", name="f")], [piece("}", id="a")]],
            [("a", "f", "{}")],
            id="the id comes late, without index",
        ),
        pytest.param(
            [[piece('{"x"')], [piece(": 1}", name="f", id="a")]],
            [("", "", '{"x"'), ("a", "f", ": 1}")],
            id="a new id with a name is a new call",
        ),
        pytest.param(
            [[piece("", id="a", name="f")], [piece("{}", index=0)]],
            [("a", "f", "{}")],
            id="the index comes late",
        ),
        pytest.param(
            [[piece("{", name="f")], [piece("}", name="f")]],
            [("", "f", "{}")],
            id="a repeated name, without index and id",
        ),
        pytest.param(
            [[piece("{}", name="f")], [piece("{}", name="g")]],
            [("", "f", "{}"), ("", "g", "{}")],
            id="a new name, without index and id",
        ),
        pytest.param(
            [[piece('{"x": 1}', name="f")], [piece('{"x": 2}', name="f")]],
            [("", "f", '{"x": 1}'), ("", "f", '{"x": 2}')],
            id="whole calls of one function, without index and id",
        ),
        pytest.param(
            [[piece(index=0, id="a", name="get_")], [piece("{}", index=0, name="get_weather")]],
            [("a", "get_weather", "{}")],
            id="a name that changes is replaced",
        ),
        pytest.param(
            [[piece("1", id="a", name="f"), piece("2", id="a", name="f")]],
            [("a", "f", "1"), ("a", "f", "2")],
            id="two calls in one delta with one id",
        ),
        pytest.param(
            [[piece("1", name="f"), piece("2", name="f")]],
            [("", "f", "1"), ("", "f", "2")],
            id="two calls in one delta with one name",
        ),
        pytest.param([[piece("{}")]], [("", "", "{}")], id="nothing but arguments"),
    ],
)
def test_pieces_of_calls_are_put_together(
    deltas: list[list[dict[str, Any]]], calls: list[tuple[str, str, str]]
) -> None:
    assert put_together(*deltas) == calls


def test_deltas_of_calls_are_counted_in_order_of_appearance() -> None:
    calls = ToolCalls()
    fed = [
        *calls.feed([piece("{", index=3, id="a", name="f")]),
        *calls.feed([piece("[", index=1, id="b", name="g"), piece("}", index=3, id="a", name="f")]),
    ]
    assert fed == [
        ToolCallDelta(0, "a", "f", "{"),
        ToolCallDelta(1, "b", "g", "["),
        ToolCallDelta(0, "", "", "}"),
    ]


def test_piece_with_nothing_in_it_adds_nothing() -> None:
    calls = ToolCalls()
    calls.feed([piece("", index=0, id="a", name="f")])
    assert calls.feed([piece("", index=0), None]) == []


def test_type_of_a_call_is_kept() -> None:
    calls = ToolCalls()
    calls.feed([{"index": 0, "type": "custom", "function": {"name": "f"}}])
    assert calls.so_far()[0].type == "custom"


def test_what_else_a_call_has_is_kept_as_it_was_sent() -> None:
    calls = ToolCalls()
    signed = {"google": {"thought_signature": "abc"}}
    first = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{"}}
    calls.feed([{**first, "extra_content": signed}])
    assert calls.feed([{"index": 0, "extra_content": None}]) == []
    calls.feed([{"index": 0, "function": {"arguments": "}"}}])
    (call,) = calls.so_far()
    assert (call.arguments, call.fields) == ("{}", {"extra_content": signed})
