"""The contract of chat windows' providers, kept by `MagenticProvider` on the real magentic."""

from __future__ import annotations

from bridged import required

from lexilux_like.providers import ChatProvider, MagenticProvider
from lexilux_like.testing.contracts import ChatProviderContract, PlayedModel

required("magentic")


class TestMagenticProvider(ChatProviderContract):
    has_calls = False  # magentic takes calls of its own functions only

    def provider(self, model: PlayedModel) -> ChatProvider:
        return MagenticProvider("m", base_url=model.url, api_key="k")
