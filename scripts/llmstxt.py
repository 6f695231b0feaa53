# ruff: noqa: INP001 - a hook of mkdocs, not a package
"""A hook of mkdocs: writes `llms.txt`, `llms-full.txt` and each page as Markdown into the site.

The pages and their order are the navigation's, so nothing has to be listed twice. See
https://llmstxt.org for the format. Links are absolute where `site_url` is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from markdownify import markdownify
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

DIRECTIVE = re.compile(r"^::: ", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NOT_PROSE = ("#", "|", ":::", "<", "!", "-", "*", "`", "1.", "[", "Bases:")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")

_texts: dict[str, str] = {}
_navigation: list[Navigation] = []


def on_nav(nav: Navigation, **_: object) -> None:
    """Keep the order of the pages."""
    _texts.clear()
    _navigation[:] = [nav]


def on_page_content(html: str, *, page: Page, **_: object) -> None:
    """Keep the page as Markdown: as it was written, or from HTML where docstrings are in it."""
    written = page.markdown or ""
    if DIRECTIVE.search(written):
        plain = {"heading_style": "ATX", "code_language": "python", "escape_underscores": False}
        written = markdownify(html, **plain)
        written = re.sub(r"\[¶\]\([^)]*\)", "", written)
    _texts[page.file.src_uri] = re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"


def on_post_build(config: MkDocsConfig, **_: object) -> None:
    """Write the files."""
    site = Path(config.site_dir)
    heading = f"# {config.site_name}\n\n> {config.site_description}\n"
    index, full = [heading], [heading]
    for section, pages in _sections(_navigation[0]):
        index.append(f"\n## {section}\n\n")
        for page in pages:
            text = _texts[page.file.src_uri]
            address = Path(page.file.src_uri)
            index.append(f"- [{page.title}]({_base(config)}{address}){_about(text)}\n")
            full.append(f"\n{text}")
            (site / address).parent.mkdir(parents=True, exist_ok=True)
            (site / address).write_text(text, "utf-8")
    (site / "llms.txt").write_text("".join(index), "utf-8")
    (site / "llms-full.txt").write_text("".join(full), "utf-8")


def _sections(nav: Navigation) -> Iterator[tuple[str, list[Page]]]:
    """The sections of the navigation; what stands outside of one comes first."""
    yield "Start", [item for item in nav.items if isinstance(item, Page)]
    for item in nav.items:
        if item.is_section:
            yield item.title, [page for page in nav.pages if item in page.ancestors]


def _base(config: MkDocsConfig) -> str:
    return config.site_url.rstrip("/") + "/" if config.site_url else ""


def _about(text: str) -> str:
    """The first sentence of the page, without its links; nothing where it has none."""
    for paragraph in FENCED.sub("", text).split("\n\n"):
        line = " ".join(paragraph.split())
        if line and not line.startswith(NOT_PROSE):
            sentence = re.split(r"(?<=[.!?])\s", LINK.sub(r"\1", line), maxsplit=1)[0]
            return f": {sentence.rstrip(':')}"
    return ""
