"""A client for OpenAI-compatible chat completions that never passes half an answer off as whole."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for typing's, which costs more than all the rest
if TYPE_CHECKING:
    from .chat import Chat
    from .transport.base import BaseAPIClient
    from .transport.pacing import Pacer
    from .transport.ratelimit import RateLimiter
    from .transport.redislimit import RedisRateLimiter
    from .transport.streaming import (
        AsyncParsingIterator,
        AsyncStreamingIterator,
        ParsingIterator,
        StreamingIterator,
    )
    from .turns.continuer import ConversationContinuer
    from .values.errors import (
        APIError,
        AuthenticationError,
        ChatIncompleteResponseError,
        ChatStreamInterruptedError,
        ConflictError,
        InvalidRequestError,
        LexiluxConnectionError,
        LexiluxError,
        LexiluxTimeoutError,
        NetworkError,
        NotFoundError,
        OutputValidationError,
        QuotaExceededError,
        RateLimitError,
        ResponseFormatError,
        ServerError,
        ValidationError,
    )
    from .values.events import (
        CallEnded,
        CallStarted,
        ChunkReceived,
        Continuing,
        FallingBack,
        Hooks,
        RequestSent,
        ResponseReceived,
        Retrying,
        ToolsRun,
    )
    from .values.execution import aexecute_tool_calls, execute_tool_calls
    from .values.history import ChatHistory
    from .values.options import ChatParams
    from .values.parts import audio_part, file_part, image_part, text_part
    from .values.results import (
        ChatResult,
        ChatStreamChunk,
        Choice,
        FailedAttempt,
        Segment,
        StreamingResult,
        Timing,
        ToolCall,
        ToolCallDelta,
        ToolOutcome,
        ToolStep,
        Usage,
    )
    from .values.timeouts import Timeouts
    from .values.tools import FunctionTool, Tool, ToolChoice, tool
    from .wire.profile import Prefill, Profile, Spelling
    from .wire.registry import find_provider, register_provider

__version__ = "0.1.0"

__all__ = [
    "APIError",
    "AsyncParsingIterator",
    "AsyncStreamingIterator",
    "AuthenticationError",
    "BaseAPIClient",
    "CallEnded",
    "CallStarted",
    "Chat",
    "ChatHistory",
    "ChatIncompleteResponseError",
    "ChatParams",
    "ChatResult",
    "ChatStreamChunk",
    "ChatStreamInterruptedError",
    "Choice",
    "ChunkReceived",
    "ConflictError",
    "Continuing",
    "ConversationContinuer",
    "FailedAttempt",
    "FallingBack",
    "FunctionTool",
    "Hooks",
    "InvalidRequestError",
    "LexiluxConnectionError",
    "LexiluxError",
    "LexiluxTimeoutError",
    "NetworkError",
    "NotFoundError",
    "OutputValidationError",
    "Pacer",
    "ParsingIterator",
    "Prefill",
    "Profile",
    "QuotaExceededError",
    "RateLimitError",
    "RateLimiter",
    "RedisRateLimiter",
    "RequestSent",
    "ResponseFormatError",
    "ResponseReceived",
    "Retrying",
    "Segment",
    "ServerError",
    "Spelling",
    "StreamingIterator",
    "StreamingResult",
    "Timeouts",
    "Timing",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "ToolOutcome",
    "ToolStep",
    "ToolsRun",
    "Usage",
    "ValidationError",
    "__version__",
    "aexecute_tool_calls",
    "audio_part",
    "execute_tool_calls",
    "file_part",
    "find_provider",
    "image_part",
    "register_provider",
    "text_part",
    "tool",
]

# Where each name lives, so that `import lexilux_like` loads neither httpx nor pydantic.
_ROOMS = {
    ".chat": "Chat",
    ".transport.base": "BaseAPIClient",
    ".transport.pacing": "Pacer",
    ".transport.ratelimit": "RateLimiter",
    ".transport.redislimit": "RedisRateLimiter",
    ".transport.streaming": (
        "AsyncParsingIterator AsyncStreamingIterator ParsingIterator StreamingIterator"
    ),
    ".turns.continuer": "ConversationContinuer",
    ".values.events": (
        "CallEnded CallStarted ChunkReceived Continuing FallingBack Hooks RequestSent"
        " ResponseReceived Retrying ToolsRun"
    ),
    ".values.execution": "aexecute_tool_calls execute_tool_calls",
    ".values.history": "ChatHistory",
    ".values.options": "ChatParams",
    ".values.parts": "audio_part file_part image_part text_part",
    ".values.results": (
        "ChatResult ChatStreamChunk Choice FailedAttempt Segment StreamingResult Timing ToolCall"
        " ToolCallDelta ToolOutcome ToolStep Usage"
    ),
    ".values.timeouts": "Timeouts",
    ".values.tools": "FunctionTool Tool ToolChoice tool",
    ".wire.profile": "Prefill Profile Spelling",
    ".wire.registry": "find_provider register_provider",
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME.get(name, ".values.errors"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
