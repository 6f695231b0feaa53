"""What `doctor` asks a server: a few small requests, each with a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from ..chat import Chat
from ..transport.listing import TIMEOUT_S, Listing, list_models
from ..values.errors import (
    AuthenticationError,
    InvalidRequestError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    NotFoundError,
    QuotaExceededError,
)
from ..values.options import PrefillForm
from ..values.text import printable
from .settings import Settings

MOST_REQUESTS = 9
"""One for the models, one call, one stream, two for prefill, and as many for a schema as there are
ways to send one."""
MAX_TOKENS = 32
"""Of each answer."""

_COUNTING = "Write the numbers from one to one hundred in words, apart by commas, and nothing else."

_BEGINNING = 20  # characters by which an answer that begins again is known
_TOLD = 80  # characters of an answer in the report

State: TypeAlias = Literal["ok", "failed", "unknown"]


@dataclass
class Colours:  # noqa: D101 - as said inside
    # No docstring, which would be sent to the model.
    colours: list[str]


class Finding(NamedTuple):
    """What came of a probe."""

    state: State
    found: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the report."""

    name: str
    asked: str
    """What was asked, in words."""
    state: State
    found: str
    hint: str
    seconds: float
    needed: bool
    """Whether nothing works without it."""


Probe: TypeAlias = Callable[[Chat, Settings], Finding]


def checks(chat: Chat, settings: Settings) -> Iterator[Check]:
    """Ask one thing after the other; what a failure leaves no hope for is not asked."""
    began = time.monotonic()
    listing = list_models(
        settings.base_url,
        settings.row,
        api_key=settings.key.value if settings.key else None,
        headers=settings.client.get("headers"),
        timeout_s=settings.client.get("timeout_s", TIMEOUT_S),
    )
    seconds = time.monotonic() - began
    reached = Finding("failed", listing.problem, "is the address right, and the server running?")
    if listing.reached:
        reached = Finding("ok", f"answered {listing.status}")
    yield _row("base_url", "GET /models", reached, seconds, needed=True)
    if not listing.reached:
        return
    yield _row("key", "is it taken", _key(listing, settings), seconds, needed=True)
    yield _row("models", "GET /models", _models(listing, settings), seconds)
    asked: Finding | None = None
    for name, words, probe, needed in _PROBES:
        began = time.monotonic()
        finding = _found(probe, chat, settings)
        yield _row(name, words, finding, time.monotonic() - began, needed=needed)
        asked = asked or finding
        if asked.state == "failed":
            return


def _row(name: str, asked: str, finding: Finding, seconds: float, *, needed: bool = False) -> Check:
    """The row of a finding."""
    return Check(name, asked, finding.state, finding.found, finding.hint, seconds, needed)


def _key(listing: Listing, settings: Settings) -> Finding:
    source = f"from {settings.key.source}" if settings.key else "none"
    if listing.status in (401, 403):
        return Finding("failed", f"refused ({listing.status}): {source}", "is it this server's?")
    if listing.names is None:
        return Finding("unknown", source)
    return Finding("ok", source)


def _models(listing: Listing, settings: Settings) -> Finding:
    if listing.names is None:
        return Finding("unknown", listing.problem, "not every server lists its models")
    if settings.model in listing.names:
        return Finding("ok", f"{len(listing.names)}, {settings.model!r} among them")
    some = ", ".join(listing.names[:5])
    return Finding(
        "unknown",
        f"{len(listing.names)}, {settings.model!r} not among them",
        f"there is: {some}" if some else "",
    )


def _found(probe: Probe, chat: Chat, settings: Settings) -> Finding:
    """What a probe finds; an error is a finding too."""
    try:
        return probe(chat, settings)
    except LexiluxError as error:
        return Finding("failed", error.message, _hint(error))


def _hint(error: LexiluxError) -> str:
    match error:
        case AuthenticationError():
            return "is the key this server's, and allowed to use this model?"
        case NotFoundError():
            return "is there such a model, and does base_url end with the API's version?"
        case QuotaExceededError():
            return "the account has no credit left"
        case LexiluxTimeoutError():
            return "give it longer with --timeout"
        case LexiluxConnectionError():
            return "is the server still running?"
        case _:
            return ""


def _call(chat: Chat, settings: Settings) -> Finding:
    result = chat("Say hello in one word.", **settings.call, max_tokens=MAX_TOKENS)
    if result.status == "unknown":
        return Finding("unknown", "no finish reason", "it cannot be told whether answers are whole")
    return Finding("ok", f"status {result.status}")


def _stream(chat: Chat, settings: Settings) -> Finding:
    pieces = 0
    with chat.stream("Count from one to ten.", **settings.call, max_tokens=MAX_TOKENS) as stream:
        for chunk in stream:
            pieces += bool(chunk.delta or chunk.reasoning)
    result = stream.result
    first = result.timing.first_content_s
    after = "" if first is None else f", the first after {first:.2f} s"
    usage = "" if result.usage else "; no token counts"
    return Finding("ok", f"{pieces} pieces{after}{usage}, status {result.status}")


def _prefill(chat: Chat, settings: Settings) -> Finding:
    """Let the token limit cut an answer off, and ask for the rest as `complete()` does."""
    known = settings.row.prefill
    form: PrefillForm | Literal["auto"] = "auto" if known else "trailing"
    try:
        result = chat.complete(
            _COUNTING,
            **settings.call,
            max_tokens=MAX_TOKENS,
            max_continues=1,
            prefill=form,
            ensure_complete=False,
            on_error="return_partial",
            allow_larger_max_tokens=False,
        )
    except InvalidRequestError as error:
        return Finding("failed", error.message, "complete() asks for the rest in a user turn")
    parts = result.segments
    if len(parts) < 2:
        return Finding("unknown", "the answer was not cut off, so there was nothing to go on from")
    first, second = parts[0].text, parts[1].text
    # A server that echoes the prefill begins so, too, but its answer is longer than the part was.
    afresh = second[:_BEGINNING] == first[:_BEGINNING] and len(second) <= len(first)
    if parts[1].asked == "prefill" and parts[1].joined != "none" and not afresh:
        return Finding("ok", f"goes on from its own words ({form})")
    found = "answers afresh" if afresh else "does not go on from its own words"
    return Finding("failed", found, "complete() asks for the rest in a user turn, which works too")


def _schema(chat: Chat, settings: Settings) -> Finding:
    result = chat.complete(
        "Name three colours.",
        **settings.call,
        response_format=Colours,
        max_tokens=4 * MAX_TOKENS,
        max_continues=0,
        max_reasks=0,
    )
    colours: Any = result.parsed
    return Finding("ok", printable(f"valid: {', '.join(colours.colours)}", _TOLD))


_PROBES: tuple[tuple[str, str, Probe, bool], ...] = (
    ("call", "a word", _call, True),
    ("stream", "ten numbers", _stream, True),
    ("prefill", "the rest of a cut answer", _prefill, False),
    ("JSON schema", "three colours as an object", _schema, False),
)
