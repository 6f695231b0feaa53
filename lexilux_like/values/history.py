"""The conversation so far."""

from __future__ import annotations

import itertools
import json
import re
import reprlib
from collections.abc import Callable, Iterable, MutableSequence
from typing import Self, overload

from . import analysis, exports
from .analysis import HistoryStatistics, TokenAnalysis, TokenCounter, round_starts
from .errors import ValidationError
from .messages import (
    Content,
    Message,
    MessagesLike,
    as_content,
    check_message,
    is_mapping,
    is_sequence,
    normalize_messages,
    own,
)
from .results import ChatResult, Json

VERSION = 1
"""Of the form that `to_dict` writes."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class ChatHistory(MutableSequence[Message]):
    """Messages in order, and the system prompt, which is not one of them.

    A history owns what is in it: messages are copied on the way in, so that neither the caller's
    objects nor another history ever change with it. What comes out is not copied: read it only.
    All that makes a history from another (`clone`, slices, `filter`, `+`, truncation) returns a
    new, independent one and leaves the old one as it was.

    Args:
        messages: What is there already, as `chat()` takes it. A system message that comes first
            and is plain text becomes the system prompt.
        system: The system prompt; it takes the place of one in `messages`.

    Raises:
        ValidationError: They are no messages.

    Examples:
        >>> history = ChatHistory(system="Be brief.")
        >>> history.add_user("Hello")
        >>> len(history), history.system
        (1, 'Be brief.')
    """

    def __init__(self, messages: MessagesLike | None = None, *, system: str | None = None) -> None:
        owned = [own(each) for each in normalize_messages([] if messages is None else messages)]
        if owned and _is_prompt(owned[0]):
            prompt: str = owned.pop(0)["content"]
            system = prompt if system is None else system
        self.system = system
        self._messages: list[Message] = owned

    @classmethod
    def from_messages(cls, messages: MessagesLike, system: str | None = None) -> Self:
        """The same as `ChatHistory(messages, system=system)`."""
        return cls(messages, system=system)

    @classmethod
    def from_chat_result(cls, messages: MessagesLike, result: ChatResult) -> Self:
        """What was asked, and the answer to it.

        Raises:
            ValidationError: As for `append_result`.
        """
        made = cls(messages)
        made.append_result(result)
        return made

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """What `to_dict` wrote.

        Raises:
            ValidationError: It is something else, or of another version.
        """
        fields: Message = data if is_mapping(data) else {}
        if fields.get("version") != VERSION:
            raise ValidationError(f"not a history of version {VERSION}: {fields.get('version')!r}")
        system, messages = fields.get("system"), fields.get("messages")
        if not is_sequence(messages) or not isinstance(system, str | None):
            raise ValidationError("not a history: 'messages' is a list, 'system' a string or null")
        made = cls(system=system)
        made.extend(messages)
        return made

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `to_json` wrote.

        Raises:
            ValidationError: It is no JSON, or no history.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"not a history: {error}") from error
        return cls.from_dict(data)

    def to_dict(self) -> Json:
        """The history as plain data of its own, for `from_dict`."""
        messages = [own(message) for message in self._messages]
        return {"version": VERSION, "system": self.system, "messages": messages}

    def to_json(self, *, indent: int | None = None) -> str:
        """The history as JSON text, for `from_json`; only what UTF-8 cannot hold is escaped.

        Raises:
            ValidationError: A message holds what JSON cannot say.
        """
        try:
            text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValidationError(f"a message cannot be written as JSON: {error}") from error
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Message | Self:
        if isinstance(index, slice):
            return self._with(self._messages[index])
        return self._messages[index]

    @overload
    def __setitem__(self, index: int, value: Message) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Message]) -> None: ...
    def __setitem__(self, index: int | slice, value: Message | Iterable[Message]) -> None:
        if isinstance(index, slice):
            self._messages[index] = [own(check_message(each)) for each in value]
        else:
            self._messages[index] = own(check_message(value))

    def __delitem__(self, index: int | slice) -> None:
        del self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChatHistory):
            return NotImplemented
        return self.system == other.system and self._messages == other._messages

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __add__(self, other: ChatHistory) -> Self:
        return self.merge(other)

    def __copy__(self) -> Self:
        return self.clone()

    def __repr__(self) -> str:
        system = f", system={reprlib.repr(self.system)}" if self.system is not None else ""
        return f"<{type(self).__name__}: {len(self)} messages{system}>"

    def insert(self, index: int, value: Message) -> None:
        """Put a copy of the message before `index`.

        Raises:
            ValidationError: It is no message.
        """
        self._messages.insert(index, own(check_message(value)))

    def clear(self) -> None:
        """Remove all messages; the system prompt stays."""
        self._messages.clear()

    def clone(self) -> Self:
        """An independent history with the same content."""
        return self._with(self._messages)

    @property
    def messages(self) -> list[Message]:
        """All messages, without the system prompt; a new list."""
        return list(self._messages)

    def get_messages(self, include_system: bool = True) -> list[Message]:  # noqa: FBT001, FBT002 - as in the field
        """All messages, the system prompt first where there is one; a new list."""
        if self.system is None or not include_system:
            return self.messages
        return [{"role": "system", "content": self.system}, *self._messages]

    def set_system(self, system: str | None) -> None:
        """Set the system prompt; None removes it."""
        self.system = system

    def add_user(self, content: Content) -> None:
        """Append a user message: a text, a content part, or a list of both."""
        self.append({"role": "user", "content": as_content(content)})

    def add_assistant(self, content: Content) -> None:
        """Append an answer; `append_result` keeps tool calls and reasoning as well."""
        self.append({"role": "assistant", "content": as_content(content)})

    def add_tool(self, tool_call_id: str, content: Content) -> None:
        """Append the result of a tool call."""
        self.append({"role": "tool", "tool_call_id": tool_call_id, "content": as_content(content)})

    def add_message(self, message: Message) -> None:
        """Append a message as it is."""
        self.append(message)

    def add_messages(self, messages: MessagesLike) -> None:
        """Append whatever `chat()` takes; of a history the messages, without its system prompt."""
        if isinstance(messages, ChatHistory):
            self.extend(messages)
        else:
            self.extend(normalize_messages(messages))

    def append_result(self, result: ChatResult) -> None:
        """Append an answer, or what has come of it: text, refusal, reasoning, whole tool calls.

        Of `run_tools` all messages are appended: each answer, and what its tools returned.

        Raises:
            ValidationError: It was cut off inside a tool call; a server would refuse the rest.
        """
        if result.incomplete_tool_calls and not result.tool_calls:
            raise ValidationError("the answer was cut off inside a tool call: ask again")
        self.extend(result.to_messages())

    def get_last_message(self) -> Message | None:
        """The newest message, or None."""
        return self._messages[-1] if self._messages else None

    def get_last_user_message(self) -> Content:
        """The content of the newest user message, fit to be asked again; None without one."""
        contents = (m.get("content") for m in reversed(self._messages) if m["role"] == "user")
        return next(contents, None)

    def remove_last(self) -> Message | None:
        """Remove the newest message and return it; None where there is none."""
        return self._messages.pop() if self._messages else None

    @property
    def rounds(self) -> list[list[Message]]:
        """A user message and all up to the next one, each; what precedes the first is a round."""
        edges = [*round_starts(self._messages), len(self)]
        return [self._messages[a:b] for a, b in itertools.pairwise(edges)]

    def remove_last_round(self) -> list[Message]:
        """Remove the newest round and return it; empty where there is none."""
        removed = self.rounds[-1:]
        del self._messages[len(self) - sum(map(len, removed)) :]
        return removed[0] if removed else []

    def get_last_n_rounds(self, n: int) -> Self:
        """`truncate_by_rounds(n)`."""
        return self.truncate_by_rounds(n)

    def truncate_by_rounds(self, n: int, keep_system: bool = True) -> Self:  # noqa: FBT001, FBT002 - as in the field
        """The newest `n` rounds, as a new history.

        A round more is kept where a tool message would lose the call that it answers.

        Args:
            n: How many; 0 for none.
            keep_system: Keep the system prompt, and the system and developer messages that come
                first, which do not count as a round.

        Raises:
            ValidationError: `n` is negative.
        """
        if n < 0:
            raise ValidationError(f"n={n}: it must be 0 or more")
        head, rest = self._split(keep_system=keep_system)
        return self._with(head + rest[analysis.last_rounds(rest, n) :], keep_system=keep_system)

    def truncate_by_tokens(
        self,
        limit: int,
        count: TokenCounter,
        keep_system: bool = True,  # noqa: FBT001, FBT002 - as in the field
    ) -> Self:
        """As many of the newest rounds as fit, as a new history.

        Whole rounds go, the oldest first; tool messages go with the call that they answer.

        Args:
            limit: The most tokens that `result.count_tokens(count)` may be. Servers add a few
                tokens of their own for each message; leave room for those, and for the answer.
            count: Counts the tokens of a text.
            keep_system: Keep the system prompt, and the system and developer messages that come
                first; they count too.

        Raises:
            ValidationError: The newest round alone, with what is kept before it, is over the
                limit: cutting inside a round would change what was said.
        """
        head, rest = self._split(keep_system=keep_system)
        kept = self._with(head, keep_system=keep_system)
        taken = kept.count_tokens(count)
        start = analysis.fitting_rounds(rest, limit - taken, count)
        if start is None:
            raise ValidationError(
                f"the newest round does not fit into {limit} tokens, of which the system prompt"
                f" takes {taken}"
            )
        kept.extend(rest[start:])
        return kept

    def count_tokens(self, count: TokenCounter) -> int:
        """The tokens of the system prompt and of all texts, as `analyze_tokens` counts them."""
        return self.analyze_tokens(count).total

    def analyze_tokens(self, count: TokenCounter) -> TokenAnalysis:
        """Where the tokens are.

        Counted are contents, refusals, reasoning that is sent back, and the names and arguments of
        tool calls; not images, audio and files, nor what a server adds for each message.
        """
        return analysis.analyze(self.system, self._messages, count)

    def statistics(self) -> HistoryStatistics:
        """Messages, rounds, characters and tool calls, counted."""
        return analysis.summarize(self._messages)

    def merge(self, other: ChatHistory) -> Self:
        """This history, then the other one, as a new one; also `+`.

        The system prompt is this one's, or the other's where this one has none.
        """
        made = self.clone()
        made.system = other.system if self.system is None else self.system
        made.extend(other)
        return made

    def filter(
        self, predicate: Callable[[Message], bool] | None = None, *, role: str | None = None
    ) -> Self:
        """The messages that satisfy the predicate and have the role, as a new history.

        It is for reading: a server may refuse a conversation with holes in it.
        """
        return self._with(
            message
            for message in self._messages
            if role in (None, message["role"]) and (predicate is None or predicate(message))
        )

    def search(
        self, wanted: str | re.Pattern[str], role: str | None = None
    ) -> list[tuple[int, Message]]:
        """The messages in whose text it is found, with their index.

        Args:
            wanted: A text, upper and lower case alike, or a compiled pattern.
            role: Search only messages of this role.
        """
        if isinstance(wanted, str):
            wanted = re.compile(re.escape(wanted), re.IGNORECASE)
        return [
            (i, message)
            for i, message in enumerate(self._messages)
            if role in (None, message["role"]) and wanted.search(analysis.message_text(message))
        ]

    def to_text(self) -> str:
        """The conversation as plain text, each message below its role."""
        return exports.to_text(self.get_messages())

    def to_markdown(self) -> str:
        """The conversation as Markdown, a heading for each message."""
        return exports.to_markdown(self.get_messages())

    def to_html(self, *, title: str = "Conversation") -> str:
        """The conversation as an HTML page: all text escaped, no scripts, nothing to load."""
        return exports.to_html(self.get_messages(), title=title)

    def _with(self, messages: Iterable[Message], *, keep_system: bool = True) -> Self:
        """A new history of copies."""
        made = type(self)(system=self.system if keep_system else None)
        made.extend(messages)
        return made

    def _split(self, *, keep_system: bool) -> tuple[list[Message], list[Message]]:
        """The messages that come first and are kept, and those that may be cut."""
        first = analysis.instructions(self._messages)
        return self._messages[:first] if keep_system else [], self._messages[first:]


def _is_prompt(message: Message) -> bool:
    """Whether a system message says nothing but a text."""
    plain = message["role"] == "system" and isinstance(message.get("content"), str)
    return plain and set(message) == {"role", "content"}
