"""Spans and metrics, by OpenTelemetry's own SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from sockets import Model, cut_answer
from traced import Traced, calls_weather, full, weather

from lexilux_like import Chat, ServerError
from lexilux_like.testing import (
    Reply,
    ScriptedServer,
    Send,
    Stall,
    answer,
    chunk,
    json_reply,
    rate_limited,
    refuse,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors

ENDLESS = Reply(
    200,
    {"content-type": "text/event-stream"},
    steps=[Send(sse(chunk({"content": "Hel"}))), Stall()],
)


def test_a_call_is_a_client_span_in_the_words_of_the_conventions(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(full())
    door(hooks=traced.hooks(), provider="mistral").call(
        "x", temperature=0.5, top_p=0.9, max_tokens=64, seed=7, stop="END"
    )
    span = traced.span
    assert (span.name, span.kind) == ("chat m", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "lexilux_like"
    assert span.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.41.0"
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "server.address": "127.0.0.1",
        "server.port": int(scripted_server.url.split(":")[2].split("/")[0]),
        "gen_ai.response.model": "m-0613",
        "gen_ai.response.id": "c-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "lexilux_like.method": "call",
        "lexilux_like.outcome": "answered",
        "lexilux_like.status": "complete",
    }


def test_a_stream_s_span_ends_with_the_stream(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(stream("Hel", "lo"))
    opened = door(hooks=traced.hooks()).open_stream("x")
    opened.next_chunk()
    assert traced.spans == []
    opened.drain()
    attributes = traced.span.attributes or {}
    assert attributes["gen_ai.request.stream"] is True
    first = opened.result.timing.first_content_s
    assert attributes["gen_ai.response.time_to_first_chunk"] == first
    (point,) = traced.points("gen_ai.client.operation.time_to_first_chunk")
    assert (point.count, point.sum) == (1, first)


def test_only_streams_have_a_time_to_first_chunk(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(stream("Hi"))
    door(hooks=traced.hooks()).complete("x")
    assert traced.points("gen_ai.client.operation.time_to_first_chunk") == []
    assert "gen_ai.response.time_to_first_chunk" not in (traced.span.attributes or {})


def test_a_closed_stream_is_no_error(door: Doors, scripted_server: ScriptedServer, traced: Traced):
    scripted_server.play(ENDLESS)
    opened = door(hooks=traced.hooks()).open_stream("x")
    opened.next_chunk()
    opened.close()
    assert traced.span.status.status_code is StatusCode.UNSET
    assert (traced.span.attributes or {})["lexilux_like.outcome"] == "closed"


def test_a_failure_is_an_error_with_its_type(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(refuse(500, "the key test-key broke it"))
    with pytest.raises(ServerError):
        door(hooks=traced.hooks()).call("x")
    span = traced.span
    assert span.status.status_code is StatusCode.ERROR
    assert "[redacted] broke it" in (span.status.description or "")
    assert (span.attributes or {})["error.type"] == "ServerError"
    (point,) = traced.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == "ServerError"


def test_tokens_and_time_are_measured_in_the_advised_buckets(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(full(), full())
    asked = door(hooks=traced.hooks())
    asked.call("x")
    asked.call("x")
    tokens = {
        p.attributes["gen_ai.token.type"]: p for p in traced.points("gen_ai.client.token.usage")
    }
    assert {kind: (p.count, p.sum) for kind, p in tokens.items()} == {
        "input": (2, 22),
        "output": (2, 14),
    }
    assert tokens["input"].explicit_bounds[:4] == (1, 4, 16, 64)
    assert tokens["input"].explicit_bounds[-1] == 67108864
    (point,) = traced.points("gen_ai.client.operation.duration")
    assert point.count == 2
    assert (point.explicit_bounds[0], point.explicit_bounds[-1]) == (0.01, 81.92)
    assert dict(point.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "local",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-0613",
        "server.address": "127.0.0.1",
        "server.port": point.attributes["server.port"],
    }


def test_a_server_that_counts_no_tokens_is_not_said_to_have_spent_none(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    scripted_server.play(json_reply({"choices": [choice]}))
    door(hooks=traced.hooks()).call("x")
    assert traced.points("gen_ai.client.token.usage") == []


def test_retries_and_fallbacks_are_events_and_counts(
    door: Doors, scripted_server: ScriptedServer, second_server: ScriptedServer, other: Chat,
    traced: Traced,
):  # fmt: skip
    scripted_server.play(rate_limited(retry_after_s=0.01), refuse(503, "busy"))
    second_server.play(answer("Hi"))
    door(hooks=traced.hooks(), max_retries=1, fallbacks=[other]).call("x")
    retry, fallback = traced.span.events
    assert retry.name == "lexilux_like.retry"
    assert dict(retry.attributes or {}) == {
        "lexilux_like.attempt": 2,
        "lexilux_like.wait_s": 0.01,
        "error.type": "RateLimitError",
    }
    assert fallback.name == "lexilux_like.fallback"
    assert (fallback.attributes or {})["error.type"] == "ServerError"
    (retries,) = traced.points("lexilux_like.client.retries")
    (fallbacks,) = traced.points("lexilux_like.client.fallbacks")
    assert (retries.value, fallbacks.value) == (1, 1)


def test_continuations_are_events_and_counts(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(cut_answer())
    scripted_server.always(Model().after_first([{"role": "user", "content": "x"}]))
    door(hooks=traced.hooks()).complete("x")
    first = traced.span.events[0]
    assert first.name == "lexilux_like.continuation"
    assert (first.attributes or {})["lexilux_like.reason"] == "truncated"
    points = traced.points("lexilux_like.client.continuations")
    assert sum(p.value for p in points) == len(traced.span.events)


def test_tools_are_events(door: Doors, scripted_server: ScriptedServer, traced: Traced):
    scripted_server.play(calls_weather(), stream("Sunny."))
    door(hooks=traced.hooks()).run_tools("Weather?", tools=[weather])
    (event,) = traced.span.events
    assert event.name == "lexilux_like.tools"
    assert (event.attributes or {})["lexilux_like.names"] == ("weather",)


def test_without_the_extra_the_error_names_it():
    code = "import sys; sys.modules['opentelemetry'] = None\nimport lexilux_like.otel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "lexilux_like[otel]"' in done.stderr


def test_nothing_is_kept_of_a_call_that_has_ended(
    door: Doors, scripted_server: ScriptedServer, traced: Traced
):
    scripted_server.play(full())
    hooks = traced.hooks()
    door(hooks=hooks).call("x")
    assert hooks.on_end.__self__._calls == {}
