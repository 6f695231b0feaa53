"""LM Studio's marker between reasoning and answer, where it is left in one of them."""

from __future__ import annotations

import re
from typing import Any

from ..values.results import Json
from .document import is_object
from .halves import TEXTS, Mender

BEGINNING = "__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_"
MARKER = re.compile(BEGINNING + r"[0-9a-fA-F]{1,64}__")
CUT_MARKER = re.compile(BEGINNING + r"[0-9a-fA-F]{0,64}_?\Z")


class Unmarker(Mender):
    """Takes the marker out of texts and reasoning, however it is cut.

    What stands before it in the same delta is reasoning, so that a whole message is parted as
    LM Studio means it: https://github.com/mozilla-ai/any-llm/issues/1167. In a stream the
    consumer has been handed what came before, and it stays what it was.
    """

    __slots__ = ("_begun", "_held")

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[tuple[int, str], str] = {}
        self._begun: set[int] = set()

    def mend(self, index: int, delta: Any) -> Any:
        """A copy of a delta of the choice `index`, without the marker and with whole characters."""
        mended = super().mend(index, delta)
        if not is_object(mended):
            return mended
        for name in TEXTS:
            if isinstance(text := mended.get(name), str):
                mended[name] = self._unmarked(index, name, text, mended)
        if mended.get("content"):
            self._begun.add(index)
        return mended

    def rest(self, index: int) -> Any:
        """Deltas that say what was held back for the choice `index`."""
        yield from super().rest(index)
        for choice, name in [*self._held]:
            if choice == index and (held := self._held.pop((choice, name))):
                yield {name: held}

    def _unmarked(self, index: int, name: str, text: str, delta: Json) -> str:
        """What is known of a text, without the marker; what it shows to be reasoning moves."""
        text = self._held.pop((index, name), "") + text
        if found := MARKER.search(text):
            before, text = text[: found.start()], text[found.end() :]
            if name == "content" and index not in self._begun and not delta.get("reasoning"):
                delta["reasoning_content"] = before + (delta.get("reasoning_content") or "")
            else:
                text = before + text
        known = len(text) - _unfinished(text)
        if known < len(text):
            self._held[index, name] = text[known:]
        return text[:known]


def _unfinished(text: str) -> int:
    """How many characters at the end of `text` may be a marker that goes on."""
    if cut := CUT_MARKER.search(text):
        return len(text) - cut.start()
    most = min(len(BEGINNING) - 1, len(text))
    return next((n for n in range(most, 0, -1) if text.endswith(BEGINNING[:n])), 0)
