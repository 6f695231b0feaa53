"""What servers' headers say of their limits."""

from __future__ import annotations

import json

import pytest
from corpus import records

from lexilux_like.wire.limits import Expected, Reading, expected_cost, read_limits

NOW = 1_700_000_000.0


def read(**headers: str) -> list[Reading]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_limits(named, now=NOW)


def of_openai(limit: str, remaining: str, reset: str, kind: str = "requests") -> Reading:
    names = (f"x-ratelimit-{each}-{kind}" for each in ("limit", "remaining", "reset"))
    values = (limit, remaining, reset)
    (found,) = read_limits(dict(zip(names, values, strict=True)), now=NOW)
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("8.64s", 8.64),
        ("1h2m3s", 3723.0),
        ("1d", 86_400.0),
        ("0s", 0.0),
        ("33.9336953163147", 33.9336953163147),  # Cerebras
        ("12", 12.0),
        ("1700000030", 30.0),
        ("1700000030500", 30.5),  # OpenRouter
        ("2023-11-14T22:13:50Z", 30.0),
        ("2023-11-15T00:13:50+02:00", 30.0),
    ],
)
def test_a_reset_is_read_in_every_spelling(text: str, seconds: float) -> None:
    assert of_openai("10000", "4000", text).reset_s == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1x", "NaN", "inf", "1_000"])
def test_a_reset_that_makes_no_sense_is_none(text: str) -> None:
    assert of_openai("10", "4", text).reset_s is None


@pytest.mark.parametrize(
    ("limit", "remaining", "reset", "seconds"),
    [("120", "119", "500", 0.5), ("120000", "119986", "7", 0.007), ("120", "60", "30", 30.0)],
)
def test_azure_tells_milliseconds_without_a_unit(
    limit: str, remaining: str, reset: str, seconds: float
) -> None:
    assert of_openai(limit, remaining, reset).reset_s == seconds


def test_an_instant_is_told_in_whole_seconds() -> None:
    assert of_openai("10", "4", "2023-11-14T22:13:50Z").grain_s == 1.0
    assert of_openai("10", "4", "120ms").grain_s == 0.001


def test_an_instant_is_measured_from_the_date_of_the_response() -> None:
    (found,) = read(
        anthropic_ratelimit_requests_remaining="9",
        anthropic_ratelimit_requests_reset="2023-11-14T22:13:50Z",
        date="Tue, 14 Nov 2023 22:13:40 GMT",
    )
    assert found.reset_s == 10.0


def test_limits_of_anthropic_refill_within_a_minute() -> None:
    found = read(
        anthropic_ratelimit_input_tokens_limit="40000",
        anthropic_ratelimit_input_tokens_remaining="39000",
        anthropic_ratelimit_input_tokens_reset="2023-11-14T22:13:22Z",
        anthropic_ratelimit_output_tokens_limit="8000",
        anthropic_ratelimit_output_tokens_remaining="8000",
    )
    assert [(each.name, each.unit) for each in found] == [
        ("input-tokens", "input"),
        ("output-tokens", "output"),
    ]
    assert {(each.refills, each.period_s) for each in found} == {(True, 60.0)}


@pytest.mark.parametrize(
    ("name", "unit", "period_s"),
    [
        ("requests", "requests", None),
        ("requests-day", "requests", 86_400.0),
        ("req-minute", "requests", 60.0),
        ("tokens-minute", "tokens", 60.0),
        ("project-tokens", "tokens", None),
        ("tokens-prompt", "input", None),
        ("tokens-generated", "output", None),
    ],
)
def test_a_name_says_what_is_counted_and_how_long(
    name: str, unit: str, period_s: float | None
) -> None:
    found = of_openai("10", "4", "", kind=name)
    assert (found.name, found.unit, found.period_s) == (name, unit, period_s)


@pytest.mark.parametrize("name", ["input-images", "audio-seconds-minute", "tokens-month"])
def test_what_no_chat_is_counted_by_is_left_out(name: str) -> None:
    assert read_limits({f"x-ratelimit-remaining-{name}": "0"}, now=NOW) == []


@pytest.mark.parametrize(("limit", "remaining"), [("10", "-1"), ("0", "0"), ("10", "many")])
def test_a_limit_that_makes_no_sense_is_left_out(limit: str, remaining: str) -> None:
    headers = {"x-ratelimit-limit-tokens": limit, "x-ratelimit-remaining-tokens": remaining}
    assert read_limits(headers, now=NOW) == []


def test_more_left_than_the_limit_leaves_the_limit_unknown() -> None:
    assert of_openai("-1", "5", "1s").limit is None
    assert of_openai("3", "5", "1s").limit is None


def test_mistrals_old_name_counts_tokens_of_a_minute() -> None:
    (found,) = read(
        x_ratelimitbysize_limit_minute="500000", x_ratelimitbysize_remaining_minute="499"
    )
    assert (found.unit, found.remaining, found.limit, found.period_s) == (
        "tokens",
        499.0,
        500_000.0,
        60.0,
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'},
        {"ratelimit": "limit=100, remaining=50, reset=30", "ratelimit-policy": "100;w=60"},
    ],
)
def test_the_fields_of_the_draft_are_read(headers: dict[str, str]) -> None:
    assert read_limits(headers, now=NOW) == [
        Reading("requests", "requests", 50.0, 100.0, 30.0, 1.0, 60.0)
    ]


def test_every_recorded_header_of_requests_and_tokens_is_read() -> None:
    told = {"requests": 0, "tokens": 0}
    for record in records():
        headers = {k.lower(): v for k, v in (record["response_headers"] or {}).items()}
        found = {each.name: each for each in read_limits(headers, now=NOW)}
        for name in told:
            remaining = headers.get(f"x-ratelimit-remaining-{name}")
            if remaining is not None and float(remaining) >= 0:
                told[name] += 1
                assert found[name].remaining == float(remaining)
                reset = headers.get(f"x-ratelimit-reset-{name}")
                assert (found[name].reset_s is None) == (reset is None)
    assert min(told.values()) > 500


def test_recorded_limits_of_openai_refill_in_a_minute_or_a_day() -> None:
    periods = set()
    for record in records():
        headers = {k.lower(): v for k, v in (record["response_headers"] or {}).items()}
        for each in read_limits(headers, now=NOW):
            if each.unit == "requests" and each.limit and each.reset_s and each.period_s is None:
                used = each.limit - each.remaining
                periods.add(round(each.reset_s * each.limit / max(used, 1) / 60, 1))
    assert {1.0, 1440.0} <= periods


def test_a_cost_is_expected_from_the_texts() -> None:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "x" * 36}],
        "max_tokens": 100,
        "n": 2,
    }
    assert expected_cost(json.dumps(body).encode()) == Expected("m", 10.0, 200.0)


def test_pictures_and_files_cost_nothing() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}},
        {"type": "input_audio", "input_audio": {"data": "A" * 4000, "format": "wav"}},
    ]
    body = {"model": "m", "messages": [{"role": "user", "content": parts}]}
    found = expected_cost(json.dumps(body).encode())
    assert found.input_tokens < 20
    assert found.max_output is None
