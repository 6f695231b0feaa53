"""The config file: named profiles, in TOML, in the platform's own place."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from ..values.errors import ValidationError
from ..values.headers import is_secret
from ..values.messages import is_mapping

APP = "lexilux-like"
FILE_VARIABLE = "LEXILUX_CONFIG"

Table: TypeAlias = Mapping[str, Any]

_TEXT, _NUMBER, _COUNT, _TABLE = (str,), (int, float), (int,), (dict,)
KINDS: Mapping[str, tuple[type, ...]] = {
    "base_url": _TEXT,
    "provider": _TEXT,
    "model": _TEXT,
    "key": _TEXT,
    "key_env": _TEXT,
    "system": _TEXT,
    "api_version": _TEXT,
    "effort": _TEXT,
    "timeout": _NUMBER,
    "temperature": _NUMBER,
    "max_tokens": _COUNT,
    "retries": _COUNT,
    "headers": _TABLE,
}
"""What a profile may say, and of which type it is."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the config file says."""

    path: Path
    profiles: Mapping[str, Table] = field(default_factory=dict[str, Table])
    default: str | None = None
    """The profile that counts where none is named."""

    def profile(self, name: str) -> Table:
        """A profile by its name.

        Raises:
            ValidationError: There is none; the message says where it was looked for.
        """
        if name in self.profiles:
            return self.profiles[name]
        known = ", ".join(self.profiles) or "none"
        raise ValidationError(f"no profile {name!r} in {self.path}; there is: {known}")


def config_path() -> Path:
    """Where the config file is, or would be: LEXILUX_CONFIG, or the platform's own place."""
    if given := os.environ.get(FILE_VARIABLE):
        return Path(given)
    from platformdirs import user_config_path  # noqa: PLC0415 - only where it is asked for

    return user_config_path(APP, appauthor=False) / "config.toml"


def data_path() -> Path:
    """The folder of what is to be kept: saved conversations, the names of stored keys."""
    from platformdirs import user_data_path  # noqa: PLC0415 - as above

    return user_data_path(APP, appauthor=False)


def state_path() -> Path:
    """The folder of what may get lost: the lines that were typed."""
    from platformdirs import user_state_path  # noqa: PLC0415 - as above

    return user_state_path(APP, appauthor=False)


def read_config() -> Config:
    """Read the config file; one that is not there says nothing.

    Raises:
        ValidationError: It cannot be read, says what no profile can say, or holds a key.
    """
    path = config_path()
    try:
        document: Table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Config(path)
    except (OSError, ValueError) as error:  # TOMLDecodeError is a ValueError, so is bad UTF-8
        raise ValidationError(f"{path} cannot be read: {error}") from error
    for name in document.keys() - {"default_profile", "profiles"}:
        _refuse_secret(str(path), name)
        raise ValidationError(
            f"{path}: {name!r} is not known; there are default_profile = and [profiles.NAME]"
        )
    default, profiles = document.get("default_profile"), document.get("profiles", {})
    if not isinstance(default, str | None) or not is_mapping(profiles):
        raise ValidationError(f"{path}: default_profile is a name, and profiles are tables")
    for name, table in profiles.items():
        _check(f"{path}, profile {name!r}", table)
    return Config(path, cast("Mapping[str, Table]", profiles), default)


def _check(place: str, table: object) -> None:
    """Refuse what no profile can say.

    Raises:
        ValidationError: As `read_config`.
    """
    if not is_mapping(table):
        raise ValidationError(f"{place} is not a table: [profiles.NAME]")
    for name, value in table.items():
        if name not in KINDS:
            _refuse_secret(place, name)
            raise ValidationError(f"{place}: {name!r} is not known; known are {', '.join(KINDS)}")
        if isinstance(value, bool) or not isinstance(value, KINDS[name]):
            wanted = " or ".join(kind.__name__ for kind in KINDS[name])
            raise ValidationError(f"{place}: {name} = {value!r}: it must be {wanted}")
    for header in table.get("headers", {}):
        _refuse_secret(f"{place}, headers", header)


def _refuse_secret(place: str, name: str) -> None:
    if name not in KINDS and is_secret(name):
        raise ValidationError(
            f"{place}: {name!r} does not belong in a file that anybody may read: store the key"
            ' with `lexilux-like key set NAME`, or name its variable with key_env = "VARIABLE"'
        )
