"""A server that answers from a file of recorded exchanges."""

from __future__ import annotations

import difflib
import threading
from collections import Counter, defaultdict
from pathlib import Path

from .connection import RecordedRequest
from .script import Cut, Reply, Send, Step, refuse
from .server import NO_BODY, ScriptedServer
from .tape import Asked, Exchange, Scrub, read_exchanges

RERECORD = "record anew, with pytest: --lexilux-record=all"


class Replay(ScriptedServer):
    """Answers each request as a `Recorder` has seen it answered; a context manager.

    Requests are the same whose methods, paths and JSON bodies are, whatever the order of members;
    headers and the URL's query are not compared. Equal ones get their answers in the order of the
    file, each once. A request that has none left is answered with 404 and the difference to the
    nearest recorded one, and stands in `unmatched`; no client should try it again. Replies that are
    played come first, so that faults can be put before what was recorded.

    Args:
        path: The file.
        timed: Whether the parts of a body come as slowly as they did, if the file knows.
        scrub: As it was for the `Recorder`.

    Raises:
        ValidationError: There is no such file, or a line of it is not a recorded exchange.
    """

    def __init__(
        self, path: Path | str, *, timed: bool = False, scrub: Scrub | None = None
    ) -> None:
        self.path = Path(path)
        self.unmatched: list[str] = []
        """What was said to each request that nothing recorded answers."""
        self._exchanges = read_exchanges(path)
        self._timed = timed
        self._scrub = scrub
        self._left: defaultdict[str, list[Exchange]] = defaultdict(list)
        for exchange in self._exchanges:
            self._left[exchange.asked.key].append(exchange)
        self._given: Counter[str] = Counter()
        self._taking = threading.Lock()
        super().__init__()
        self.always(self._answer)

    def _answer(self, request: RecordedRequest) -> Reply:
        path = request.path.removeprefix("/v1")
        asked = Asked.of(request.method, path, request.body, self._scrub)
        with self._taking:
            place = self._given[asked.key]
            known = self._left.get(asked.key, [])
            if place < len(known):
                self._given[asked.key] += 1
                return self._reply(known[place])
            message = self._complaint(asked, place)
            self.unmatched.append(message)
        return refuse(404, message, code="not_recorded", x_should_retry="false")

    def _reply(self, exchange: Exchange) -> Reply:
        if exchange.status in NO_BODY:
            return Reply(exchange.status, exchange.headers)
        steps: list[Step] = [
            step for step in exchange.steps if self._timed or isinstance(step, Send)
        ]
        if not exchange.ended:
            steps.append(Cut())
        return Reply(exchange.status, exchange.headers, steps=steps, framing="chunked")

    def _complaint(self, asked: Asked, given: int) -> str:
        if given:
            return (
                f"{self.path.name} has this request {given} times, and it was asked once more;"
                f" {RERECORD}"
            )
        if not self._exchanges:
            return f"{self.path.name} has no exchanges; {RERECORD}"
        lines = asked.lines
        near = max(
            (difflib.SequenceMatcher(None, lines, each.asked.lines, autojunk=False).ratio(), -place)
            for place, each in enumerate(self._exchanges)
        )
        number = 1 - near[1]
        nearest = self._exchanges[number - 1].asked.lines
        difference = difflib.unified_diff(nearest, lines, "recorded", "asked", lineterm="", n=1)
        return "\n".join(
            (
                f"nothing in {self.path.name} answers this request; the nearest is line {number}:",
                *difference,
                RERECORD,
            )
        )
