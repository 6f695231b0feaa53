"""Who is asked, and how: what options, environment and config file say, put together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

from ..chat import Chat
from ..values.errors import ValidationError
from ..wire.profile import Profile
from ..wire.registry import find_profile
from .config import Table, config_path, read_config
from .keys import Key, find_key
from .options import AnswerOptions, EndpointOptions

RETRIES = 2
"""How often a failure that may pass is tried again, unless given."""

_VARIABLES = {
    "base_url": "LEXILUX_BASE_URL",
    "provider": "LEXILUX_PROVIDER",
    "model": "LEXILUX_MODEL",
}


class ClientSettings(TypedDict, total=False):
    """What a `Chat` is made with."""

    timeout_s: float
    max_retries: int
    headers: Mapping[str, str]
    api_version: str


class CallSettings(TypedDict, total=False):
    """What every call says."""

    system: str
    temperature: float
    reasoning: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """A client's configuration, and the options of its calls."""

    base_url: str
    row: Profile
    """What is known of the provider."""
    provider: str | None
    """Its name, where it was named; None where the host tells."""
    model: str
    key: Key | None
    profile: str | None
    """The profile of the config file that took part."""
    max_tokens: int | None = None
    client: ClientSettings = field(default_factory=ClientSettings)
    call: CallSettings = field(default_factory=CallSettings)

    def open(self) -> Chat:
        """A client; close it."""
        api_key = self.key.value if self.key else None
        return Chat(
            base_url=self.base_url,
            model=self.model,
            provider=self.provider,
            api_key=api_key,
            **self.client,
        )


def gather(options: AnswerOptions | EndpointOptions) -> Settings:
    """Put the settings together: options, environment, profile of the config file, defaults.

    A profile that is named as an option wins over the environment. One that is only the config
    file's default counts where neither options nor environment say who is asked.

    Raises:
        ValidationError: Nobody says who is asked or which model, there is no key for it, or the
            config file cannot be read.
    """
    environment = {k: v for k, each in _VARIABLES.items() if (v := os.environ.get(each))}
    given: Mapping[str, Any] = {**options}
    named, table = _profile(given, environment)
    sources = [given, table, environment] if "profile" in given else [given, environment, table]
    base_url, provider = _endpoint(sources)
    row = find_profile(base_url or "", provider)
    address = base_url or row.base_url
    if address is None:
        raise ValidationError(f"provider {provider!r} has no address of its own: add --base-url")
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        merged.update(source)
    if not (model := merged.get("model")):
        raise ValidationError(
            "no model: add --model NAME, set LEXILUX_MODEL, or say model = in a profile"
        )
    key = find_key(row, table, named)
    return Settings(
        address,
        row,
        provider,
        model,
        key,
        named,
        max_tokens=merged.get("max_tokens"),
        client=_client(merged),
        call=_call(merged),
    )


def _profile(given: Table, environment: Table) -> tuple[str | None, Table]:
    """The profile that takes part, by name; an empty one where none does."""
    config = read_config()
    name = given.get("profile") or os.environ.get("LEXILUX_PROFILE")
    if name:
        return name, config.profile(name)
    if config.default is None or _names_endpoint(given) or _names_endpoint(environment):
        return None, {}
    return config.default, config.profile(config.default)


def _names_endpoint(source: Table) -> bool:
    return "base_url" in source or "provider" in source


def _endpoint(sources: list[Mapping[str, Any]]) -> tuple[str | None, str | None]:
    """Address and provider, both as the first source has them that names one of the two.

    Raises:
        ValidationError: None does.
    """
    for source in sources:
        if _names_endpoint(source):
            return source.get("base_url"), source.get("provider")
    raise ValidationError(
        "nobody says who is asked: add --provider NAME (see `lexilux-like providers`) or"
        f" --base-url URL, set LEXILUX_BASE_URL, or write a profile into {config_path()}"
    )


def _client(merged: Table) -> ClientSettings:
    names = {"timeout": "timeout_s", "retries": "max_retries"}
    known = {names.get(name, name): value for name, value in merged.items()}
    options = {name: known[name] for name in ClientSettings.__optional_keys__ & known.keys()}
    return cast("ClientSettings", {"max_retries": RETRIES, **options})


def _call(merged: Table) -> CallSettings:
    options = {name: merged[name] for name in ("system", "temperature") if name in merged}
    if "effort" in merged:
        options["reasoning"] = {"effort": merged["effort"]}
    return cast("CallSettings", options)
