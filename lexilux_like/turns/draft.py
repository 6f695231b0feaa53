"""An answer in the making: what has come, what the consumer has seen, what may still change."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator

from ..values.results import Join
from ..wire.document import is_array, is_object
from .cut import Cut
from .farewell import BARE_FENCE, begun, is_chatter, is_nothing, unsigned
from .hold import Hold
from .jsonscan import JSONScanner
from .partial import PartialJSON
from .seam import Seam, find_seam, in_fence, may_follow, own_words, restarts, untrimmed

MOST_ENDS = 1_000
"""So many ends of pieces are remembered."""
BATCH = 8_000
"""So many characters are looked at together where nothing is handed out before the end."""
COMPACT_EVERY = 1_024
"""So many stretches that were handed out are joined, so that a long stream takes little memory."""
PATIENCE = 1_500
"""A reply that has grown by so much beyond what must come back is judged as it is."""

_LEAD = re.compile(r"[{\[]")


class Draft:
    """One answer out of several replies.

    Args:
        expects_json: The answer is one JSON value; what stands around it is left out.
        live: Text is handed out as it comes, and then stays as it is.
    """

    def __init__(self, *, expects_json: bool, live: bool) -> None:
        self.expects_json = expects_json
        self.live = live
        self.released = 0
        self.signed: bool | None = None
        """Whether the last reply ended with the sentinel; None where it had none."""
        self.overran = False
        """Whether something stood behind the end of a JSON answer, and was left out."""
        self.spoiled = False
        """Whether something was handed out that may not belong to the answer."""
        self._settled: list[str] = []
        self._compacted = 0
        """So many of them have been joined from shorter ones."""
        self._hold = Hold()
        self._sentinel: str | None = None
        self._scanner = JSONScanner() if expects_json else None
        self._plain = False
        self._cut: Cut | None = None
        self._fresh: list[str] = []
        """Pieces of the reply that have not been looked at."""
        self._due = 0
        """After fewer characters than these there is nothing to be done about them."""
        self._reply: list[str] = []
        self._size = 0
        self._seam: Seam | None = None
        self._lead: list[str] = []
        """What stands before a JSON answer."""
        self._ended = False
        self._behind: list[str] = []
        self._length = 0
        self._moved = 0
        """What is at n in the reply is at `n + _moved` in the text."""
        self._ends: deque[int] = deque([0], MOST_ENDS)
        self._pieces: deque[str] = deque(maxlen=MOST_ENDS)
        """The last ones of the reply; their ends are not in `_ends` yet."""

    @property
    def text(self) -> str:
        """All that is joined, handed out or not."""
        self._catch_up()
        return "".join(self._settled) + self._hold.text

    @property
    def ends(self) -> frozenset[int]:
        """Where the last pieces that the server sent end in the text: between two tokens."""
        self._keep_ends()
        return frozenset(self._ends)

    @property
    def received(self) -> str:
        """The last reply, as far as it has come."""
        if self._cut is None:
            return "".join((*self._lead, self.text, *self._behind))
        self._catch_up()
        return "".join(self._reply)

    @property
    def handed_out(self) -> str:
        """What the consumer has seen."""
        return self.text[: self.released]

    @property
    def json_done(self) -> bool:
        """Whether the answer is a JSON value that is whole."""
        self._catch_up()
        return self._scanner is not None and self._scanner.at_end()

    @property
    def json_broken(self) -> bool:
        """Whether JSON was expected, and what came cannot become any."""
        self._catch_up()
        return self._scanner is not None and self._scanner.broken is not None

    @property
    def short(self) -> bool:
        """Whether the last reply ended before it came to what is missing."""
        return self._seam is not None and self._seam.short

    @property
    def is_json(self) -> bool:
        """Whether the answer is JSON: it was expected, or all that came is the beginning of some.

        Then it ends where its value ends, unless more follows than models put behind one. A
        value that is whole, of an answer that is not, is taken for text.
        """
        if self.expects_json:
            return not self.json_broken
        if self._scanner is None and not self._plain and self.text.lstrip()[:1] in ("{", "["):
            self._scanner = JSONScanner()
            self._scanner.feed(self.text)
        if self._scanner is not None and (self.json_broken or self.json_done):
            self._scanner = None  # a line of several, perhaps
        return self._scanner is not None

    def begin(self, cut: Cut | None, *, sentinel: str | None = None) -> None:
        """A reply is going to come: the rest of a cut answer, or (None) one from the start."""
        self._keep_ends()
        if cut is None:
            self._scanner = JSONScanner() if self.expects_json else None
            self._rewrite("")
        self._cut, self._seam, self._sentinel = cut, None, sentinel
        self._reply, self._lead, self._behind = [], [], []
        self._pieces.clear()
        self._ended, self.overran, self.signed = False, False, None
        self._due = self._size = self._moved = 0

    def feed(self, delta: str) -> str:
        """Take the next piece of a reply in; returns what can be handed out now."""
        self._fresh.append(delta)
        self._pieces.append(delta)
        self._due -= len(delta)
        if self._due > 0:
            return ""
        self._catch_up()
        if not self.live:
            self._due = BATCH
            return ""
        if self._cut is not None and self._seam is None and not self._find_seam(self._cut):
            return ""
        handed_out = self._release()
        self._due = self._hold.room
        return handed_out

    def end(self, *, cut_again: bool, trusted: bool = False) -> Join:
        """The reply is over; says what proved where it joins.

        Args:
            cut_again: It was cut itself.
            trusted: It answers a prefill, and the server is known to go on from one.
        """
        self._catch_up()
        cut, reply = self._cut, "".join(self._reply)
        if cut is None:
            return "first"
        if self._seam is None:
            seam = _last_seam(cut, reply, cut_again=cut_again, trusted=trusted)
            if seam is None:
                return self._take_whole(cut, reply) if not (cut_again or self.live) else "none"
            self._join(cut, seam, reply)
        assert self._seam is not None
        if self._scanner is None:
            sure = self._trim(self._seam, cut_again=cut_again)
        else:
            behind = "".join(self._behind)
            sure = self.expects_json or is_nothing(self.text, behind)
            self.overran = sure and bool(behind.strip())
        if sure:
            return self._seam.how
        if self._scanner is not None:  # a text that began like JSON
            self._scanner, self._plain = None, True
        self.spoiled = self.released > len(cut.text)
        if not self.spoiled:
            self._rewrite(cut.text)
        return "none"

    def restore(self, text: str) -> None:
        """Go back to what there was: an answer from the start did not come as far."""
        self._rewrite(text)

    def rest(self) -> str:
        """What was held back, at the end of the answer."""
        self._catch_up()
        held = self._hold.text
        self._hold.replace("")
        self._settle(held)
        return held

    def _rewrite(self, text: str) -> None:
        """Nothing but `text` has come, as far as it is known; what was handed out stands."""
        self._keep_ends()
        if self.live:
            self._hold.replace(text[self.released :])
        else:
            self._settled = [text]
        self._length = len(text)
        self._ends = deque((end for end in self._ends if end <= len(text)), MOST_ENDS)
        if self._scanner is not None:
            self._scanner = JSONScanner()
            self._scanner.feed(text)

    def _find_seam(self, cut: Cut) -> bool:
        """Whether it is known by now where the reply joins."""
        reply = "".join(self._reply)
        self._reply = [reply]
        self._due = len(reply) // 8
        needed = len(cut.tail) + len(cut.anchor) + PATIENCE
        over = len(reply) > needed and not restarts(cut, reply)
        seam = find_seam(cut, reply, over=over)
        if seam is not None:
            self._join(cut, seam, reply)
        return seam is not None

    def _join(self, cut: Cut, seam: Seam, reply: str) -> None:
        self._rewrite(cut.text[: seam.begin])
        self._seam, self._moved = seam, seam.begin - seam.end
        self._take(reply[seam.end :])

    def _keep_ends(self) -> None:
        """Keep where the pieces of the reply end, as far as they are in the text."""
        self._catch_up()
        if self._placed:
            first = self._seam.end if self._seam else 0
            ends = (end + self._moved for end in self._reply_ends() if end > first)
            self._ends.extend(sorted({min(end, self._length) for end in ends if end > 0}))
            self._pieces.clear()

    def _reply_ends(self) -> Iterator[int]:
        """Where pieces end in the reply, the last one first."""
        end = self._size
        for piece in reversed(self._pieces):
            yield end
            end -= len(piece)

    def _take_whole(self, cut: Cut, reply: str) -> Join:
        """A reply that is a whole answer of its own takes the place of the one that was cut."""
        whole = other_answer(cut, reply, sentinel=self._sentinel)
        if whole is None:
            return "none"
        self._rewrite(whole)
        return "restarted"

    @property
    def _placed(self) -> bool:
        """Whether it is known where the reply stands in the text."""
        return self._cut is None or self._seam is not None

    def _catch_up(self) -> None:
        """Take in what has come since the last look."""
        if not self._fresh:
            return
        came = "".join(self._fresh)
        self._fresh.clear()
        self._size += len(came)
        if self._cut is not None:
            self._reply.append(came)
        if self._placed:
            self._take(came)

    def _take(self, text: str) -> None:
        """Add what belongs to the answer."""
        if self._ended:
            self._behind.append(text)
            return
        if self._scanner is not None:
            text = self._scan(self._scanner, text)
        self._length += len(text)
        if not self.live:
            self._settled.append(text)
        else:
            self._hold.text += text

    def _scan(self, scanner: JSONScanner, text: str) -> str:
        """The part of a text that belongs to the JSON value."""
        if scanner.begin is None:
            found = _LEAD.search(text)
            begin = found.start() if found else len(text)
            self._lead.append(text[:begin])
            self._moved -= begin
            text = text[begin:]
        scanner.feed(text)
        if scanner.end is None:
            return text
        end = len(text) - (scanner.offset - scanner.end)
        self._ended = True
        self._behind.append(text[end:])
        return text[:end]

    def _release(self) -> str:
        """Hand out what can no longer change."""
        if self._sentinel and self._sentinel in self._hold.text:
            return ""
        released = self._hold.release()
        if released:
            self._settle(released)
        return released

    def _settle(self, text: str) -> None:
        self._settled.append(text)
        if self.live:
            self.released += len(text)
            if len(self._settled) - self._compacted > COMPACT_EVERY:
                self._settled[self._compacted :] = ["".join(self._settled[self._compacted :])]
                self._compacted += 1

    def _trim(self, seam: Seam, *, cut_again: bool) -> bool:
        """Take off what a reply has behind the answer; False where its end cannot be trusted."""
        own = self._hold.text if self.live else self._settled.pop()
        behind = "".join(self._behind)
        if self._sentinel and not self._ended:
            own, signature, behind = unsigned(own, self._sentinel, cut_again=cut_again)
            self._ended = bool(signature)
        sure = True
        if self._ended:
            own = own.rstrip()
            self.signed = is_nothing("".join(self._settled) + own, behind)
            sure = self.signed or self.live  # what stands before it is right in any case
        elif self._sentinel and cut_again:
            own = own[: len(own) - begun(self._sentinel, own)]
        elif self._sentinel:
            sure = not is_chatter("".join(self._reply)[seam.end :])
        if seam.fenced and not cut_again:
            own = self._without_wrapper(own)
        if self.live:
            self._hold.replace(own)
        else:
            self._settled.append(own)
        return sure

    def _without_wrapper(self, own: str) -> str:
        """The end of a reply without the fence that it closed and had opened itself."""
        found = BARE_FENCE.search(own)
        wrapped = found is not None and in_fence("".join(self._settled) + own)
        return own[: found.start()] if found and wrapped else own


def other_answer(cut: Cut, reply: str, *, sentinel: str | None) -> str | None:
    """A reply as a whole answer with other words; None where it does not look like one."""
    if not cut.anchor_at or untrimmed(reply).startswith(cut.kept.strip()):
        return None  # it may go on from what it was shown
    if not cut.is_json:
        return reply.partition(sentinel)[0] if sentinel and restarts(cut, reply) else None
    lead = _LEAD.search(reply)
    if lead is None or cut.text.lstrip()[0] != lead[0]:
        return None
    scanner = JSONScanner()
    scanner.feed(reply[lead.start() :])
    if scanner.end is None:
        return None
    text = reply[lead.start() :][: scanner.end]
    return text if _covers(text, cut.text) else None


def _covers(new: str, old: str) -> bool:
    """Whether a JSON document has all that the beginning of another one has, by its shape."""
    known = PartialJSON()
    known.feed(old)
    try:
        value: object = json.loads(new)
    except (ValueError, RecursionError):
        return False
    if is_object(known.value):
        return is_object(value) and known.value.keys() <= value.keys()
    # A list of what was left looks like a list of everything, but for where it begins.
    return is_array(value) and is_array(known.value) and value[:1] == known.value[:1] != []


def _last_seam(cut: Cut, reply: str, *, cut_again: bool, trusted: bool) -> Seam | None:
    """The seam of a reply that is over."""
    short = Seam(len(cut.text), len(reply), "repeated", short=True)
    if reply.strip() and cut.tail.startswith(reply.strip()) and reply.strip() != cut.tail.strip():
        return short if cut_again else None
    seam = find_seam(cut, reply, over=True)
    if seam is not None and seam.how == "reworded":
        joined = cut.text[: seam.begin] + reply[seam.end :]
        if cut.text.startswith(joined) or (cut_again and len(joined) <= len(cut.text)):
            return short if cut_again else None
    if seam is None and trusted and may_follow(cut, reply) and not restarts(cut, reply):
        return own_words(cut, reply)
    return seam
