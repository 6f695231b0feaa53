"""An answer in the making: what has come, what the consumer has seen, what may still change."""

from __future__ import annotations

import json
import re
from collections import deque
from itertools import accumulate

from ..values.results import Join
from ..wire.document import is_array, is_object
from .cut import Cut, is_safe, is_unique
from .jsonscan import JSONScanner
from .partial import PartialJSON
from .seam import Seam, find_seam, in_fence, may_follow, own_words, restarts, untrimmed

HELD = 24
"""Characters that a stream holds back at least, in steps of as many."""
MOST_HELD = 2_000
"""Where the end of the text repeats itself a stream holds back more, but no more than that."""
RECENT = 8_000
"""So many characters back a repetition is looked for, before text is handed out."""
MOST_ENDS = 1_000
"""So many ends of pieces are remembered."""
PATIENCE = 1_500
"""A reply that has grown by so much beyond what must come back is judged as it is."""

_CHATTER = re.compile(
    r"\b(?:let me know|feel free|hope (?:this|that|it)|would you like|happy to|anything else"
    r"|if you(?:'d| would| need| have)|as requested|that(?:'s| is) (?:all|the)|end of|note that i"
    r"|complete[sd]?\b.{0,30}(?:response|answer|message|document)"
    r"|i(?:'ve| have) (?:now )?(?:completed|finished)"
    r"|bei fragen|ich hoffe|gern(?:e)? weiter|espero que|n'hésitez pas|j'espère|hazme saber)\b"
    r"|希望这|希望对|如果你|如果您|如需|请告诉我|请随时|お役に立|お知らせください|ご質問",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"\n\s*\n")
_BARE_FENCE = re.compile(r"\n?[ \t]*(?:```|~~~)[ \t]*\s*\Z")
_MARK = re.compile(r"\W*(?:END(?:-[0-9]+)?)?\W*")
"""Nothing, or a sentinel in whatever dress."""
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
        self._held = ""
        self._recent = ""
        self._sentinel: str | None = None
        self._scanner = JSONScanner() if expects_json else None
        self._plain = False
        self._lead = ""
        self._cut: Cut | None = None
        self._reply: list[str] = []
        self._seam: Seam | None = None
        self._ended = False
        self._behind: list[str] = []
        self._size = self._tried = 0
        self._length = 0
        self._ends: deque[int] = deque([0], MOST_ENDS)

    @property
    def text(self) -> str:
        """All that is joined, handed out or not."""
        return "".join(self._settled) + self._held

    @property
    def ends(self) -> frozenset[int]:
        """Where the last pieces that the server sent end in the text: between two tokens."""
        return frozenset(self._ends)

    @property
    def received(self) -> str:
        """The last reply, as far as it has come."""
        return "".join(self._reply)

    @property
    def handed_out(self) -> str:
        """What the consumer has seen."""
        return self.text[: self.released]

    @property
    def json_done(self) -> bool:
        """Whether the answer is a JSON value that is whole."""
        return self._scanner is not None and self._scanner.at_end()

    @property
    def json_broken(self) -> bool:
        """Whether JSON was expected, and what came cannot become any."""
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
        if cut is None:
            self._scanner = JSONScanner() if self.expects_json else None
            self._rewrite("")
        self._lead = ""
        self._cut, self._seam, self._sentinel = cut, None, sentinel
        self._reply, self._behind = [], []
        self._ended, self.overran, self.signed = False, False, None
        self._size = self._tried = 0

    def feed(self, delta: str) -> str:
        """Take the next piece of a reply in; returns what can be handed out now."""
        self._reply.append(delta)
        if self._cut is None or self._seam is not None:
            self._take(delta)
            return self._release()
        self._size += len(delta)
        if not self.live or self._size < self._tried:
            return ""
        reply = "".join(self._reply)
        self._tried = len(reply) + len(reply) // 8
        needed = len(self._cut.tail) + len(self._cut.anchor) + PATIENCE
        over = len(reply) > needed and not restarts(self._cut, reply)
        seam = find_seam(self._cut, reply, over=over)
        if seam is None:
            return ""
        self._join(self._cut, seam, reply)
        return self._release()

    def end(self, *, cut_again: bool, trusted: bool = False) -> Join:
        """The reply is over; says what proved where it joins.

        Args:
            cut_again: It was cut itself.
            trusted: It answers a prefill, and the server is known to go on from one.
        """
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
            sure = self.expects_json or self._is_nothing(self.text, behind)
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
        held, self._held = self._held, ""
        self._settle(held)
        return held

    def _rewrite(self, text: str) -> None:
        """Nothing but `text` has come, as far as it is known; what was handed out stands."""
        if self.live:
            self._held = text[self.released :]
        else:
            self._settled = [text]
        self._length = len(text)
        self._ends = deque((end for end in self._ends if end <= len(text)), MOST_ENDS)
        if self._scanner is not None:
            self._scanner = JSONScanner()
            self._scanner.feed(text)

    def _join(self, cut: Cut, seam: Seam, reply: str) -> None:
        self._rewrite(cut.text[: seam.begin])
        self._seam = seam
        self._take(reply[seam.end :])
        moved = seam.begin - seam.end
        ends = accumulate(len(piece) for piece in self._reply)
        self._ends.extend(end + moved for end in ends if end > seam.end)

    def _take_whole(self, cut: Cut, reply: str) -> Join:
        """A reply that is a whole answer of its own takes the place of the one that was cut."""
        whole = other_answer(cut, reply, sentinel=self._sentinel)
        if whole is None:
            return "none"
        self._rewrite(whole)
        return "restarted"

    def _take(self, delta: str) -> None:
        """Add what belongs to the answer."""
        if self._ended:
            self._behind.append(delta)
            return
        if self._scanner is not None:
            delta = self._scan(self._scanner, delta)
        self._length += len(delta)
        self._ends.append(self._length)
        if not self.live:
            self._settled.append(delta)
        else:
            self._held += delta

    def _scan(self, scanner: JSONScanner, delta: str) -> str:
        """The part of a delta that belongs to the JSON value."""
        if scanner.begin is None:
            self._lead += delta
            found = _LEAD.search(self._lead)
            if found is None:
                return ""
            delta, self._lead = self._lead[found.start() :], ""
        scanner.feed(delta)
        if scanner.end is None:
            return delta
        end = len(delta) - (scanner.offset - scanner.end)
        self._ended = True
        self._behind.append(delta[end:])
        return delta[:end]

    def _release(self) -> str:
        """Hand out up to a boundary behind which the text can be gone on from."""
        held = self._held
        if len(held) < 2 * HELD or (self._sentinel and self._sentinel in held):
            return ""
        latest = len(held) - HELD
        at = next(
            (i for i in range(latest, 0, -1) if held[i - 1].isspace() and is_safe(held, i)), 0
        )
        at = at or next((i for i in range(latest, 0, -1) if is_safe(held, i)), 0)
        if not at:
            return ""
        recent = self._recent + held
        if len(held) < MOST_HELD and recent.find(held[at:]) < len(recent) - len(held) + at:
            return ""
        self._held = held[at:]
        self._settle(held[:at])
        return held[:at]

    def _settle(self, text: str) -> None:
        self._settled.append(text)
        if self.live:
            self.released += len(text)
            self._recent = (self._recent + text)[-RECENT:]

    def _trim(self, seam: Seam, *, cut_again: bool) -> bool:
        """Take off what a reply has behind the answer; False where its end cannot be trusted."""
        own = self._held if self.live else self._settled.pop()
        behind = "".join(self._behind)
        if self._sentinel and not self._ended:
            own, signature, behind = _unsigned(own, self._sentinel, cut_again=cut_again)
            self._ended = bool(signature)
        sure = True
        if self._ended:
            own = own.rstrip()
            self.signed = self._is_nothing("".join(self._settled) + own, behind)
            sure = self.signed or self.live  # what stands before it is right in any case
        elif self._sentinel and cut_again:
            own = own[: len(own) - _begun(self._sentinel, own)]
        elif self._sentinel:
            sure = not is_chatter("".join(self._reply)[seam.end :])
        if seam.fenced and not cut_again:
            own = self._without_wrapper(own)
        if self.live:
            self._held = own
        else:
            self._settled.append(own)
        return sure

    def _is_nothing(self, text: str, behind: str) -> bool:
        """Whether what stands behind an answer may be left out: a courtesy, or it all again."""
        behind = _BARE_FENCE.sub("", behind).strip()
        start = text.lstrip()[:HELD]
        again = behind.startswith(start) and is_unique(text, start)
        chatter = all(map(is_chatter, _PARAGRAPH.split(behind)))
        return _MARK.fullmatch(behind) is not None or chatter or again

    def _without_wrapper(self, own: str) -> str:
        """The end of a reply without the fence that it closed and had opened itself."""
        found = _BARE_FENCE.search(own)
        wrapped = found is not None and in_fence("".join(self._settled) + own)
        return own[: found.start()] if found and wrapped else own


def _unsigned(text: str, sentinel: str, *, cut_again: bool) -> tuple[str, str, str]:
    """The text before the sentinel, the sentinel, and what stands behind it.

    At the end of a reply that was not cut, what resembles the sentinel counts as well.
    """
    before, signature, behind = text.partition(sentinel)
    if signature:
        for dress in ("**", "`"):
            if before.endswith(dress) and behind.startswith(dress):
                before, behind = before[: -len(dress)], behind[len(dress) :]
        return before, signature, behind
    word = sentinel.strip("[]")
    alike = re.search(rf"(?:[\[<({{*]+|\n)[ \t]*{word}[\]>)}}*]*\s*\Z", text)
    if alike is None or cut_again:
        return text, "", ""
    return text[: alike.start()], alike[0], ""


def _begun(sentinel: str, text: str) -> int:
    """How many characters at the end of a text are the sentinel's first ones."""
    return next((n for n in range(len(sentinel), 0, -1) if text.endswith(sentinel[:n])), 0)


def is_chatter(text: str) -> bool:
    """Whether the last paragraph is addressed to the user rather than part of an answer."""
    last = _PARAGRAPH.split(text.strip())[-1]
    return len(last) < 400 and _CHATTER.search(last) is not None


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
