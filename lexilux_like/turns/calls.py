"""What the methods of a client do, as flows: the question to the model, and all that is around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..values.options import StreamOptions
from ..values.output import OutputType
from ..values.request import ChatRequest
from ..values.results import ChatResult
from ..wire.dialect import Dialect
from .continuer import ConversationContinuer
from .flow import Flow
from .retry import Attempts, RetryBudget, retried
from .rules import RESUMES, Rules, Server, checked_rules
from .shape import from_tool
from .structured import structured
from .turn import Turn, streamed, timed, whole


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one client. Each method checks its options at once, and asks nothing yet."""

    dialect: Dialect
    server: Server
    budget: RetryBudget

    def ask(self, request: ChatRequest, *, retries: int) -> Flow[ChatResult]:
        """Ask once, and wait for the whole answer."""
        return timed(retried(whole(self.dialect), Attempts(retries, self.budget)))(request)

    def stream(
        self, request: ChatRequest, options: StreamOptions, *, retries: int
    ) -> Flow[ChatResult]:
        """Ask once, and hand the answer on as it comes, across breaks if that is wanted."""
        turn = streamed(self.dialect)
        resumes = options.get("resume", "off") != "off"
        rules = checked_rules(options, request, continues=False) if resumes else None
        if rules is None or rules.resume == "off":
            return timed(retried(turn, Attempts(retries, self.budget)))(request)
        return timed(self._continued(turn, rules, retries, live=True))(request)

    def complete(
        self,
        request: ChatRequest,
        options: Mapping[str, Any],
        *,
        retries: int,
        live: bool,
        kind: OutputType[Any] | None = None,
        required: bool = False,
    ) -> Flow[ChatResult]:
        """Ask until the answer is whole, and fits the type that it must have, if any.

        Args:
            request: The question.
            options: Of the method.
            retries: At most so many.
            live: Hand text on as it comes.
            kind: The type.
            required: Without a value of it there is no answer.
        """
        rules = checked_rules(options, request, continues=True)
        if required:
            rules = replace(rules, ensure_complete=True)
        asked = whole if rules.resume == "off" and not live else streamed
        turn = self._continued(asked(self.dialect), rules, retries, live=live)
        if kind is not None:
            reasks = 0 if live else rules.max_reasks
            turn = structured(turn, kind, self.server, max_reasks=reasks, required=required)
        return timed(turn)(request)

    def _continued(self, turn: Turn, rules: Rules, retries: int, *, live: bool) -> Turn:
        """The turn with retries, resuming and continuation, which share their attempts."""
        most = retries if rules.resume == "off" else max(retries, RESUMES)
        attempts = Attempts(most, self.budget)

        def continued(request: ChatRequest) -> Flow[ChatResult]:
            return ConversationContinuer(
                retried(from_tool(turn), attempts),
                request,
                rules,
                server=self.server,
                attempts=attempts,
                live=live,
            ).run()

        return continued
