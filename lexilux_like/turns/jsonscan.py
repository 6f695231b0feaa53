"""Where a JSON text stands while it comes in: begun, whole or broken, and where its elements start.

The grammar is RFC 8259, strictly; only lone surrogate escapes are let pass, as `json.loads` does.
https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_KEY, _NAME, _LEAD, _VALUE, _STRING, _AFTER, _END = range(7)
"""What comes next: a key's quote, the rest of the key, what leads to a value (a colon, or nothing
outside objects), a value, the rest of a string value, a comma or the closer, or that it came."""

_HEX = "[0-9a-fA-F]"
_SPACE = r"[ \t\n\r]*+"
# A branch that fails must not have consumed anything: Python before 3.11.5 does not take it back
# in a possessive repeat, https://github.com/python/cpython/issues/106052
_BODY = rf'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u{_HEX * 4})*+'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SCALAR = rf'"{_BODY}"|{_NUMBER}(?=[ \t\n\r,\]}}])|true|false|null'
_ESCAPE_BEGUN = re.compile(rf"(?:\\(?:u{_HEX}{{0,3}})?)?")
_SCALAR_BEGUN = re.compile(
    r"t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?"
    r"|-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE][+-]?[0-9]*)?)?|[eE][+-]?[0-9]*)?)?"
)
_DIGITS = re.compile("([0-9])[0-9]+")


class _Inside(NamedTuple):
    """What the text stands in: an object, an array, or neither."""

    patterns: list[re.Pattern[str]]
    """By what comes next: all that can be taken at once, each group one step onwards."""
    first: int
    """What comes next where a member or an element may begin."""
    closer: str


def _inside(first: int, lead: str, closer: str) -> _Inside:
    """Patterns in which each step skips what it may and takes its token, if it is there."""
    steps = {
        _KEY: (_SPACE, '(")'),
        _NAME: (_BODY, '(")'),
        _LEAD: (_SPACE, lead),
        _VALUE: (_SPACE, f"({_SCALAR})()"),  # two steps onwards, past _STRING
        _STRING: (_BODY, '(")'),
        _AFTER: (_SPACE, rf"([,\{closer}])" if closer else "(?!)"),
    }
    patterns: list[re.Pattern[str]] = []
    for phase in steps:
        pattern = ""
        for step in range(_AFTER, phase - 1, -1):
            if step != _STRING or step == phase:
                skipped, token = steps[step]
                pattern = f"{skipped}(?:{token}{pattern}|)"  # `(...)?` takes twice the time
        patterns.append(re.compile(pattern))
    return _Inside(patterns, first, closer)


_BEGINS = r'(?=["\-0-9tfn\[{])()'
_OBJECT: Final = _inside(_KEY, "(:)", "}")
_ARRAY: Final = _inside(_LEAD, _BEGINS, "]")
_TOP: Final = _inside(_LEAD, _BEGINS, "")


class JSONScanner:
    """Feed it a JSON text, cut anywhere; it tells where the value begins, ends or breaks.

    Offsets count characters from the first one fed. Time is linear in the text, memory in
    `starts` and the depth. However the text is cut, the answers are the same.

    Attributes:
        offset: Characters taken so far; it stays at `broken`.
        begin: Offset of the value's first character, behind white space.
        end: Offset just behind the value, once it is whole. A number that stands alone is
            whole only when something follows: 12 may become 123.
        trailing: Offset of the first character behind the end that is not white space.
        broken: Offset of the first character that no JSON text can have there.
        starts: Offset and depth of each element and each member (at its key's quote) that
            began so far. Those of the outermost object or array have depth 1.
    """

    __slots__ = (
        "_held",
        "_inside",
        "_joint",
        "_mark",
        "_outer",
        "_phase",
        "begin",
        "broken",
        "end",
        "offset",
        "starts",
        "trailing",
    )

    def __init__(self) -> None:
        self.offset = 0
        self.begin: int | None = None
        self.end: int | None = None
        self.trailing: int | None = None
        self.broken: int | None = None
        self.starts: list[tuple[int, int]] = []
        self._inside = _TOP
        self._phase = _TOP.first
        self._outer: list[_Inside] = []  # what closing returns to, innermost last
        self._held = ""  # an unfinished escape, keyword or number (or one with fewer digits)
        self._joint = 0  # the offset from which text has come since something was held
        self._mark = 0  # where the last value began that did not come at once

    @property
    def in_string(self) -> bool:
        """Whether the text stands inside a string, be it a value or a key."""
        return self._phase in (_NAME, _STRING)

    @property
    def depth(self) -> int:
        """How many objects and arrays are open."""
        return len(self._outer)

    @property
    def token(self) -> int | None:
        """Offset where an unfinished string, number or keyword began; None between them."""
        if self._phase == _NAME:
            return self.starts[-1][0]
        return self._mark if self._phase == _STRING or self._held else None

    def at_end(self) -> bool:
        """Whether the value would be whole if the text ended here."""
        return self.end is not None or (
            self._phase == _VALUE and self._inside is _TOP and self._held[-1:].isdigit()
        )

    def copy(self) -> JSONScanner:
        """A scanner that stands at the same place; neither follows the other from here."""
        twin = JSONScanner()
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.starts = self.starts.copy()
        twin._outer = self._outer.copy()
        return twin

    def feed(self, text: str) -> None:
        """Take in what comes next; once the text is broken it is not looked at."""
        if self.broken is not None or not text:
            return
        base = self.offset
        self.offset += len(text)
        if self._held:
            self._joint = base
            base -= len(self._held)
            text = self._held + text
            self._held = ""
        pos, size = 0, len(text)
        phase, (patterns, first, _) = self._phase, self._inside
        starts, depth = self.starts, len(self._outer)
        while pos < size:
            match = patterns[phase].match(text, pos)
            assert match, "every pattern may match nothing"
            pos = match.end()
            if match.lastindex:
                if phase == first and depth:
                    starts.append((base + match.start(1), depth))
                elif phase == first:
                    self.begin = base + match.start(1)
                phase += match.lastindex
                if phase == _END and text[pos - 1] == ",":
                    phase = first
                    continue
                if phase == _AFTER and not depth:
                    self.end = base + match.end(match.lastindex)
            if pos < size or phase == _END:
                self._phase = phase
                pos = self._turn(text, pos, base)
                phase, (patterns, first, _) = self._phase, self._inside
                depth = len(self._outer)
        self._phase = phase

    def _turn(self, text: str, pos: int, base: int) -> int:
        """Take what the patterns leave: containers, and what is cut or wrong; returns how far."""
        if self._phase == _END:
            return self._close(pos, base)
        if self._phase == _VALUE:
            return self._value(text, pos, base)
        if self.in_string:
            begun = _ESCAPE_BEGUN.match(text, pos)
            assert begun, "it may match nothing"
            self._held = begun.group()
            return self._cut(text, begun.end(), base)
        if self.end is not None:
            if self.trailing is None:
                self.trailing = base + pos
            return len(text)
        empty = not self.starts or self.starts[-1][1] < self.depth
        if empty and self._phase == self._inside.first and text[pos] == self._inside.closer:
            return self._close(pos + 1, base)
        return self._cut(text, pos, base)

    def _value(self, text: str, pos: int, base: int) -> int:
        """Open a container, or take the part of a scalar that has come."""
        if text[pos] in "{[":
            self._outer.append(self._inside)
            self._inside = _OBJECT if text[pos] == "{" else _ARRAY
            self._phase = self._inside.first
            return pos + 1
        if base + pos >= self._joint:
            self._mark = base + pos
        if text[pos] == '"':
            self._phase = _STRING
            return pos + 1
        begun = _SCALAR_BEGUN.match(text, pos)
        assert begun, "it may match nothing"
        if not self._outer and begun.end() < len(text) and begun.group()[-1:].isdigit():
            self._phase = _AFTER  # a number that stands alone ends where it can
            self.end = base + begun.end()
            return begun.end()
        self._held = _DIGITS.sub(r"\1", begun.group())
        return self._cut(text, begun.end(), base)

    def _close(self, pos: int, base: int) -> int:
        self._inside = self._outer.pop()
        self._phase = _AFTER
        if not self._outer:
            self.end = base + pos
        return pos

    def _cut(self, text: str, pos: int, base: int) -> int:
        """What the patterns do not take is cut off if the text ends there, else it is broken."""
        if pos < len(text):
            self.broken = self.offset = base + pos
        return len(text)
