"""Recorded streams of real providers, as an agent reads them."""

from __future__ import annotations

import asyncio

import pytest
from agents import HI, calls_of, check_events, provider_of, text_of
from corpus import Record, streams

from lexilux_like import OutputValidationError
from lexilux_like.providers import ChatLLMProvider, FinishEvent, StreamErrorEvent, StreamEvent
from lexilux_like.testing import Reply, ScriptedServer, Send

FRAMING = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}
WORDS = {
    "tool_calls": {"tool_calls", "function_call", "tool_use"},
    "length": {"length", "max_tokens", "model_length"},
}


def as_recorded(record: Record) -> Reply:
    headers = {k: v for k, v in record["response_headers"].items() if k not in FRAMING}
    return Reply(200, headers, steps=[Send(record["body"].encode())], framing="chunked")


def differences(record: Record, events: list[StreamEvent]) -> list[str]:
    """What the events say that the record does not; both may tell of a failure."""
    said = record["expected"]
    end = events[-1]
    if isinstance(end, StreamErrorEvent):
        unreadable = isinstance(end.exception, OutputValidationError)
        return [] if said["error"] or unreadable else [f"failed: {end.error}"]
    if said["error"]:
        return ["no error event"]
    assert isinstance(end, FinishEvent)
    found = []
    if (text := text_of(events)) != said["text"] + said["refusal"]:
        found.append(f"text {text!r}")
    asked = [each["id"] for each in said["tool_calls"]]
    called = [identity for identity, _, _ in calls_of(events)]
    if called != (asked if end.stop_reason == "tool_calls" else []):
        found.append(f"calls {called!r}, stop_reason {end.stop_reason!r}")
    if said["finish_reason"] in WORDS["length"] and end.stop_reason != "length":
        found.append(f"stop_reason {end.stop_reason!r}")
    usage = said["usage"] or {}
    counts = (usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
    if (end.input_tokens, end.output_tokens) != counts:
        found.append(f"tokens {end.input_tokens!r}, {end.output_tokens!r}")
    return found


async def read(provider: ChatLLMProvider) -> list[StreamEvent]:
    return [event async for event in provider.stream(HI)]


@pytest.mark.timeout(240)
def test_every_recorded_stream_obeys_the_grammar_and_loses_nothing(
    scripted_server: ScriptedServer,
) -> None:
    recorded = [each for each in streams() if each["expected"]["n_choices"] <= 1]
    assert len(recorded) > 300
    provider = provider_of(scripted_server, client={"api_key": "none"}, max_retries=0)
    wrong: dict[str, list[str]] = {}

    async def main() -> None:
        for record in recorded:
            scripted_server.requests.clear()
            scripted_server.play(as_recorded(record))
            events = await read(provider)
            check_events(events)
            if different := differences(record, events):
                wrong[record["id"]] = different

    asyncio.run(main())
    assert wrong == {}
