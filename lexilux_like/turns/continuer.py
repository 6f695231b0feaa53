"""Going on after an answer was cut or broke, on a clone of the history, until it is whole."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from ..values.errors import ChatIncompleteResponseError, LexiluxError
from ..values.request import ChatRequest
from ..values.results import (
    ChatResult,
    ChatStreamChunk,
    Choice,
    Segment,
    Status,
    StreamingResult,
    ToolCallDelta,
    Usage,
)
from .draft import Draft
from .flow import Flow, Progress, Sleep, Tell, Track, relay
from .jsonscan import JSONScanner
from .plan import Ask, Planner, Reply, StopError
from .retry import LONGEST_HINT_S, Attempts
from .rules import Rules, Server
from .seam import goes_on_directly
from .turn import Turn, streaming_result


class ConversationContinuer:
    """Makes one answer whole: asks for the rest while it is cut, and joins what comes exactly.

    Args:
        turn: How to ask once, retries included.
        request: The question; its messages are never changed.
        rules: How far to go.
        server: What is known of the server.
        attempts: For resuming; shared with the turn's retries.
        live: Hand text on as it comes. Else the flow yields no chunks.
    """

    def __init__(
        self,
        turn: Turn,
        request: ChatRequest,
        rules: Rules,
        *,
        server: Server,
        attempts: Attempts,
        live: bool,
    ) -> None:
        self._turn = turn
        self._rules = rules
        self._server = server
        self._attempts = attempts
        self._live = live
        self._draft = Draft(expects_json=rules.expects_json, live=live)
        self._planner = Planner(request, rules, server)
        self._segments: list[Segment] = []
        self._results: list[ChatResult] = []
        self._reasoning = ""
        self._continues = 0
        self._failures = 0
        self._chunks = 0
        self._progress: Progress | None = None
        self._final: StreamingResult | None = None
        self._decided: tuple[LexiluxError, str] | None = None
        self._ends = self._asked = 0
        self._left = False

    def run(self) -> Flow[ChatResult]:
        """Ask until the answer is whole.

        Raises:
            ChatIncompleteResponseError: It cannot be made whole within the rules.
            LexiluxError: The first request failed before any content; or an answer that is only
                to be resumed broke again.
        """
        yield Track(self)
        try:
            reply = yield from self._ask(self._planner.first())
            while not self._is_whole(reply):
                ask = yield from self._next(reply)
                reply = yield from self._ask(ask)
        except StopError as stop:
            return (yield from self._stopped(stop))
        except GeneratorExit:
            self._left = True
            raise
        return (yield from self._end(self._joined(self._verdict(reply.result))))

    def so_far(self) -> StreamingResult:
        """What the consumer has been handed; once it has left, also what was held back."""
        if self._final is not None:
            return self._final
        result = self._joined("unannounced")
        if self._progress is not None:
            now = self._progress.so_far()
            result = replace(result, reasoning=result.reasoning + now.reasoning)
        holds_back = self._live and not self._left
        shown = self._draft.handed_out if holds_back else self._draft.text
        return streaming_result(replace(result, text=shown), done=False)

    # One request.

    def _ask(self, ask: Ask) -> Flow[Reply]:
        """Ask once, and add what comes to the answer."""
        before = self._draft.text
        self._draft.begin(ask.cut, sentinel=ask.sentinel)
        error: LexiluxError | None = None
        try:
            result = yield from self._relay(self._turn(ask.request))
        except LexiluxError as failure:
            error = failure
            result = failure.partial or ChatResult(status="interrupted")
            if not self._results and not result.has_content:
                raise
            came = self._draft.received
            if result.text.startswith(came) and result.text != came:  # beside an error in one body
                yield from self._pass_on(ChatStreamChunk(result.text[len(came) :]))
        trusted = ask.prefill is not None and bool(self._server.works(ask.request, ask.prefill))
        cut_again = error is not None or result.status != "complete"
        joined = self._draft.end(cut_again=cut_again, trusted=trusted)
        if ask.cut is None and cut_again and len(self._draft.text) < len(before):
            self._draft.restore(before)
            joined = "none"
        text = self._draft.text
        known = ask.cut.at if ask.cut and joined != "repeated" else len(before)
        grown = text[known:] if joined != "none" and text != before else ""
        if ask.cut and ask.prefill and goes_on_directly(ask.cut, result.text):
            self._server.note(ask.request, ask.prefill, works=True)
        reply = Reply(ask, result, joined, grown, self._draft.short, error)
        self._record(reply, start=known)
        return reply

    def _relay(self, flow: Flow[ChatResult]) -> Flow[ChatResult]:
        """Run a turn; its chunks go through the draft, everything else to the world."""
        chunks = self._chunks
        try:
            result = yield from relay(flow, self._pass_on)
        finally:
            self._progress = None
        if chunks == self._chunks:  # it came as one body
            self._draft.feed(result.text)
        return result

    def _pass_on(self, chunk: ChatStreamChunk | Track) -> Sequence[ChatStreamChunk]:
        """The chunk as far as it can no longer change; tool calls wait for their end."""
        if type(chunk) is Track:
            self._progress = chunk.progress
            return ()
        assert type(chunk) is ChatStreamChunk
        self._chunks += 1
        delta = self._draft.feed(chunk.delta) if chunk.delta else ""
        if self._live and (delta or chunk.reasoning or chunk.refusal or chunk.raw is not None):
            return (ChatStreamChunk(delta, chunk.reasoning, refusal=chunk.refusal, raw=chunk.raw),)
        return ()

    def _record(self, reply: Reply, *, start: int) -> None:
        result, ask = reply.result, reply.ask
        self._results.append(result)
        self._reasoning += result.reasoning
        self._segments.append(
            Segment(
                result.text,
                start,
                ask.asked,
                reply.joined,
                result.status,
                result.raw_finish_reason,
                result.usage,
                result.request_id,
            )
        )

    # What next.

    def _is_whole(self, reply: Reply) -> bool:
        """Whether the answer is done.

        Raises:
            StopError: It is not, and asking for more is no use.
        """
        status = reply.result.status
        sure = status == "complete" or self._rules.expects_json or self._draft.overran
        done = self._draft.json_done and not self._draft.json_broken and sure
        if done and status != "filtered" and not reply.result.tool_calls:
            return True
        if self._rules.continues:
            _refuse_to_go_on(status)
        if reply.error is not None or reply.joined == "none":
            return False
        broken = status in ("interrupted", "unannounced")
        resumed = reply.ask.asked == "turn" and status == "complete"
        if not (self._rules.continues or broken or resumed):
            return True
        if status == "tool_calls" and reply.result.tool_calls:
            return not any(_is_cut(call.arguments) for call in reply.result.tool_calls)
        if self._draft.json_broken or self._is_prose(reply.result):
            raise StopError("invalid_json", "the answer was to be JSON and is not")
        if self._draft.is_json:
            return False
        if reply.ask.asked != "turn":
            return status == "complete" and not reply.at_cap
        if self._draft.signed is not None:
            return self._draft.signed and (status == "complete" or reply.adds_nothing)
        return self._twice_over(reply)

    def _is_prose(self, result: ChatResult) -> bool:
        """Whether JSON was expected, and words came in its place, to their end."""
        said = result.status == "complete" and bool(result.text.strip())
        return self._rules.expects_json and said and not self._draft.text

    def _twice_over(self, reply: Reply) -> bool:
        """Whether the model has twice said that nothing is missing."""
        stopped = reply.result.status == "complete" and not reply.at_cap
        if reply.grown:
            self._ends = int(stopped)
        elif reply.adds_nothing:
            self._ends += stopped or reply.at_cap is False
        return self._ends > 1 and reply.adds_nothing

    def _next(self, reply: Reply) -> Flow[Ask]:
        """The next request, after what has to be waited for.

        Raises:
            StopError: There is none.
        """
        if reply.error is not None:
            refused = self._planner.learn(reply.error, reply.ask)
            if not refused:
                yield from self._wait_out(reply.error)
            ask = self._planner.after(reply, self._draft, count=self._continues + 1)
            yield self._going_on(reply)
            return ask
        if self._continues >= self._rules.max_continues:
            raise StopError(
                "max_continues", f"the answer is not whole after {self._continues} continuations"
            )
        ask = self._planner.after(reply, self._draft, count=self._continues + 1)
        self._continues += 1
        if self._rules.on_progress:
            so_far = self._joined(reply.result.status)
            self._rules.on_progress(
                self._continues, self._rules.max_continues, so_far, list(self._results)
            )
        if self._continues > 1 and self._rules.continue_delay[1]:
            try:
                yield Sleep(random.uniform(*self._rules.continue_delay))  # noqa: S311 - no secret
            except LexiluxError as error:  # it does not fit the deadline
                raise StopError.failed(error) from None
        yield self._going_on(reply)
        return ask

    def _going_on(self, reply: Reply) -> Tell:
        """What is told before one more request."""
        from ..values.events import Continuing  # noqa: PLC0415 - a whole answer does without

        self._asked += 1
        news = partial(Continuing, number=self._asked, reason=reply.need, error=reply.error)
        return Tell(news)

    def _wait_out(self, error: LexiluxError) -> Flow[None]:
        """Wait before going on after a failure.

        Raises:
            StopError: It is not one that passes, or there is no attempt left.
        """
        passes = self._rules.resume != "off" and (error.resumable or error.retryable)
        passes = passes and (error.retry_after or 0.0) <= LONGEST_HINT_S
        again = (passes and self._attempts.take(error)) or (
            self._action(error) == "retry" and self._attempts.take(error)
        )
        if not again:
            raise StopError.failed(error)
        self._failures += 1
        from .policy import backoff_s  # noqa: PLC0415 - tenacity, which a good call does without

        try:
            yield Sleep(backoff_s(self._failures, error))
        except LexiluxError:  # it does not fit the deadline: the real failure says more
            raise StopError.failed(error) from None

    def _action(self, error: LexiluxError) -> str:
        """What is to be done about a failure: `"raise"`, `"return_partial"` or `"retry"`.

        The caller is asked once for each.
        """
        if self._decided is None or self._decided[0] is not error:
            answer: Mapping[str, Any] | None = None
            if self._rules.on_error_callback is not None:
                answer = self._rules.on_error_callback(error, self._joined("interrupted"))
            self._decided = error, str((answer or {}).get("action", self._rules.on_error))
        return self._decided[1]

    # The end.

    def _end(self, result: ChatResult) -> Flow[ChatResult]:
        """Hand out what is left, the chunk with `done`, and the result."""
        if not self._live:
            return result
        calls = [
            ToolCallDelta(i, call.id, call.name, call.arguments)
            for i, call in enumerate(result.tool_calls)
        ]
        rest = self._draft.rest() if self._draft.text else result.text
        if rest or calls:
            yield ChatStreamChunk(rest, tool_calls=calls)
        self._final = streaming_result(result, done=True)
        yield ChatStreamChunk(
            finish_reason=result.finish_reason, usage=result.usage or None, done=True
        )
        return streaming_result(result, done=True)  # its own: the other one was shown

    def _stopped(self, stop: StopError) -> Flow[ChatResult]:
        """Give what there is, or raise."""
        unfinished: list[Status] = [each.status for each in self._results if not each.complete]
        several = len(self._results) > 1
        result = self._joined(unfinished[-1] if unfinished else "truncated")
        result = replace(result, segments=tuple(self._segments))
        if stop.cause is None:
            gives_partial = not self._rules.ensure_complete
        else:
            gives_partial = self._action(stop.cause) == "return_partial"
        if gives_partial:
            return (yield from self._end(result))
        plain = not self._rules.continues or (self._rules.resume == "off" and not several)
        if stop.cause is not None and plain:
            stop.cause.partial = result
            raise stop.cause
        raise ChatIncompleteResponseError(
            f"{stop}; error.final_result holds everything received",
            final_result=result,
            continue_count=self._continues,
            max_continues=self._rules.max_continues,
            reason=stop.reason,
        ) from stop.cause

    def _joined(self, status: Status) -> ChatResult:
        """The answer so far as one result."""
        if not self._results:
            return ChatResult(status=status, text=self._draft.text)
        last = self._results[-1]
        several = len(self._results) > 1
        result = replace(
            last,
            # Words beside tool calls stay, though JSON was expected.
            text=self._draft.text or (last.text if status == "tool_calls" else ""),
            reasoning=self._reasoning,
            status=status,
            finish_reason="stop" if status == "complete" else last.finish_reason,
            tool_calls=last.tool_calls if status == "tool_calls" else (),
            incomplete_tool_calls=last.incomplete_tool_calls
            or (() if status == "tool_calls" else last.tool_calls),
            logprobs=None if several else last.logprobs,
            fields=_of_the_whole(last.fields) if several else last.fields,
            usage=sum((each.usage for each in self._results), Usage()) if several else last.usage,
            timing=replace(last.timing, first_content_s=self._results[0].timing.first_content_s),
            segments=tuple(self._segments) if several else (),
            continues=self._continues,
        )
        own = {each.name: getattr(result, each.name) for each in fields(Choice)}
        return replace(result, choices=(Choice(**own),))

    def _verdict(self, result: ChatResult) -> Status:
        denied = self._rules.continues and not result.complete  # but nothing is missing
        whole = self._draft.json_done or denied
        return "complete" if whole and not result.tool_calls else result.status


def _refuse_to_go_on(status: Status) -> None:
    """Raise where asking for more is no use, whatever there is.

    Raises:
        StopError: The answer was filtered or refused, or there is no room for more.
    """
    match status:
        case "filtered":
            raise StopError("content_filter", "the provider's content filter ended the answer")
        case "refused":
            raise StopError("refused", "the model refuses to answer")
        case "context_exceeded":
            raise StopError("context_exceeded", "the context window is full")
        case _:
            pass


def _of_the_whole(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of the last reply without those that spell out only its own part of the text."""
    return {name: each for name, each in found.items() if name != "content_blocks"}


def _is_cut(arguments: str) -> bool:
    """Whether more could follow; what is no JSON is the model's mistake, and it can be told."""
    scanner = JSONScanner()
    scanner.feed(arguments or "{}")
    return scanner.broken is None and not scanner.at_end()
