"""How long to wait, for what."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from .errors import ValidationError


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits in seconds, each of which works alone; None means no limit.

    Raises:
        ValidationError: A limit is not a positive number.
    """

    connect_timeout_s: float | None = None
    """Until a connection stands, TLS included."""
    read_timeout_s: float | None = None
    """Between two reads of bytes, and for the whole response head."""
    first_content_timeout_s: float | None = None
    """Streams: from the request to the first content."""
    idle_timeout_s: float | None = None
    """Streams: between two pieces of content; keep-alive comments do not count."""
    deadline_s: float | None = None
    """For the whole call: attempts, sleeps, body. Waiting for the rate limiter is not counted."""

    def __post_init__(self) -> None:
        for each in fields(self):
            limit = getattr(self, each.name)
            if limit is not None and not (is_number(limit) and limit > 0):
                raise ValidationError(
                    f"{each.name} must be a positive number of seconds, or None: {limit!r}"
                )


def is_number(value: object) -> bool:
    """Whether `value` is a finite number, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
