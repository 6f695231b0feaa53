# ruff: noqa: INP001 - a script, not a package
"""Prints every public name with its signature, read by griffe, one to a line.

`python scripts/public_api.py > tests/data/public_api.txt` after a change that is meant.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[1]
PACKAGE = "lexilux_like"
MODULES = ("", "batch", "providers", "testing", "testing.contracts")
"""The modules whose `__all__` is public, within the package."""
UNPACKED = re.compile(r"Unpack\[(\w+)\]")
OF_USE = {"__call__", "__init__", "__iter__", "__aiter__", "__enter__", "__aenter__", "__await__"}


def public_names(package: griffe.Module) -> dict[str, griffe.Object]:
    """What is public, by the path that a user writes."""
    found: dict[str, griffe.Object] = {}
    for name in MODULES:
        module = package[name] if name else package
        for export in module.exports or ():
            found[f"{module.path}.{export}"] = final(module[str(export)])
    return found


def final(member: griffe.Object | griffe.Alias) -> griffe.Object:
    """The object itself, where it was imported."""
    return member.final_target if isinstance(member, griffe.Alias) else member


def option_types(lines: Iterable[str], package: griffe.Module) -> dict[str, griffe.Object]:
    """The TypedDicts that signatures unpack: their keys are keywords, so they are public too."""
    wanted = {name for line in lines for name in UNPACKED.findall(line)}
    modules = ("values.options", "transport.base", "client", "batch")
    found = [each for each in map(package.get_member, modules) if isinstance(each, griffe.Module)]
    homes = [each for module in found for each in _with_submodules(module)]
    return {
        f"{home.path}.{name}": final(home[name])
        for name in sorted(wanted)
        for home in homes
        if name in home.members and not home[name].is_alias
    }


def _with_submodules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    yield from (each for each in module.modules.values() if isinstance(each, griffe.Module))


def described(path: str, thing: griffe.Object, public: set[str]) -> Iterator[str]:
    """A name, and below a class what it has: its own, and what no other public class lists."""
    if not isinstance(thing, griffe.Class):
        yield line(path, thing)
        return
    yield f"{path}({', '.join(map(str, thing.bases))})"
    for name, found in sorted(thing.all_members.items()):
        member = final(found)
        home = member.parent.path if member.parent else ""
        if (not name.startswith("_") or name in OF_USE) and home not in public - {thing.path}:
            yield f"    {line(name, member)}"


def line(name: str, thing: griffe.Object) -> str:
    """A function with its signature, an attribute with its type."""
    match thing:
        case griffe.Function():
            return " | ".join(_signature(name, each) for each in thing.overloads or [thing])
        case griffe.Attribute() if thing.annotation is not None:
            return f"{name}: {thing.annotation}"
        case _:
            return name


def _signature(name: str, function: griffe.Function) -> str:
    word = "async " if "async" in function.labels else ""
    return f"{word}{function.signature(name=name)}"


def report() -> str:
    """All of it."""
    package = griffe.load(PACKAGE, search_paths=[ROOT], resolve_aliases=True)
    assert isinstance(package, griffe.Module)
    names = public_names(package)
    public = {thing.path for thing in names.values()}
    lines = [each for path in sorted(names) for each in described(path, names[path], public)]
    for path, thing in option_types(lines, package).items():
        lines += described(path, thing, public)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report())
