"""A provider with real rate limits, which it tells in its headers and enforces by 429."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from lexilux_like.testing import RecordedRequest, Reply, answer, stream
from lexilux_like.testing.limits import Allowance, rate_headers, rate_limited

PROMPT, COMPLETION = 20, 30
TOKENS = PROMPT + COMPLETION
USAGE = {"prompt_tokens": PROMPT, "completion_tokens": COMPLETION, "total_tokens": TOKENS}


@dataclass
class Bucket:
    """One limit: it refills bit by bit, or whole when its window ends."""

    limit: float
    period_s: float
    fixed: bool = False
    used: float = 0.0
    at: float = field(default_factory=time.monotonic)

    def advance(self, now: float) -> None:
        if not self.fixed:
            self.used = max(0.0, self.used - (now - self.at) * self.limit / self.period_s)
            self.at = now
        elif now >= self.at + self.period_s:
            self.at += (now - self.at) // self.period_s * self.period_s
            self.used = 0.0

    def allowance(self, now: float) -> Allowance:
        reset = self.at + self.period_s - now if self.fixed else None
        if reset is None:
            reset = self.used * self.period_s / self.limit
        return Allowance(int(self.limit), int(self.limit - self.used), reset)

    def allowed(self, start: float, end: float) -> float:
        """What it lets through from a full start to an end."""
        if not self.fixed:
            return self.limit * (1 + (end - start) / self.period_s)
        windows = (end - self.at) // self.period_s - (start - self.at) // self.period_s + 1
        return self.limit * windows


class Provider:
    """The function of a scripted server. `told=False` sends no headers but Retry-After."""

    def __init__(
        self, requests: Bucket, tokens: Bucket | None = None, *, told: bool = True
    ) -> None:
        self.requests, self.tokens, self.told = requests, tokens, told
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, request: RecordedRequest) -> Reply:
        with self._lock:
            now = time.monotonic()
            costs = [(self.requests, 1)] + ([(self.tokens, TOKENS)] if self.tokens else [])
            for bucket, _ in costs:
                bucket.advance(now)
            fits = all(bucket.used + cost <= bucket.limit for bucket, cost in costs)
            (self.accepted if fits else self.refused).append(now)
            for bucket, cost in costs:
                bucket.used += cost if fits else 0
            left = {"requests": self.requests.allowance(now)}
            if self.tokens:
                left["tokens"] = self.tokens.allowance(now)
        left = left if self.told else {}
        if not fits:
            return rate_limited(retry_after_s=0.2, **left)
        headers = rate_headers(**left)
        if request.json.get("stream"):
            return stream("Hi", usage=USAGE, headers=headers)
        return answer("Hi", usage=USAGE, headers=headers)
