"""Several keys for one server: the next one's turn comes when one is refused or used up."""

from __future__ import annotations

from ..values.errors import AuthenticationError, LexiluxError, QuotaExceededError
from ..values.request import ChatRequest
from ..values.results import ChatResult
from .flow import Flow, UseKey
from .journey import Journey
from .turn import Turn


class KeyRing:
    """Which of a client's keys is in use; all its calls share it.

    Args:
        count: How many keys there are; 0 and 1 mean that there is nothing to choose.
    """

    __slots__ = ("count", "current")

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self.current = 0

    def skip(self, index: int) -> None:
        """Go on to the next key, unless another call has done so already."""
        if self.current == index:
            self.current = (index + 1) % self.count


def keyed(turn: Turn, base_url: str, keys: KeyRing, journey: Journey) -> Turn:
    """Ask with the key in use; where it is refused or its quota is used up, with the others.

    Each key is tried once. A key that worked stays in use for the calls that follow.
    """

    def asking(request: ChatRequest) -> Flow[ChatResult]:
        tried = 0
        while True:
            key = keys.current
            if keys.count > 1:
                yield UseKey(key)
            journey.base_url, journey.key_index = base_url, key
            try:
                return (yield from turn(request))
            except LexiluxError as error:
                journey.note(error, request)
                tried += 1
                if tried >= keys.count or not _is_about_the_key(error):
                    raise
            keys.skip(key)

    return asking


def _is_about_the_key(error: LexiluxError) -> bool:
    """Whether another key may be accepted, and nothing was handed out that would come twice."""
    refused = isinstance(error, AuthenticationError | QuotaExceededError)
    return refused and (error.partial is None or not error.partial.has_content)
