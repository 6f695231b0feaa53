"""What goes wrong on the way: each fault wraps a reply, or a function that makes replies.

Bytes are those of the body, as a client reads it when the framing is taken off.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Concatenate, ParamSpec, Protocol, TypeAlias, cast, overload

from ..values.errors import ValidationError
from .connection import RecordedRequest
from .script import Cut, Pause, Reply, Reset, Send, Stall, Step

Making: TypeAlias = Callable[[RecordedRequest], Reply]
P = ParamSpec("P")


class Fault(Protocol[P]):
    """Changes a reply, or every reply that a function makes."""

    @overload
    def __call__(self, reply: Reply, /, *args: P.args, **kwargs: P.kwargs) -> Reply: ...
    @overload
    def __call__(self, reply: Making, /, *args: P.args, **kwargs: P.kwargs) -> Making: ...


def fault(change: Callable[Concatenate[Reply, P], Reply]) -> Fault[P]:
    """Lets a function that changes a reply take a function that makes replies, too."""

    @functools.wraps(change)
    def wrapper(reply: Reply | Making, /, *args: P.args, **kwargs: P.kwargs) -> Reply | Making:
        if isinstance(reply, Reply):
            return change(reply, *args, **kwargs)
        return lambda request: change(reply(request), *args, **kwargs)

    return cast("Fault[P]", wrapper)


def body_of(reply: Reply) -> bytes:
    """All of a reply's body: `for at in range(len(body_of(reply)))` tries each place."""
    return b"".join(step.data for step in _steps(reply) if isinstance(step, Send))


@fault
def cut(reply: Reply, *, at_byte: int, clean: bool = False) -> Reply:
    """The connection is closed behind so many bytes of the body.

    Args:
        reply: Or a function that makes one.
        at_byte: From 0, nothing but the head, to the length of the body.
        clean: The body ends there as if it were all: nothing on the wire tells that it is not.

    Raises:
        ValidationError: The body has no such byte; from a function, the client gets a 500.

    Examples:
        >>> body_of(cut(Reply(body=b"Hello"), at_byte=2))
        b'He'
    """
    before, _ = _parted(reply, at_byte)
    if not clean:
        return _broken(reply, [*before, Cut()])
    named = {name: it for name, it in reply.headers.items() if name.lower() != "content-length"}
    return replace(reply, headers=named, body=None, steps=before)


@fault
def reset(reply: Reply, *, at_byte: int) -> Reply:
    """The connection breaks (RST) behind so many bytes of the body.

    Args:
        reply: Or a function that makes one.
        at_byte: As for `cut`. Bytes that the client has not read when the reset comes may be lost.

    Raises:
        ValidationError: As for `cut`.
    """
    before, _ = _parted(reply, at_byte)
    return _broken(reply, [*before, Reset()])


@fault
def stall(reply: Reply, *, at_byte: int, seconds: float | None = None) -> Reply:
    """Nothing more comes behind so many bytes of the body, while the connection stays open.

    Args:
        reply: Or a function that makes one.
        at_byte: As for `cut`.
        seconds: After which the rest follows; None for never.

    Raises:
        ValidationError: As for `cut`, or `seconds` is negative.
    """
    before, after = _parted(reply, at_byte)
    if seconds is None:
        return _broken(reply, [*before, Stall()])
    return replace(reply, body=None, steps=[*before, _pause(seconds), *after])


@fault
def late(reply: Reply, *, seconds: float) -> Reply:
    """The head comes so many seconds after the request.

    Raises:
        ValidationError: `seconds` is negative.
    """
    return replace(reply, head_delay=_pause(seconds).seconds)


@fault
def trickle(reply: Reply, *, bytes_per_write: int = 1, delay_s: float = 0.0) -> Reply:
    """The body comes in small writes, which cut events, characters and escapes anywhere.

    Args:
        reply: Or a function that makes one.
        bytes_per_write: At least 1.
        delay_s: Silence between two writes, in seconds.

    Raises:
        ValidationError: A number is out of its bounds.
    """
    if bytes_per_write < 1:
        raise ValidationError(f"bytes_per_write={bytes_per_write!r} writes nothing; give 1 or more")
    between = [_pause(delay_s)] if delay_s else []
    steps: list[Step] = []
    for step in _steps(reply):
        match step:
            case Send(data):
                for start in range(0, len(data), bytes_per_write):
                    steps += [*between, Send(data[start : start + bytes_per_write])]
            case _:
                steps.append(step)
    if between and steps[:1] == between:
        del steps[0]
    return replace(reply, body=None, steps=steps)


def _steps(reply: Reply) -> Iterator[Step]:
    if reply.body:
        yield Send(reply.body)
    if not isinstance(reply.steps, Sequence):
        raise ValidationError("a reply that is still being made cannot be changed")
    yield from reply.steps


def _parted(reply: Reply, at_byte: int) -> tuple[list[Step], list[Step]]:
    """The steps that bring so many bytes, and those that bring the rest."""
    size = len(body_of(reply))
    if not 0 <= at_byte <= size:
        raise ValidationError(f"at_byte={at_byte!r} of a body of {size} bytes: give 0 to {size}")
    before: list[Step] = []
    after: list[Step] = []
    left = at_byte
    for step in _steps(reply):
        if not left:
            after.append(step)
        elif isinstance(step, Send) and len(step.data) > left:
            before.append(Send(step.data[:left]))
            after.append(Send(step.data[left:]))
            left = 0
        else:
            before.append(step)
            left -= len(step.data) if isinstance(step, Send) else 0
    return before, after


def _broken(reply: Reply, steps: list[Step]) -> Reply:
    """The reply with other steps, whose head still promises the whole body."""
    headers = dict(reply.headers)
    if reply.framing == "length" and "content-length" not in map(str.lower, headers):
        headers["content-length"] = str(len(body_of(reply)))
    return replace(reply, headers=headers, body=None, steps=steps)


def _pause(seconds: float) -> Pause:
    if seconds < 0:
        raise ValidationError(f"{seconds!r} seconds cannot pass; give 0 or more")
    return Pause(seconds)
