"""What an answer cost, by the prices that the package genai-prices keeps (extra `prices`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .values.errors import ValidationError
from .values.messages import is_mapping
from .values.results import ChatResult, Usage

__all__ = ["cost", "price_list"]


def cost(
    result: ChatResult, *, provider: str | None = None, model: str | None = None
) -> Decimal | None:
    """US dollars that an answer cost, by list prices; None where that is not known.

    Not known is: a model or a server that the price list does not have (your own server, too), and
    an answer whose tokens the server did not count. Each request of an answer is priced by itself,
    at the time and the service tier that the answer names. Discounts, minimum charges and failed
    requests are not in it.

    Args:
        result: An answer, or what had come of it: `error.partial`.
        provider: Who was asked, where `result.base_url` does not tell: `"openai"`; a proxy, for
            example. An id of https://github.com/pydantic/genai-prices .
        model: The model, where the price list does not know the server's name for it.

    Raises:
        ValidationError: genai-prices is not installed.
    """
    check_installed()
    name = model or result.model
    if not name or not (provider or result.base_url):
        return None
    total = Decimal(0)
    for usage in _requests(result):
        price = _priced(usage, result, name, provider)
        if price is None:
            return None
        total += price
    return total


def price_list() -> str:
    """Which prices are in use: `"genai-prices 0.2.3"`, and their date where they were updated.

    The package brings its prices; `genai_prices.UpdatePrices` fetches newer ones.

    Raises:
        ValidationError: genai-prices is not installed.
    """
    check_installed()
    prices: Any = import_module("genai_prices")
    snapshot = prices.data_snapshot.get_snapshot()
    name = f"genai-prices {prices.__version__}"
    return f"{name}, {snapshot.timestamp:%Y-%m-%d}" if snapshot.from_auto_update else name


def check_installed() -> None:
    """Raise where there are no prices to be had.

    Raises:
        ValidationError: genai-prices is not installed.
    """
    if find_spec("genai_prices") is None:
        raise ValidationError('the cost needs another package: pip install "lexilux_like[prices]"')


def _requests(result: ChatResult) -> Iterator[Usage]:
    """The tokens of each request: a price may depend on how long one is, not on their sum."""
    if result.steps:
        for step in result.steps:
            yield from _requests(step.result)
        return
    parts = [segment.usage for segment in result.segments if segment.usage]
    if len(parts) > 1 and sum(parts[1:], parts[0]) == result.usage:
        yield from parts
    else:
        yield result.usage


def _priced(usage: Usage, result: ChatResult, model: str, provider: str | None) -> Decimal | None:
    """What one request cost."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    prices: Any = import_module("genai_prices")
    counts = prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_creation_tokens,
        cache_write_1h_tokens=_detail(usage, "cache_creation", "ephemeral_1h_input_tokens"),
        input_audio_tokens=_detail(usage, "prompt_tokens_details", "audio_tokens"),
        output_audio_tokens=_detail(usage, "completion_tokens_details", "audio_tokens"),
    )
    tier = result.service_tier
    asked = {"provider_id": provider} if provider else {"provider_api_url": result.base_url}
    try:
        found = prices.calc_price(
            counts,
            model,
            genai_request_timestamp=_time(result),
            price_context=None if tier is None else {"service_tier": tier},
            **asked,
        )
    except (LookupError, ValueError):  # not in the list; or counts that contradict one another
        return None
    price: Decimal = found.total_price
    return price


def _detail(usage: Usage, group: str, name: str) -> int | None:
    """A count that has a price of its own, where the provider tells it."""
    found: Any = usage.details.get(group)
    count: object = found.get(name) if is_mapping(found) else None
    return count if isinstance(count, int) and count > 0 else None


def _time(result: ChatResult) -> datetime | None:
    """When it was asked; None for now."""
    try:
        return datetime.fromtimestamp(result.created, UTC) if result.created else None
    except (OverflowError, OSError, ValueError):  # no time at all
        return None
