"""What to ask next, when an answer is not whole yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..values.errors import APIError, IncompleteReason, InvalidRequestError, LexiluxError
from ..values.history import ChatHistory
from ..values.request import ChatRequest
from ..values.results import Asked, ChatResult, Join
from ..wire.profile import Prefill
from . import asking
from .cut import Cut, cut_back
from .draft import Draft
from .rules import Rules, Server
from .seam import restarts

if TYPE_CHECKING:
    from ..values.events import ContinueReason

REPEATED = 40
"""A continuation of so many characters that equals the one before it is a model in circles."""

NO_SUCH_THING = (404, 405, 501)
REFUSALS = (400, 413, 422, *NO_SUCH_THING)
"""Statuses by which a server, or a gateway before it, refuses a field, a path or a message."""
_REJECTED = re.compile(
    r"prefill|assistant message|whitespace|must end with|last role|continue_final_message"
    r"|add_generation_prompt|\bprefix\b|\bpartial\b"
    r"|extra (?:inputs|fields)|unknown (?:field|param)",
    re.IGNORECASE,
)
"""How servers refuse a prefill. https://github.com/ericc-ch/copilot-api/issues/261 and others"""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of several."""

    request: ChatRequest
    asked: Asked
    cut: Cut | None = None
    """None: the reply is an answer from the start."""
    sentinel: str | None = None
    prefill: Prefill | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one."""

    ask: Ask
    result: ChatResult
    joined: Join
    grown: str = ""
    """What it added to the answer."""
    short: bool = False
    """It ended before it came to what is missing."""
    error: LexiluxError | None = None

    @property
    def at_cap(self) -> bool | None:
        """Whether all tokens that were allowed were spent, whatever the finish reason says.

        None where the limit or the usage is not known. A server that spends more does not
        know the limit, and so was not stopped by it.
        """
        limit = asking.budget(self.ask.request)
        spent = self.result.usage.output_tokens
        return None if limit is None or spent is None else limit <= spent <= limit + 1

    @property
    def adds_nothing(self) -> bool:
        """Whether it repeated all that it was to repeat, and ended there."""
        return self.joined == "repeated" and not self.grown and not self.short

    @property
    def cut_by_limit(self) -> bool:
        """Whether a token limit ended it."""
        return self.error is None and (self.result.status == "truncated" or self.at_cap is True)

    @property
    def need(self) -> ContinueReason:
        """Why more is asked for."""
        if self.error is not None or self.result.status in ("interrupted", "unannounced"):
            return "interrupted"
        return "truncated" if self.cut_by_limit else "unsure"


class StopError(Exception):
    """Nothing more can be done."""

    def __init__(
        self,
        reason: IncompleteReason,
        message: str,
        cause: LexiluxError | None = None,
    ) -> None:
        super().__init__(message)
        self.reason: IncompleteReason = reason
        self.cause = cause

    @classmethod
    def failed(cls, error: LexiluxError) -> StopError:
        """Going on failed with an error of its own."""
        return cls("failed", f"the answer could not be gone on from: {error.message}", error)


class Planner:
    """Chooses the next request: the cheapest whose answer can be joined for certain.

    A prefill where the server takes it; a user turn that quotes the end of what there is; the
    same from further back; the question once more with a larger budget. One that worked is
    used again.
    """

    PREFILL, TURN, FURTHER, AGAIN, NOTHING = range(5)

    def __init__(self, request: ChatRequest, rules: Rules, server: Server) -> None:
        self._request = request
        self._rules = rules
        self._server = server
        self._turns: ChatHistory | None = None
        self._tokens = self.given_tokens = asking.budget(request)
        self._most_tokens = (self._tokens or 0) * (1 + rules.max_continues)
        self._level = self.PREFILL
        self._last_grown = ""
        self._limited = False
        self._near = False
        self._refused = False
        self._first_length = 0

    @property
    def _history(self) -> ChatHistory:
        """The conversation up to the answer; made when it is first needed, and only cloned."""
        if self._turns is None:
            self._turns = ChatHistory.from_messages(list(self._request.messages))
        return self._turns

    def first(self) -> Ask:
        """The question as it was given."""
        return Ask(self._request, "first")

    def after(self, last: Reply, draft: Draft, *, count: int) -> Ask:
        """The next request.

        Args:
            last: What came of the one before.
            draft: The answer so far.
            count: Which continuation it is, from 1.

        Raises:
            StopError: There is none that could help.
        """
        unfinished = draft.is_json and not draft.json_done  # whatever the finish reason says
        self._limited = self._limited or last.cut_by_limit or (unfinished and last.error is None)
        self._first_length = self._first_length or len(last.result.text)
        if last.result.incomplete_tool_calls or last.result.tool_calls:
            return self._with_more_tokens(
                last, draft, "tool_arguments", "the arguments of a tool call were cut"
            )
        if draft.spoiled:
            raise StopError("unconfirmed_end", "the end of the answer may not belong to it")
        text = draft.text.rstrip("\ufffd")
        if not text.strip():
            return self._from_nothing(last, draft)
        self._choose_level(last, draft)
        if self._level < self.AGAIN:
            ask = self._for_the_rest(last, text, draft, count)
            if ask is not None:
                return ask
        return self._once_more(draft)

    def learn(self, error: LexiluxError, ask: Ask) -> bool:
        """Whether a request was refused for what this client added, so that the next is without it.

        Raises:
            StopError: The conversation has become too long.
        """
        if not isinstance(error, APIError):
            return False
        words = error.provider_message or error.message
        too_long = isinstance(error, InvalidRequestError) and error.context_exceeded
        overflows = too_long and not _REJECTED.search(words)
        if ask.prefill is not None and error.status_code in REFUSALS and not overflows:
            if _REJECTED.search(words) or error.status_code in NO_SUCH_THING:
                self._server.note(self._request, ask.prefill, works=False)
            self._refused = True
            return True
        if not isinstance(error, InvalidRequestError):
            return False
        if self._tokens != self.given_tokens and "max" in words and "token" in words:
            self._tokens = self._most_tokens = self.given_tokens or 0
            return True
        if too_long:
            raise StopError("context_exceeded", "the context window is full", error)
        return False

    def _choose_level(self, last: Reply, draft: Draft) -> None:
        """Another way of asking where the last one led nowhere.

        Raises:
            StopError: The model goes in circles.
        """
        ended = last.adds_nothing and last.result.status == "complete"
        if last.joined == "none":
            if last.error is None:
                self._give_up_on(last.ask)
        elif last.grown.strip():
            if len(last.grown) >= REPEATED and last.grown == self._last_grown:
                raise StopError("repeating", "the model sends the same text again and again")
            self._last_grown = last.grown
            self._level = self.PREFILL
        elif (
            last.error is None
            and last.ask.asked != "first"
            and not (ended and draft.signed is not False)  # a second look is to follow
            and not (last.cut_by_limit and self._grow())
        ):
            if last.ask.prefill and last.ask.cut and restarts(last.ask.cut, last.result.text):
                self._server.note(self._request, last.ask.prefill, works=False)
            if last.cut_by_limit and last.short and not self._near:
                self._near = True
                return
            if self._level >= self.AGAIN or (last.cut_by_limit and self._level >= self.TURN):
                raise StopError("no_progress", "the model adds nothing to what there is")
            self._level += 1

    def _give_up_on(self, ask: Ask) -> None:
        """A way of asking led nowhere."""
        if ask.prefill is not None and not self._server.works(self._request, ask.prefill):
            self._server.note(self._request, ask.prefill, works=False)
        tried = {"prefill": self.PREFILL, "turn": self.TURN}.get(ask.asked, self.AGAIN)
        self._level = max(self._level, tried) + 1

    def _for_the_rest(self, last: Reply, text: str, draft: Draft, count: int) -> Ask | None:
        """A request for the rest; None where too little of the text would be left."""
        before = last.ask.cut.at if self._level == self.FURTHER and last.ask.cut else None
        is_json = draft.is_json
        prefill = self._server.prefill(self._request, self._rules)
        if self._level > self.PREFILL or self._refused:
            prefill = None
        back = partial(
            cut_back,
            text,
            released=draft.released,
            is_json=is_json,
            near=self._near,
            ends=draft.ends if prefill else frozenset(),
        )
        cut = back(before=before)
        confirming = last.result.status == "complete" or last.adds_nothing
        if cut and last.ask.cut and confirming and cut.at == last.ask.cut.at:
            # Whether that was the end shows from another place: a cut would move with it.
            cut = back(before=cut.at) or cut
        if cut is None:
            return None
        needed = len(cut.tail) + (len(cut.anchor) if self._level else 0)
        if last.cut_by_limit and len(last.result.text) < 2 * needed:
            self._grow()  # so much of a reply only repeats
        request = self._budgeted()
        if prefill is None:
            self._level = max(self._level, self.TURN)
            sentinel = None if is_json else asking.sentinel_for(text)
            prompt = asking.rest_prompt(cut, sentinel=sentinel, words=self._words(count, text))
            return Ask(asking.with_turn(request, self._history, cut, prompt), "turn", cut, sentinel)
        asked = asking.with_prefill(
            request, self._history, cut, prefill.form, keeps_constraint=prefill.keeps_constraint
        )
        return Ask(asked, "prefill", cut, prefill=prefill)

    def _words(self, count: int, text: str) -> str | None:
        words = self._rules.continue_prompt
        if words is None or isinstance(words, str):
            return words
        return words(count, self._rules.max_continues, text, asking.prompt_of(self._request))

    def _once_more(self, draft: Draft) -> Ask:
        """The question again, with room for more than there is; taken from the start."""
        if self._level > self.AGAIN:
            raise StopError("no_seam", "nothing proves where the rest joins on")
        self._level = self.AGAIN
        if self._limited:
            parts = len(draft.text) // max(1, self._first_length)
            while (self._tokens or 0) <= max(1, parts) * (self.given_tokens or 0):
                if not self._grow():
                    raise StopError("no_seam", "nothing proves where the rest joins on")
        return self._again(draft)

    def _from_nothing(self, last: Reply, draft: Draft) -> Ask:
        if last.result.reasoning:
            return self._with_more_tokens(
                last, draft, "reasoning_budget", "reasoning used up max_tokens before the answer"
            )
        return self._with_more_tokens(last, draft, "no_progress", "the answer is empty")

    def _with_more_tokens(
        self, last: Reply, draft: Draft, reason: IncompleteReason, message: str
    ) -> Ask:
        """The question again, as it was if it broke, else with a larger budget."""
        if last.error is None and not self._grow():
            raise StopError(reason, message)
        return self._again(draft)

    def _again(self, draft: Draft) -> Ask:
        """The question again; what the consumer has seen must come back."""
        seen = draft.handed_out
        cut = Cut(seen, 0, 0, draft.is_json, len(seen)) if seen else None
        return Ask(self._budgeted(), "again", cut)

    def _grow(self) -> bool:
        """Allow requests twice as many tokens; False where that is not possible."""
        if self._tokens is None or not self._rules.allow_larger_max_tokens:
            return False
        larger = min(2 * self._tokens, self._most_tokens)
        grown = larger > self._tokens
        self._tokens = max(larger, self._tokens)
        return grown

    def _budgeted(self) -> ChatRequest:
        if self._tokens is None or self._tokens == self.given_tokens:
            return self._request
        return asking.with_budget(self._request, self._tokens)
