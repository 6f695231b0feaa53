"""Characters that a server cut in two: halves of surrogate pairs in different JSON strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..values.results import Json
from .document import is_array, is_object

REPLACEMENT = "\ufffd"
TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


class Halves:
    """One text that comes in pieces; a first half at a piece's end waits for the second."""

    __slots__ = ("_high",)

    def __init__(self) -> None:
        self._high = ""

    def feed(self, text: str) -> str:
        """What was held back and `text`, as whole characters; a half that stays alone is U+FFFD."""
        text = self._high + text
        self._high = ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def rest(self) -> str:
        """What is held back at the end: U+FFFD, or nothing."""
        alone, self._high = self._high, ""
        return REPLACEMENT if alone else ""


class Mender:
    """Makes the texts of deltas whole, each by its place. Only for servers that need it."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[tuple[int, str, int], Halves] = {}

    def mend(self, index: int, delta: Any) -> Any:
        """A copy of a delta of the choice `index`, with whole characters."""
        if not is_object(delta):
            return delta
        mended = dict(delta)
        for name in TEXTS:
            if isinstance(delta.get(name), str):
                mended[name] = self._text(index, name, -1).feed(delta[name])
        if is_array(calls := delta.get("tool_calls")):
            mended["tool_calls"] = [self._call(index, i, call) for i, call in enumerate(calls)]
        return mended

    def rest(self, index: int) -> Iterator[Json]:
        """Deltas that say what was held back for the choice `index`."""
        for (choice, name, call), text in self._texts.items():
            if choice == index and (alone := text.rest()):
                if name == "tool_calls":
                    yield {name: [{"index": call, "function": {"arguments": alone}}]}
                else:
                    yield {name: alone}

    def _call(self, index: int, position: int, call: Any) -> Any:
        function = call.get("function") if is_object(call) else None
        if not is_object(function) or not isinstance(function.get("arguments"), str):
            return call
        place = call.get("index")
        text = self._text(index, "tool_calls", place if isinstance(place, int) else position)
        return {**call, "function": {**function, "arguments": text.feed(function["arguments"])}}

    def _text(self, index: int, name: str, call: int) -> Halves:
        return self._texts.setdefault((index, name, call), Halves())
