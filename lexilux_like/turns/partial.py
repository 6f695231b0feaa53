"""A JSON value while its text comes in, as far as its parts are finished."""

from __future__ import annotations

import json
import re
from typing import Any, Final, final

from .jsonscan import JSONScanner

# The scanner has found the text valid, so that this need not: it only cuts it into lexemes.
_LEXEME = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"|[^\[\]{}",: \t\n\r]++')
_Container = dict[str, Any] | list[Any]
_decode = json.JSONDecoder().raw_decode


@final
class Missing:
    """What stands for a value of which nothing has come yet; null is a value."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"  # a copy and a pickle are the same one


MISSING: Final = Missing()
"""No part of the value has finished yet. It is falsy, and not None, which is JSON's null."""


class PartialJSON:
    """Feed it a JSON text, cut anywhere; it holds what has finished of its value.

    Time is linear in the text, whatever its pieces.
    """

    __slots__ = ("_broken", "_built", "_key", "_open", "_pieces", "_root", "_scanner")

    def __init__(self) -> None:
        self._scanner = JSONScanner()
        self._pieces: list[str] = []  # what came behind `_built`
        self._built = 0  # offset up to which the text is part of the value
        self._root: Any = MISSING
        self._open: list[tuple[_Container, str | int]] = []  # each with its place in the outer one
        self._key: str | None = None  # the key whose value comes next
        self._broken: int | None = None

    @property
    def broken(self) -> int | None:
        """Offset of the first character that no JSON text can have there, or of a huge integer.

        Python reads no integer of more than `sys.get_int_max_str_digits()` digits. Once this is
        set nothing more is taken in; what has finished before stays.
        """
        return self._scanner.broken if self._broken is None else self._broken

    @property
    def done(self) -> bool:
        """Whether the value is whole: `value` is then what `json.loads` makes of its text.

        Text that follows does not matter. A number that stands alone is whole only when
        something follows it, be it white space.
        """
        return self._scanner.end is not None and self.broken is None

    @property
    def value(self) -> Any:
        """What has finished so far, or MISSING; costs the size of the containers that are open.

        Objects and arrays appear as soon as they open, with their finished members and elements.
        What is shown never changes: later values only add to it, except where a key comes twice,
        of which JSON lets the last win. Values share their finished parts; do not change them.
        """
        value: Any = self._root
        place: str | int | None = None
        for container, outer_place in reversed(self._open):
            copy: Any = container.copy()
            if place is not None:
                copy[place] = value
            value, place = copy, outer_place
        return value

    def feed(self, text: str) -> bool:
        """Take in what comes next; returns whether more of the value has finished or opened.

        Once the value is done or its text broken nothing more is taken in.
        """
        if self.done or self.broken is not None:
            return False
        scanner = self._scanner
        scanner.feed(text)
        self._pieces.append(text)
        finished = next(
            offset for offset in (scanner.end, scanner.token, scanner.offset) if offset is not None
        )
        if finished == self._built:
            return False
        ready = "".join(self._pieces)
        self._pieces = [ready[finished - self._built :]]
        more = False
        for match in _LEXEME.finditer(ready, 0, finished - self._built):
            try:
                more |= self._take(match.group())
            except ValueError:  # the one thing left that Python does not read: a huge integer
                self._broken = self._built + match.start()
                break
        self._built = finished
        return more

    def _take(self, lexeme: str) -> bool:
        """Build one lexeme in; returns whether the value shows it."""
        if lexeme in "]}":
            self._open.pop()
            return True
        value: Any = {} if lexeme == "{" else [] if lexeme == "[" else _decode(lexeme)[0]
        container = self._open[-1][0] if self._open else None
        place: str | int = -1
        if container is None:
            self._root = value
        elif isinstance(container, list):
            container.append(value)
        elif self._key is None:
            self._key = value
            return False
        else:
            container[self._key] = value
            place, self._key = self._key, None
        if lexeme in "{[":
            self._open.append((value, place))
        return True
