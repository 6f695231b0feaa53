# ruff: noqa: INP001 - a script's neighbour, not a package
"""The clients that are measured, each with an interpreter and an environment of its own.

A client is one file in `peers/`. Its inline metadata (PEP 723) says what to install, and its
`[tool.benchmark]` table what to call it and how its import is timed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).with_name("peers")
OURS = "lexilux_like"
METADATA = re.compile(r"^# /// script$\n((?:#(?: .*)?$\n)+?)^# ///$", re.MULTILINE)


class MissingPeerError(Exception):
    """A client cannot be measured here; the message says why, in a line."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A client: a file that talks to the server, and the interpreter that runs it."""

    name: str
    """The file's, without its suffix."""
    title: str
    """As the tables call it."""
    dependencies: tuple[str, ...]
    distribution: str
    """Whose version is shown; `""` for none."""
    imports: str
    """The statement whose time is the time of its import; `""` for none."""
    makes: str
    """The expression that makes the first client, after `imports`; `""` for none."""
    place: int
    """In the tables, ascending."""
    path: Path
    python: Path = field(default=Path(sys.executable))

    def version(self) -> str:
        """The version that its environment has."""
        if not self.distribution:
            return ""
        code = f"from importlib.metadata import version; print(version({self.distribution!r}))"
        return self._output("-c", code)

    def _output(self, *arguments: str) -> str:
        command = [str(self.python), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - the benchmark's own


def peer(path: Path) -> Peer:
    """A client as its file's inline metadata tells it.

    Raises:
        ValueError: There is no such metadata, or not the table `[tool.benchmark]`.
    """
    found = METADATA.search(path.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{path.name} has no inline metadata: see PEP 723")
    told = tomllib.loads("".join(line[2:] + "\n" for line in found[1].splitlines()))
    table: dict[str, Any] = told.get("tool", {}).get("benchmark", {})
    if "title" not in table:
        raise ValueError(f"{path.name} has no title: add one to its table [tool.benchmark]")
    return Peer(
        path.stem,
        table["title"],
        tuple(told.get("dependencies", ())),
        table.get("distribution", ""),
        table.get("imports", ""),
        table.get("makes", ""),
        table.get("place", 99),
        path,
    )


def peers() -> dict[str, Peer]:
    """All clients by name: the files in `peers/` that have metadata, in the tables' order."""
    files = [path for path in PEERS.glob("*.py") if METADATA.search(path.read_text("utf-8"))]
    found = [peer(path) for path in files]
    return {each.name: each for each in sorted(found, key=lambda each: each.place)}


def cache() -> Path:
    """Where environments are kept: the user's cache directory."""
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / OURS / "benchmarks"


def made(wanted: Peer, home: Path) -> Path:
    """The interpreter of the client's environment, which is made from the package index at need.

    It is made anew when what the client asks for changes; this package is installed in place, so
    its environment is made anew only when its own dependencies change.

    Raises:
        MissingPeerError: pip could not install it.
    """
    key = "\n".join(wanted.dependencies)
    if OURS in key:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        key += repr((project["dependencies"], project["optional-dependencies"]))
    place = home / f"{wanted.name}-py{sys.version_info[0]}{sys.version_info[1]}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = place / "finished"
    if not finished.exists() or finished.read_text("utf-8") != key:
        print(f"making the environment of {wanted.title}", file=sys.stderr)  # noqa: T201
        venv.create(place, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *_installed(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as above
        if done.returncode:
            last = (done.stderr.strip() or "pip failed").splitlines()[-1]
            raise MissingPeerError(f"not installed: {last}")
        finished.write_text(key, "utf-8")
    return python


def _installed(wanted: Peer) -> list[str]:
    """pip's arguments: this package in place, the rest from the index."""
    arguments: list[str] = []
    for dependency in wanted.dependencies:
        name, _, extras = dependency.partition("[")
        if name == OURS:
            arguments += ["--editable", f"{ROOT}[{extras}" if extras else str(ROOT)]
        else:
            arguments.append(dependency)
    return arguments
