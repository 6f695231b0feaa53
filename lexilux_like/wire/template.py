"""Events that differ in their text only, as nearly all events of a stream do.

A JSON document in which one string stands in place of another is the same document but for that
string. So where the bytes around the text are those of an event that was read in full, the text
is all that has to be read.
"""

from __future__ import annotations

import re

from pydantic_core import from_json

SHORT = 4_096
"""Bytes of the longest event that is kept: the text is most of a longer one."""
_CONTENT = re.compile(rb'"content"\s*:\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")')
_PADDING = b'"obfuscation":"'


class Template:
    """The bytes of an event around its text, and around its padding where there is one.

    The padding hides how long a text is: OpenAI's `include_obfuscation`.

    Args:
        before: Up to the text.
        behind: After it, to the end or to the padding.
        end: After the padding; None where there is none.
    """

    __slots__ = ("_before", "_behind", "_end")

    def __init__(self, before: bytes, behind: bytes, end: bytes | None) -> None:
        self._before = before
        self._behind = behind
        self._end = end

    @classmethod
    def of(cls, data: bytes, text: str) -> Template | None:
        """The template of an event whose text is the one string named `content` in it.

        Args:
            data: Its JSON.
            text: The text that was found in it.

        Returns:
            None where it cannot be sure which bytes the text is.
        """
        found = _CONTENT.search(data) if len(data) <= SHORT else None
        if found is None or data.count(b'"content"') != 1 or from_json(found[1]) != text:
            return None
        before, behind = data[: found.start(1)], data[found.end(1) :]
        if b"\\" in before or b"\\" in behind:  # a name or a quote might stand there in disguise
            return None
        behind, padded, rest = behind.partition(_PADDING)
        if not padded:
            return cls(before, behind, None)
        return cls(before, behind + padded, rest[rest.index(b'"') :])

    def text(self, data: bytes) -> str | None:
        """The text of an event that is the same but for it; None, or nothing, for any other."""
        before, behind, end = self._before, self._behind, self._end
        if not data.startswith(before):
            return None
        if end is None:
            if not data.endswith(behind):
                return None
            stop = len(data) - len(behind)
        else:
            stop = data.find(behind, len(before))
            padding = data[stop + len(behind) :].removesuffix(end)
            if stop < 0 or not data.endswith(end) or not padding.isalnum():
                return None
        try:
            text = from_json(data[len(before) : stop])
        except ValueError:
            return None
        return text if type(text) is str else None
