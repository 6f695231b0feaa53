"""Choosing the dialect that a provider speaks."""

from __future__ import annotations

from .dialect import Dialect
from .openai import OpenAIDialect
from .profile import Profile


def make_dialect(base_url: str, profile: Profile, *, api_version: str | None = None) -> Dialect:
    """The dialect of a provider.

    Args:
        base_url: Where requests go.
        profile: The provider's row.
        api_version: Of Azure's older URLs, such as `"2024-10-21"`.
    """
    if profile.dialect == "anthropic":
        from .anthropic import AnthropicDialect  # noqa: PLC0415 - few need both dialects

        return AnthropicDialect(base_url, profile)
    return OpenAIDialect(base_url, profile, api_version=api_version)
