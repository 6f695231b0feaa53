# ruff: noqa: INP001, T201 - a script; its tables are what it prints
"""How often an answer that was cut is made whole, per behaviour of the model, by whom.

Every client is asked the same questions over sockets, by the same simulated models: see
`README.md`. Exit code 1 where this client was silently wrong though it could have known.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import shlex
import statistics
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeAlias

from clients import (
    LEXILUX,
    MAX_CONTINUES,
    OTHERS,
    OURS,
    WITH_PREFILL,
    Client,
    IncompleteError,
    lexilux_python,
)
from tables import Table, drawn

from lexilux_like.testing import ScriptedServer
from lexilux_like.testing.simulated.behaviours import BEHAVIOURS, Behaviour
from lexilux_like.testing.simulated.documents import KINDS, document
from lexilux_like.testing.simulated.model import (
    Payload,
    PrefillMode,
    SimulatedModel,
    SimulatedReply,
)

SIZE = 400
"""About how many characters a document has."""
PART = 120
"""Most new characters of a reply that goes on, in a third of the cases."""
UNMENDABLE = ("capped", "filtered", "overfull")
"""The behaviours of servers that keep the rest back: an honest error is the best there is."""
CONSTRAINED: Mapping[str, Any] = {"response_format": {"type": "json_object"}}

Verdict: TypeAlias = Literal["exact", "honest", "wrong"]
PAGE = """\
# Completeness, measured

```bash
{command}
```

On {date}, with lexilux_like {ours}, lexilux {lexilux}, Python {python} on {system}.

Each cell says how often the final text was **exact / an honest error / silently wrong**, in per
cent of the cases. An exception is honest; a text that is returned claims to be whole. The models
are simulated, and behave as real ones were seen to. Their documents have about {size} characters,
are cut anywhere, and are of these kinds:

{kinds}.

All clients are asked the same over sockets, with the same `max_tokens` and at most {continues}
continuations. `complete()` and `complete_stream()` are this client's, at a host without prefill.
Where a server keeps the rest back, an honest error is the best there is.

## What can be told

{decidable}

## What cannot be told for certain

Nothing in such a reply need differ from a whole and faithful one: what is exact here is owed to
the anchor, to a second look, or to luck.

{undecidable}

## What it takes

Median and worst, for a model that obeys: requests beyond the least that could do, and characters
of all replies for each one of the document. A server that refuses a prefill is asked for one only
once.

{efforts}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A model and its document, and where it is cut."""

    name: str
    """Of the behaviour."""
    kind: str
    """Of the document."""
    document: str
    cut: int
    """Characters of the first reply; a character is a token."""
    part: int | None
    """Most new characters of a reply that goes on; None for all."""
    prefill: PrefillMode = "refused"

    @property
    def behaviour(self) -> Behaviour:
        """How the model goes on."""
        return BEHAVIOURS[self.name]

    @property
    def decidable(self) -> bool:
        """Whether a perfect reader could tell what it does."""
        return self.behaviour.decidable(self.document)

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields without which the behaviour does not show."""
        return CONSTRAINED if self.name == "constrained" else {}

    @property
    def replies(self) -> int:
        """How many replies it takes at least."""
        rest = len(self.document) - self.cut
        return 1 + math.ceil(rest / (self.part or rest))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case."""

    verdict: Verdict
    requests: int
    written: int
    """Characters of all replies together."""


class CountedModel(SimulatedModel):
    """A simulated model that counts what it writes."""

    written = 0

    def reply(self, payload: Payload) -> SimulatedReply:
        """The answer, counted."""
        said = super().reply(payload)
        self.written += len(said.text)
        return said


def cases(names: Iterable[str], count: int, prefill: PrefillMode = "refused") -> Iterator[Case]:
    """For each behaviour and each kind of document that it is about, so many cases."""
    for name in names:
        for kind in KINDS:
            for seed in range(count):
                text = document(kind, seed, SIZE)
                if BEHAVIOURS[name].fits(text):
                    chance = random.Random(f"{name}/{kind}/{seed}")  # noqa: S311
                    cut = chance.randrange(1, len(text))
                    part = chance.choice((None, None, PART))
                    yield Case(name, kind, text, cut, part, prefill)


def play(client: Client, sample: Sequence[Case]) -> list[Outcome]:
    """Ask one client for every answer, one after the other."""
    outcomes: list[Outcome] = []
    with ScriptedServer() as server, client(server.url) as ask:
        for case in sample:
            model = CountedModel(
                case.document,
                case.behaviour,
                cut=case.cut,
                part=case.part,
                seed=case.cut,
                prefill=case.prefill,
            )
            server.always(model)
            try:
                text = ask(case.cut, case.extra)
            except IncompleteError:
                verdict: Verdict = "honest"
            else:
                verdict = "exact" if model.judge(text) else "wrong"
            outcomes.append(Outcome(verdict, len(model.requests), model.written))
    return outcomes


def play_all(
    clients: Mapping[str, Client], sample: Sequence[Case], pool: ProcessPoolExecutor
) -> dict[str, list[Outcome]]:
    """What came of each case, by client; each client in a process of its own."""
    played = pool.map(partial(play, sample=sample), clients.values())
    return dict(zip(clients, played, strict=True))


def percent(count: int, total: int) -> str:
    """A percentage; "0" only where there was none, and "100" only where there were all."""
    share = 100 * count / total
    if 0 < share < 1:
        return "<1"
    return ">99" if 99 < share < 100 else f"{share:.0f}"


def cell(outcomes: Iterable[Outcome]) -> str:
    """Exact / honest / wrong, in per cent."""
    found = Counter(outcome.verdict for outcome in outcomes)
    exact, honest, wrong = (
        percent(found[verdict], found.total()) for verdict in ("exact", "honest", "wrong")
    )
    return f"{exact} / {honest} / {f'**{wrong}**' if found['wrong'] else wrong}"


def verdicts(
    sample: Sequence[Case], outcomes: Mapping[str, Sequence[Outcome]], *, decidable: bool
) -> Table:
    """A row for each behaviour, of the cases that a reader could judge, or of the others."""
    table: Table = [("behaviour", "what it does", "cases", *outcomes)]
    chosen = [place for place, case in enumerate(sample) if case.decidable is decidable]
    for behaviour in BEHAVIOURS.values():
        if places := [place for place in chosen if sample[place].name == behaviour.name]:
            best = " *(best: honest)*" if behaviour.name in UNMENDABLE else ""
            table.append((f"`{behaviour.name}`{best}", behaviour.says, *_row(places, outcomes)))
    if chosen:
        table.append(("**all**", "", *_row(chosen, outcomes)))
    return table


def _row(places: Sequence[int], outcomes: Mapping[str, Sequence[Outcome]]) -> tuple[str, ...]:
    cells = (cell(each[place] for place in places) for each in outcomes.values())
    return str(len(places)), *cells


def effort(count: int, pool: ProcessPoolExecutor) -> Table:
    """How much is asked and written for an answer, against the least that could be."""
    table: Table = [
        ("method", "prefill", "cases", "exact, %", "requests beyond", "characters written"),
    ]
    modes: tuple[PrefillMode, ...] = ("native", "refused")
    for mode in modes:
        sample = list(cases(["obedient"], 2 * count, mode))
        for name, outcomes in play_all(WITH_PREFILL, sample, pool).items():
            pairs = list(zip(sample, outcomes, strict=True))
            exact = sum(outcome.verdict == "exact" for outcome in outcomes)
            requests = [outcome.requests - case.replies for case, outcome in pairs]
            written = [outcome.written / len(case.document) for case, outcome in pairs]
            table.append(
                (
                    f"`{name}`",
                    mode,
                    str(len(sample)),
                    percent(exact, len(sample)),
                    f"{statistics.median(requests):.0f}; {max(requests)}",
                    f"{statistics.median(written):.2f}; {max(written):.2f}",
                )
            )
    return table


def report(
    sample: Sequence[Case], outcomes: Mapping[str, Sequence[Outcome]], efforts: Table
) -> str:
    """The page."""
    decidable, undecidable = (
        drawn(verdicts(sample, outcomes, decidable=each)) for each in (True, False)
    )
    return PAGE.format(
        command=shlex.join(("python", "benchmarks/completeness.py", *sys.argv[1:])),
        date=datetime.now(UTC).date(),
        ours=version("lexilux_like"),
        lexilux=LEXILUX,
        python=platform.python_version(),
        system=platform.system(),
        size=SIZE,
        kinds=textwrap.fill(", ".join(f"`{kind}`" for kind in KINDS), 99),
        continues=MAX_CONTINUES,
        decidable=decidable,
        undecidable=undecidable,
        efforts=drawn(efforts),
    )


def main() -> int:
    """Measure, report; 1 where this client was silently wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=3, help="per behaviour and kind of document")
    parser.add_argument("--only", nargs="+", default=BEHAVIOURS, choices=BEHAVIOURS, metavar="NAME")
    parser.add_argument("--without-lexilux", action="store_true", help="where it is not to be had")
    parser.add_argument("--markdown", type=Path, help="write the page to this file")
    given = parser.parse_args()
    clients = OURS | OTHERS
    if given.without_lexilux:
        clients = {name: each for name, each in clients.items() if "lexilux" not in name}
    else:
        lexilux_python()
    sample = list(cases(given.only, given.cases))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        outcomes = play_all(clients, sample, pool)
        page = report(sample, outcomes, effort(given.cases, pool))
    if given.markdown:
        given.markdown.write_text(page, "utf-8")
    else:
        print(page)
    wrong = [
        f"silently wrong: {method} {case.name} {case.kind} cut={case.cut} part={case.part}"
        for method in OURS
        for case, outcome in zip(sample, outcomes[method], strict=True)
        if case.decidable and outcome.verdict == "wrong"
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
