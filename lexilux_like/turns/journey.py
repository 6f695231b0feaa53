"""One call's way: which client and which key it asked, and what failed before the answer came."""

from __future__ import annotations

from ..values.errors import APIError, LexiluxError, ValidationError
from ..values.request import ChatRequest
from ..values.results import FailedAttempt


class Journey:
    """What one call has been through."""

    __slots__ = ("base_url", "failed", "key_index")

    def __init__(self) -> None:
        self.base_url: str | None = None
        """Where the last request went."""
        self.key_index = 0
        """Which of that client's keys it carried, counted from 0."""
        self.failed: list[FailedAttempt] = []

    def note(self, error: LexiluxError, request: ChatRequest) -> None:
        """Remember that a request failed; one that was never sent did not."""
        if isinstance(error, ValidationError):
            return
        status_code = error.status_code if isinstance(error, APIError) else None
        self.failed.append(
            FailedAttempt(
                self.base_url or "",
                request.model,
                self.key_index,
                type(error).__name__,
                status_code,
            )
        )
