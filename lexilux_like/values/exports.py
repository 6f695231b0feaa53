"""A conversation for people to read: Markdown, HTML and plain text.

Images, audio and files appear as short notes, tool calls with their arguments, reasoning as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Literal, NamedTuple, TypeAlias

from .analysis import called, content_parts
from .messages import REASONING_FIELDS, Message, is_mapping
from .text import printable

URL_LIMIT = 100
"""Most characters of a URL in an export."""

_STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
       color: #1f2328; background: #fff; }
article { margin: 1rem 0; padding: .75rem 1rem; border-radius: .5rem; border: 1px solid #d0d7de;
          border-left-width: .3rem; }
article[data-role=user] { background: #ddf4ff; border-color: #54aeff; }
article[data-role=system], article[data-role=developer] { background: #fff8c5;
                                                           border-color: #d4a72c; }
article[data-role=tool] { background: #f6f8fa; }
h2 { margin: 0 0 .25rem; font-size: .8rem; color: #59636e; text-transform: uppercase; }
p, pre { margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { font-size: .85rem; }
.note { color: #59636e; font-style: italic; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  article { border-color: #30363d; }
  article[data-role] { background: #161b22; }
}
"""
_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{articles}
</body>
</html>
"""


Kind: TypeAlias = Literal["prose", "thought", "note", "code"]


class Block(NamedTuple):
    """A piece of a message: prose, reasoning, a note in place of it, a machine's words."""

    kind: Kind
    text: str


def to_text(messages: Sequence[Message]) -> str:
    """Each message below its role in brackets, with an empty line between messages."""
    return "\n\n".join(
        "\n".join([f"[{_heading(message)}]", *(block.text for block in _blocks(message))])
        for message in messages
    )


def to_markdown(messages: Sequence[Message]) -> str:
    """A second-level heading for each message; its own Markdown stays as it is."""
    return "\n\n".join(
        "\n\n".join([f"## {_heading(message)}", *map(_markdown, _blocks(message))])
        for message in messages
    )


def to_html(messages: Sequence[Message], *, title: str) -> str:
    """A whole page, without scripts and without anything to load; all text is escaped."""
    articles = "\n".join(map(_article, messages))
    return _PAGE.format(title=escape(title), style=_STYLE, articles=articles)


def _heading(message: Message) -> str:
    about = message.get("name") or message.get("tool_call_id")
    return printable(f"{message['role']} ({about})" if about else message["role"], URL_LIMIT)


def _blocks(message: Message) -> Iterator[Block]:
    for name in REASONING_FIELDS:
        if isinstance(thought := message.get(name), str) and thought:
            yield Block("thought", f"Reasoning: {thought}")
    text_kind: Kind = "code" if message["role"] == "tool" else "prose"
    for part in content_parts(message):
        text = part.get("text", part.get("refusal"))
        yield Block(text_kind, text) if isinstance(text, str) else Block("note", _note(part))
    if isinstance(refusal := message.get("refusal"), str):
        yield Block("prose", refusal)
    for call in called(message):
        reference = f"{call['id']} = " if call["id"] else ""
        yield Block("code", f"{reference}{call.get('name')}({call.get('arguments', '')})")


def _note(part: Message) -> str:
    """What stands for an image, a sound or a file: its kind, and its name or address."""
    kind = str(part.get("type", "part"))
    inner = part.get(kind)
    facts = inner if is_mapping(inner) else {"url": inner}
    values = (facts.get(key) for key in ("filename", "file_id", "url", "format", "file_data"))
    about = next((_short(value) for value in values if isinstance(value, str)), "")
    label = {"image_url": "image", "input_audio": "audio"}.get(kind, kind)
    return printable(f"[{label}: {about}]" if about else f"[{label}]")


def _short(url: str) -> str:
    if url.startswith("data:"):
        return f"{url.partition(',')[0][:URL_LIMIT]}, {len(url):,} characters"
    return url if len(url) <= URL_LIMIT else f"{url[:URL_LIMIT]}..."


def _markdown(block: Block) -> str:
    if block.kind == "prose":
        return block.text
    if block.kind == "thought":
        return "> " + block.text.replace("\n", "\n> ")
    if block.kind == "note":
        return f"`{block.text.replace('`', '_')}`"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
    return f"{fence}\n{block.text}\n{fence}"


def _article(message: Message) -> str:
    note = '<p class="note">{}</p>'
    tags = {"prose": "<p>{}</p>", "thought": note, "note": note, "code": "<pre>{}</pre>"}
    blocks = (tags[block.kind].format(escape(block.text)) for block in _blocks(message))
    head = f'<article data-role="{escape(message["role"])}">\n<h2>{escape(_heading(message))}</h2>'
    return "\n".join([head, *blocks, "</article>"])
