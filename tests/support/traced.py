"""What OpenTelemetry's SDK exported, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lexilux_like import Hooks, otel
from lexilux_like.testing import Reply, json_reply, tool_call

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


@dataclass
class Traced:
    """What was exported."""

    spans_in: InMemorySpanExporter
    metrics_in: InMemoryMetricReader
    tracers: TracerProvider
    meters: MeterProvider

    def hooks(self, **options: Any) -> Hooks:
        return otel.hooks(self.tracers, self.meters, **options)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, without those of the tests."""
        return [s for s in self.spans_in.get_finished_spans() if s.name.startswith("chat ")]

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans
        return span

    def points(self, name: str) -> list[Any]:
        """The data points of a metric."""
        data: Any = self.metrics_in.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
        return [point for m in metrics if m.name == name for point in m.data.data_points]


def full(text: str = "Hello") -> Reply:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json_reply({"id": "c-1", "model": "m-0613", "choices": [choice], "usage": USAGE})


def weather(city: str) -> str:
    """The weather."""
    return f"sunny in {city}"


def calls_weather() -> Reply:
    message = {"role": "assistant", "tool_calls": [tool_call("weather", {"city": "Rome"})]}
    return json_reply({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
