"""Finding a provider by its name."""

from __future__ import annotations

from typing import Any

from ..values.errors import ValidationError
from ..wire.registry import providers
from .base import ChatProvider

NAMES = ("openai", "anthropic", "callback", "magentic")


def get_provider(name: str, **kwargs: Any) -> ChatProvider:
    """Make a provider: `get_provider(config.provider, **config.provider_config)`.

    Args:
        name: `"openai"`, `"anthropic"`, `"callback"` or `"magentic"`; or who serves an
            OpenAI-compatible API, such as `"groq"`, by a name from `docs/providers.md`.
        **kwargs: For the provider: see `OpenAIProvider`, `AnthropicProvider`, `CallbackProvider`
            and `MagenticProvider`.

    Raises:
        ValueError: No provider has that name; the message lists those that are known.
        ImportError: It needs a package that is not installed.
    """
    if name == "callback":
        from .callback import CallbackProvider  # noqa: PLC0415 - it needs no client

        return CallbackProvider(**kwargs)
    if name == "magentic":
        from .magentic import MagenticProvider  # noqa: PLC0415 - of the extra magentic

        return MagenticProvider(**kwargs)
    from .hosted import AnthropicProvider, OpenAIProvider  # noqa: PLC0415 - the others need none

    if name == "openai":
        return OpenAIProvider(**kwargs)
    if name == "anthropic":
        return AnthropicProvider(**kwargs)
    others = [each.name for each in providers() if each.name not in NAMES]
    if name in others:
        return OpenAIProvider(provider=name, **kwargs)
    raise ValidationError(f"Unknown provider: {name!r}. Available: {', '.join((*NAMES, *others))}")
