"""Calls that a server leaves in the text: calls for every method, on a live server."""

from __future__ import annotations

from typing import Any

import pytest

from lexilux_like import ChatIncompleteResponseError
from lexilux_like.testing import RecordedRequest, Reply, ScriptedServer, answer, stream
from lexilux_like.testing.door import Door, Doors, Streamed
from lexilux_like.values.results import ChatResult
from lexilux_like.wire import registry
from lexilux_like.wire.profile import Profile

ROME = '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'
METHODS = ["call", "stream", "complete", "complete_stream"]


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.fixture(params=["mixed", "text"])
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, door: Doors) -> Door:
    monkeypatch.setattr(registry, "_registered", {})
    registry.register_provider(Profile(name="written", tools=request.param))
    return door(provider="written")


def reply(text: str, request: RecordedRequest, finish_reason: str = "stop") -> Reply:
    if not request.json.get("stream"):
        return answer(text, finish_reason=finish_reason)
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    return stream(*pieces, finish_reason=finish_reason)


def result_of(got: ChatResult | Streamed) -> ChatResult:
    return got.result if isinstance(got, Streamed) else got


@pytest.mark.parametrize("method", METHODS)
def test_a_call_in_the_text_is_a_call(asked: Door, scripted_server: ScriptedServer, method: str):
    scripted_server.always(lambda request: reply(f"Let me see. {ROME}", request))
    got = getattr(asked, method)("Rome?", tools=[weather])
    result = result_of(got)
    assert (result.text, result.status) == ("Let me see. ", "tool_calls")
    assert [call.get_arguments() for call in result.tool_calls] == [{"city": "Rome"}]
    if isinstance(got, Streamed):
        assert "".join(got.deltas) == "Let me see. "
        assert got.chunks[-1].finish_reason == "tool_calls"


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_without_calls_is_left_as_it_is(
    asked: Door, scripted_server: ScriptedServer, method: str
):
    scripted_server.always(lambda request: reply("Is <tool_call> a tag? Yes <tool", request))
    got = getattr(asked, method)("Rome?", tools=[weather])
    assert result_of(got).text == "Is <tool_call> a tag? Yes <tool"
    if isinstance(got, Streamed):
        assert "".join(got.deltas) == "Is <tool_call> a tag? Yes <tool"


@pytest.mark.parametrize("method", ["complete", "complete_stream"])
def test_a_cut_call_is_never_whole(asked: Door, scripted_server: ScriptedServer, method: str):
    scripted_server.always(lambda request: reply(ROME[:50], request, "length"))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        getattr(asked, method)("Rome?", tools=[weather])
    assert caught.value.reason == "tool_arguments"
    assert caught.value.final_result is not None
    assert caught.value.final_result.tool_calls == ()


@pytest.mark.parametrize("method", ["run_tools", "run_tools_stream"])
def test_calls_in_the_text_are_run(asked: Door, scripted_server: ScriptedServer, method: str):
    scripted_server.play(lambda request: reply(ROME, request))
    scripted_server.play(lambda request: reply("It is sunny.", request))
    result = result_of(getattr(asked, method)("Rome?", tools=[weather]))
    assert result.text == "It is sunny."
    assert [each.content for each in result.steps[0].outcomes] == ["sunny in Rome"]
    told: list[dict[str, Any]] = scripted_server.requests[1].json["messages"][-2:]
    spelled = [str(each["content"]) for each in told]
    if "tools" in scripted_server.requests[1].json:
        assert told[0]["tool_calls"][0]["id"] == told[1]["tool_call_id"]
    else:
        assert spelled[0] == ROME
        assert "sunny in Rome" in spelled[1]
        assert [each["role"] for each in told] == ["assistant", "user"]
