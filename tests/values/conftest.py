"""A conversation of two rounds."""

from __future__ import annotations

import pytest

from lexilux_like import ChatHistory


@pytest.fixture
def history() -> ChatHistory:
    made = ChatHistory(system="Be brief.")
    made.add_user("one")
    made.add_assistant("eins")
    made.add_user("two")
    made.add_assistant("zwei")
    return made
