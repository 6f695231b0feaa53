"""Spans and metrics of OpenTelemetry, after its conventions for generative AI.

Names are those of the semantic conventions 1.41, the last version that was released with them;
they have moved to a repository of their own since, which has released nothing yet.
https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import __version__
from .values.events import (
    CallEnded,
    CallStarted,
    Continuing,
    FallingBack,
    Hooks,
    Retrying,
    ToolsRun,
)
from .values.results import ChatResult, Choice

try:
    from opentelemetry import metrics, trace
except ImportError as error:
    problem = 'OpenTelemetry needs another package: pip install "lexilux_like[otel]"'
    raise ImportError(problem) from error

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, Meter, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""`true`, `span_only` and `span_and_event` put content on spans."""

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
"""The bucket boundaries that the conventions advise."""

PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
}
"""Ours by the well-known names of the conventions, where these differ."""

OPTIONS = {
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "max_tokens": "gen_ai.request.max_tokens",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "temperature": "gen_ai.request.temperature",
    "top_k": "gen_ai.request.top_k",
    "top_p": "gen_ai.request.top_p",
}


def hooks(
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    capture_content: bool | None = None,
) -> Hooks:
    """Hooks that make a span of each call, and measure it: `Chat(hooks=otel.hooks())`.

    The span's parent is the one that is current where the call is made, and it ends with the
    answer or the stream. One span is one call: its retries, continuations, fallbacks and tools are
    its events.

    Args:
        tracer_provider: None takes the global one.
        meter_provider: None takes the global one.
        capture_content: Whether messages and answers stand on the span. None does as the
            environment variable OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT says, which
            must be `true`, `span_only` or `span_and_event` for it.

    Raises:
        ImportError: The extra `otel` is not installed (when this module is imported).
    """
    if capture_content is None:
        wanted = os.environ.get(CAPTURE, "").lower()
        capture_content = wanted in ("true", "span_only", "span_and_event")
    tracer = trace.get_tracer("lexilux_like", __version__, tracer_provider, SCHEMA)
    meter = metrics.get_meter("lexilux_like", __version__, meter_provider, SCHEMA)
    told = Telemetry(tracer, meter, capture_content=capture_content)
    return Hooks(
        on_start=told.started,
        on_retry=told.retrying,
        on_continue=told.continuing,
        on_fallback=told.falling_back,
        on_tools=told.tools_run,
        on_end=told.ended,
    )


@dataclass(frozen=True, slots=True)
class Call:
    """One call that has not ended."""

    span: Span
    labels: Mapping[str, str | int]
    """Of its metrics."""
    stream: bool


class Telemetry:
    """The calls that are going on, and what they are measured by."""

    def __init__(self, tracer: Tracer, meter: Meter, *, capture_content: bool) -> None:
        self._tracer = tracer
        self._captures = capture_content
        self._calls: dict[str, Call] = {}
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._duration = _seconds(meter, "duration", "GenAI operation duration.")
        self._first_chunk = _seconds(meter, "time_to_first_chunk", "Time to the first content.")
        self._retries = meter.create_counter(
            "lexilux_like.client.retries", "{retry}", "Requests that were tried again."
        )
        self._continuations = meter.create_counter(
            "lexilux_like.client.continuations",
            "{continuation}",
            "Requests for the rest of an answer, or for one that fits its type.",
        )
        self._fallbacks = meter.create_counter(
            "lexilux_like.client.fallbacks", "{fallback}", "Times that another client was asked."
        )

    def started(self, event: CallStarted) -> None:
        """Start a span, as a child of the current one."""
        labels: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDERS.get(event.provider, event.provider),
            "gen_ai.request.model": event.model,
            **_server(event.base_url),
        }
        given: dict[str, Any] = {**labels, **_asked(event), "lexilux_like.method": event.method}
        if self._captures:
            given["gen_ai.input.messages"] = _json([_spoken(each) for each in event.messages])
        span = self._tracer.start_span(
            f"chat {event.model}",
            kind=trace.SpanKind.CLIENT,
            attributes=given,
            start_time=_nanoseconds(event.time),
        )
        self._calls[event.call_id] = Call(span, labels, event.stream)

    def retrying(self, event: Retrying) -> None:
        """Note a retry."""
        error = type(event.error).__name__
        facts = {"attempt": event.attempt, "wait_s": event.wait_s, "error.type": error}
        call = self._noted(event, "retry", facts)
        self._retries.add(1, {**call.labels, "error.type": error})

    def continuing(self, event: Continuing) -> None:
        """Note a continuation."""
        call = self._noted(event, "continuation", {"number": event.number, "reason": event.reason})
        self._continuations.add(1, {**call.labels, "lexilux_like.reason": event.reason})

    def falling_back(self, event: FallingBack) -> None:
        """Note a fallback."""
        error = type(event.error).__name__
        call = self._noted(event, "fallback", {**_server(event.base_url), "error.type": error})
        self._fallbacks.add(1, {**call.labels, "error.type": error})

    def tools_run(self, event: ToolsRun) -> None:
        """Note which tools have run."""
        names = [each.call.name for each in event.step.outcomes]
        self._noted(event, "tools", {"number": event.number, "names": names})

    def ended(self, event: CallEnded) -> None:
        """End the span, and measure the call."""
        call = self._calls.pop(event.call_id)
        labels, result, error = dict(call.labels), event.result, event.error
        call.span.set_attribute("lexilux_like.outcome", event.outcome)
        if error is not None:
            labels["error.type"] = type(error).__name__
            call.span.set_attribute("error.type", type(error).__name__)
            call.span.set_status(trace.StatusCode.ERROR, str(error))
        if result is not None:
            if result.model:
                labels["gen_ai.response.model"] = result.model
            call.span.set_attributes(_answered(result))
            if self._captures:
                said = [_answer(each) for each in result.choices or (result,)]
                call.span.set_attribute("gen_ai.output.messages", _json(said))
        context = trace.set_span_in_context(call.span)
        self._duration.record(event.seconds, labels, context)
        if call.stream and event.first_content_s is not None:
            call.span.set_attribute("gen_ai.response.time_to_first_chunk", event.first_content_s)
            self._first_chunk.record(event.first_content_s, labels, context)
        if result is not None:
            spent = {"input": result.usage.input_tokens, "output": result.usage.output_tokens}
            labels.pop("error.type", None)
            for kind, count in spent.items():
                if count is not None:
                    self._tokens.record(count, {**labels, "gen_ai.token.type": kind}, context)
        call.span.end(_nanoseconds(event.time))

    def _noted(
        self,
        event: Retrying | Continuing | FallingBack | ToolsRun,
        name: str,
        facts: Mapping[str, Any],
    ) -> Call:
        """An event on the span, with facts of our own names unless they have a known one."""
        call = self._calls[event.call_id]
        named = {k if "." in k else f"lexilux_like.{k}": each for k, each in facts.items()}
        call.span.add_event(f"lexilux_like.{name}", named, _nanoseconds(event.time))
        return call


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        f"gen_ai.client.operation.{name}",
        unit="s",
        description=description,
        explicit_bucket_boundaries_advisory=SECONDS,
    )


def _nanoseconds(time: float) -> int:
    return int(time * 1e9)


def _server(base_url: str) -> dict[str, str | int]:
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname or "", "server.port": port}


def _asked(event: CallStarted) -> dict[str, Any]:
    """The options, as far as the conventions have names for them."""
    options = event.options
    known = {name: options[ours] for ours, name in OPTIONS.items() if options.get(ours) is not None}
    if event.stream:
        known["gen_ai.request.stream"] = True
    if (count := options.get("n", 1)) != 1:
        known["gen_ai.request.choice.count"] = count
    if (stop := options.get("stop")) is not None:
        known["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else [*stop]
    if (form := options.get("response_format")) is not None:
        known["gen_ai.output.type"] = "text" if form == {"type": "text"} else "json"
    return known


def _answered(result: ChatResult) -> dict[str, Any]:
    """What came, without its content."""
    usage = result.usage
    facts: dict[str, Any] = {
        "gen_ai.response.model": result.model,
        "gen_ai.response.id": result.id,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_creation_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "lexilux_like.status": result.status,
    }
    reasons = [each.finish_reason for each in result.choices or (result,) if each.finish_reason]
    if reasons:
        facts["gen_ai.response.finish_reasons"] = reasons
    return {name: fact for name, fact in facts.items() if fact is not None}


# Content, in the conventions' form:
# https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai


def _spoken(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message that is sent."""
    content = message.get("content")
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message.get("tool_call_id")}
        return {"role": "tool", "parts": [{**part, "response": content}]}
    parts = [_text(content)] if isinstance(content, str) else [_part(e) for e in content or ()]
    parts += [_call(call) for call in message.get("tool_calls") or ()]
    return {"role": message["role"], "parts": parts}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a message; files and images are named, and their bytes left out."""
    if part.get("type") == "text":
        return _text(part["text"])
    image: Mapping[str, Any] = part.get("image_url") or {}
    url = str(image.get("url", "data:"))
    if url.startswith("data:"):
        return {"type": part.get("type", "unknown")}
    return {"type": "uri", "modality": "image", "uri": url}


def _answer(choice: Choice) -> dict[str, Any]:
    """An answer."""
    parts = [{"type": "reasoning", "content": choice.reasoning}] if choice.reasoning else []
    parts += [_text(choice.text)] if choice.text else []
    parts += [_call(each.to_dict()) for each in choice.tool_calls]
    return {"role": "assistant", "parts": parts, "finish_reason": choice.finish_reason or "unknown"}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    """A tool call; arguments that are no JSON stay text."""
    function: Mapping[str, Any] = call.get("function") or {}
    arguments: Any = function.get("arguments") or "{}"
    with suppress(ValueError, TypeError, RecursionError):
        arguments = json.loads(arguments)
    name = function.get("name", "")
    return {"type": "tool_call", "id": call.get("id"), "name": name, "arguments": arguments}


def _json(messages: list[dict[str, Any]]) -> str:
    """As an attribute, which has no structure."""
    return json.dumps(messages, default=str)
