"""Rate limits as servers tell them in response headers, and what a request will cost of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from .document import is_array, is_object, parse
from .failure import unix_time

Unit: TypeAlias = Literal["requests", "tokens", "input", "output"]
"""What a limit counts; `input` and `output` are tokens of one kind."""

CHARS_PER_TOKEN = 4.0
_MINUTE, _DAY = 60.0, 86_400.0
_PERIODS = {"second": 1.0, "minute": _MINUTE, "hour": 3600.0, "day": _DAY}
_UNITS: dict[str, Unit] = {
    "requests": "requests",
    "project-requests": "requests",
    "req": "requests",  # Mistral
    "tokens": "tokens",
    "project-tokens": "tokens",
    "tokens-usage-based": "tokens",
    "size": "tokens",  # Mistral, of old
    "input-tokens": "input",  # Anthropic
    "output-tokens": "output",
    "tokens-prompt": "input",  # Fireworks
    "tokens-generated": "output",
}
_SPELLINGS = (
    # https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
    re.compile(r"x-ratelimit-(?P<field>limit|remaining|reset)-(?P<name>.+)"),
    # https://docs.claude.com/en/api/rate-limits#response-headers
    re.compile(r"anthropic-ratelimit-(?P<name>.+)-(?P<field>limit|remaining|reset)"),
    re.compile(r"x-ratelimitby(?P<name>size)-(?P<field>limit|remaining)-(?P<period>minute)"),
    # OpenRouter, and draft-ietf-httpapi-ratelimit-headers up to 06
    re.compile(r"(?:x-)?ratelimit-(?P<field>limit|remaining|reset)"),
)
_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d*)?)s)?(?:(\d+(?:\.\d*)?)ms)?", re.ASCII
)
_SECONDS = (_DAY, 3600.0, _MINUTE, 1.0, 0.001)
_NUMBER = re.compile(r"\d+(?:\.\d*)?", re.ASCII)
_PARAMETER = re.compile(r"\b(r|t|q|w|limit|remaining|reset)=(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a response says of one limit, at some moment between its request and its head."""

    name: str
    """Tells the limits of a server apart: `requests`, `tokens`, `requests-day`."""
    unit: Unit
    remaining: float
    limit: float | None = None
    """Most that can ever remain."""
    reset_s: float | None = None
    """Seconds until all of it is there again."""
    grain_s: float = 0.001
    """How finely `reset_s` is told, in seconds."""
    period_s: float | None = None
    """Seconds in which `limit` comes back, where the spelling says it."""
    refills: bool | None = None
    """True: bit by bit; False: all at once, when its window ends; None: that must be found out."""


class Expected(NamedTuple):
    """What a request is about to cost."""

    model: str
    input_tokens: float
    """A quarter of the characters of its messages and tools; media count nothing."""
    max_output: float | None
    """The token limit that it asks for, times `n`; None where it asks for none."""


def read_limits(headers: Mapping[str, str], *, now: float) -> list[Reading]:
    """The limits that response headers tell; what makes no sense is left out.

    Args:
        headers: Names in lower case.
        now: Seconds since 1970, for instants where the response has no `date`.
    """
    told: dict[str, dict[str, str]] = {}
    for header, value in headers.items():
        if "ratelimit" not in header:
            continue
        for spelling in _SPELLINGS:
            if match := spelling.fullmatch(header):
                parts = match.groupdict()
                name = parts.get("name") or "requests"
                if period := parts.get("period"):
                    name = f"{name}-{period}"
                told.setdefault(name, {})[parts["field"]] = value
                if header.startswith("anthropic-"):
                    told[name]["refills"] = "1"
                break
    told |= _of_the_draft(headers)
    at = unix_time(headers.get("date", "")) or now
    return [found for name, each in told.items() if (found := _reading(name, each, at))]


def expected_cost(body: bytes) -> Expected:
    """What a request's body will cost, in the model's own tokens as far as one can guess."""
    payload: Any = parse(body)
    said = [payload.get(key) for key in ("messages", "system", "tools")]
    asked = [payload.get(key) for key in ("max_completion_tokens", "max_tokens")]
    most = next((float(each) for each in asked if type(each) is int), None)
    answers = payload.get("n")
    if most is not None and type(answers) is int:
        most *= answers
    return Expected(str(payload.get("model", "")), sum(_texts(said)) / CHARS_PER_TOKEN, most)


def _texts(value: Any) -> Iterator[int]:
    """The lengths of the texts in a JSON value, without those that are files."""
    if isinstance(value, str):
        yield 0 if value.startswith("data:") else len(value)
    elif is_array(value):
        for each in value:
            yield from _texts(each)
    elif is_object(value):
        for key, each in value.items():
            if key not in {"data", "file_data"}:
                yield from _texts(each)


def _of_the_draft(headers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ from 07 on."""
    left = dict(_PARAMETER.findall(headers.get("ratelimit", "")))
    policy = dict(_PARAMETER.findall(headers.get("ratelimit-policy", "")))
    spelled = {
        "remaining": left.get("r") or left.get("remaining"),
        "reset": left.get("t") or left.get("reset"),
        "limit": policy.get("q") or left.get("limit"),
        "period": policy.get("w"),
    }
    found = {key: value for key, value in spelled.items() if value is not None}
    return {"requests": found} if "remaining" in found else {}


def _reading(name: str, told: Mapping[str, str], at: float) -> Reading | None:
    base, _, last = name.rpartition("-")
    period = _PERIODS.get(last)
    unit = _UNITS.get(base if period else name)
    remaining, limit = _number(told.get("remaining", "")), _number(told.get("limit", ""))
    if unit is None or remaining is None or limit == 0:  # a limit of -1 is none, as is nonsense
        return None
    if limit is not None and remaining > limit:
        limit = None
    refills = True if told.get("refills") else None
    period = period or (_MINUTE if refills else _number(told.get("period", "")))
    used = limit - remaining if limit is not None else None
    reset_s, grain_s = _reset(told.get("reset", ""), at, used=used, limit=limit)
    return Reading(name, unit, remaining, limit, reset_s, grain_s, period, refills)


def _reset(
    text: str, at: float, *, used: float | None, limit: float | None
) -> tuple[float | None, float]:
    """Seconds until a reset, and how finely they are told."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number > 1e11:  # milliseconds since 1970: OpenRouter
            return max(0.0, number / 1000 - at), 0.001
        if number > 1e9:
            return max(0.0, number - at), 1.0
        if "." in text:  # Cerebras
            return number, 0.001
        # Azure tells milliseconds without saying so, of a minute's bucket that refills.
        if used and limit and abs(number - used * 60_000 / limit) <= 1:
            return number / 1000, 0.001
        return number, 1.0
    if text and (match := _DURATION.fullmatch(text)):
        parts = zip(match.groups(), _SECONDS, strict=True)
        return sum(float(part) * unit for part, unit in parts if part), 0.001
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None, 0.001
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - at), 0.001 if moment.microsecond else 1.0


def _number(text: str) -> float | None:
    """A plain decimal number, at least 0."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
