"""What hooks were told."""

from __future__ import annotations

from typing import Any, TypeVar

from lexilux_like import CallEnded, Hooks
from lexilux_like.values.events import HOOK_OF, Event

E = TypeVar("E", bound=Event)


class Told:
    """Hooks for everything, and the events that they were given, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        every: dict[str, Any] = dict.fromkeys(HOOK_OF.values(), self.events.append)
        self.hooks = Hooks(**every)

    @property
    def names(self) -> list[str]:
        """Who was told, without the chunks."""
        hooks = [HOOK_OF[type(each)].removeprefix("on_") for each in self.events]
        return [each for each in hooks if each != "chunk"]

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [each for each in self.events if isinstance(each, kind)]

    def only(self, kind: type[E]) -> E:
        """The one event of a kind."""
        (event,) = self.of(kind)
        return event

    @property
    def end(self) -> CallEnded:
        """The end, which must be one, and the last."""
        assert isinstance(self.events[-1], CallEnded)
        return self.only(CallEnded)
