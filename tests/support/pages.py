"""The pages of the documentation, and how their Python blocks are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lexilux_like import Chat

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = "lexilux_like"
TITLES = {"python": OURS, 'python title="lexilux_like"': OURS}
LIBRARIES = {path.stem: path for path in sorted((ROOT / "docs" / "migrating").glob("*.md"))}
"""The pages that show another library's code beside ours, by its name."""
TITLES |= {f'python title="{name}"': name for name in LIBRARIES}
BRIDGES = {
    "langchain": "langchain_core",
    "llm": "llm",
    "magentic": "magentic",
    "pydantic-ai": "pydantic_ai",
}
"""Guides whose examples need a library that the suite does not, and its module."""


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def blocks(page: Path, library: str = OURS) -> list[str]:
    """The Python blocks of a page that use a library, each at its own line number."""
    text = page.read_text("utf-8")
    return [
        "\n" * text.count("\n", 0, fence.start(2)) + fence[2]
        for fence in FENCE.finditer(text)
        if TITLES.get(fence[1]) == library
    ]


def run(page: Path, library: str = OURS) -> dict[str, Any]:
    """Run a page's blocks from top to bottom, in one namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page, library):
        # This file's own `from __future__` must not change how the examples are read.
        exec(compile(block, str(page), "exec", dont_inherit=True), namespace)
    for value in namespace.values():
        if isinstance(value, Chat):  # as the end of a program does
            value.close()
    return namespace
