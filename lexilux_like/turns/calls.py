"""What the methods of a client do, as flows: the question to the model, and all that is around."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..values.options import StreamOptions
from ..values.request import ChatRequest
from ..values.results import ChatResult
from ..wire.dialect import Dialect
from .fallback import Lane, fallen_back
from .flow import Flow
from .journey import Journey
from .keys import KeyRing, keyed
from .retry import Attempts, RetryBudget, retried
from .rules import RESUMES, Rules, Server, checked_rules
from .shape import from_tool
from .turn import Turn, counted, streamed, timed, whole

if TYPE_CHECKING:
    from ..values.output import OutputType

# What only some calls need is imported where it is first used: continuing, types, tools.


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one client. Each method checks its options at once, and asks nothing yet."""

    dialect: Dialect
    server: Server
    budget: RetryBudget
    keys: KeyRing = field(default_factory=KeyRing)
    retries: int = 0
    model: str | None = None
    fallbacks: tuple[Calls, ...] = ()
    paced: bool = False

    def with_retries(self, retries: int) -> Calls:
        """The same calls, here and at the fallbacks, each with so many retries."""
        fallbacks = tuple(each.with_retries(retries) for each in self.fallbacks)
        return replace(self, retries=retries, fallbacks=fallbacks)

    def ask(self, request: ChatRequest) -> Flow[ChatResult]:
        """Ask once, and wait for the whole answer."""

        def asked(calls: Calls, journey: Journey) -> Turn:
            return calls.once(whole(calls.dialect), journey)

        return self._anywhere(asked)(request)

    def stream(self, request: ChatRequest, options: StreamOptions) -> Flow[ChatResult]:
        """Ask once, and hand the answer on as it comes, across breaks if that is wanted."""
        resumes = options.get("resume", "off") != "off"
        rules = checked_rules(options, request, continues=False) if resumes else None

        def asked(calls: Calls, journey: Journey) -> Turn:
            turn = streamed(calls.dialect)
            if rules is None or rules.resume == "off":
                return calls.once(turn, journey)
            return calls.continued(turn, rules, journey, live=True)

        return self._anywhere(asked)(request)

    def complete(
        self,
        request: ChatRequest,
        options: Mapping[str, Any],
        *,
        live: bool,
        kind: OutputType[Any] | None = None,
        required: bool = False,
    ) -> Flow[ChatResult]:
        """Ask until the answer is whole, and fits the type that it must have, if any.

        Args:
            request: The question.
            options: Of the method.
            live: Hand text on as it comes.
            kind: The type.
            required: Without a value of it there is no answer.
        """
        rules = checked_rules(options, request, continues=True)
        if required:
            rules = replace(rules, ensure_complete=True)
        return self._anywhere(_completing(rules, live=live, kind=kind, required=required))(request)

    def run_tools(
        self,
        request: ChatRequest,
        options: Mapping[str, Any],
        *,
        live: bool,
        awaits: bool,
        kind: OutputType[Any] | None = None,
    ) -> Flow[ChatResult]:
        """Ask, and run the tools that the model calls, until there is a whole answer.

        Args:
            request: The question.
            options: Of the method.
            live: Hand text on as it comes.
            awaits: Whether tools may be async.
            kind: The type of the answer.
        """
        from .toolloop import checked_tool_rules, with_tools  # noqa: PLC0415

        rules = checked_rules(options, request, continues=True)
        tool_rules = checked_tool_rules(options, request, awaits=awaits)
        completing = _completing(rules, live=live, kind=kind, required=False)

        def asked(calls: Calls, journey: Journey) -> Turn:
            def step(question: ChatRequest) -> Flow[ChatResult]:
                return completing(calls, journey)(question)  # made anew: it has its own retries

            return step

        def looped(turn: Turn) -> Turn:
            return with_tools(turn, tool_rules, live=live)

        return self._anywhere(asked, looped)(request)

    # A turn of one client, which its fallbacks have too.

    def once(self, turn: Turn, journey: Journey) -> Turn:
        """The turn with retries."""
        return retried(self._keyed(turn, journey), Attempts(self.retries, self.budget))

    def continued(self, turn: Turn, rules: Rules, journey: Journey, *, live: bool) -> Turn:
        """The turn with retries, resuming and continuation, which share their attempts."""
        from .continuer import ConversationContinuer  # noqa: PLC0415

        most = self.retries if rules.resume == "off" else max(self.retries, RESUMES)
        attempts = Attempts(most, self.budget)
        asking = retried(from_tool(self._keyed(turn, journey)), attempts)

        def going_on(request: ChatRequest) -> Flow[ChatResult]:
            return ConversationContinuer(
                asking, request, rules, server=self.server, attempts=attempts, live=live
            ).run()

        return going_on

    def _keyed(self, turn: Turn, journey: Journey) -> Turn:
        if self.paced:
            turn = counted(turn)
        if (form := self.dialect.profile.tools) != "native":
            from .texttools import from_text  # noqa: PLC0415

            turn = from_text(turn, form)
        return keyed(turn, self.server.base_url, self.keys, journey)

    def _anywhere(
        self,
        asked: Callable[[Calls, Journey], Turn],
        around: Callable[[Turn], Turn] = lambda turn: turn,
    ) -> Turn:
        """What is asked of this client, and of its fallbacks where it cannot answer."""
        journey = Journey()
        lanes = [
            Lane(
                asked(each, journey),
                each.model,
                each.dialect.profile is self.dialect.profile,
                each.server.base_url,
            )
            for each in self.fallbacks
        ]
        return timed(around(fallen_back(asked(self, journey), lanes)), journey)


def _completing(
    rules: Rules, *, live: bool, kind: OutputType[Any] | None, required: bool
) -> Callable[[Calls, Journey], Turn]:
    """How a client is asked until the answer is whole, and fits its type."""
    form = whole if rules.resume == "off" and not live else streamed
    reasks = 0 if live else rules.max_reasks

    def asked(calls: Calls, journey: Journey) -> Turn:
        turn = calls.continued(form(calls.dialect), rules, journey, live=live)
        if kind is None:
            return turn
        from .structured import structured  # noqa: PLC0415

        return structured(turn, kind, calls.server, max_reasks=reasks, required=required)

    return asked
