"""A JSON value while its text comes in, as far as its parts are finished."""

from __future__ import annotations

import re
from itertools import islice
from json import JSONDecoder
from json.scanner import make_scanner
from sys import getrefcount
from typing import Any, Final, cast, final

from .jsonscan import JSONScanner

# The scanner has found the text valid, so that this need not: it only cuts it into lexemes.
_LEXEME = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"|[^\[\]{}",: \t\n\r]++')
_Container = dict[str, Any] | list[Any]
_read = make_scanner(cast("Any", JSONDecoder()))


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


class _Open:
    """An object or array that is open, and its copies that were shown.

    A large array is not copied whole for each of its elements: the last copy but one is brought
    up to date where nobody else has it any more. The last one is mostly still in use.
    """

    __slots__ = ("_earlier", "_latest", "own", "place")

    def __init__(self, own: _Container, place: str | int) -> None:
        self.own = own
        self.place = place  # in the one around it
        self._latest: list[Any] = []
        self._earlier: list[Any] = []

    def references(self) -> int:
        """How many there are to the last copy but one, counted as this Python does."""
        return getrefcount(self._earlier)

    def copy(self) -> _Container:
        """A copy that nobody else has. The last element of an array is not in it for good."""
        own = self.own
        if isinstance(own, dict):
            return own.copy()
        if self.references() == _UNSHARED:
            copy = self._earlier
            finished = max(len(copy) - 1, 0)
            copy[finished:] = own[finished:]
        else:
            copy = own.copy()
        self._earlier, self._latest = self._latest, copy
        return copy


_UNSHARED: Final = _Open([], -1).references()


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
        self._open: list[_Open] = []
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
        """What has finished so far, or MISSING.

        Objects and arrays appear as soon as they open, with their finished members and elements.
        What is shown never changes: later values only add to it, except where a key comes twice,
        of which JSON lets the last win. Values share their finished parts; do not change them.

        Costs the size of the objects that are open; and that of the arrays, if earlier values are
        kept. Else it costs what is new in these.
        """
        root: Any = self._root
        around: Any = None
        for each in self._open:
            copy = each.copy()
            if around is None:
                root = copy
            else:
                around[each.place] = copy
            around = copy
        return root

    def feed(self, text: str) -> bool:
        """Take in what comes next; returns whether more of the value has finished or opened.

        Once the value is done or its text broken nothing more is taken in.
        """
        scanner = self._scanner
        if scanner.end is not None or self.broken is not None:
            return False
        scanner.feed(text)
        self._pieces.append(text)
        finished = scanner.end
        if finished is None:
            finished = scanner.token
        if finished is None:
            finished = scanner.offset
        size = finished - self._built
        if not size:
            return False
        ready = "".join(self._pieces)
        self._pieces = [ready[size:]]
        more = self._build(ready, size)
        self._built = finished
        return more

    def _build(self, text: str, size: int) -> bool:
        """Build the first characters of a text in; returns whether the value shows any of them."""
        more = False
        lexemes: list[str] = _LEXEME.findall(text, 0, size)
        for lexeme in lexemes:
            if lexeme in "]}":
                self._open.pop()
                more = True
                continue
            try:
                value: Any = {} if lexeme == "{" else [] if lexeme == "[" else _read(lexeme, 0)[0]
            except ValueError:  # the one thing left that Python does not read: a huge integer
                found = next(islice(_LEXEME.finditer(text), lexemes.index(lexeme), None))
                self._broken = self._built + found.start()
                break
            place: str | int = -1
            if not self._open:
                self._root = value
            elif isinstance(container := self._open[-1].own, list):
                container.append(value)
            elif self._key is None:
                self._key = value
                continue
            else:
                container[self._key] = value
                place, self._key = self._key, None
            more = True
            if lexeme in "{[":
                self._open.append(_Open(value, place))
        return more
