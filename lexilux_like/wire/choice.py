"""One choice of an answer, put together from deltas; a whole message is a single delta."""

from __future__ import annotations

from typing import Any

from ..values.results import ChatStreamChunk, FinishReason, Json, Status
from .document import is_array, is_object, text_of
from .finish import verdict
from .fragments import FRAGMENTED, Fragments
from .profile import Tags
from .reasoning import ThinkSplitter
from .toolcalls import ToolCalls

CUT_TEXTS = {"function_call": ("arguments",), "audio": ("data", "transcript")}
"""Objects in a message, and those of their texts that a stream sends in pieces."""
PLAIN = frozenset({"role", "content"})
TEXT_PARTS = ("text", "output_text")
THOUGHT_PARTS = ("thinking", "reasoning")


class PartialChoice:
    """One choice so far.

    Args:
        index: Its index.
        tags: Around reasoning at the beginning of the text; None: nothing there is reasoning.
        show_reasoning: Hand reasoning on in chunks.
    """

    __slots__ = (
        "_calls",
        "_fields",
        "_fragments",
        "_joints",
        "_logprobs",
        "_pieces",
        "_reasoning",
        "_reasoning_field",
        "_reasoning_place",
        "_refusal",
        "_show_reasoning",
        "_splitter",
        "_text",
        "index",
        "message",
        "raw_finish_reason",
        "told",
    )

    def __init__(self, index: int, *, tags: Tags | None, show_reasoning: bool) -> None:
        self.index = index
        self.message: Any = None
        """The whole message that a server sent beside its deltas, or in place of them."""
        self.raw_finish_reason: str | None = None
        self.told: FinishReason | None = None
        """The finish reason that the consumer was told."""
        self._text: list[str] = []
        self._joints = [0, 0]
        self._reasoning: list[str] = []
        self._reasoning_field: str | None = None
        self._reasoning_place: str | None = None
        self._refusal: list[str] = []
        self._calls = ToolCalls()
        self._fields: Json = {}
        self._fragments: dict[str, Fragments] = {}
        self._pieces: dict[tuple[str, str], list[str]] = {}
        self._logprobs: Json = {}
        self._splitter = ThinkSplitter(tags) if tags else None
        self._show_reasoning = show_reasoning

    @property
    def empty(self) -> bool:
        """Whether no delta has brought anything."""
        return not (self._text or self._reasoning or self._refusal or self._calls or self._pieces)

    def fold(self, delta: Any, chunks: list[ChatStreamChunk]) -> bool:
        """Take a delta in, and add what it shows to `chunks`; returns whether it has content.

        Raises:
            ValueError: It is no object, or a field of it makes no sense.
        """
        if delta.__class__ is not dict:
            raise ValueError("a delta or a message is no object")
        if self._splitter is None and (len(delta) == 1 or delta.keys() <= PLAIN):  # nearly all
            text = delta.get("content")
            if type(text) is str and text:
                self.add_text(text, chunks)
                return True
        return self._fold_fields(delta, chunks)

    def add_text(self, text: str, chunks: list[ChatStreamChunk]) -> None:
        """Take text in that is nothing else, and add its chunk to `chunks`."""
        self._text.append(text)
        chunk = ChatStreamChunk(text)
        if self.index:
            chunk.index = self.index
        chunks.append(chunk)

    def is_plain(self, delta: Any) -> bool:
        """Whether a delta brings text, and nothing else: now, and for the rest of the answer."""
        text = delta.get("content") if is_object(delta) and delta.keys() <= PLAIN else None
        return type(text) is str and bool(text) and self._splitter is None

    def compact(self) -> None:
        """Join the texts that came since the last time: a short text takes 60 bytes of its own."""
        for place, pieces in enumerate((self._text, self._reasoning)):
            joined = min(self._joints[place], len(pieces))
            if len(pieces) > joined:
                pieces[joined:] = ["".join(pieces[joined:])]
            self._joints[place] = len(pieces)

    def rest(self, chunks: list[ChatStreamChunk]) -> bool:
        """Add what was held back to `chunks`, at the end; returns whether there was any."""
        if self._splitter is None:
            return False
        reasoning, text = self._splitter.rest()
        self._splitter = None
        return self._add(ChatStreamChunk(text, reasoning, index=self.index), chunks)

    def add_logprobs(self, logprobs: Any) -> None:
        """Take the log probabilities of one chunk in; their lists are joined."""
        if not is_object(logprobs):
            _put(self._fields, "logprobs", logprobs)
            return
        for name, value in logprobs.items():
            _put(self._logprobs, name, value)

    def finish(self) -> tuple[FinishReason | None, Status]:
        """What the finish reason says of what has come."""
        return verdict(
            self.raw_finish_reason,
            has_tool_calls=bool(self._calls),
            refusal=bool(self._refusal) and not self._text,
        )

    def fields(self, silent: Status | None) -> Json:
        """What has come, as the fields of a `Choice`, which a result has too.

        Args:
            silent: The status of a choice without a finish reason that has not ended; None
                for one that has.
        """
        reason, status = self.finish()
        if silent and not self.raw_finish_reason:
            reason, status = None, silent
        calls = self._calls.so_far()
        safe = status in ("complete", "tool_calls")
        return {
            "text": _joined(self._text),
            "reasoning": _joined(self._reasoning) if self._reasoning else "",
            "tool_calls": calls if safe else (),
            "incomplete_tool_calls": () if safe else calls,
            "refusal": _joined(self._refusal) if self._refusal else None,
            "status": status,
            "finish_reason": reason,
            "raw_finish_reason": self.raw_finish_reason,
            "index": self.index,
            "logprobs": _copy(self._logprobs) if self._logprobs else None,
            "reasoning_field": self._reasoning_field or self._reasoning_place,
            "fields": self._other_fields(),
        }

    def _fold_fields(self, delta: Json, chunks: list[ChatStreamChunk]) -> bool:
        chunk = ChatStreamChunk(index=self.index)
        other, details = False, None
        for name, value in delta.items():
            if value is None or name == "role":
                continue
            if name == "content":
                if type(value) is str:
                    chunk.delta = value
                else:
                    self._read_content(value, chunk)
            elif name in ("reasoning_content", "reasoning") and type(value) is str:
                if value and (not chunk.reasoning or name == "reasoning_content"):
                    chunk.reasoning, self._reasoning_field = value, name
            elif name == "tool_calls":
                chunk.tool_calls = self._calls.feed(value if is_array(value) else [value])
            elif name == "refusal":
                chunk.refusal = text_of(value)
            else:
                other = self._keep(name, value) or other
                details = value if name == "reasoning_details" else details
        if details and not chunk.reasoning:
            chunk.reasoning = _detailed(details)
        return self._add(chunk, chunks) or other

    def _add(self, chunk: ChatStreamChunk, chunks: list[ChatStreamChunk]) -> bool:
        """Take the content of `chunk` in, and hand it on; returns whether it has any."""
        if chunk.delta and self._splitter is not None:
            thought, chunk.delta = self._splitter.feed(chunk.delta)
            chunk.reasoning += thought
            if thought:
                self._reasoning_place = "<think>"
            if self._splitter.over:
                self._splitter = None
        hidden = bool(chunk.reasoning) and not self._show_reasoning
        if chunk.reasoning:
            self._reasoning.append(chunk.reasoning)
            if hidden:
                chunk.reasoning = ""
        if chunk.delta:
            self._text.append(chunk.delta)
        if chunk.refusal:
            self._refusal.append(chunk.refusal)
        if chunk.delta or chunk.reasoning or chunk.refusal or chunk.tool_calls:
            chunks.append(chunk)
            return True
        return hidden

    def _read_content(self, content: Any, chunk: ChatStreamChunk) -> None:
        """Put content into `chunk`: text, parts of text and reasoning, or a JSON value."""
        if not is_array(content):
            chunk.delta = text_of(content)
            return
        thoughts = ""
        for part in content:
            kind = part.get("type") if is_object(part) else None
            if type(part) is str:
                chunk.delta += part
            elif kind in TEXT_PARTS and type(part.get("text")) is str:
                chunk.delta += part["text"]
            elif kind in THOUGHT_PARTS:
                thoughts += _thought(part.get("thinking") or part.get("text"))
                self._reasoning_place = "thinking"
            elif part is not None:
                self._keep("content", [part])
        chunk.reasoning = chunk.reasoning or thoughts

    def _keep(self, name: str, value: Any) -> bool:
        """Keep a field that has no place in a result; returns whether it is content."""
        if name in FRAGMENTED and is_array(value):
            self._fragments.setdefault(name, Fragments()).take(value)
            return False
        if name not in CUT_TEXTS or not is_object(value):
            _put(self._fields, name, value)
            return False
        kept = self._fields.setdefault(name, {})
        for key, piece in value.items():
            if key in CUT_TEXTS[name] and piece is not None:
                self._pieces.setdefault((name, key), []).append(text_of(piece))
            elif piece not in (None, ""):
                kept[key] = piece
        return True

    def _other_fields(self) -> Json:
        fields = _copy(self._fields)
        for name, each in self._fragments.items():
            fields[name] = each.so_far()
        for (name, key), pieces in self._pieces.items():
            fields[name] = {**fields[name], key: _joined(pieces)}
        return fields


def _joined(pieces: list[str]) -> str:
    """The pieces as one text; it takes their place, so that they are not joined again."""
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else ""


def _put(into: Json, name: str, value: Any) -> None:
    """Add a field: lists grow, of everything else the last one holds."""
    if is_array(value):
        known = into.get(name)
        if is_array(known):
            known.extend(value)
        else:
            into[name] = [*value]
    elif value is not None:
        into[name] = value


def _copy(fields: Json) -> Json:
    """The fields as they are now; lists grow in place."""
    return {name: [*value] if is_array(value) else value for name, value in fields.items()}


def _thought(value: Any) -> str:
    """The text of a thinking part: text, or parts again (Mistral)."""
    if type(value) is str:
        return value
    if not is_array(value):
        return ""
    texts = (part.get("text") if is_object(part) else part for part in value)
    return "".join(text for text in texts if type(text) is str)


def _detailed(details: Any) -> str:
    """The text in `reasoning_details` (OpenRouter, MiniMax)."""
    if not is_array(details):
        return ""
    found = (detail.get("text") or detail.get("summary") for detail in details if is_object(detail))
    return "".join(text for text in found if type(text) is str)
