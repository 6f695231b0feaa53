"""Finding the tool calls that a model wrote out in its text, while the text comes in."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ..values.messages import is_mapping, is_sequence
from .jsonscan import JSONScanner

_MARKERS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>")
"""What stands before calls: Hermes and Qwen, Mistral, Llama."""
_MARKER = re.compile("|".join(map(re.escape, _MARKERS)))
_OPENERS = ("", "{", "[")
"""What their JSON begins with, or that it has not come yet."""
_MORE = re.compile(r"\s*;?\s*(?=\{)")
"""Between calls behind one marker: Hermes 3 writes one below the other, Llama puts a `;`."""
_CLOSING = re.compile(r"\s*</tool_call>")
_FIRST = re.compile(r'\s*\{\s*"([^"\\]*)"(?:\s*:\s*"([^"\\]*)")?')
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]*)"')
_ARGUMENTS = re.compile(r'"(?:arguments|parameters)"\s*:\s*')
_KEYS = frozenset({"type", "id", "name", "arguments", "parameters"})
"""All that an object may have that is a call without a marker before it."""
_HEAD = 300
"""By so many characters the first key of a call has come, and the name in it."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Written(NamedTuple):
    """A call as it was written."""

    name: str
    arguments: str
    """JSON text; of a call that was cut, what came of it."""


class WrittenCalls:
    """The text of one answer as it comes in. What is no call, and can become none, is handed out.

    However the text is cut into pieces, what is handed out adds up to the same, and the calls are
    the same. Time is linear in the text.

    Args:
        names: The tools that were offered; nothing else is a call.

    Attributes:
        calls: Once the text has ended.
        cut: The call inside which it ended.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.calls: list[Written] = []
        self.cut: Written | None = None
        self._names = names
        self._shown: list[str] = []
        self._tail = ""
        """The end of the text, which may begin a marker."""
        self._pieces: list[str] = []
        """The text from a place on where a call seems to begin."""
        self._head = ""
        self._base: int | None = None
        """Where the JSON begins behind the marker; None for a call without one."""
        self._scanner = JSONScanner()
        self._sure = False
        self._may_be_bare = True
        self._ended = False

    @property
    def shown(self) -> str:
        """All that was handed out."""
        if len(self._shown) > 1:
            self._shown[:] = ["".join(self._shown)]
        return self._shown[0] if self._shown else ""

    @property
    def holds(self) -> bool:
        """Whether some text was not handed out."""
        return bool(self._tail or self._pieces)

    def feed(self, text: str) -> str:
        """Take the next piece in; returns what can be handed out."""
        if self._ended:
            return self._show(text)
        if not self._pieces:
            return self._show("".join(self._look(self._tail + text)))
        self._pieces.append(text)
        if self._sure:
            return ""
        self._head += text[: _HEAD - len(self._head)]
        self._scanner.feed(text)
        if self._is_possible():
            return ""
        return self._show("".join(self._go_on()))

    def release(self) -> str:
        """The answer has calls of its own, so all of its text is text; returns what was held."""
        held = self._tail + "".join(self._pieces)
        self._tail, self._pieces, self._ended = "", [], True
        return self._show(held)

    def end(self, *, finished: bool) -> str:
        """The text is over; returns what is left to be handed out.

        Args:
            finished: The model came to its own end. Else a call may be cut before its name.
        """
        text = "".join(self._pieces)
        if self._ended or not text:
            return self.release()
        rest = self._read_bare(text) if self._base is None else self._read(text, finished=finished)
        self._tail, self._pieces, self._ended = "", [], True
        return self._show("".join(rest))

    def _show(self, text: str) -> str:
        if text:
            self._shown.append(text)
        return text

    # While the text comes in.

    def _look(self, text: str) -> Iterator[str]:
        """Go on to where a call may begin; yields what stands before it."""
        self._tail = ""
        leads = self._may_be_bare and not self._shown  # nothing but white space has come
        bare = leads and text.lstrip()[:1] == "{"
        found = None if bare else _MARKER.search(text)
        if bare or found:
            before = text[: found.start()] if found else ""
            at = len(before) if before.strip() or not leads else 0
            yield text[:at]
            self._base = found.end() - at if found else None
            self._pieces = [text[at:]]
            self._head = text[at : at + _HEAD]
            self._scanner = JSONScanner()
            self._scanner.feed(text[at + (self._base or 0) :])
            if not self._is_possible():
                yield from self._go_on()
            return
        keep = len(text) - _begun(text)
        if leads and not text[:keep].strip():
            self._tail = text
            return
        self._may_be_bare = False
        self._tail = text[keep:]
        yield text[:keep]

    def _go_on(self) -> Iterator[str]:
        """It was no call: look behind its marker for another one."""
        text, self._pieces = "".join(self._pieces), []
        self._may_be_bare = False
        yield text[: self._base or 0]
        yield from self._look(text[self._base or 0 :])

    def _is_possible(self) -> bool:
        """Whether what is held may be a call; it is sure when its JSON is whole."""
        scanner, base = self._scanner, self._base or 0
        if scanner.broken is not None:
            return False
        if scanner.begin is None:
            return True
        if self._base is None and (scanner.trailing is not None or not self._may_begin_bare()):
            return False
        if scanner.end is None:
            return self._head[base + scanner.begin :][:1] in _OPENERS
        text = "".join(self._pieces)[base + scanner.begin : base + scanner.end]
        whole = bool(self._calls_in(text))
        self._sure = whole and self._base is not None
        return whole

    def _may_begin_bare(self) -> bool:
        """Whether the beginning of an object is not that of another kind of answer."""
        first = _FIRST.match(self._head)
        if first is None:
            return len(self._head) < _HEAD
        key, value = first.groups()
        if key == "name" and value is not None:
            return value in self._names
        return key in _KEYS and (key != "name" or len(self._head) < _HEAD)

    # At its end.

    def _read_bare(self, text: str) -> list[str]:
        """What is no call of a text that is one JSON object."""
        if self._scanner.end is not None:
            self.calls = self._calls_in(text)
        else:
            self.cut = self._cut_in(text, finished=True)
        return [] if self.calls or self.cut else [text]

    def _read(self, text: str, *, finished: bool) -> list[str]:
        """Take the calls out of a text; returns what stands around them."""
        around, at, begin = [""], 0, 0
        while found := _MARKER.search(text, at):
            end = self._take(text, found.end(), finished=finished)
            at = found.end() if end is None else end
            if end is not None:
                around.append(text[begin : found.start()])
                begin = end
        around.append(text[begin:])
        taken = bool(self.calls or self.cut)
        return [each for each in around if each.strip() or not taken]

    def _take(self, text: str, begin: int, *, finished: bool) -> int | None:
        """Take the calls behind a marker; returns where they end, None where there are none."""
        end: int | None = None
        at = begin
        while True:
            scanner = JSONScanner()
            scanner.feed(text[at:])
            opens = text[at:].lstrip()[:1] in _OPENERS
            if opens and scanner.broken is None and scanner.end is None:
                self.cut = self._cut_in(text[at:], finished=finished)
                return len(text) if self.cut else end
            calls = self._calls_in(text[at : at + scanner.end]) if scanner.end else []
            if not calls:
                return end
            self.calls += calls
            end = at + (scanner.end or 0)
            closing = _CLOSING.match(text, end)
            if closing:
                return closing.end()
            more = _MORE.match(text, end)
            if more is None:
                return end
            at = more.end()

    def _calls_in(self, text: str) -> list[Written]:
        """The calls of a whole JSON text; none unless all of it is calls."""
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError):
            return []
        found = [self._call(each) for each in (value if is_sequence(value) else [value])]
        return [each for each in found if each] if all(found) else []

    def _call(self, value: object) -> Written | None:
        name = value.get("name") if is_mapping(value) else None
        if not is_mapping(value) or not isinstance(name, str) or name not in self._names:
            return None
        has_arguments = "arguments" in value or "parameters" in value
        if self._base is None and not (has_arguments and _KEYS.issuperset(value)):
            return None
        given = value.get("arguments", value.get("parameters"))
        return Written(name, given if isinstance(given, str) else _json(given))

    def _cut_in(self, text: str, *, finished: bool) -> Written | None:
        """The call that the beginning of a JSON text is; None where it is rather none."""
        name, begun = _NAME.search(text), _ARGUMENTS.search(text)
        if name is None:
            return None if finished else Written("", "")
        if name[1] not in self._names:
            return None
        return Written(name[1], text[begun.end() :] if begun else "")


def _json(arguments: object) -> str:
    text = json.dumps({} if arguments is None else arguments, ensure_ascii=False)
    return json.dumps(arguments) if _SURROGATE.search(text) else text


def _begun(text: str) -> int:
    """How many characters at the end of a text may begin a marker."""
    longest = max(map(len, _MARKERS)) - 1
    return next(
        (
            n
            for n in range(min(longest, len(text)), 0, -1)
            if any(each.startswith(text[-n:]) for each in _MARKERS)
        ),
        0,
    )
