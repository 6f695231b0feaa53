"""The file of models: what an entry says, reading all of them, adding one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import click
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...transport.endpoint import parse_base_url
from ...wire.profile import Profile
from ...wire.registry import find_profile

_IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_SOUNDS = ("audio/wav", "audio/mpeg")
_EXAMPLE = "- model_id: local\n  api_base: http://127.0.0.1:8080/v1\n"


class ModelsFileError(click.ClickException):
    """The file of models cannot be understood, or an entry cannot be added to it."""


class ModelEntry(BaseModel):
    """One model. The fields that `llm`'s own `extra-openai-models.yaml` has are called as there.

    Raises:
        pydantic.ValidationError: A field is not known or not valid, or nothing says where the
            model is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_id: str = Field(min_length=1)
    """What `llm -m` takes."""
    aliases: tuple[str, ...] = ()
    provider: str | None = None
    """A provider that the package knows, such as `openrouter`; found by the host if left out."""
    api_base: str | None = None
    """The root of the API, `http://127.0.0.1:8080/v1`; the provider's own if left out."""
    api_version: str | None = None
    """For Azure's older URLs."""
    model_name: str | None = None
    """The model's name at the server; `model_id` if left out."""
    api_key_name: str | None = None
    """Which of `llm keys` is sent. Left out: the provider's name, where it wants a key. Null: no
    key is sent."""
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Sent with every request."""
    can_stream: bool = True
    supports_tools: bool = True
    supports_schema: bool = True
    vision: bool = False
    """Whether it takes images."""
    audio: bool = False
    """Whether it takes WAV and MP3."""
    pdf: bool = False
    """Whether it takes PDF files."""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        """Check that a client can be made; a `ValueError` becomes part of pydantic's."""
        if self.api_base is None and self.provider is None:
            raise ValueError("it needs an api_base or a provider")
        _ = self.profile
        parse_base_url(self.base_url)
        return self

    @property
    def name_at_server(self) -> str:
        """What the server calls it."""
        return self.model_name or self.model_id

    @property
    def profile(self) -> Profile:
        """What the package knows of the provider.

        Raises:
            ValueError: No provider has that name.
        """
        return find_profile(self.api_base or "", self.provider)

    @property
    def base_url(self) -> str:
        """The root of the API.

        Raises:
            ValueError: The provider has no address of its own.
        """
        address = self.api_base or self.profile.base_url
        if address is None:
            raise ValueError(f"provider {self.provider!r} has no address of its own: give api_base")
        return address

    @property
    def needs_key(self) -> str | None:
        """The name of the key in `llm keys`; None: none is sent."""
        if "api_key_name" in self.model_fields_set:
            return self.api_key_name
        return self.profile.name if self.profile.env else None

    @property
    def key_env_var(self) -> str | None:
        """The variable that has the key where `llm keys` does not: of several, one that is set."""
        names = self.profile.env
        return next(filter(os.environ.get, names), names[0] if names else None)

    @property
    def attachment_types(self) -> set[str]:
        """The media types that it takes."""
        sounds = _SOUNDS if self.audio else ()
        return {*(_IMAGES if self.vision else ()), *sounds, *(["application/pdf"] * self.pdf)}


def read_entries(path: Path) -> list[ModelEntry]:
    """The models of a file, in order; none where there is no file.

    Raises:
        ModelsFileError: It is not a list of valid entries, or names a model twice.
    """
    return _checked(_load(_read(path), path), path)


def append_entry(path: Path, fields: Mapping[str, Any]) -> ModelEntry:
    """Write an entry at the end of a file, which is made if need be; the rest stays as it is.

    Raises:
        ModelsFileError: The entry is not valid, its `model_id` is there already, or the file does
            not end in a way that allows it. Nothing was written.
    """
    before = _read(path)
    entries = [*_load(before, path), dict(fields)]
    block = yaml.safe_dump([dict(fields)], sort_keys=False, allow_unicode=True)
    added = f"\n{block}" if before and not before.endswith("\n") else block
    checked = _checked(entries, path)
    try:
        same = yaml.safe_load(before + added) == entries
    except yaml.YAMLError:
        same = False
    if not same:
        raise ModelsFileError(f"{path} is not a plain list; add this to it by hand:\n{block}")
    with path.open("a", encoding="utf-8") as file:
        file.write(added)
    return checked[-1]


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ModelsFileError(f"{path} cannot be read: {error}") from error


def _load(text: str, path: Path) -> list[Any]:
    try:
        loaded: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelsFileError(f"{path} is not YAML: {error}") from error
    if loaded is None:
        return []
    if not isinstance(loaded, list):
        raise ModelsFileError(f"{path} must be a list of models, such as:\n{_EXAMPLE}")
    return loaded  # pyright: ignore[reportUnknownVariableType] - each is checked


def _checked(items: list[Any], path: Path) -> list[ModelEntry]:
    entries = [checked_entry(item, f"{path}, model {n}") for n, item in enumerate(items, 1)]
    counts = Counter(entry.model_id for entry in entries)
    if twice := [model_id for model_id, count in counts.items() if count > 1]:
        raise ModelsFileError(f"{path} names a model twice: {', '.join(map(repr, twice))}")
    return entries


def checked_entry(fields: object, where: str) -> ModelEntry:
    """The entry that these fields make.

    Raises:
        ModelsFileError: They make none; the message begins with `where`.
    """
    try:
        return ModelEntry.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        told = f"{name}={first['input']!r}: {said}" if name else said
        raise ModelsFileError(f"{where}: {told}") from error
