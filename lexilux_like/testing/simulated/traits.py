"""How a model goes on after a cut: small habits that add up to a behaviour."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from . import passages
from .drafts import ANCHOR_LINE, Draft, Trait, Turn, Where

OVERFULL = (
    "This model's maximum context length is 4096 tokens. However, your messages resulted in 4321"
    " tokens. Please reduce the length of the messages."
)
CAPPED = "max_tokens is too large. This model supports at most 4096 completion tokens."


def anchored(turn: Turn, draft: Draft) -> Draft:
    """Begins with the anchor, and with what follows it in the text so far."""
    if not turn.anchor:
        return draft
    found = turn.so_far.rfind(turn.anchor)
    between = turn.so_far[found + len(turn.anchor) :] if found >= 0 else ""
    return replace(draft, lead=draft.lead + turn.anchor + between)


def anchored_as(write: Callable[[str], str]) -> Trait:
    """Begins with the anchor, written in another way."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        return replace(draft, lead=write(turn.anchor) if turn.anchor else "")

    return trait


def repeating(where: Where) -> Trait:
    """Begins again at `where(text so far)`."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        return replace(draft, lead=turn.so_far[where(turn.so_far) :] + draft.lead)

    return trait


def back(count: int) -> Where:
    """So many characters before the end."""
    return lambda text: max(0, len(text) - count)


def last_match(pattern: str) -> Where:
    """Where `pattern` matches at the end; the end where it does not."""
    ending = re.compile(rf"(?:{pattern})\Z")

    def where(text: str) -> int:
        found = ending.search(text)
        return found.start() if found else len(text)

    return where


def saying(*phrases: str) -> Trait:
    """Says one of the phrases first; the seed chooses."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        return replace(draft, lead=turn.chance.choice(phrases) + draft.lead)

    return trait


def copying_instruction(turn: Turn, draft: Draft) -> Draft:
    """Says the last line of the instruction first."""
    line = ANCHOR_LINE if turn.anchor else f"{turn.prompt}\n"
    return replace(draft, lead=line + draft.lead)


def stripped(turn: Turn, draft: Draft) -> Draft:
    """Loses the white space with which the reply would begin."""
    if lead := draft.lead.lstrip():
        return replace(draft, lead=lead)
    return replace(draft, lead="", body=draft.body.lstrip())


def joined_with(space: str) -> Trait:
    """Puts other white space between what is repeated and what is new."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        return replace(draft, lead=draft.lead.rstrip() + space, body=draft.body.lstrip())

    return trait


def fenced(info: str | None) -> Trait:
    """Puts a code fence around it; None names the language, as far as it can be told."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        language = ("json" if turn.json else "markdown") if info is None else info
        return replace(draft, lead=f"```{language}\n{draft.lead}", tail=f"{draft.tail}\n```")

    return trait


def restarting(turn: Turn, draft: Draft) -> Draft:
    """Writes the whole document again."""
    return replace(draft, lead=turn.so_far)


def restarting_otherwise(turn: Turn, draft: Draft) -> Draft:
    """Writes the whole document again, in other words."""
    other = passages.reworded(turn.document, turn.chance, often=0.35)
    return replace(draft, lead=other[: turn.at], body=other[turn.at :], version=other)


def afresh(turn: Turn, draft: Draft) -> Draft:
    """Answers as if for the first time, with the first time's limit."""
    return replace(draft, lead="", body=turn.document, limit=turn.budget)


def rewording(turn: Turn, draft: Draft) -> Draft:
    """Says the rest of the sentence or element in other words, then goes on with the document."""
    end = (passages.element_end if turn.json else passages.sentence_end)(turn.document, turn.at)
    other = passages.reworded(turn.document, turn.chance, turn.at, end)
    return replace(draft, body=other[turn.at :], version=other)


def paraphrasing(turn: Turn, draft: Draft) -> Draft:
    """Says the last sentence or element again, in other words, then goes on."""
    find = passages.last_element if turn.json else passages.last_sentence
    start = find(turn.so_far)
    other = passages.reworded(turn.document, turn.chance, start, turn.at)
    said = other[start : len(other) - len(turn.rest)]
    return replace(draft, lead=said, version=other)


def skipping(turn: Turn, draft: Draft) -> Draft:
    """Leaves out the rest of the cut line, string or element."""
    before = turn.so_far.rstrip(" ")
    if not before or before[-1] in ("\n,[{" if turn.json else "\n"):
        return draft
    if not turn.json:
        end = turn.document.find("\n", turn.at)
        end = len(turn.document) if end < 0 else end
    elif passages.in_string(turn.so_far):
        end = passages.string_end(turn.document, turn.at)
    else:
        end = passages.element_end(turn.document, turn.at)
    return replace(draft, body=turn.document[end:])


def skipping_passage(turn: Turn, draft: Draft) -> Draft:
    """Leaves out the next forty characters, wherever it is."""
    return replace(draft, body=turn.rest[40:])


def restyled(space: str) -> Trait:
    """Writes the rest of the JSON with other white space: `"wide"` or `"none"`."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        return replace(draft, body=passages.restyled(turn.document, turn.at, space))

    return trait


def unescaping(turn: Turn, draft: Draft) -> Draft:
    """Writes the rest of the JSON without escapes that are not needed."""
    return replace(draft, body=passages.unescaped(draft.body))


def remainder(turn: Turn, draft: Draft) -> Draft:
    """Writes a new JSON value that holds the cut element and those after it."""
    start = passages.first_element(turn.so_far)
    return replace(draft, lead=turn.document[0] + turn.document[start : turn.at], tail="")


def when_constrained(trait: Trait) -> Trait:
    """Has the trait where the request has a response_format."""
    return lambda turn, draft: trait(turn, draft) if turn.constrained else draft


def lazy(turn: Turn, draft: Draft) -> Draft:
    """Ends after the sentence or element, as if that were all."""
    if not turn.json:
        return replace(
            draft, body=turn.document[turn.at : passages.sentence_end(turn.document, turn.at)]
        )
    end = passages.element_end(turn.document, turn.at)
    return replace(draft, body=turn.document[turn.at : end] + passages.closers(turn.document[:end]))


def only(*texts: str, finish: str | None = "stop") -> Trait:
    """Says one of the texts, and nothing else; the seed chooses."""
    return lambda turn, draft: Draft(lead=turn.chance.choice(texts), finish=finish)


def echoing(turn: Turn, draft: Draft) -> Draft:
    """Says the last paragraph again, and never anything else."""
    said = turn.so_far[passages.last_paragraph(turn.so_far) :]
    return Draft(lead=said, finish="length")


def signed(turn: Turn, draft: Draft) -> Draft:
    """Ends with the sentinel."""
    return replace(draft, tail=draft.tail + turn.sentinel)


def signed_as(*forms: str) -> Trait:
    """Ends with something like the sentinel: `"*{}*"` puts stars around its name."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        name = turn.sentinel.strip("[]")
        return replace(draft, tail=draft.tail + turn.chance.choice(forms).format(name))

    return trait


def signed_always(turn: Turn, draft: Draft) -> Draft:
    """Ends every reply with the sentinel, though it is cut."""
    return replace(draft, tail=draft.tail + turn.sentinel, cut_tail=turn.sentinel)


def signed_early(turn: Turn, draft: Draft) -> Draft:
    """Writes the sentinel in the middle, and goes on."""
    middle = len(draft.body) // 2
    return replace(draft, body=draft.body[:middle] + turn.sentinel + draft.body[middle:])


def ending(*phrases: str) -> Trait:
    """Says one of the phrases last; the seed chooses."""

    def trait(turn: Turn, draft: Draft) -> Draft:
        return replace(draft, tail=draft.tail + turn.chance.choice(phrases))

    return trait


def overrunning(turn: Turn, draft: Draft) -> Draft:
    """Begins the document again at its end, and is cut."""
    return replace(draft, tail=draft.tail + "\n\n" + turn.document[:120], finish="length")


def finishing(word: str | None) -> Trait:
    """Uses this finish word for a whole answer."""
    return lambda turn, draft: replace(draft, finish=word)


def spent_at_end(turn: Turn, draft: Draft) -> Draft:
    """Has spent its budget just when the text is whole, so that nothing follows."""
    if turn.ended or not draft.whole or not draft.body:
        return draft
    return replace(draft, tail="", finish="length")


def cut_finishing(word: str | None) -> Trait:
    """Uses this finish word for a cut answer."""
    return lambda turn, draft: replace(draft, cut_finish=word)


def uncounted(turn: Turn, draft: Draft) -> Draft:
    """Reports no usage."""
    return replace(draft, counted=False)


def filtered(turn: Turn, draft: Draft) -> Draft:
    """Is stopped by a content filter in the middle."""
    return replace(draft, body=draft.body[: len(draft.body) // 2], tail="", finish="content_filter")


def broken(turn: Turn, draft: Draft) -> Draft:
    """A cut before a character of several bytes leaves U+FFFD."""
    if draft.limit is None or draft.whole or draft.body[draft.limit].isascii():
        return draft
    return replace(draft, cut_tail="\ufffd")


def trimmed(turn: Turn, draft: Draft) -> Draft:
    """The server takes the white space from both ends of each reply."""
    finish = draft.finish if draft.whole else draft.cut_finish
    return replace(draft, lead=draft.text.strip(), body="", tail="", limit=None, finish=finish)


def thinking(turn: Turn, draft: Draft) -> Draft:
    """Thinks first, and that alone takes as much as the first request let it have."""
    thought = ("Let me think about this once more. " * (turn.cut // 35 + 1))[: turn.cut]
    left = max(0, turn.budget - turn.cut)
    return replace(draft, reasoning=thought, lead=draft.lead if left else "", limit=left)


def overfull(turn: Turn, draft: Draft) -> Draft:
    """The conversation does not fit into the context any more."""
    return Draft(error=OVERFULL)


def capped(turn: Turn, draft: Draft) -> Draft:
    """A larger max_tokens than the first one is refused."""
    return Draft(error=CAPPED) if turn.growth > 1 else draft
