# ruff: noqa: INP001 - a script, not a package
"""Writes the tables of docs/providers.md from the rows, or prints them.

`python scripts/providers_table.py` prints them, `--write` puts them into the page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from lexilux_like.wire.engines import LOCAL, UNKNOWN
from lexilux_like.wire.profile import Column, Evidence, Prefill, Profile, Spelling
from lexilux_like.wire.profiles import PROFILES

PAGE = Path(__file__).parents[1] / "docs" / "providers.md"
BEGIN = "<!-- What follows is written by scripts/providers_table.py. -->\n"
ROWS = (*PROFILES, LOCAL, UNKNOWN)
MARKS: dict[Evidence | None, str] = {
    "engine": "**E**",
    "recorded": "**R**",
    "documented": "**D**",
    "reported": "S",
    None: "?",
}
NOTHING = "-"
BAR = "\\|"
WAYS_BACK = {
    "as_received": "as it came",
    "dropped": "not at all",
    "thinking_parts": "as parts of the content",
    "think_tags": "as tags, or in `reasoning_details`",
}
USAGE = {"stream_options": "asked for", "always": "by itself", "never": "not told"}
TOOLS = {"native": "own field", "mixed": "own field or text", "text": "text"}
Table: TypeAlias = tuple[Sequence[str], Callable[[Profile], Iterable[Sequence[str]]]]


def code(value: object) -> str:
    """A value as code."""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def codes(values: Iterable[str], empty: str = NOTHING) -> str:
    """Values as code, one after the other."""
    return ", ".join(map(code, values)) or empty


def marked(row: Profile, column: Column, text: str) -> str:
    """A cell, and how it is known."""
    return f"{text} {MARKS[row.verified.get(column)]}"


def name(row: Profile) -> str:
    """What a row is called, and what its readers call it."""
    return f"{row.label} {code(row.name)}"


def address(row: Profile) -> Iterable[Sequence[str]]:
    """Where it is and who may ask."""
    place = code(row.base_url) if row.base_url else "your own"
    yield name(row), place, codes(row.hosts), codes(row.env)


def asked(row: Profile) -> Iterable[Sequence[str]]:
    """How it is asked to reason; some models in another way."""
    yield name(row), *_spelled(row.reasoning), MARKS[row.verified.get("reasoning")]
    for _, spelling in row.reasoning_of:
        yield f"{row.label}, {spelling.models}", *_spelled(spelling), ""


def _spelled(spelling: Spelling) -> list[str]:
    on, off = (NOTHING if each is None else code(each) for each in (spelling.on, spelling.off))
    effort = _with(spelling.effort, spelling.with_effort)
    return [on, off, effort, _with(spelling.budget, spelling.with_budget)]


def _with(path: str | None, beside: dict[str, Any]) -> str:
    if path is None:
        return NOTHING
    return f"{code(path)} with {code(beside)}" if beside else code(path)


def answered(row: Profile) -> Iterable[Sequence[str]]:
    """Where its reasoning is, how it is sent back, and how it goes on from a beginning."""
    back = WAYS_BACK.get(row.reasoning_back) or f"in {code(row.reasoning_back)}"
    yield (
        name(row),
        marked(row, "reasons_in", codes(row.reasons_in)),
        marked(row, "reasoning_back", back),
        marked(row, "prefill", _beginning(row.prefill)),
    )


def _beginning(prefill: Prefill | None) -> str:
    if prefill is None:
        return "user turn"
    form = "last message" if prefill.form == "trailing" else code(prefill.form)
    limits = {
        "without reasoning": prefill.without_reasoning,
        "some models": prefill.models is not None,
    }
    return ", ".join([form, *(words for words, holds in limits.items() if holds)])


def sent(row: Profile) -> Iterable[Sequence[str]]:
    """What else differs from one to the next."""
    words = codes(row.finish_words)
    yield (
        name(row),
        marked(row, "limit", codes(row.limit)),
        marked(row, "schema", code(row.schema)),
        marked(row, "usage", USAGE[row.usage]),
        marked(row, "finish_words", words) if row.finish_words else words,
        marked(row, "tools", TOOLS[row.tools]),
    )


def notes(row: Profile) -> list[str]:
    """What is known beside the tables, in sentences."""
    found = [*row.quirks]
    if row.temperature_max < UNKNOWN.temperature_max:
        found.append(f"A temperature above {row.temperature_max:g} is refused here.")
    found += [f"{code(one)} is sent as {code(other)}." for one, other in row.renamed.items()]
    if row.joins_text:
        found.append("Content that is nothing but texts is sent as one text.")
    if row.plain_image_url:
        found.append("An image without a detail is sent as its address alone.")
    if row.ignores:
        found.append(f"It does not heed {codes(row.ignores)}.")
    return found


TABLES: dict[str, Table] = {
    "Addresses and keys": (("address", "known by host", "key in the environment"), address),
    "Asking for reasoning": (
        ("`reasoning=True`", "`False`", '`"effort"`', '`"max_tokens"`', "known"),
        asked,
    ),
    "Reasoning in answers, and going on": (
        ("answered in", "sent back", "going on from a beginning"),
        answered,
    ),
    "Requests and answers": (
        ("most tokens", "schema", "usage in streams", "finish words", "tool calls"),
        sent,
    ),
}


def table(
    title: str, headings: Sequence[str], lines_of: Callable[[Profile], Iterable[Sequence[str]]]
) -> str:
    """One table, with its title."""
    head = [["provider", *headings], ["---"] * (len(headings) + 1)]
    lines = [*head, *(line for row in ROWS for line in lines_of(row))]
    written = [f"| {' | '.join(cell.replace('|', BAR) for cell in line)} |" for line in lines]
    return "\n".join([f"## {title}", "", *written, ""])


def page_part() -> str:
    """All tables and notes, as they stand in the page."""
    parts = [table(title, *each) for title, each in TABLES.items()]
    parts.append("## Notes and sources\n")
    for row in ROWS:
        told = notes(row)
        sources = [f"<{each}>" for each in row.sources]
        if told or sources:
            lines = [
                f"- {each}" for each in (*told, *(["Read: " + ", ".join(sources)] * bool(sources)))
            ]
            parts.append("\n".join([f"### {row.label}", "", *lines, ""]))
    return "\n".join(parts)


def main() -> None:
    """Print, or write with `--write`."""
    if sys.argv[1:] == ["--write"]:
        head, begin, _ = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{head}{begin or BEGIN}\n{page_part()}", "utf-8")
    else:
        sys.stdout.write(page_part())


if __name__ == "__main__":
    main()
