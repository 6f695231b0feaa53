"""What a server does when a limit is reached: it cuts an answer off, or refuses and says when."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from ..values.errors import ValidationError
from .chunks import event_of, says_something
from .faults import fault
from .messages import refuse_message
from .script import Reply, Send, Step, refuse, sse

RateSpelling: TypeAlias = Literal["openai", "anthropic"]
"""Whose headers: `x-ratelimit-remaining-requests` with durations such as `6m0s`, or
`anthropic-ratelimit-requests-remaining` with instants."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a rate limit."""

    limit: int
    """Requests or tokens in a window."""
    remaining: int
    reset_s: float
    """Seconds until the window begins anew."""


def rate_headers(
    *,
    requests: Allowance | None = None,
    tokens: Allowance | None = None,
    spelling: RateSpelling = "openai",
) -> dict[str, str]:
    """The headers that tell what is left, for a reply of any status.

    Examples:
        >>> rate_headers(requests=Allowance(limit=60, remaining=59, reset_s=61))
        ... # doctest: +NORMALIZE_WHITESPACE
        {'x-ratelimit-limit-requests': '60',
         'x-ratelimit-remaining-requests': '59',
         'x-ratelimit-reset-requests': '1m1s'}
    """
    headers: dict[str, str] = {}
    for kind, left in (("requests", requests), ("tokens", tokens)):
        if left is None:
            continue
        # https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
        # https://docs.claude.com/en/api/rate-limits#response-headers
        ours = spelling == "openai"
        name = f"x-ratelimit-{{}}-{kind}" if ours else f"anthropic-ratelimit-{kind}-{{}}"
        headers[name.format("limit")] = str(left.limit)
        headers[name.format("remaining")] = str(left.remaining)
        reset = _duration(left.reset_s) if ours else _instant(left.reset_s)
        headers[name.format("reset")] = reset
    return headers


def rate_limited(
    message: str = "Rate limit reached.",
    *,
    retry_after_s: float | None = None,
    requests: Allowance | None = None,
    tokens: Allowance | None = None,
    spelling: RateSpelling = "openai",
) -> Reply:
    """A 429 with the headers of a provider.

    Args:
        message: Of the error object.
        retry_after_s: Sent as `retry-after`, rounded up to seconds, and in OpenAI's spelling as
            `retry-after-ms` too; None for neither.
        requests: What is left of the requests; none is, unless you say so.
        tokens: The same of the tokens.
        spelling: Whose headers and error object.
    """
    headers = rate_headers(requests=requests, tokens=tokens, spelling=spelling)
    if retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(retry_after_s))
        if spelling == "openai":
            headers["retry-after-ms"] = str(round(retry_after_s * 1000))
    if spelling == "anthropic":
        reply = refuse_message(429, "rate_limit_error", message)
    else:
        reply = refuse(429, message, type="requests", code="rate_limit_exceeded")
    return replace(reply, headers={**reply.headers, **headers})


@fault
def truncate(reply: Reply, *, tokens: int) -> Reply:
    """A chat completion that a token limit cuts off: fewer tokens, and the finish reason `length`.

    A token is a piece of a stream, and of a whole answer a word with the white space before it.
    An answer that has no more tokens stays as it is.

    Args:
        reply: From `answer` or `stream`, or a function that makes one.
        tokens: Most tokens of each choice; from 0.

    Raises:
        ValidationError: `tokens` is negative, or the reply is no chat completion with text.
    """
    if tokens < 0:
        raise ValidationError(f"tokens={tokens!r} cannot be said; give 0 or more")
    if reply.body is not None:
        return replace(reply, body=_cut_body(reply.body, tokens))
    steps = list(reply.steps)
    told = [value for step in steps if (value := event_of(step)) is not None]
    if not any(says_something(value) and "choices" in value for value in told):
        raise ValidationError("a reply without chunks of a chat completion cannot be cut by tokens")
    return replace(reply, steps=_cut_steps(steps, tokens))


def _cut_body(body: bytes, tokens: int) -> bytes:
    try:
        value = json.loads(body)
        texts = [choice["message"]["content"] or "" for choice in value["choices"]]
        words = [re.findall(r"\s*\S+", text) for text in texts]
    except (ValueError, LookupError, TypeError):
        raise ValidationError(
            f"{body[:60]!r} is no chat completion with text, which tokens could cut"
        ) from None
    cut = False
    for choice, said in zip(value["choices"], words, strict=True):
        if len(said) > tokens:
            choice["message"] |= {"content": "".join(said[:tokens])}
            choice["message"].pop("tool_calls", None)
            choice["finish_reason"] = "length"
            cut = True
    if not cut:
        return body
    _count(value, tokens)
    return json.dumps(value, ensure_ascii=False).encode()


def _cut_steps(steps: list[Step], tokens: int) -> list[Step]:
    said: Counter[int] = Counter()
    cut: set[int] = set()
    kept: list[Step] = []
    for step in steps:
        event = event_of(step)
        if event is None:
            kept.append(step)
            continue
        value = dict(deepcopy(event))
        choices: list[dict[str, Any]] = value.get("choices") or []
        left = [choice for choice in choices if _counted(choice, said, cut, tokens)]
        if cut:
            _count(value, tokens)
        if left or not choices:
            value["choices"] = left
            kept.append(Send(sse(value)))
    return kept


def _counted(choice: dict[str, Any], said: Counter[int], cut: set[int], tokens: int) -> bool:
    """Count a choice of an event, and cut it; returns whether something is left of it."""
    index = choice.get("index", 0)
    says = says_something({"choices": [choice]})
    said[index] += says
    if says and said[index] > tokens:
        cut.add(index)
        choice["delta"] = {}
    if index not in cut:
        return True
    if choice.get("finish_reason") is None:
        return not says and bool(choice.get("delta"))
    choice["finish_reason"] = "length"
    return True


def _count(value: dict[str, Any], tokens: int) -> None:
    """Let the usage tell as many tokens as there are now."""
    usage: dict[str, Any] | None = value.get("usage")
    if usage:
        prompt = usage.get("prompt_tokens", 0)
        counts = {"completion_tokens": tokens, "total_tokens": prompt + tokens}
        value["usage"] = {**usage, **counts}


def _duration(seconds: float) -> str:
    """As Go writes it: `6m0s`, `1.5s`, `20ms`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, left = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{round(left, 3):g}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _instant(seconds: float) -> str:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
