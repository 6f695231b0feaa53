"""What an answer cost, by genai-prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lexilux_like import ChatResult, Usage, ValidationError, prices
from lexilux_like.values.results import Segment, ToolStep

genai = pytest.importorskip("genai_prices", reason="prices are in the extra prices")

OPENAI = "https://api.openai.com/v1"
ANTHROPIC = "https://api.anthropic.com/v1"


def result(usage: Usage, **facts) -> ChatResult:
    return ChatResult(usage=usage, **{"model": "gpt-4.1-mini", "base_url": OPENAI, **facts})


def listed(model: str = "gpt-4.1-mini", provider: str = "openai", **counts) -> Decimal:
    """What the list itself says."""
    found = genai.calc_price(genai.Usage(**counts), model, provider_id=provider)
    return found.total_price


def test_a_cost_is_the_list_price_of_the_tokens():
    expected = listed(input_tokens=1000, output_tokens=100)
    assert prices.cost(result(Usage(1000, 100))) == expected > 0


def test_cached_tokens_are_a_part_of_the_input_and_cheaper():
    cached = prices.cost(result(Usage(1000, 100, cached_tokens=400)))
    assert cached == listed(input_tokens=1000, output_tokens=100, cache_read_tokens=400)
    assert cached < prices.cost(result(Usage(1000, 100)))


def test_what_is_written_into_a_cache_for_an_hour_has_its_own_price():
    details = {"cache_creation": {"ephemeral_1h_input_tokens": 500}}
    facts = {"model": "claude-sonnet-4-5", "base_url": ANTHROPIC}
    asked = {"input_tokens": 1000, "output_tokens": 1, "cache_write_tokens": 500}
    short = prices.cost(result(Usage(1000, 1, cache_creation_tokens=500), **facts))
    long = prices.cost(result(Usage(1000, 1, details=details, cache_creation_tokens=500), **facts))
    assert short == listed("claude-sonnet-4-5", "anthropic", **asked)
    assert long == listed("claude-sonnet-4-5", "anthropic", **asked, cache_write_1h_tokens=500)
    assert short < long


def test_audio_has_its_own_price():
    details = {"prompt_tokens_details": {"audio_tokens": 400}}
    asked = result(Usage(1000, 0, details=details), model="gpt-4o-audio-preview")
    expected = listed(
        "gpt-4o-audio-preview", input_tokens=1000, output_tokens=0, input_audio_tokens=400
    )
    assert prices.cost(asked) == expected


def test_the_tier_that_answered_has_its_price():
    usage = Usage(1000, 100)
    standard = prices.cost(result(usage, model="gpt-5"))
    assert prices.cost(result(usage, model="gpt-5", service_tier="default")) == standard
    assert prices.cost(result(usage, model="gpt-5", service_tier="flex")) < standard


def test_a_price_is_that_of_the_day(monkeypatch: pytest.MonkeyPatch):
    asked = []
    true = genai.calc_price

    def seen(*args, **options):
        asked.append(options["genai_request_timestamp"])
        return true(*args, **options)

    monkeypatch.setattr(genai, "calc_price", seen)
    prices.cost(result(Usage(1, 1), created=1_750_000_000))
    prices.cost(result(Usage(1, 1), created=10**20))
    assert asked[0].isoformat() == "2025-06-15T15:06:40+00:00"
    assert asked[1] is None


@pytest.mark.parametrize(
    "facts",
    [
        {"model": "of-my-own"},
        {"model": None},
        {"base_url": "http://127.0.0.1:8000/v1"},
        {"base_url": None},
    ],
    ids=str,
)
def test_an_unknown_model_or_server_has_no_cost(facts):
    assert prices.cost(result(Usage(1000, 100), **facts)) is None


@pytest.mark.parametrize(
    "usage", [Usage(), Usage(1000), Usage(output_tokens=5), Usage(5, 5, 10, 9)]
)
def test_tokens_that_are_not_known_or_contradict_have_no_cost(usage: Usage):
    assert prices.cost(result(usage)) is None


def test_behind_a_proxy_the_provider_and_the_model_are_told():
    asked = result(Usage(1000, 100), base_url="http://proxy/v1", model="my-alias")
    assert prices.cost(asked, provider="openai") is None
    told = prices.cost(asked, provider="openai", model="gpt-4.1-mini")
    assert told == listed(input_tokens=1000, output_tokens=100)


def test_each_request_is_priced_by_its_own_length():
    part = Usage(150_000, 10)
    facts = {"model": "gemini-2.5-pro", "base_url": "https://generativelanguage.googleapis.com/v1"}
    segments = tuple(Segment("", usage=part) for _ in range(2))
    both = prices.cost(result(part + part, segments=segments, **facts))
    assert both == 2 * prices.cost(result(part, **facts))
    assert both < prices.cost(result(part + part, **facts))  # one of 300,000 costs more a token


def test_segments_that_do_not_tell_all_are_not_believed():
    segments = (Segment("", usage=Usage(10, 1)), Segment("", usage=Usage(10, 1)), Segment(""))
    told = prices.cost(result(Usage(100, 10), segments=segments))
    assert told == prices.cost(result(Usage(100, 10)))


def test_the_steps_of_a_tool_run_are_priced_each():
    step = ToolStep(result(Usage(100, 10)))
    run = result(Usage(200, 20), steps=(step, step))
    assert prices.cost(run) == 2 * prices.cost(step.result)


def test_one_step_without_a_price_leaves_the_cost_unknown():
    steps = (ToolStep(result(Usage(100, 10))), ToolStep(result(Usage())))
    assert prices.cost(result(Usage(100, 10), steps=steps)) is None


def test_the_price_list_says_which_it_is(monkeypatch: pytest.MonkeyPatch):
    assert prices.price_list() == f"genai-prices {genai.__version__}"
    snapshots = pytest.importorskip("genai_prices.data_snapshot")
    fresh = snapshots.DataSnapshot(snapshots.get_snapshot().providers, from_auto_update=True)
    monkeypatch.setattr(snapshots, "_custom_snapshot", fresh)
    assert prices.price_list().endswith(f", {fresh.timestamp:%Y-%m-%d}")


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prices, "find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r'pip install "lexilux_like\[prices\]"'):
        prices.cost(result(Usage(1, 1)))
