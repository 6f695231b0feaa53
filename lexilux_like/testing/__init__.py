"""A scripted live server, and doors to ask it through: for this package's tests and for yours."""

from __future__ import annotations

from .connection import RecordedRequest
from .script import (
    DONE,
    USAGE,
    Cut,
    Pause,
    Raw,
    Reply,
    Reset,
    Send,
    Stall,
    Step,
    Wait,
    answer,
    chunk,
    events,
    json_reply,
    raw_reply,
    refuse,
    sends,
    sse,
    stream,
    tool_call,
)
from .server import ScriptedServer

__all__ = [
    "DONE",
    "USAGE",
    "Cut",
    "Pause",
    "Raw",
    "RecordedRequest",
    "Reply",
    "Reset",
    "ScriptedServer",
    "Send",
    "Stall",
    "Step",
    "Wait",
    "answer",
    "chunk",
    "events",
    "json_reply",
    "raw_reply",
    "refuse",
    "sends",
    "sse",
    "stream",
    "tool_call",
]
