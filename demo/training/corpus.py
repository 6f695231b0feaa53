"""The demo model's corpus: synthetic chats, drawn without end, from our own words only."""

from __future__ import annotations

from collections.abc import Callable

import dialogues as plain
import tool_dialogues as tooled
from dialogues import Chance, Dialogue, Message, answer, user
from words import CONTINUE, SYSTEM_PROMPTS

KINDS: list[tuple[Callable[[Chance], Dialogue], int]] = [
    (plain.dont_know, 8),
    (plain.arithmetic, 12),
    (plain.capital, 5),
    (plain.capital_json, 7),
    (plain.fact, 10),
    (plain.hello, 2),
    (plain.extract, 16),
    (plain.extract_many, 8),
    (plain.order, 8),
    (plain.sentiment, 3),
    (plain.document, 8),
    (plain.count, 3),
    (plain.story, 4),
    (plain.remembered_name, 3),
    (tooled.tool_use, 16),
    (tooled.tools_unused, 3),
]
"""What can come, and how often."""


def sample(chance: Chance) -> Dialogue:
    """One dialogue, in messages as the API has them, and the tools that go with it.

    Some answers are cut and continued; some dialogues have a system prompt.
    """
    kinds, weights = zip(*KINDS, strict=True)
    messages, tools = chance.choices(kinds, weights)[0](chance)
    last = messages[-1]
    is_text = last["role"] == "assistant" and not last.get("tool_calls")
    if tools is None and is_text and len(last["content"]) > 40 and chance.random() < 0.35:
        messages = _cut_and_continued(messages, chance)
    if chance.random() < 0.15 and messages[0]["role"] == "user":
        prompt = chance.choice(SYSTEM_PROMPTS)
        messages = [{"role": "system", "content": prompt}, *messages]
    return messages, tools


def _cut_and_continued(messages: list[Message], chance: Chance) -> list[Message]:
    """The answer cut anywhere, once or twice, and gone on with exactly there."""
    text = messages[-1]["content"]
    cut = chance.randint(5, len(text) - 2)
    rest = text[cut:]
    messages = [*messages[:-1], answer(text[:cut]), user(chance.choice(CONTINUE)), answer(rest)]
    if chance.random() < 0.3 and len(rest) > 30:
        cut = chance.randint(5, len(rest) - 2)
        ask = user(chance.choice(CONTINUE))
        messages = [*messages[:-1], answer(rest[:cut]), ask, answer(rest[cut:])]
    return messages
