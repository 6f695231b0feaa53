"""Answers of Anthropic's messages API: its events and bodies, folded in as chunks of OpenAI's form.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from ..values.request import ChatRequest
from ..values.results import ChatStreamChunk, Json, Usage
from .answer import FoldedAnswer
from .complaint import find_error
from .document import is_object, text_of
from .http import Response
from .profile import Tags

ENDS = ("stop_sequence", "stop_details", "container", "context_management")
"""What may stand beside a stop reason, and is kept in `result.fields`."""
PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Deltas that go on with a text of their block."""
PLAIN = {"text": {"type", "text"}, "tool_use": {"type", "id", "name", "input"}}
"""Blocks that a message of OpenAI's form can hold, and their fields."""


class AnthropicAnswer(FoldedAnswer):
    """A message, event by event. A whole body is folded in as if it had been streamed.

    Args:
        request: What was asked.
        head: What the response began with.
        tags: Around reasoning at the beginning of a text, whether it was asked for or not.
    """

    __slots__ = ("_blocks", "_counts")

    def __init__(self, request: ChatRequest, head: Response, *, tags: Tags | None = None) -> None:
        super().__init__(request, head, usage=read_message_usage, tags=tags)
        self._blocks = ReceivedBlocks()
        self._counts: Json = {}

    def take_message(self, message: Json, data: bytes) -> None:
        """Take a whole message in.

        Raises:
            APIError: It stopped for the reason "error".
            ResponseFormatError: It makes no sense.
        """
        self._fold(self._started(message), data)
        for index, block in enumerate(message["content"]):
            if not is_object(block):
                raise self.no_completion("a content block is no object", data)
            self._fold(_chunk(self._blocks.start(index, block)), data)
            self._fold(_chunk(self._blocks.stop(index)), data)
        self._fold(self._ended(message, {}), data)
        self._end(data)

    def _take(self, document: Any, data: bytes) -> Sequence[ChatStreamChunk]:
        if not is_object(document):
            raise self.no_completion("an event is no object", data)
        chunks = self._read(document, data)
        if self._keep_raw:
            chunks = chunks or [ChatStreamChunk()]
            for chunk in chunks:
                chunk.raw = document
        return chunks

    def _read(self, event: Json, data: bytes) -> list[ChatStreamChunk]:
        kind, index = event.get("type"), event.get("index")
        if kind == "content_block_delta":
            delta = event.get("delta")
            return self._show(self._blocks.go_on(index, delta if is_object(delta) else {}), data)
        if kind == "content_block_start":
            block = event.get("content_block")
            return self._show(self._blocks.start(index, block if is_object(block) else {}), data)
        if kind == "content_block_stop":
            return self._show(self._blocks.stop(index), data)
        if kind == "message_start" and is_object(message := event.get("message")):
            self._fold(self._started(message), data)
            return []
        if kind == "message_delta":
            delta = event.get("delta")
            ended = self._ended(delta if is_object(delta) else {}, event.get("usage"))
            return self._fold(ended, data)
        if kind == "message_stop":
            return self._end(data)
        if (error := find_error(event)) is not None:
            raise self.failed(error, data)
        if not isinstance(kind, str):
            raise self.no_completion("an event is none of the messages API's", data)
        return []  # a ping, or an event that is new: clients are asked to let those pass

    def _show(self, delta: Json, data: bytes) -> list[ChatStreamChunk]:
        return self._fold(_chunk(delta), data) if delta else []

    def _started(self, message: Json) -> Json:
        """The head of a message as a chunk."""
        counts = message.get("usage")
        tier = counts.get("service_tier") if is_object(counts) else None
        named = {name: message.get(name) for name in ("id", "model")}
        return {**named, "service_tier": tier, "usage": self._count(counts)}

    def _ended(self, end: Json, counts: Any) -> Json:
        """Why a message stops, and what it cost, as a chunk; the blocks come along, once."""
        reason = end.get("stop_reason")
        delta = {name: end[name] for name in ENDS if end.get(name) is not None}
        if reason and not self._accumulator.finished(1):
            delta |= self._blocks.rest()
            if blocks := self._blocks.beyond_plain():
                delta["content_blocks"] = blocks
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"choices": [choice], "usage": self._count(counts)}

    def _count(self, counts: Any) -> Json:
        """All counts so far. They count up, and not every event has every one."""
        known = self._counts
        for name, value in counts.items() if is_object(counts) else ():
            if type(value) is int and type(known.get(name)) is int:
                known = {**known, name: max(known[name], value)}
            elif value is not None:
                known = {**known, name: value}
        self._counts = known
        return known


class PartialBlock:
    """One content block so far."""

    __slots__ = ("citations", "fields", "index", "input", "shown", "texts")

    def __init__(self, index: Any, fields: Json) -> None:
        self.index = index
        self.fields = fields
        self.texts: dict[str, list[str]] = {}
        self.input: list[str] = []
        self.citations: list[Any] = []
        self.shown = fields.get("type") != "tool_use" or not fields.get("input")
        """Whether the input that came with the beginning, if any, is in the answer."""

    def so_far(self) -> Json:
        """The block as a whole message has it."""
        block = dict(self.fields)
        for name, pieces in self.texts.items():
            block[name] = f"{block.get(name) or ''}{''.join(pieces)}"
        if self.input:
            block["input"] = _parsed("".join(self.input))
        if self.citations:
            block["citations"] = [*(block.get("citations") or ()), *self.citations]
        return block


class ReceivedBlocks:
    """The blocks of one message as they come in, and what they add to it as deltas."""

    __slots__ = ("_at", "_blocks")

    def __init__(self) -> None:
        self._blocks: list[PartialBlock] = []
        self._at: dict[Any, PartialBlock] = {}

    def start(self, index: Any, fields: Json) -> Json:
        """A block begins; it may be whole already."""
        index = index if type(index) is int else len(self._blocks)
        self._at[index] = block = PartialBlock(index, fields)
        self._blocks.append(block)
        match fields.get("type"):
            case "text" if text := fields.get("text"):
                return {"content": text_of(text)}
            case "thinking" if thought := fields.get("thinking"):
                return _thought(thought)
            case "tool_use":
                function = {"name": fields.get("name"), "arguments": ""}
                call = {"index": index, "id": fields.get("id"), "function": function}
                return {"tool_calls": [call]}
            case _:
                return {}

    def go_on(self, index: Any, delta: Json) -> Json:
        """A block goes on; what is not known of it is kept, and shows nothing."""
        kind = delta.get("type")
        block = self._at.get(index) if type(index) is int else None
        if block is None:
            block = self._find(index, kind)
        if kind == "text_delta":
            text = text_of(delta.get("text") or "")
            block.texts.setdefault("text", []).append(text)
            return {"content": text}
        if kind == "input_json_delta":
            return self._add_input(block, text_of(delta.get("partial_json") or ""))
        if kind == "citations_delta":
            block.citations.append(delta.get("citation"))
            return {}
        for name, value in delta.items():
            if isinstance(value, str) and name != "type":
                block.texts.setdefault(name, []).append(value)
        return _thought(delta.get("thinking")) if kind == "thinking_delta" else {}

    def stop(self, index: Any) -> Json:
        """A block has ended."""
        block = self._at.get(index) if type(index) is int else None
        return {} if block is None else self._late_input([block])

    def rest(self) -> Json:
        """What no block has shown yet, at the end of the message."""
        return self._late_input(self._blocks)

    def beyond_plain(self) -> list[Json]:
        """The blocks as they came, where a message of OpenAI's form cannot hold all of them."""
        blocks = [each.so_far() for each in self._blocks]
        if blocks and blocks[-1].get("type") == "thinking" and not blocks[-1].get("signature"):
            blocks.pop()  # it was cut off, and nobody takes it back
        return [] if all(map(_is_plain, blocks)) else blocks

    def _find(self, index: Any, kind: Any) -> PartialBlock:
        """The block of a delta whose beginning was not sent."""
        if type(index) is not int and self._blocks:
            return self._blocks[-1]
        name = PIECES.get(str(kind), "text")
        self.start(index, {"type": "thinking" if name == "signature" else name})
        return self._blocks[-1]

    def _add_input(self, block: PartialBlock, piece: str) -> Json:
        if not piece:
            return {}
        block.input.append(piece)
        block.shown = True
        if block.fields.get("type") != "tool_use":  # of a tool that the server runs itself
            return {}
        return {"tool_calls": [{"index": block.index, "function": {"arguments": piece}}]}

    def _late_input(self, blocks: list[PartialBlock]) -> Json:
        """Inputs that came whole with the beginning of their block, and in no delta."""
        calls: list[Json] = []
        for block in blocks:
            if not block.shown:
                block.shown = True
                arguments = text_of(block.fields["input"])
                calls.append({"index": block.index, "function": {"arguments": arguments}})
        return {"tool_calls": calls} if calls else {}


def read_message_usage(counts: Any) -> Usage | None:
    """A usage object of Anthropic's kind; None where it counts nothing.

    Its `input_tokens` are those beside the cache; here they are all of them, as everywhere.
    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    if not is_object(counts):
        return None
    cached, created, fresh, output = (
        counts.get(name) if type(counts.get(name)) is int else None
        for name in (
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "input_tokens",
            "output_tokens",
        )
    )
    if fresh is None and output is None:
        return None
    whole = None if fresh is None else fresh + (cached or 0) + (created or 0)
    details = counts.get("output_tokens_details")
    thought = details.get("thinking_tokens") if is_object(details) else None
    return Usage(
        whole,
        output,
        None if whole is None or output is None else whole + output,
        cached,
        thought if type(thought) is int else None,
        counts,
        created,
    )


def _chunk(delta: Json) -> Json:
    return {"choices": [{"index": 0, "delta": delta}]}


def _thought(text: Any) -> Json:
    """Reasoning as a part of the content: it has no field to be sent back in."""
    return {"content": [{"type": "thinking", "thinking": text_of(text or "")}]}


def _parsed(text: str) -> Any:
    """The input of a call; as it stands where it was cut off."""
    try:
        return from_json(text)
    except ValueError:
        return text


def _is_plain(block: Json) -> bool:
    known = PLAIN.get(str(block.get("type")), set())
    return all(name in known or value is None for name, value in block.items())
