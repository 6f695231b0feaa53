"""How one call is to be made whole: its options, checked, and what was learnt about its server."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from ..values.errors import ValidationError
from ..values.options import (
    ContinuePrompt,
    OnErrorCallback,
    OnProgress,
    PrefillForm,
    Resume,
)
from ..values.request import ChatRequest
from ..values.timeouts import is_number
from ..wire.profile import Prefill, Profile
from ..wire.reasoning import is_asked
from ..wire.registry import find_profile

JSON_FORMS = ("json_object", "json_schema")
RESUMES = 2
"""Attempts of a call that resumes, where `max_retries` allows fewer."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The options of `complete()` and of resuming, with their defaults."""

    continues: bool = True
    """A truncated answer is gone on from; else only one that broke."""
    max_continues: int = 5
    ensure_complete: bool = True
    expects_json: bool = False
    continue_prompt: ContinuePrompt | None = None
    continue_delay: tuple[float, float] = (0.0, 0.0)
    on_progress: OnProgress | None = None
    on_error: Literal["raise", "return_partial"] = "raise"
    on_error_callback: OnErrorCallback | None = None
    prefill: PrefillForm | Literal["auto", "off"] = "auto"
    allow_larger_max_tokens: bool = True
    max_reasks: int = 2
    resume: Resume = "auto"


def checked_rules(options: Mapping[str, Any], request: ChatRequest, *, continues: bool) -> Rules:
    """The rules of a call.

    Args:
        options: Of `complete()`, `complete_stream()` or `stream()`.
        request: What it asks.
        continues: Whether it is one of the first two.

    Raises:
        ValidationError: An option is out of bounds, or the request cannot be continued.
    """
    given = {name: value for name, value in options.items() if value is not None}
    rules = Rules(
        continues=continues,
        max_continues=_count(given, "max_continues", 5),
        ensure_complete=bool(given.get("ensure_complete", True)),
        expects_json=continues and _expects_json(given, request),
        continue_prompt=given.get("continue_prompt"),
        continue_delay=_delay(given.get("continue_delay", 0.0)),
        on_progress=given.get("on_progress"),
        on_error=_one_of(given, "on_error", ("raise", "return_partial")),
        on_error_callback=given.get("on_error_callback"),
        prefill=_one_of(given, "prefill", ("auto", "off", *get_args(PrefillForm))),
        allow_larger_max_tokens=bool(given.get("allow_larger_max_tokens", True)),
        max_reasks=_count(given, "max_reasks", 2),
        resume=_one_of(
            given, "resume", ("auto", "off", "require") if continues else ("off", "auto", "require")
        ),
    )
    _check_callables(given)
    n = request.extra.get("n", request.options.get("n"))
    if n in (None, 1):
        return rules
    if continues or rules.resume == "require":
        raise ValidationError(f"n={n!r}: only one answer can be continued: leave n out")
    return replace(rules, resume="off")


def _check_callables(given: Mapping[str, Any]) -> None:
    for name in ("continue_prompt", "on_progress", "on_error_callback"):
        value = given.get(name)
        is_text = name == "continue_prompt" and isinstance(value, str)
        if not (value is None or is_text or callable(value)):
            raise ValidationError(f"{name}={value!r}: it must be a function that can be called")


def _expects_json(given: Mapping[str, Any], request: ChatRequest) -> bool:
    expected = _one_of(given, "expect", ("", "json"))
    form = request.extra.get("response_format", request.options.get("response_format"))
    kind = cast("Mapping[str, Any]", form).get("type") if isinstance(form, Mapping) else None
    return expected == "json" or kind in JSON_FORMS


def _count(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValidationError(f"{name}={value!r}: it must be a whole number, at least 0")
    return value


def _one_of(given: Mapping[str, Any], name: str, known: tuple[str, ...]) -> Any:
    """The option, which is one of some words; the first is the default."""
    value = given.get(name, known[0])
    if value not in known:
        words = ", ".join(repr(each) for each in known if each)
        raise ValidationError(f"{name}={value!r}: it must be one of {words}")
    return value


def _delay(value: float | tuple[float, ...]) -> tuple[float, float]:
    bounds = value if isinstance(value, tuple) else (value, value)
    if len(bounds) != 2 or not all(map(is_number, bounds)) or not 0 <= bounds[0] <= bounds[1]:
        raise ValidationError(
            f"continue_delay={value!r}: seconds, at least 0, or (least, most) seconds"
        )
    return float(bounds[0]), float(bounds[1])


class Learned:
    """What servers were seen to do with a form of prefill or schema, by base_url and model.

    It holds the last 1,000 of them.
    """

    MOST = 1_000

    def __init__(self) -> None:
        self._works: OrderedDict[tuple[str, str, str], bool] = OrderedDict()

    def works(self, base_url: str, model: str, form: str) -> bool | None:
        """Whether it was seen to work, or not to; None where it has not been tried."""
        return self._works.get((base_url, model, form))

    def note(self, base_url: str, model: str, form: str, *, works: bool) -> None:
        """Remember what was seen."""
        self._works[base_url, model, form] = works
        self._works.move_to_end((base_url, model, form))
        if len(self._works) > self.MOST:
            self._works.popitem(last=False)


class Server:
    """What is known of the server that a call goes to, and what it teaches.

    Args:
        base_url: Where it is.
        profile: Its provider's row.
        learned: Shared by all clients of the process.
    """

    def __init__(self, base_url: str, profile: Profile, learned: Learned) -> None:
        self.base_url = base_url
        self.profile = profile
        self.learned = learned
        # What a provider documents holds for its own host: a gateway may drop it.
        self._at_home = find_profile(base_url) is profile

    def prefill(self, request: ChatRequest, rules: Rules) -> Prefill | None:
        """How the rest can be asked for by a prefill; None where it cannot."""
        if rules.prefill == "off":
            return None
        known = self.profile.prefill
        if rules.prefill != "auto" and (known is None or known.form != rules.prefill):
            known = Prefill(rules.prefill)
        if known is None or self.works(request, known) is False:
            return None
        if known.models and not re.match(known.models, request.model, re.IGNORECASE):
            return None
        if known.without_reasoning and is_asked(request.reasoning):
            return None
        return known

    def works(self, request: ChatRequest, prefill: Prefill) -> bool | None:
        """Whether the server goes on from a prefill; None where that is not known."""
        seen = self.learned.works(self.base_url, request.model, prefill.form)
        return True if seen is None and prefill.documented and self._at_home else seen

    def note(self, request: ChatRequest, prefill: Prefill, *, works: bool) -> None:
        """Remember what the server did with a prefill."""
        self.learned.note(self.base_url, request.model, prefill.form, works=works)


LEARNED = Learned()
"""What this process has learnt."""
