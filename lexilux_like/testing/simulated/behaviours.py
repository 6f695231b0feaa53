"""The behaviours: a name, what it does, where it was seen, the traits that add up to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from . import passages
from . import traits as t
from .documents import is_json
from .drafts import Trait
from .phrases import (
    FOREIGN_POSTAMBLES,
    FOREIGN_PREAMBLES,
    LONG_PREAMBLES,
    POSTAMBLES,
    PREAMBLES,
    REFUSALS,
)

KNOWN = "known to whoever continues answers; no rates are published"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a model goes on after a cut."""

    name: str
    says: str
    """What it does, in a line."""
    traits: tuple[Trait, ...] = ()
    """Applied in order to the rest of the document, when it is asked to go on."""
    evidence: str = KNOWN
    """Where it was seen: threads of repositories on GitHub, or in words."""
    always: tuple[Trait, ...] = ()
    """Applied to every reply, the first one and fresh ones too."""
    only: Literal["json", "text"] | None = None
    """The documents that it is about."""
    undecidable: Literal["always", "text", "periodic"] | None = None
    """The documents where nobody could tell its reply from a whole and faithful one."""

    @property
    def stubborn(self) -> bool:
        """Whether it ignores the anchor that it is asked for."""
        return not any(trait in OBEDIENT for trait in self.traits)

    def fits(self, document: str) -> bool:
        """Whether it is about such a document."""
        return self.only is None or (self.only == "json") == is_json(document)

    def decidable(self, document: str) -> bool:
        """Whether a perfect reader could tell what it does to such a document."""
        match self.undecidable:
            case "text":
                return is_json(document)
            case "periodic":
                lines = document.splitlines()
                return document.find(document[:20], 1) < 0 and len(lines) == len(set(lines))
            case _:
                return self.undecidable is None


def _quoted(anchor: str) -> str:
    return f'"{anchor}"'


def _block(anchor: str) -> str:
    return "> " + anchor.replace("\n", "\n> ") + "\n\n"


def _reflowed(anchor: str) -> str:
    return re.sub(r"\s+", " ", anchor)


def _curled(anchor: str) -> str:
    return anchor.replace('"', "\u201d").replace("'", "\u2019").replace("-", "\u2013")


QUOTED, BLOCK, REFLOWED, CURLED = map(t.anchored_as, (_quoted, _block, _reflowed, _curled))
OBEDIENT = (t.anchored, QUOTED, BLOCK, REFLOWED, CURLED)
"""The traits that give the anchor back, in one form or another."""
OBEYING = (t.anchored, t.signed)
DFIR = "hasamba/DFIR-Companion#210"
FENCES = "hackerai-tech/hackerai#1165"
LOOPS = "Boise-State-Development/agentcore-public-stack#328"
ECHOES = "juzeon/SydneyQt#123; anima-research/agent-framework#135"
SPACE = "vercel/ai#3112, #3123, #6247: white space at the cut is unknowable"
CONSTRAINED = "ollama#16674: a grammar starts at its root, whatever stands before"
THINKS = "NousResearch/hermes-agent#83915, #99622; huggingface/chat-ui#2383"
FINISH = "qwen-code#9884, litellm#10768, #40260, earendil-works/pi#8460, vllm#58228"


def both(
    name: str,
    says: str,
    *habits: Trait,
    evidence: str = KNOWN,
    only: Literal["json", "text"] | None = None,
    undecidable: Literal["text", "periodic"] | None = None,
) -> tuple[Behaviour, Behaviour]:
    """A habit of a model that otherwise obeys, and of one that ignores what it is asked."""
    return (
        Behaviour(name, says, (*OBEYING, *habits), evidence, only=only, undecidable=undecidable),
        Behaviour(
            f"{name}_stubborn",
            f"{says} Ignores the anchor.",
            habits,
            evidence,
            only=only,
            undecidable=undecidable,
        ),
    )


STRAIGHT = (
    Behaviour("obedient", "Writes the anchor, the rest and the sentinel.", OBEYING),
    Behaviour("unsigned", "Writes the anchor and the rest.", (t.anchored,)),
    Behaviour("exact", "Goes straight on at the end of what it sees."),
    Behaviour("exact_signed", "Goes straight on, and writes the sentinel.", (t.signed,)),
)
REPEATS = (
    *(
        Behaviour(f"repeat_{k}", f"Repeats the last {k} characters.", (t.repeating(t.back(k)),))
        for k in (1, 3, 8, 20, 60)
    ),
    Behaviour("repeat_word", "Repeats the last word.", (t.repeating(passages.last_word),)),
    Behaviour("repeat_line", "Repeats the last line.", (t.repeating(passages.last_line),)),
    Behaviour(
        "repeat_sentence", "Repeats the last sentence.", (t.repeating(passages.last_sentence),)
    ),
    Behaviour(
        "repeat_paragraph",
        "Repeats the last paragraph.",
        (t.repeating(passages.last_paragraph),),
        ECHOES,
    ),
    Behaviour(
        "repeat_element",
        "Repeats the JSON element that was cut.",
        (t.repeating(passages.last_element),),
        only="json",
    ),
    Behaviour(
        "restart_key",
        "Repeats the JSON member that was cut, from its key on.",
        (t.repeating(passages.last_member),),
        only="json",
    ),
    Behaviour(
        "restart_number",
        "Repeats a number at the end of what it sees.",
        (t.repeating(t.last_match(r"-?\d[\d.eE+-]*")),),
    ),
    Behaviour(
        "restart_keyword",
        "Repeats a true, false or null that was cut.",
        (t.repeating(t.last_match(r"\bt(?:ru?)?|\bf(?:a(?:ls?)?)?|\bn(?:ul?)?")),),
        only="json",
    ),
    Behaviour(
        "restart_escape",
        "Repeats an escape that was cut, or the first half of a surrogate pair.",
        (t.repeating(t.last_match(r"(?:\\u[dD][89abAB]..)?\\(?:u\w{0,3})?|\\u[dD][89abAB]..")),),
        only="json",
    ),
)
RESTARTS = (
    Behaviour("restart_document", "Writes the same document again.", (t.restarting,), DFIR),
    Behaviour(
        "restart_fenced",
        "Writes the same document again, in a fence.",
        (t.restarting, t.fenced(None)),
        DFIR,
    ),
    Behaviour("restart_other", "Writes another document instead.", (t.restarting_otherwise,), DFIR),
    Behaviour(
        "restart_other_fenced",
        "Writes another document instead, in a fence.",
        (t.restarting_otherwise, t.fenced(None)),
        DFIR,
    ),
    Behaviour(
        "restart_announced",
        "Says that it starts over, and writes the same document again.",
        (t.restarting, t.saying("Let me provide the complete answer again:\n\n")),
        DFIR,
    ),
    Behaviour(
        "never_advances",
        "Answers afresh each time, and is cut at the same place.",
        (t.afresh,),
        LOOPS,
    ),
)
LEADS = (
    *both("preamble", "Announces the rest first.", t.saying(*PREAMBLES)),
    *both("preamble_foreign", "Announces it in another language.", t.saying(*FOREIGN_PREAMBLES)),
    *both("preamble_long", "Announces it in two lines.", t.saying(*LONG_PREAMBLES)),
    *both(
        "preamble_fenced",
        "Announces it, and puts it in a fence.",
        t.fenced(None),
        t.saying(*PREAMBLES),
        evidence="mem0ai/mem0#4414, Alcova-AI/adk-anthropic-go#8",
    ),
    *both("fence", "Opens a fence again, and closes it.", t.fenced(None), evidence=FENCES),
    *both("fence_bare", "Puts it in a fence that names nothing.", t.fenced(""), evidence=FENCES),
    *both("ellipsis", "Begins with three dots.", t.saying("...", "... ")),
    *both("ellipsis_sign", "Begins with an ellipsis.", t.saying("…", "… ", "[…] ")),
    *both("lost_space", "Loses the white space before the reply.", t.stripped, evidence=SPACE),
    *both("extra_space", "Puts a space first.", t.saying(" "), evidence=SPACE),
    *both("extra_newline", "Puts a new line first.", t.saying("\n"), evidence=SPACE),
    *both("extra_paragraph", "Puts an empty line first.", t.saying("\n\n"), evidence=SPACE),
    Behaviour("quoted_anchor", "Puts the anchor in quotation marks.", (QUOTED, t.signed)),
    Behaviour("block_anchor", "Puts the anchor in a > block.", (BLOCK, t.signed)),
    Behaviour(
        "reflowed_anchor", "Writes the anchor with single spaces in it.", (REFLOWED, t.signed)
    ),
    Behaviour("curled_anchor", "Writes the anchor with typographic signs.", (CURLED, t.signed)),
    Behaviour(
        "glued_anchor", "Loses white space after the anchor.", (*OBEYING, t.joined_with("")), SPACE
    ),
    Behaviour(
        "parted_anchor",
        "Puts an empty line between the anchor and the rest.",
        (*OBEYING, t.joined_with("\n\n")),
        SPACE,
    ),
    Behaviour(
        "copied_instruction",
        "Copies the end of the instruction first.",
        (*OBEYING, t.copying_instruction),
    ),
)
CONTENTS = (
    *both(
        "reworded",
        "Says the rest of the cut sentence in other words.",
        t.rewording,
        undecidable="periodic",
    ),
    Behaviour(
        "paraphrased",
        "Repeats the last sentence in other words.",
        (t.paraphrasing,),
        undecidable="periodic",
    ),
    *both(
        "gap", "Leaves out the rest of the cut line or element.", t.skipping, undecidable="periodic"
    ),
    *both(
        "skips_passage",
        "Leaves out the next forty characters.",
        t.skipping_passage,
        undecidable="text",
    ),
    *both("indented", "Indents the rest otherwise.", t.restyled("wide"), only="json"),
    *both("minified", "Leaves out the white space.", t.restyled("none"), only="json"),
    *both("unescaped", "Writes characters for escapes.", t.unescaping, only="json"),
    Behaviour(
        "constrained",
        "Writes a new value with the remainder, where a response_format binds it.",
        (*OBEYING, t.when_constrained(t.remainder)),
        CONSTRAINED,
        only="json",
    ),
    Behaviour(
        "remainder", "Writes a new value with the remainder.", (t.remainder,), KNOWN, only="json"
    ),
    Behaviour(
        "lazy",
        "Ends early, as if that were all.",
        (*OBEYING, t.lazy),
        undecidable="always",
    ),
)
ENDS = (
    Behaviour(
        "postamble", "Adds a courtesy for the sentinel.", (t.anchored, t.ending(*POSTAMBLES))
    ),
    Behaviour(
        "postamble_stubborn", "Adds a courtesy, and obeys nothing.", (t.ending(*POSTAMBLES),)
    ),
    Behaviour(
        "postamble_foreign",
        "Adds a courtesy in another language.",
        (t.anchored, t.ending(*FOREIGN_POSTAMBLES)),
    ),
    Behaviour("postamble_signed", "Adds a courtesy after it.", (*OBEYING, t.ending(*POSTAMBLES))),
    Behaviour(
        "postamble_only",
        "Says a courtesy, and nothing else.",
        (t.only(*(text.strip() for text in POSTAMBLES)),),
        always=(t.spent_at_end,),
    ),
    Behaviour(
        "sentinel_line",
        "Writes the sentinel on a line of its own.",
        (t.anchored, t.ending("\n", "\n\n"), t.signed),
    ),
    Behaviour(
        "sentinel_early",
        "Writes the sentinel in the middle.",
        (t.anchored, t.signed_early, t.signed),
    ),
    Behaviour(
        "sentinel_always", "Writes the sentinel though it is cut.", (t.anchored, t.signed_always)
    ),
    Behaviour(
        "sentinel_dressed",
        "Puts the sentinel in stars or code.",
        (t.anchored, t.signed_as("**[[{}]]**", "`[[{}]]`", "\n\n**[[{}]]**")),
    ),
    Behaviour(
        "sentinel_deformed",
        "Writes something that is not quite the sentinel.",
        (t.anchored, t.signed_as("[{}]", "\n[[{}]", "<<{}>>", "\n\n{}")),
    ),
    Behaviour(
        "overruns",
        "Writes the sentinel, and begins the document again.",
        (*OBEYING, t.overrunning),
        ECHOES,
    ),
    Behaviour(
        "overruns_stubborn",
        "Begins the document again at its end.",
        (t.overrunning,),
        ECHOES,
        only="json",
    ),
    Behaviour("blank", "Says white space only.", (t.only("\n \n"),)),
    Behaviour("empty", "Says nothing.", (t.only(""),), "NousResearch/hermes-agent#100891"),
    Behaviour(
        "endless_blank",
        "Says white space without end.",
        (t.only("\n       " * 40, finish="length"),),
        "OpenAI's documentation of json_object",
    ),
    Behaviour("self_echo", "Repeats the last paragraph for ever.", (t.echoing,), ECHOES),
    Behaviour("refuses", "Refuses to go on.", (t.only(*REFUSALS),)),
    Behaviour(
        "filtered",
        "Is stopped by a filter in the middle.",
        (*OBEYING, t.filtered),
        "experientiallabs/experiential#962",
    ),
)


def cutting(name: str, says: str, *always: Trait, evidence: str = FINISH) -> Behaviour:
    """An obedient model behind a server with a habit of its own."""
    return Behaviour(name, says, OBEYING, evidence, always)


SERVERS = (
    cutting("length_at_end", "Is cut when nothing is missing.", t.spent_at_end),
    cutting("length_always", "Says length, though it is whole.", t.finishing("length")),
    Behaviour(
        "length_always_stubborn",
        "Goes straight on, and says length though it is whole.",
        always=(t.finishing("length"),),
        evidence=FINISH,
    ),
    cutting("cut_stop", "Says stop though it was cut.", t.cut_finishing("stop")),
    Behaviour(
        "cut_stop_uncounted",
        "Says stop though it was cut, and reports no usage.",
        OBEYING,
        FINISH,
        (t.cut_finishing("stop"), t.uncounted),
        undecidable="text",
    ),
    cutting("cut_null", "Gives no reason for the cut.", t.cut_finishing(None)),
    cutting("cut_upper", "Says MAX_TOKENS.", t.cut_finishing("MAX_TOKENS")),
    cutting("cut_model_length", "Says model_length.", t.cut_finishing("model_length")),
    cutting("cut_unknown", "Says a word that nobody knows.", t.cut_finishing("budget")),
    cutting("cut_tool_calls", "Says tool_calls, and has none.", t.cut_finishing("tool_calls")),
    cutting(
        "cut_character", "Leaves U+FFFD at a cut.", t.broken, evidence="exo#1691, vllm-mlx#109"
    ),
    cutting("trimmed", "Loses white space at both ends of each reply.", t.trimmed, evidence=SPACE),
    cutting("thinks", "Thinks until the budget is spent.", t.thinking, evidence=THINKS),
    Behaviour("thinks_later", "Thinks only when it goes on.", (*OBEYING, t.thinking), THINKS),
    Behaviour("overfull", "Has no room for the conversation any more: 400.", (t.overfull,), KNOWN),
    Behaviour(
        "capped",
        "Answers afresh each time, and refuses a larger max_tokens.",
        (t.afresh,),
        LOOPS,
        always=(t.capped,),
    ),
)
BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.name: behaviour
    for behaviour in (*STRAIGHT, *REPEATS, *RESTARTS, *LEADS, *CONTENTS, *ENDS, *SERVERS)
}
"""All of them, by name."""
