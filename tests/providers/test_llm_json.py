"""JSON through an agent's interface: the field is sent, and the words that servers insist on."""

from __future__ import annotations

from typing import Any

import pytest
from agents import EACH_WAY, HI, Ask, claude_of, provider_of

from lexilux_like.testing import ScriptedServer, SimulatedModel, answer
from lexilux_like.testing.messages import message

OBJECT = {"type": "json_object"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
SAID = "Answer with a JSON object."


def sent(ask: Ask, server: ScriptedServer, *args: Any, **options: Any) -> dict[str, Any]:
    """The body of the request."""
    server.play(answer('{"a": 1}'))
    ask(provider_of(server), *args, **options)
    body: dict[str, Any] = server.requests[-1].json
    return body


@EACH_WAY
def test_json_mode_is_a_field_of_the_request(ask: Ask, scripted_server: ScriptedServer) -> None:
    assert sent(ask, scripted_server, json_mode=True)["response_format"] == OBJECT


@EACH_WAY
def test_response_format_wins_over_json_mode(ask: Ask, scripted_server: ScriptedServer) -> None:
    body = sent(ask, scripted_server, response_format=SCHEMA, json_mode=True)
    assert (body["response_format"], body["messages"]) == (SCHEMA, HI)


@pytest.mark.parametrize(
    ("messages", "system", "expected"),
    [
        (HI, "", [{"role": "system", "content": SAID}, *HI]),
        (HI, "Be brief.", [{"role": "system", "content": f"Be brief.\n\n{SAID}"}, *HI]),
        (
            [{"role": "system", "content": "Be kind."}, *HI],
            "",
            [{"role": "system", "content": f"Be kind.\n\n{SAID}"}, *HI],
        ),
        (HI, "Json, please.", [{"role": "system", "content": "Json, please."}, *HI]),
        ([{"role": "user", "content": "As JSON"}], "", [{"role": "user", "content": "As JSON"}]),
    ],
)
@EACH_WAY
def test_json_mode_says_json_once_where_nobody_did(
    ask: Ask,
    scripted_server: ScriptedServer,
    messages: list[dict[str, Any]],
    system: str,
    expected: list[dict[str, Any]],
) -> None:
    for _ in range(2):
        body = sent(ask, scripted_server, messages, system=system, json_mode=True)
        assert body["messages"] == expected


@EACH_WAY
def test_claude_is_told_in_words(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(message('{"a": 1}'))
    ask(claude_of(scripted_server), json_mode=True)
    body = scripted_server.requests[0].json
    assert "response_format" not in body
    assert "JSON" in body["system"]


@EACH_WAY
def test_json_that_a_limit_cut_says_so(ask: Ask, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer('{"a": [1, 2', finish_reason="length"))
    got = ask(provider_of(scripted_server), json_mode=True)
    assert (got.content, got.stop_reason) == ('{"a": [1, 2', "length")


@EACH_WAY
def test_json_that_a_limit_cut_is_gone_on_from(ask: Ask, scripted_server: ScriptedServer) -> None:
    document = '{"shelves": [{"name": "one", "items": [1, 2, 3]}, {"name": "two"}]}'
    scripted_server.always(SimulatedModel(document, cut=30))
    got = ask(provider_of(scripted_server, max_continues=5), json_mode=True)
    assert (got.content, got.stop_reason) == (document, "stop")
