# ruff: noqa: INP001 - a script
"""How fast this client is, beside others, over sockets on loopback: see `docs/performance.md`.

The environments of the clients are made on first use, from the package index.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from answers import answers
from environments import MissingPeerError, Peer, cache, made, peers
from load_server import LoadServer
from measure import Bench, cores
from report import page
from trials import GROUPS, Row, rows

QUICK = ("stream-sync", "stream-async", "coalesced-sync", "call-sync", "call-async", "many-64")
"""The rows of `--quick`, two rounds each."""
ASSETS = "assets"


def installed(chosen: Iterable[Peer], home: Path) -> tuple[dict[str, Peer], dict[str, str]]:
    """The clients that can be measured, and why the others cannot."""
    found: dict[str, Peer] = {}
    missing: dict[str, str] = {}
    for each in chosen:
        try:
            found[each.name] = dataclasses.replace(each, python=made(each, home))
        except MissingPeerError as error:
            missing[each.name] = str(error)
    return found, missing


def chosen_rows(names: Iterable[str]) -> list[Row]:
    """Rows by name or by group, in their own order."""
    wanted = set(names)
    return [row for row in rows().values() if not wanted or {row.name, row.group} & wanted]


def log(text: str) -> None:
    """Tell who waits for it."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress of a script


def arguments() -> argparse.Namespace:
    """The command line."""
    known = peers()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", nargs="+", default=[], choices=[*rows(), *GROUPS], metavar="NAME")
    parser.add_argument("--clients", nargs="+", default=list(known), choices=known, metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="a few rows, two rounds")
    parser.add_argument("--envs", type=Path, default=cache(), help="where environments are kept")
    parser.add_argument("--markdown", type=Path, help="write the page and its plots here")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    return parser.parse_args()


def main() -> int:
    """Measure, report; 0 however fast anything was."""
    given = arguments()
    known = peers()
    found, missing = installed([known[name] for name in known if name in given.clients], given.envs)
    ours, servers = cores()
    start = time.perf_counter()
    with LoadServer(answers(), servers) as server, ExitStack() as stack:
        bench = Bench(server, found, ours, stack, 2 if given.quick else None)
        for row in chosen_rows(given.rows or (QUICK if given.quick else ())):
            log(f"{time.perf_counter() - start:4.0f} s  {row.name}")
            bench.measure(row)
            for name, reason in filter(all, bench.failures[row.name].items()):
                log(f"        {name}: {reason}")
    if given.json:
        given.json.write_text(json.dumps([bench.results, bench.failures], indent=1), "utf-8")
    text, plots = page(bench, {name: known[name] for name in given.clients}, missing)
    if given.markdown:
        folder = given.markdown.parent / ASSETS
        folder.mkdir(exist_ok=True)
        for name, plot in plots.items():
            (folder / name).write_text(plot, "utf-8")
        given.markdown.write_text(text, "utf-8")
    else:
        print(text)  # noqa: T201 - what the script is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
