"""The behaviours of simulated models: each goes on after a cut as its line says."""

from __future__ import annotations

from typing import Any

import pytest

from lexilux_like.testing.simulated.behaviours import BEHAVIOURS
from lexilux_like.testing.simulated.documents import KINDS, document, is_json
from lexilux_like.testing.simulated.drafts import ANCHOR_LINE
from lexilux_like.testing.simulated.model import SimulatedModel, SimulatedReply
from lexilux_like.testing.simulated.phrases import (
    FOREIGN_POSTAMBLES,
    FOREIGN_PREAMBLES,
    LONG_PREAMBLES,
    POSTAMBLES,
    PREAMBLES,
    REFUSALS,
)

USER = {"role": "user", "content": "Write it."}
END = "[[END]]"
TEXT = (
    "One fox. Two hens run.\nThree owls sit still.\n\nFour ants. The end, 12 times over, is near."
)
HEAD = TEXT[: TEXT.index("s sit")]
REST = TEXT[len(HEAD) :]
ANCHOR = "ree owl"
JSON = '{\n  "a": "caf\\u00e9 bar",\n  "b": [12, 345, true],\n  "c": {"d": null}\n}'
OPEN = JSON[: JSON.index("45, t")]
TAIL = JSON[len(OPEN) :]
QUOTE = ": [12, 3"


def prompt(anchor: str) -> dict[str, str]:
    return {"role": "user", "content": f"Go on; write {END} last.\n{ANCHOR_LINE}{anchor}"}


def goes_on(model: SimulatedModel, so_far: str, anchor: str, **fields: Any) -> SimulatedReply:
    """What it answers to a client that keeps `so_far` of what it has said."""
    if not model.requests:
        model.reply({"messages": [USER], **fields})
    said = {"role": "assistant", "content": so_far}
    return model.reply({"messages": [USER, said, prompt(anchor)], **fields})


def of_text(name: str, **options: Any) -> SimulatedReply:
    return goes_on(SimulatedModel(TEXT, name, cut=len(HEAD) + 9, **options), HEAD, ANCHOR)


def of_json(name: str, so_far: str = OPEN, **fields: Any) -> SimulatedReply:
    model = SimulatedModel(JSON, name, cut=len(OPEN) + 9)
    return goes_on(model, so_far, so_far[-len(QUOTE) :], **fields)


OBEYED = ANCHOR + REST + END
SAID = {
    "obedient": OBEYED,
    "unsigned": ANCHOR + REST,
    "exact": REST,
    "exact_signed": REST + END,
    "repeat_1": "l" + REST,
    "repeat_3": "owl" + REST,
    "repeat_8": "hree owl" + REST,
    "repeat_20": HEAD[-20:] + REST,
    "repeat_60": TEXT,
    "repeat_word": "owl" + REST,
    "repeat_line": "Three owl" + REST,
    "repeat_sentence": "Three owl" + REST,
    "repeat_paragraph": TEXT,
    "restart_document": TEXT,
    "restart_fenced": f"```markdown\n{TEXT}\n```",
    "restart_announced": f"Let me provide the complete answer again:\n\n{TEXT}",
    "fence": f"```markdown\n{OBEYED}\n```",
    "fence_stubborn": f"```markdown\n{REST}\n```",
    "fence_bare": f"```\n{OBEYED}\n```",
    "fence_bare_stubborn": f"```\n{REST}\n```",
    "extra_space": f" {OBEYED}",
    "extra_space_stubborn": f" {REST}",
    "extra_newline": f"\n{OBEYED}",
    "extra_newline_stubborn": f"\n{REST}",
    "extra_paragraph": f"\n\n{OBEYED}",
    "extra_paragraph_stubborn": f"\n\n{REST}",
    "quoted_anchor": f'"{ANCHOR}"{REST}{END}',
    "block_anchor": f"> {ANCHOR}\n\n{REST}{END}",
    "reflowed_anchor": OBEYED,
    "curled_anchor": OBEYED,
    "glued_anchor": OBEYED,
    "parted_anchor": f"{ANCHOR}\n\n{REST}{END}",
    "copied_instruction": ANCHOR_LINE + OBEYED,
    "gap": ANCHOR + TEXT[TEXT.index("\n\n") :] + END,
    "gap_stubborn": TEXT[TEXT.index("\n\n") :],
    "skips_passage": ANCHOR + REST[40:] + END,
    "skips_passage_stubborn": REST[40:],
    "lazy": f"{ANCHOR}s sit still.{END}",
    "sentinel_early": ANCHOR + REST[: len(REST) // 2] + END + REST[len(REST) // 2 :] + END,
    "sentinel_always": OBEYED,
    "overruns": f"{OBEYED}\n\n{TEXT}",
    "blank": "\n \n",
    "empty": "",
    "endless_blank": "\n       " * 40,
    "self_echo": HEAD,
    "filtered": ANCHOR + REST[: len(REST) // 2],
    "length_at_end": ANCHOR + REST,
    "length_always": OBEYED,
    "length_always_stubborn": REST,
    "trimmed": OBEYED,
    "overfull": "",
    **{f"cut_{what}": OBEYED for what in ("stop", "stop_uncounted", "null", "upper")},
    **{f"cut_{what}": OBEYED for what in ("model_length", "unknown", "tool_calls", "character")},
}
"""Replies that are the same for every seed."""
ANY = {
    "preamble": [phrase + OBEYED for phrase in PREAMBLES],
    "preamble_stubborn": [phrase + REST for phrase in PREAMBLES],
    "preamble_foreign": [phrase + OBEYED for phrase in FOREIGN_PREAMBLES],
    "preamble_foreign_stubborn": [phrase + REST for phrase in FOREIGN_PREAMBLES],
    "preamble_long": [phrase + OBEYED for phrase in LONG_PREAMBLES],
    "preamble_long_stubborn": [phrase + REST for phrase in LONG_PREAMBLES],
    "preamble_fenced": [f"{phrase}```markdown\n{OBEYED}\n```" for phrase in PREAMBLES],
    "preamble_fenced_stubborn": [f"{phrase}```markdown\n{REST}\n```" for phrase in PREAMBLES],
    "ellipsis": [dots + OBEYED for dots in ("...", "... ")],
    "ellipsis_stubborn": [dots + REST for dots in ("...", "... ")],
    "ellipsis_sign": [dots + OBEYED for dots in ("…", "… ", "[…] ")],
    "ellipsis_sign_stubborn": [dots + REST for dots in ("…", "… ", "[…] ")],
    "postamble": [ANCHOR + REST + phrase for phrase in POSTAMBLES],
    "postamble_stubborn": [REST + phrase for phrase in POSTAMBLES],
    "postamble_foreign": [ANCHOR + REST + phrase for phrase in FOREIGN_POSTAMBLES],
    "postamble_signed": [OBEYED + phrase for phrase in POSTAMBLES],
    "postamble_only": [phrase.strip() for phrase in POSTAMBLES],
    "sentinel_line": [f"{ANCHOR}{REST}{space}{END}" for space in ("\n", "\n\n")],
    "sentinel_dressed": [
        f"{ANCHOR}{REST}{end}" for end in (f"**{END}**", f"`{END}`", f"\n\n**{END}**")
    ],
    "sentinel_deformed": [
        f"{ANCHOR}{REST}{end}" for end in ("[END]", "\n[[END]", "<<END>>", "\n\nEND")
    ],
    "refuses": REFUSALS,
}
"""Replies of which the seed chooses one."""
OF_JSON = {
    "repeat_element": "3" + TAIL,
    "restart_key": '"b": [12, 3' + TAIL,
    "restart_number": "3" + TAIL,
    "remainder": '{"b": [12, 3' + TAIL,
    "indented": QUOTE + '45, true],\n    "c": {"d": null}\n}' + END,
    "indented_stubborn": '45, true],\n    "c": {"d": null}\n}',
    "minified": QUOTE + '45,true],"c":{"d":null}}' + END,
    "minified_stubborn": '45,true],"c":{"d":null}}',
    "overruns_stubborn": f"{TAIL}\n\n{JSON}",
    "lazy": QUOTE + "45]}" + END,
    "gap_stubborn": JSON[JSON.index(", true") :],
    "constrained": QUOTE + TAIL + END,
}
"""Replies to the cut inside the number 345."""
AT_OTHER_CUTS = {
    "restart_number": ("[12", "12, 345"),
    "restart_keyword": ("345, tr", "true]"),
    "restart_escape": ("caf\\u00", "\\u00e9 bar"),
    "repeat_element": ("[", '"b": [12, 345'),
    "gap_stubborn": ("caf", '",\n  "b"'),
    "unescaped_stubborn": ("caf", 'é bar",'),
}
"""What the text so far ends with, and how the reply begins."""
TESTED_BELOW = {
    *("restart_other", "restart_other_fenced", "reworded", "reworded_stubborn", "paraphrased"),
    *("never_advances", "capped", "overfull", "thinks", "thinks_later", "unescaped"),
    *("lost_space", "lost_space_stubborn"),
}
FINISH = {
    **dict.fromkeys(("endless_blank", "self_echo", "overruns", "length_always"), "length"),
    **dict.fromkeys(("length_at_end", "length_always_stubborn"), "length"),
    "filtered": "content_filter",
}
"""Where it is not "stop"."""
CUT_WORDS = {
    "cut_stop": "stop",
    "cut_stop_uncounted": "stop",
    "cut_null": None,
    "cut_upper": "MAX_TOKENS",
    "cut_model_length": "model_length",
    "cut_unknown": "budget",
    "cut_tool_calls": "tool_calls",
}


def test_every_behaviour_is_tested() -> None:
    assert {*SAID, *ANY, *OF_JSON, *AT_OTHER_CUTS, *TESTED_BELOW} == {*BEHAVIOURS}


def test_every_behaviour_says_what_it_does() -> None:
    assert all(each.says.endswith(".") and each.evidence for each in BEHAVIOURS.values())


@pytest.mark.parametrize("name", SAID)
def test_reply_is_what_the_behaviour_says(name: str) -> None:
    assert of_text(name).text == SAID[name]


@pytest.mark.parametrize("name", SAID)
def test_finish_word_of_a_whole_reply(name: str) -> None:
    assert of_text(name).finish_reason == FINISH.get(name, "stop")


@pytest.mark.parametrize("name", ANY)
def test_seed_chooses_among_the_phrases(name: str) -> None:
    said = {of_text(name, seed=seed).text for seed in range(40)}
    assert said == {*ANY[name]}


@pytest.mark.parametrize("name", OF_JSON)
def test_reply_to_cut_json(name: str) -> None:
    assert of_json(name).text == OF_JSON[name]


@pytest.mark.parametrize("name", AT_OTHER_CUTS)
def test_reply_to_json_cut_elsewhere(name: str) -> None:
    end, begin = AT_OTHER_CUTS[name]
    so_far = JSON[: JSON.index(end) + len(end)]
    assert of_json(name, so_far).text.startswith(begin)


@pytest.mark.parametrize("name", CUT_WORDS)
def test_finish_word_of_a_cut_reply(name: str) -> None:
    model = SimulatedModel(TEXT, name, cut=30, part=9)
    first = model.reply({"messages": [USER]})
    second = goes_on(model, HEAD, ANCHOR)
    assert [first.finish_reason, second.finish_reason] == [CUT_WORDS[name]] * 2


def test_stubborn_behaviours_do_not_give_the_anchor_back() -> None:
    wrong = [
        name for name, text in SAID.items() if BEHAVIOURS[name].stubborn and text.startswith(ANCHOR)
    ]
    assert wrong == []


def test_uncounted_replies_have_no_usage() -> None:
    assert of_text("cut_stop_uncounted").usage is None


def test_a_cut_before_a_character_of_several_bytes_leaves_a_replacement() -> None:
    model = SimulatedModel("naïve", "cut_character", cut=2)
    assert model.reply({"messages": [USER]}).text == "na\ufffd"


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("reflowed_anchor", 'say "so". It is'),
        ("curled_anchor", "say \u201dso\u201d.\n\nIt is"),
        ("glued_anchor", 'say "so".It is'),
        ("parted_anchor", 'say "so".\n\nIt is'),
        ("block_anchor", '> say "so".\n> \n> \n\nIt is'),
    ],
)
def test_anchor_is_written_in_another_way(name: str, begin: str) -> None:
    text = 'They say "so".\n\nIt is.'
    model = SimulatedModel(text, name, cut=20)
    assert goes_on(model, text[:16], text[5:16]).text.startswith(begin)


@pytest.mark.parametrize(
    ("name", "begin"),
    [("lost_space", "fox. Two"), ("trimmed", "fox. Two"), ("lost_space_stubborn", "Two")],
)
def test_space_before_the_reply_is_lost(name: str, begin: str) -> None:
    model = SimulatedModel(TEXT, name, cut=30)
    assert goes_on(model, "One fox.", " fox.").text.startswith(begin)


def test_trimmed_replies_lose_the_space_at_their_cut() -> None:
    model = SimulatedModel(TEXT, "trimmed", cut=len("One fox. "))
    first = model.reply({"messages": [USER]})
    assert (first.text, first.finish_reason) == ("One fox.", "length")


@pytest.mark.parametrize("name", ["indented", "minified", "unescaped", "reworded"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("json")])
def test_rest_joins_into_json_at_every_cut(name: str, kind: str) -> None:
    text = document(kind, 1, 150)
    for at in range(1, len(text), 3):
        model = SimulatedModel(text, f"{name}_stubborn", cut=at)
        reply = goes_on(model, text[:at], text[:at][-9:])
        assert model.judge(text[:at] + reply.text), (at, reply.text)
        assert all(map(is_json, model.versions)), at


def test_another_document_is_whole_and_differs() -> None:
    model = SimulatedModel(TEXT, "restart_other", cut=20)
    text = goes_on(model, HEAD, ANCHOR).text
    assert text != TEXT
    assert model.judge(text)


def test_another_document_has_the_same_keys() -> None:
    other = of_json("restart_other").text
    assert other != JSON
    assert [other.count(f'"{key}":') for key in "abcd"] == [1, 1, 1, 1]


def test_another_document_may_be_fenced() -> None:
    text = of_text("restart_other_fenced").text
    assert text.startswith("```markdown\nOne fox")
    assert text.endswith("\n```")


@pytest.mark.parametrize("name", ["reworded", "reworded_stubborn"])
def test_reworded_rest_of_a_sentence_counts_as_exact(name: str) -> None:
    model = SimulatedModel(TEXT, name, cut=50, seed=3)
    text = HEAD + goes_on(model, HEAD, ANCHOR).text.removeprefix(ANCHOR).removesuffix(END)
    assert text != TEXT
    assert text.endswith("\n\nFour ants. The end, 12 times over, is near.")
    assert model.judge(text)


def test_reworded_text_is_gone_on_with() -> None:
    model = SimulatedModel(TEXT, "reworded_stubborn", cut=50, part=20, seed=3)
    once = HEAD + goes_on(model, HEAD, ANCHOR).text
    twice = once + goes_on(model, once, "x").text
    assert any(version.startswith(twice) for version in model.versions)


def test_paraphrase_repeats_the_last_sentence_in_other_words() -> None:
    model = SimulatedModel(TEXT, "paraphrased", cut=50, seed=2)
    reply = goes_on(model, HEAD, ANCHOR).text
    said = reply.removesuffix(REST)
    assert said not in {reply, "Three owl"}
    assert model.judge("One fox. Two hens run.\n" + said + REST)


@pytest.mark.parametrize("limit", [None, 100])
def test_never_advances_past_the_first_cut(limit: int | None) -> None:
    model = SimulatedModel(TEXT, "never_advances", cut=40)
    reply = goes_on(model, HEAD[:30], ANCHOR, max_tokens=limit)
    assert (reply.text, reply.finish_reason) == (TEXT[:40], "length")


def test_never_advancing_model_is_helped_by_a_larger_limit() -> None:
    model = SimulatedModel(TEXT, "never_advances", cut=40)
    model.reply({"messages": [USER], "max_tokens": 40})
    assert goes_on(model, HEAD, ANCHOR, max_tokens=80).text == TEXT[:80]


def test_capped_model_refuses_a_larger_limit() -> None:
    model = SimulatedModel(TEXT, "capped", cut=40)
    model.reply({"messages": [USER], "max_tokens": 40})
    refused = goes_on(model, HEAD, ANCHOR, max_tokens=80)
    assert (refused.status, "too large" in refused.error) == (400, True)


def test_overfull_model_has_no_room_for_the_conversation() -> None:
    refused = of_text("overfull")
    assert (refused.status, "context length" in refused.error) == (400, True)


def test_thinking_eats_a_small_budget_and_leaves_the_rest_of_a_larger_one() -> None:
    model = SimulatedModel(TEXT, "thinks", cut=30)
    small = model.reply({"messages": [USER], "max_tokens": 30})
    large = model.reply({"messages": [USER], "max_tokens": 60})
    assert (small.text, small.finish_reason, len(small.reasoning)) == ("", "length", 30)
    assert (large.text, large.finish_reason, len(large.reasoning)) == (TEXT[:30], "length", 30)


def test_thinking_may_begin_when_it_goes_on() -> None:
    model = SimulatedModel(TEXT, "thinks_later", cut=40)
    first = model.reply({"messages": [USER], "max_tokens": 40})
    small = goes_on(model, HEAD, ANCHOR, max_tokens=40)
    large = goes_on(model, HEAD, ANCHOR, max_tokens=400)
    assert [first.text, small.text, large.text] == [TEXT[:40], "", OBEYED]
    assert small.finish_reason == "length"


def test_response_format_binds_the_constrained_model_to_a_new_value() -> None:
    said = of_json("constrained", response_format={"type": "json_object"}).text
    assert said == '{"b": [12, 3' + TAIL


def test_length_at_the_end_is_said_once() -> None:
    model = SimulatedModel(TEXT, "length_at_end", cut=len(TEXT))
    first = model.reply({"messages": [USER]})
    second = goes_on(model, HEAD, ANCHOR)
    assert (first.text, first.finish_reason) == (TEXT, "length")
    assert (second.text, second.finish_reason) == (OBEYED, "stop")
