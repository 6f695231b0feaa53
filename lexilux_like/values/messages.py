"""What a caller may pass as messages, and the one form that the rest of the package reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

from .errors import ValidationError

if TYPE_CHECKING:
    from typing_extensions import TypeIs

Message: TypeAlias = Mapping[str, Any]
"""A message or a content part as on the wire: `{"role": "user", "content": "Hi"}`."""

MessagesLike: TypeAlias = str | Message | Sequence[str | Message]
"""A prompt, a message, a content part, or a sequence of them."""

Content: TypeAlias = str | Message | Sequence[str | Message] | None
"""What a message says: a text, a content part or several, or nothing beside its tool calls."""

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "<think>")
"""Where an assistant message keeps its reasoning: as on the wire, or, for reasoning that came as
parts of the content or in tags, under a key of our own."""

_HINT = (
    "pass a string, a message such as {'role': 'user', 'content': ...}, a content part such as"
    " text_part(...), or a list of these"
)


@runtime_checkable
class Conversation(Protocol):
    """Something that knows all its messages, its system prompt among them: a `ChatHistory`."""

    def get_messages(self) -> list[Message]:
        """The system prompt, where there is one, then all messages; a new list."""
        ...


def normalize_messages(messages: MessagesLike) -> list[Message]:
    """Turn what a caller may pass into a new list of messages.

    A string is a user message. A sequence with a content part in it (a mapping with "type" and
    without "role") is ONE user message, whose strings are text parts. A `ChatHistory` stands for
    its system prompt and its messages. Dicts are taken by reference, never changed, and not
    looked into any further: servers differ in what they accept.

    Raises:
        ValidationError: It is none of these, or messages and content parts are mixed.
    """
    items: Sequence[str | Message]
    if isinstance(messages, list):  # nearly always: the abstract classes are slow to ask
        items = messages
    elif isinstance(messages, str) or is_mapping(messages):
        items = [messages]
    elif _is_conversation(messages):
        return messages.get_messages()
    elif is_sequence(messages):
        items = messages
    else:
        raise ValidationError(f"messages cannot be {_kind(messages)}: {_HINT}")
    if any(map(_is_part, items)):
        return [{"role": "user", "content": as_content(items)}]
    return [
        {"role": "user", "content": item} if isinstance(item, str) else check_message(item)
        for item in items
    ]


def as_content(content: Content) -> Content:
    """What a message's `content` is: a string or None as it is, else a list of content parts.

    Raises:
        ValidationError: There is something else among the parts.
    """
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        content = [content]
    if not is_sequence(content):
        raise ValidationError(f"content cannot be {_kind(content)}: pass a string or content parts")
    return [_part(item) for item in content]


def check_message(message: object) -> Message:
    """The same message, if it is a mapping with a role.

    Raises:
        ValidationError: It is not a mapping, or its role is not a non-empty string.
    """
    if not is_mapping(message):
        raise ValidationError(f"a message cannot be {_kind(message)}: {_HINT}")
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise ValidationError(f"a message needs a role, not {role!r}: {_HINT}")
    return message


def is_mapping(value: object) -> TypeIs[Message]:
    """Whether it may be a message or a part of one."""
    return isinstance(value, (dict, Mapping))  # a dict is found without asking the abstract class


def own(message: Message) -> Message:
    """A copy that shares no dict and no list with the message."""
    copied: Message = _copied(message)
    return copied


def _copied(value: Any) -> Any:
    """Mappings become dicts, sequences lists, as in JSON; anything else is taken as it is."""
    if is_mapping(value):
        return {name: _copied(each) for name, each in value.items()}
    if is_sequence(value):
        return [_copied(each) for each in value]
    return value


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a list of something: neither text nor bytes."""
    return isinstance(value, list) or (
        isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview))
    )


def _is_conversation(value: object) -> TypeIs[Conversation]:
    return isinstance(value, Conversation)


def _is_part(item: object) -> bool:
    return is_mapping(item) and "type" in item and "role" not in item


def _part(item: str | Message) -> Message:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    if _is_part(item):
        return item
    raise ValidationError(
        f"content parts stand among strings and parts only, not beside {_kind(item)}: put them"
        " into the 'content' of a message"
    )


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
