"""Where keys come from: the environment, then the keyring. Never from arguments or files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import TypeVar

from ..values.errors import ValidationError
from ..values.headers import is_one_line
from ..wire.profile import Profile
from .config import APP, Table, data_path
from .files import write_whole

VARIABLE = "LEXILUX_API_KEY"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and where it was found."""

    value: str = field(repr=False)
    source: str


def find_key(row: Profile, table: Table, profile: str | None) -> Key | None:
    """The key for a provider; None where it needs none, or nobody can say whether it does.

    In this order: the variable that the profile names as `key_env`, LEXILUX_API_KEY, the
    provider's own variables, and the keyring, under the name that the profile gives as `key`,
    under the profile's own name, and under the provider's.

    Raises:
        ValidationError: It is needed, and nowhere; the message says where it may be put.
    """
    if named := table.get("key_env"):
        if not (value := os.environ.get(named)):
            raise ValidationError(f"profile {profile!r} takes its key from {named}, which is unset")
        return Key(value, named)
    for variable in (VARIABLE, *row.env):
        if value := os.environ.get(variable):
            return Key(value, variable)
    places = (table.get("key"), profile, row.name if row.env else None)
    stored: list[str] = [name for name in places if name]
    if row.env or "key" in table or (profile and row.name == "unknown"):
        for name in stored:
            if value := _stored(name, needed="key" in table):
                return Key(value, f"the keyring, as {name!r}")
    if row.env or "key" in table:
        raise ValidationError(
            f"no key for {row.label or row.name}: set {' or '.join(row.env) or VARIABLE} in the"
            f" environment, or store one with `lexilux-like key set {stored[0]}`"
        )
    return None


def read_key(name: str) -> str:
    """A key, typed unseen on a terminal, or the one line on stdin."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    from getpass import getpass  # noqa: PLC0415 - only for who types

    return getpass(f"key for {name}: ").strip()


def store(name: str, value: str) -> None:
    """Put a key into the keyring.

    Raises:
        ValidationError: It is no key, or this machine has no keyring.
    """
    if not value or not is_one_line(value):
        raise ValidationError("a key is printable ASCII on one line; this one is not")
    _with_keyring(lambda keyring: keyring.set_password(APP, name, value))
    _remember({*stored_names(), name})


def delete(name: str) -> None:
    """Take a key out of the keyring.

    Raises:
        ValidationError: It is not in there, or this machine has no keyring.
    """
    if _stored(name, needed=True) is None:
        _remember({*stored_names()} - {name})
        raise ValidationError(f"there is no key {name!r} in the keyring")
    _with_keyring(lambda keyring: keyring.delete_password(APP, name))
    _remember({*stored_names()} - {name})


def stored_names() -> Sequence[str]:
    """The names of the keys that were stored, sorted; keyrings cannot be listed."""
    with suppress(FileNotFoundError, ValueError):
        return sorted(json.loads((data_path() / "keys.json").read_text("utf-8")))
    return []


def _remember(names: set[str]) -> None:
    write_whole(data_path() / "keys.json", json.dumps(sorted(names)))


def _stored(name: str, *, needed: bool) -> str | None:
    """A key from the keyring; None where it is not there.

    Raises:
        ValidationError: It is needed, and this machine has no keyring.
    """
    try:
        found: str | None = _with_keyring(lambda keyring: keyring.get_password(APP, name))
    except ValidationError:
        if needed:
            raise
        return None
    return found


def _with_keyring(act: Callable[[ModuleType], T]) -> T:
    """What `act` returns.

    Raises:
        ValidationError: This machine has no keyring, or it is locked.
    """
    import keyring  # noqa: PLC0415 - a tenth of a second that only stored keys cost
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        return act(keyring)
    except KeyringError as error:
        first = str(error).partition("\n")[0]
        raise ValidationError(
            f"the keyring of this machine cannot be used ({first}): put the key into the"
            f" environment, as {VARIABLE} or the provider's own variable"
        ) from error
