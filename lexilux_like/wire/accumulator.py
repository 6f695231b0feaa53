"""A whole answer, put together from chunks; a whole body is a single chunk."""

from __future__ import annotations

from typing import Any

from ..values.results import ChatResult, ChatStreamChunk, Choice, Json, Status, StreamingResult
from .choice import PartialChoice
from .document import is_array, is_object, text_of
from .halves import Mender
from .profile import Tags
from .template import Template
from .usage import Tally, UsageReader, read_usage

COMPACT_EVERY = 1_024
"""After so many pieces of content they are joined, so that a long stream takes little memory."""
NAMES = ("model", "id", "system_fingerprint", "service_tier")
"""Texts about an answer as a whole; some servers send numbers."""
BESIDE_DELTA = ("finish_reason", "logprobs", "message", "usage", "error")
BESIDE_CHOICES = ("usage", "x_groq", "error", "base_resp")
"""Fields that say something beside the delta."""


class FinishError(Exception):
    """A choice has finished with the word "error", or holds an error.

    Attributes:
        choice: The choice, or what else the error stands in.
    """

    def __init__(self, choice: Json) -> None:
        super().__init__()
        self.choice = choice


class Accumulator:
    """An answer so far.

    Args:
        tags: Around reasoning at the beginning of a text; None: nothing there is reasoning.
        show_reasoning: Hand reasoning on in chunks.
        keep_raw: Hand on each event's JSON, whatever it adds.
        request_id: For the result.
        usage: Reads the token counts.
    """

    __slots__ = (
        "_choices",
        "_first",
        "_keep_raw",
        "_last",
        "_last_plain",
        "_mender",
        "_request_id",
        "_show_reasoning",
        "_tags",
        "_tally",
        "pieces",
    )

    def __init__(
        self,
        *,
        tags: Tags | None,
        show_reasoning: bool,
        keep_raw: bool,
        request_id: str | None,
        usage: UsageReader = read_usage,
    ) -> None:
        self.pieces = 0
        self._tags = tags
        self._show_reasoning = show_reasoning
        self._keep_raw = keep_raw
        self._request_id = request_id
        self._choices: dict[int, PartialChoice] = {}
        self._tally = Tally(usage)
        self._mender: Mender | None = None
        self._first: Json = {}
        self._last: Json = {}

    def finished(self, expected: int) -> bool:
        """Whether at least so many choices have begun, and every one has a finish reason."""
        return len(self._choices) >= expected and all(
            each.raw_finish_reason for each in self._choices.values()
        )

    def mend(self, mender: Mender | None = None) -> None:
        """From here on, join characters that come in halves, or do what `mender` does."""
        self._mender = self._mender or mender or Mender()

    def fold(self, document: Json) -> list[ChatStreamChunk]:
        """Take a chunk in; returns what it adds for the consumer.

        Raises:
            FinishError: It says that a choice failed.
            ValueError: It makes no sense.
        """
        self._last = document
        if not self._first and document.get("id"):
            self._first = document
        chunks: list[ChatStreamChunk] = []
        choices = document.get("choices")
        if choices:
            self._fold_choices(choices, chunks)
        if usage := document.get("usage"):
            self._count(usage, chunks, alone=not choices)
        if groq := document.get("x_groq"):
            self._fold_groq(groq, chunks)
        if self._keep_raw:
            _last_of(chunks)
            for chunk in chunks:
                chunk.raw = document
        return chunks

    def template(self, document: Json, data: bytes) -> Template | None:
        """The template of a chunk that was folded in, if text for one choice is all it brought.

        Args:
            document: The chunk.
            data: Its JSON.

        Returns:
            It may be used for `more` until the next chunk is folded in.
        """
        choices: list[Json] = document.get("choices") or [{}]
        choice = choices[0]
        index = choice.get("index")
        parts = self._choices.get(index) if type(index) is int else None
        if (
            parts is None
            or len(choices) > 1
            or not parts.is_plain(choice.get("delta"))
            or self._keep_raw
            or self._mender is not None
            or any(map(choice.get, BESIDE_DELTA))
            or any(map(document.get, BESIDE_CHOICES))
        ):
            return None
        self._last_plain = parts
        return Template.of(data, choice["delta"]["content"])

    def more(self, text: str) -> list[ChatStreamChunk]:
        """`fold`, for a chunk that is that of the last `template` but for its text."""
        chunks: list[ChatStreamChunk] = []
        self._last_plain.add_text(text, chunks)
        self._came()
        return chunks

    def rest(self) -> list[ChatStreamChunk]:
        """What was held back, at the end of the answer."""
        chunks: list[ChatStreamChunk] = []
        came = False
        for each in self._choices.values():
            came = self._rest(each, chunks) or came
        self.pieces += came
        return chunks

    def result(self, silent: Status | None, *, done: bool = False) -> StreamingResult:
        """What has come.

        Args:
            silent: The status of choices without a finish reason; None when the answer has
                ended: then their status is unknown.
            done: Whether the end was announced.
        """
        return StreamingResult(**self._fields(silent), done=done)

    def whole(self, raw: Json | None) -> ChatResult:
        """The answer, where it came as one body: `raw`, if that is kept."""
        return ChatResult(**self._fields(None), raw=raw)

    def _fields(self, silent: Status | None) -> Json:
        own = [self._choices[index].fields(silent) for index in sorted(self._choices)]
        first = own[0] if own else {"status": silent or "unknown"}
        return {
            **first,
            **self._facts(),
            "choices": tuple([Choice(**each) for each in own]),
            "usage": self._tally.total(len(own)),
            "request_id": self._request_id,
        }

    def _fold_choices(self, choices: Any, chunks: list[ChatStreamChunk]) -> None:
        if choices.__class__ is not list:  # is_array() costs a call, and this runs for each event
            raise ValueError("`choices` is no list")
        came = False
        for position, choice in enumerate(choices):
            try:
                parts = self._choices[choice["index"]]
            except (KeyError, TypeError):  # a new one, one without an index, or no choice at all
                parts = self._begin(choice, position)
            if delta := choice.get("delta"):
                if self._mender is not None:
                    delta = self._mender.mend(parts.index, delta)
                came = parts.fold(delta, chunks) or came
            if logprobs := choice.get("logprobs"):
                parts.add_logprobs(logprobs)
            if message := choice.get("message"):
                parts.message = message
            word = choice.get("finish_reason")
            if word is not None:
                came = self._finish(parts, word, choice, chunks) or came
            if usage := choice.get("usage"):
                self._count(usage, chunks, alone=False)
            if choice.get("error"):
                raise FinishError(choice)
        if came:
            self._came()

    def _came(self) -> None:
        """An event has brought content."""
        self.pieces += 1
        if not self.pieces % COMPACT_EVERY:
            for each in self._choices.values():
                each.compact()

    def _fold_groq(self, fields: Any, chunks: list[ChatStreamChunk]) -> None:
        """Groq's own fields: token counts, and why it gave up.

        https://github.com/groq/groq-python/blob/main/src/groq/types/chat/chat_completion_chunk.py
        """
        if is_object(fields):
            self._count(fields.get("usage"), chunks, alone=False)
            if fields.get("error"):
                raise FinishError(fields)

    def _begin(self, choice: Any, position: int) -> PartialChoice:
        """The choice with the index that this one has; it may have none, or be none."""
        if not is_object(choice):
            raise ValueError("a choice is no object")
        index = choice.get("index")
        if type(index) is not int:
            index = position
        begun = self._choices.get(index)
        if begun is None:
            begun = PartialChoice(index, tags=self._tags, show_reasoning=self._show_reasoning)
            self._choices[index] = begun
        return begun

    def _finish(
        self, parts: PartialChoice, word: Any, choice: Json, chunks: list[ChatStreamChunk]
    ) -> bool:
        """A choice says why it stops; an empty word says nothing, but is kept (xAI, Snowflake)."""
        if type(word) is not str:
            word = text_of(word)
        if not word:
            parts.raw_finish_reason = parts.raw_finish_reason or word
            return False
        parts.raw_finish_reason = word
        came = self._rest(parts, chunks)
        if word.lower() == "error":
            raise FinishError(choice)
        reason, _ = parts.finish()
        if reason != parts.told:  # some send it in two chunks
            parts.told = reason
            chunk = chunks[-1] if chunks and chunks[-1].index == parts.index else None
            if chunk is None:
                chunk = ChatStreamChunk(index=parts.index)
                chunks.append(chunk)
            chunk.finish_reason = reason
        return came

    def _rest(self, parts: PartialChoice, chunks: list[ChatStreamChunk]) -> bool:
        """Hand on what a choice holds back: a message without deltas, half a character, a tag."""
        came = False
        if parts.message is not None or self._mender is not None:
            held: list[Any] = []
            if parts.message is not None and parts.empty:
                held.append(as_delta(parts.message))
            if self._mender is not None:
                held = [self._mender.mend(parts.index, each) for each in held]
                held += self._mender.rest(parts.index)
            for each in held:
                came = parts.fold(each, chunks) or came
        return parts.rest(chunks) or came

    def _count(self, usage: Any, chunks: list[ChatStreamChunk], *, alone: bool) -> None:
        """Take token counts in, which came `alone` in an event or beside choices."""
        if self._tally.take(usage, alone=alone):
            _last_of(chunks).usage = self._tally.total(len(self._choices))

    def _facts(self) -> Json:
        """What is said of the answer itself, which not every chunk does."""
        first, last = self._first, self._last
        created = first.get("created") or last.get("created")
        facts: Json = {"created": created if type(created) is int else None}
        for name in NAMES:
            value = first.get(name) or last.get(name)
            if type(value) is int:
                value = str(value)
            facts[name] = value if type(value) is str else None
        return facts


def as_delta(message: Any) -> Any:
    """A whole message as one delta: each of its tool calls is one of its own."""
    calls = message.get("tool_calls") if is_object(message) else None
    if not is_array(calls):
        return message
    placed = [
        {**call, "index": place} if is_object(call) else call for place, call in enumerate(calls)
    ]
    return {**message, "tool_calls": placed}


def _last_of(chunks: list[ChatStreamChunk]) -> ChatStreamChunk:
    """The last chunk, made if there is none."""
    if not chunks:
        chunks.append(ChatStreamChunk())
    return chunks[-1]
