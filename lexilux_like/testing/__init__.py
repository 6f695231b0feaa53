"""A live server, faults, simulated models, recordings and doors: for our tests and for yours."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in the package itself
if TYPE_CHECKING:
    from .complaints import ERROR_EVENTS, ErrorEvent, fail
    from .connection import RecordedRequest
    from .door import Door, Doors, OpenStream, Parsed, Streamed
    from .faults import Fault, body_of, cut, late, reset, stall, trickle
    from .fragments import CALL_FORMS, CallForm, call_stream
    from .limits import Allowance, rate_headers, rate_limited, truncate
    from .recorder import Recorder
    from .replay import Replay
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
    from .server import Answer, ScriptedServer
    from .simulated import BEHAVIOURS, Behaviour, SimulatedModel, SimulatedReply

__all__ = [
    "BEHAVIOURS",
    "CALL_FORMS",
    "DONE",
    "ERROR_EVENTS",
    "USAGE",
    "Allowance",
    "Answer",
    "Behaviour",
    "CallForm",
    "Cut",
    "Door",
    "Doors",
    "ErrorEvent",
    "Fault",
    "OpenStream",
    "Parsed",
    "Pause",
    "Raw",
    "RecordedRequest",
    "Recorder",
    "Replay",
    "Reply",
    "Reset",
    "ScriptedServer",
    "Send",
    "SimulatedModel",
    "SimulatedReply",
    "Stall",
    "Step",
    "Streamed",
    "Wait",
    "answer",
    "body_of",
    "call_stream",
    "chunk",
    "cut",
    "events",
    "fail",
    "json_reply",
    "late",
    "rate_headers",
    "rate_limited",
    "raw_reply",
    "refuse",
    "reset",
    "sends",
    "sse",
    "stall",
    "stream",
    "tool_call",
    "trickle",
    "truncate",
]

# Where each name lives, so that a pytest plugin that nobody uses costs nothing.
_ROOMS = {
    ".complaints": "ERROR_EVENTS ErrorEvent fail",
    ".connection": "RecordedRequest",
    ".door": "Door Doors OpenStream Parsed Streamed",
    ".faults": "Fault body_of cut late reset stall trickle",
    ".fragments": "CALL_FORMS CallForm call_stream",
    ".limits": "Allowance rate_headers rate_limited truncate",
    ".recorder": "Recorder",
    ".replay": "Replay",
    ".script": (
        "Cut DONE Pause Raw Reply Reset Send Stall Step USAGE Wait answer chunk events"
        " json_reply raw_reply refuse sends sse stream tool_call"
    ),
    ".server": "Answer ScriptedServer",
    ".simulated": "BEHAVIOURS Behaviour SimulatedModel SimulatedReply",
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
