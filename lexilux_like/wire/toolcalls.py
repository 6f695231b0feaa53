"""Tool calls, put together from the pieces that servers stream."""

from __future__ import annotations

from typing import Any

from ..values.results import Json, ToolCall, ToolCallDelta
from .document import text_of

KNOWN = frozenset({"index", "id", "type", "function", "name", "arguments"})


class PartialCall:
    """One call so far."""

    __slots__ = ("arguments", "fields", "id", "name", "position", "type")

    def __init__(self, position: int) -> None:
        self.position = position
        self.id = ""
        self.name = ""
        self.type = "function"
        self.arguments: list[str] = []
        self.fields: Json = {}


class ToolCalls:
    """The calls of one answer. Time is linear in the number of pieces.

    An index that is new starts a call, and so does an id that is new, even at a known
    index; a piece with neither goes on with the last call, unless it brings a new name.
    """

    __slots__ = ("_at", "_calls", "_last", "_named")

    def __init__(self) -> None:
        self._calls: list[PartialCall] = []
        self._at: dict[int, PartialCall] = {}
        self._named: dict[str, PartialCall] = {}
        self._last: PartialCall | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def feed(self, pieces: list[Any]) -> list[ToolCallDelta]:
        """Take the `tool_calls` of one delta in; returns what they add.

        Raises:
            ValueError: One of them is no object.
        """
        deltas: list[ToolCallDelta] = []
        for piece in pieces:
            if piece.__class__ is dict:
                delta = self._take(piece, beside=bool(deltas))
                if delta is not None:
                    deltas.append(delta)
            elif piece is not None:
                raise ValueError("a tool call is no object")
        return deltas

    def so_far(self) -> tuple[ToolCall, ...]:
        """The calls as far as they have come."""
        if not self._calls:
            return ()
        return tuple(
            ToolCall(call.id, call.name, "".join(call.arguments), call.type, {**call.fields})
            for call in self._calls
        )

    def _take(self, piece: Json, *, beside: bool) -> ToolCallDelta | None:
        """Take one piece in, which may stand `beside` another one in its delta."""
        function: Any = piece.get("function")
        if function.__class__ is not dict:
            function = piece
        index, identity = piece.get("index"), piece.get("id")
        name, arguments = function.get("name"), function.get("arguments")
        if type(identity) is not str:
            identity = str(identity) if type(identity) is int else ""
        if type(name) is not str:
            name = ""
        if type(arguments) is not str:
            arguments = "" if arguments is None else text_of(arguments)
        call = self._find(index, identity, name, arguments, beside=beside)
        delta = ToolCallDelta(0, "", "", arguments)
        started = call is None
        if call is None:
            call = self._start(index)
        if not KNOWN.issuperset(piece):
            call.fields |= {k: v for k, v in piece.items() if k not in KNOWN and v is not None}
        if not (arguments or identity or name or started):
            return None
        delta.index = call.position
        if identity and identity != call.id:
            delta.id = call.id = identity
            self._named[identity] = call
        if name and name != call.name:
            delta.name = call.name = name
        if arguments:
            call.arguments.append(arguments)
        if type(kind := piece.get("type")) is str and kind:
            call.type = kind
        self._last = call
        return delta

    def _find(
        self, index: Any, identity: str, name: str, arguments: str, *, beside: bool
    ) -> PartialCall | None:
        """The call that a piece goes on with; None where it starts one."""
        if type(index) is int:
            call = self._at.get(index)
            if call is None or not identity or call.id == identity:
                return call
            if not call.id and (not call.name or name in ("", call.name)):  # its id comes late
                return call
            return self._named.get(identity)
        last = self._last
        if identity:
            if identity in self._named:
                return None if beside and name else self._named[identity]
            return last if last is not None and not last.id and not name else None
        if not name or last is None:
            return last
        # A name is all there is to tell by: a new call has another one, stands beside
        # the last, or is whole as the last was.
        again = name == last.name and not beside
        return last if again and not (_whole(arguments) and _whole(*last.arguments)) else None

    def _start(self, index: Any) -> PartialCall:
        call = PartialCall(len(self._calls))
        self._calls.append(call)
        if type(index) is int:
            self._at[index] = call
        else:
            self._at.setdefault(call.position, call)
        return call


def _whole(*pieces: str) -> bool:
    """Whether arguments look like a whole object that came in one piece."""
    return len(pieces) == 1 and pieces[0][:1] == "{" and pieces[0][-1:] == "}"
