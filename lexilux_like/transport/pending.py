"""A call that is made on one thread and may be given up by another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..turns.flow import Flow
from ..values.results import ChatResult
from .drive import arun, run

if TYPE_CHECKING:
    from .worlds import AsyncWorld, SyncWorld


class PendingCall:
    """One call, not made yet; it is made once, by `run` or by `arun`."""

    def __init__(
        self,
        flow: Flow[ChatResult],
        world: Callable[[], SyncWorld],
        aworld: Callable[[], AsyncWorld],
    ) -> None:
        self._flow = flow
        self._make_world, self._make_aworld = world, aworld
        self._world: SyncWorld | None = None
        self._given_up = False

    def run(self) -> ChatResult:
        """Make the call, blocking; raises what the method raises."""
        self._world = self._make_world()
        if self._given_up:  # by now; later than this `hang_up` finds the world
            self._world.hang_up()
        return run(self._flow, self._world)

    async def arun(self) -> ChatResult:
        """`run`, async. To give it up, cancel its task."""
        return await arun(self._flow, self._make_aworld())

    def hang_up(self) -> None:
        """Make `run` raise soon: a read ends at once, and after a wait nothing more is sent."""
        self._given_up = True
        if self._world is not None:
            self._world.hang_up()
