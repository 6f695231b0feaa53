# ruff: noqa: INP001, RUF001 - a script's neighbour, not a package; signs of typography
"""The page: targets, tables, plots and what they mean."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from answers import COALESCED, DELAY_MS, LONG, STREAM
from environments import Peer, peers
from measure import Bench
from plot import Series, plotted
from tables import Table, drawn
from trials import CONCURRENCY, DEFAULT, FAST, GROUPS, OURS, Figure, Results, Row, Target, rows

TEMPLATE = Path(__file__).with_name("performance.md.in")
MARKS = {True: "**yes**", False: "no", None: "–"}
KINDS = {
    "tools": "a fragment of tool arguments",
    "json": "a chunk of a partial object",
    "event": "a KB of one event",
    "say": "a KB of conversation sent",
}
LABELS = {
    "tools": "tool arguments",
    "json": "partial objects",
    "event": "a long event",
    "say": "a conversation",
}
PLOTS = ("performance-concurrency.svg", "performance-linear.svg")


def _command(words: list[str]) -> str:
    """The command that printed the page, without the file that its figures also went to."""
    if "--json" in words:
        place = words.index("--json")
        words = [*words[:place], *words[place + 2 :]]
    return shlex.join(("python", "benchmarks/run.py", *words))


def shown(value: float) -> str:
    """A figure, to three digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value: float) -> str:
    """A ratio as one speaks of it: 1/9, or 1.2 x."""
    return f"1/{1 / value:.1f}".removesuffix(".0") if 0 < value < 0.5 else f"{value:.2f} ×"


def named(row: Row, figure: Figure) -> str:
    """A figure's row, and the figure where the row has several."""
    unit = figure.title.rpartition(", ")[2]
    return f"{row.title}: {figure.title}" if len(row.figures) > 1 else f"{row.title}, {unit}"


def promised(target: Target, titles: Mapping[str, str]) -> str:
    """A target in words."""
    sign = "≥" if target.at_least else "≤"
    if not target.of:
        where = f", where {titles[target.where]} has it" if target.where else ""
        return f"{sign} {target.limit:g}{where}"
    if target.of_row:
        return f"{sign} {target.limit:g} × {rows()[target.of_row].title}"
    return f"{sign} {ratio(target.limit)} {titles[target.of]}"


def measured(target: Target, row: Row, figure: Figure, results: Results) -> str:
    """Whether it is reached, and by what."""
    share = target.share(row.name, figure.key, results)
    value = results.get(row.name, {}).get(target.client, {}).get(figure.key)
    reached = MARKS[target.reached(row.name, figure.key, results)]
    if share is None or value is None:
        return reached
    found = f"{ratio(share)}, {shown(value)}" if target.of else shown(value)
    return f"{reached}: {found}"


def targets(results: Results, titles: Mapping[str, str], chosen: Iterable[Row]) -> Table:
    """A line for each target, the two engines side by side."""
    table: Table = [("row", "httpx: target", "httpx: measured", "fast: target", "fast: measured")]
    for row in chosen:
        for figure in row.figures:
            sides = [[each for each in figure.targets if each.client == name] for name in OURS]
            for place in range(max(map(len, sides))):
                cells = [named(row, figure)]
                for side in sides:
                    if place < len(side):
                        cells.append(promised(side[place], titles))
                        cells.append(measured(side[place], row, figure, results))
                    else:
                        cells += ["", ""]
                table.append(tuple(cells))
    return table


def missed(results: Results, titles: Mapping[str, str], chosen: Iterable[Row]) -> str:
    """The targets that are not reached, as a list."""
    lines = [
        f"- {titles[target.client]}, {named(row, figure)}: {promised(target, titles)} is meant, "
        f"{measured(target, row, figure, results).partition(': ')[2]} is measured."
        for row in chosen
        for figure in row.figures
        for target in figure.targets
        if target.reached(row.name, figure.key, results) is False
    ]
    return "\n".join(lines) or "All targets that were measured are reached."


def cell(bench: Bench, row: Row, figure: Figure, name: str) -> str:
    """A client's figure, and its ratio to that of the figure's base."""
    failure = bench.failures.get(row.name, {}).get(name)
    if failure is not None:
        return "failed" if failure else ""
    results = bench.results.get(row.name, {})
    value = results.get(name, {}).get(figure.key)
    if value is None:
        return ""
    base = results.get(figure.base, {}).get(figure.key)
    return f"{shown(value)} ({value / base:.2f})" if base else shown(value)


def group(bench: Bench, known: Mapping[str, Peer], missing: Mapping[str, str], name: str) -> Table:
    """The rows of a group: a line for each client, and the load server's share at the end."""
    columns = [
        (row, figure)
        for row in rows().values()
        if row.group == name and row.name in bench.results
        for figure in row.figures
    ]
    table: Table = [("client", *(_head(row, figure) for row, figure in columns))]
    for each in known.values():
        if each.name in missing:
            table.append((each.title, *("missing" for _ in columns)))
            continue
        cells = [cell(bench, row, figure, each.name) for row, figure in columns]
        if any(cells):
            table.append((each.title, *cells))
    shares = [server_share(bench, row) for row, _ in columns]
    if any(shares):
        table.append(("*load server*", *shares))
    return table


def _head(row: Row, figure: Figure) -> str:
    at_once = f"{row.name.removeprefix('many-')}: " if row.group == "crowd" else ""
    return f"{at_once}{figure.title}"


def server_share(bench: Bench, row: Row) -> str:
    """The most CPU time that the server took, in per cent of what the client took meanwhile."""
    results = bench.results.get(row.name, {})
    shares = [each["server_share"] for each in results.values() if "server_share" in each]
    return f"{100 * max(shares):.0f} %" if shares else ""


def scaling(results: Results) -> Iterator[tuple[str, str, dict[float, float]]]:
    """By kind and client, what an item costs at each size."""
    every = rows()
    for kind in KINDS:
        sizes = {int(name.partition("-")[2]): name for name in every if name.startswith(f"{kind}-")}
        clients = {client: None for name in sizes.values() for client in results.get(name, ())}
        for client in clients:
            found = {
                float(size): results[name][client]["cpu_us"]
                for size, name in sizes.items()
                if client in results.get(name, {})
            }
            yield kind, client, found


def linear(results: Results, titles: Mapping[str, str]) -> Table:
    """What an item costs at three sizes, and how much more at the largest."""
    table: Table = [("item", "client", "few, µs", "more, µs", "most, µs", "most : few")]
    for kind, client, found in scaling(results):
        if len(found) == 3:
            few, more, most = found.values()
            numbers = (shown(few), shown(more), shown(most), f"{most / few:.2f}")
            unit = 1000 if "KB" in KINDS[kind] else 1
            sizes = " / ".join(f"{size / unit:,.0f}" for size in found)
            table.append((f"{KINDS[kind]}, of {sizes}", titles[client], *numbers))
    return table


def plots(results: Results, titles: Mapping[str, str]) -> dict[str, str]:
    """The two plots, by the name of their file."""
    costs = [
        Series(
            titles[name],
            {
                float(at_once): results[f"many-{at_once}"][name]["cpu_us"]
                for at_once in CONCURRENCY
                if name in results.get(f"many-{at_once}", {})
                and results[f"many-{at_once}"][name]["succeeded"] == 100
            },
            bold=name in OURS,
        )
        for name in titles
    ]
    growth = [
        Series(
            f"{LABELS[kind]} ({'fast' if client == FAST else 'httpx'})",
            {size / min(found): cost / found[min(found)] for size, cost in found.items()},
        )
        for kind, client, found in scaling(results)
        if client in {DEFAULT, FAST}
    ]
    title = f"CPU time of a call, by how many run at once (server: {DELAY_MS} ms)"
    other = "lexilux_like: cost of an item among more of them"
    return {
        PLOTS[0]: plotted(title, "async calls at once", "CPU per call, µs", costs),
        PLOTS[1]: plotted(other, "times as many", "times the cost", growth, " ×"),
    }


def page(
    bench: Bench, known: Mapping[str, Peer], missing: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """The page and its plots."""
    titles = {name: each.title for name, each in peers().items()}
    chosen = [row for row in rows().values() if row.name in bench.results]
    sections: list[str] = []
    for name, title in GROUPS.items():
        if any(row.group == name for row in chosen):
            table = linear(bench.results, titles) if name == "linear" else None
            sections.append(f"### {title}\n\n{drawn(table or group(bench, known, missing, name))}")
    failures = [
        f"- {titles[name]}, {rows()[row].title}: {reason}"
        for row, found in bench.failures.items()
        for name, reason in found.items()
        if reason
    ]
    text = TEMPLATE.read_text("utf-8").format(
        command=_command(sys.argv[1:]),
        date=datetime.now(UTC).date(),
        machine=machine(),
        versions=", ".join(_versions(bench.peers)),
        targets=drawn(targets(bench.results, titles, chosen)),
        missed=missed(bench.results, titles, chosen),
        sections="\n\n".join(sections),
        failures="\n".join([*failures, *(f"- {titles[n]}: {why}" for n, why in missing.items())])
        or "- None.",
        stream=f"{STREAM:,}",
        long=f"{LONG:,}",
        coalesced=COALESCED // 1024,
        concurrency=PLOTS[0],
        linear=PLOTS[1],
    )
    return text, plots(bench.results, {name: titles[name] for name in known})


def _versions(known: Mapping[str, Peer]) -> Iterator[str]:
    found = {each.distribution: each for each in known.values() if each.distribution}
    for name, each in found.items():
        yield f"{name} {each.version()}"


def machine() -> str:
    """Processor, cores, system and Python."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text("utf-8").splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else model
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return (
        f"{os.cpu_count()} cores of {model}, {system}, "
        f"Python {platform.python_version()}, load average {load}"
    )
