"""Choosing the dialect that a provider speaks."""

from __future__ import annotations

from ..values.errors import ValidationError
from .anthropic import AnthropicDialect
from .dialect import Dialect
from .openai import OpenAIDialect
from .profile import Profile


def make_dialect(base_url: str, profile: Profile, *, api_version: str | None = None) -> Dialect:
    """The dialect of a provider.

    Args:
        base_url: Where requests go.
        profile: The provider's row.
        api_version: Of Azure's older URLs, such as `"2024-10-21"`.

    Raises:
        ValidationError: `api_version` is given where it means nothing.
    """
    if api_version is not None and profile.urls != "azure":
        raise ValidationError(
            f"api_version={api_version!r} is for Azure, not for provider {profile.name!r}: leave it"
            ' out, or pass provider="azure"'
        )
    if profile.dialect == "anthropic":
        return AnthropicDialect(base_url, profile)
    return OpenAIDialect(base_url, profile, api_version=api_version)
