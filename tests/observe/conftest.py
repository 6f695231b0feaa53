"""Somebody who listens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sockets import instantly  # noqa: F401 - a fixture for each test
from told import Told
from traced import Traced

from lexilux_like import Chat
from lexilux_like.testing import ScriptedServer


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def second_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def other(second_server: ScriptedServer) -> Iterator[Chat]:
    """A client for the second server."""
    url = second_server.url
    with Chat(base_url=url, api_key="other-key", model="other", proxies={}) as chat:
        yield chat


@pytest.fixture
def traced() -> Iterator[Traced]:
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([metrics])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    yield Traced(spans, metrics, tracers, meters)
    tracers.shutdown()
    meters.shutdown()
