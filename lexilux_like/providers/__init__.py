"""Interfaces of applications that stand on a chat client: a chat window's, and an agent's."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import ChatProvider, GenerationCancelledError
    from .callback import CallbackProvider
    from .chat_llm import ChatLLMProvider
    from .factory import get_provider
    from .hosted import AnthropicProvider, OpenAIProvider
    from .llm import LLMProvider, LLMResponse, Tool, ToolResult, ToolUse
    from .magentic import MagenticProvider
    from .messages import (
        ChatConfig,
        ChatMessage,
        ContentPart,
        ImagePart,
        ResourceLinkPart,
        TextPart,
        ToolCall,
        ToolCallFunction,
    )
    from .reply import MessageStream
    from .stream_events import (
        ErrorType,
        FinishEvent,
        ReasoningDeltaEvent,
        ReasoningStartEvent,
        StreamErrorEvent,
        StreamEvent,
        TextDeltaEvent,
        TextEndEvent,
        ToolCallEvent,
        ToolResultEvent,
    )

__all__ = [
    "AnthropicProvider",
    "CallbackProvider",
    "ChatConfig",
    "ChatLLMProvider",
    "ChatMessage",
    "ChatProvider",
    "ContentPart",
    "ErrorType",
    "FinishEvent",
    "GenerationCancelledError",
    "ImagePart",
    "LLMProvider",
    "LLMResponse",
    "MagenticProvider",
    "MessageStream",
    "OpenAIProvider",
    "ReasoningDeltaEvent",
    "ReasoningStartEvent",
    "ResourceLinkPart",
    "StreamErrorEvent",
    "StreamEvent",
    "TextDeltaEvent",
    "TextEndEvent",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallEvent",
    "ToolCallFunction",
    "ToolResult",
    "ToolResultEvent",
    "ToolUse",
    "get_provider",
]

# Where each name lives, so that each loads only what it needs: magentic is an extra.
_ROOMS = {
    ".base": "ChatProvider GenerationCancelledError",
    ".callback": "CallbackProvider",
    ".chat_llm": "ChatLLMProvider",
    ".factory": "get_provider",
    ".hosted": "AnthropicProvider OpenAIProvider",
    ".llm": "LLMProvider LLMResponse Tool ToolResult ToolUse",
    ".magentic": "MagenticProvider",
    ".messages": (
        "ChatConfig ChatMessage ContentPart ImagePart ResourceLinkPart TextPart ToolCall"
        " ToolCallFunction"
    ),
    ".reply": "MessageStream",
    ".stream_events": (
        "ErrorType FinishEvent ReasoningDeltaEvent ReasoningStartEvent StreamErrorEvent"
        " StreamEvent TextDeltaEvent TextEndEvent ToolCallEvent ToolResultEvent"
    ),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
