"""A conversation for people: text, Markdown and HTML, and nothing in them that acts."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexilux_like.values.history import ChatHistory
from lexilux_like.values.parts import audio_part, file_part, image_part
from lexilux_like.values.results import ChatResult, ToolCall

PNG = b"\x89PNG\r\n\x1a\n" + b"." * 30_000
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
EXPORTS = [ChatHistory.to_text, ChatHistory.to_markdown, ChatHistory.to_html]
every_export = pytest.mark.parametrize("export", EXPORTS)


@pytest.fixture
def talk() -> ChatHistory:
    made = ChatHistory(system="Be brief.")
    made.add_user(["What is this?", image_part(PNG)])
    made.append_result(ChatResult(tool_calls=(ToolCall("c1", "look", '{"at": "it"}'),)))
    made.add_tool("c1", "a `cat`")
    made.add_assistant("A **cat**.")
    return made


class Page(HTMLParser):
    """Reads a page: its tags, its text, and the text of the paragraphs alone."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("p", "pre", "h2"):
            self.text.append(data)


def test_text_has_each_role_in_brackets(talk: ChatHistory):
    assert talk.to_text() == (
        "[system]\nBe brief.\n\n"
        "[user]\nWhat is this?\n[image: data:image/png;base64, 40,034 characters]\n\n"
        '[assistant]\nc1 = look({"at": "it"})\n\n'
        "[tool (c1)]\na `cat`\n\n"
        "[assistant]\nA **cat**."
    )


def test_markdown_has_a_heading_for_each_message_and_code_for_machines(talk: ChatHistory):
    assert talk.to_markdown() == (
        "## system\n\nBe brief.\n\n"
        "## user\n\nWhat is this?\n\n`[image: data:image/png;base64, 40,034 characters]`\n\n"
        '## assistant\n\n```\nc1 = look({"at": "it"})\n```\n\n'
        "## tool (c1)\n\n```\na `cat`\n```\n\n"
        "## assistant\n\nA **cat**."
    )


def test_html_is_a_whole_page_with_an_article_for_each_message(talk: ChatHistory):
    page = Page(talk.to_html(title="Cats & dogs"))
    roles = [attributes["data-role"] for tag, attributes in page.tags if tag == "article"]
    assert roles == ["system", "user", "assistant", "tool", "assistant"]
    assert page.text[-2:] == ["assistant", "A **cat**."]
    assert page.open == []
    assert "<title>Cats &amp; dogs</title>" in talk.to_html(title="Cats & dogs")


def test_html_of_a_message_is_an_article(talk: ChatHistory):
    assert talk[:2].to_html().startswith('<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">')
    assert talk[:2].to_html().split("</h1>")[1] == (
        '\n<article data-role="system">\n<h2>system</h2>\n<p>Be brief.</p>\n</article>\n'
        '<article data-role="user">\n<h2>user</h2>\n<p>What is this?</p>\n'
        '<p class="note">[image: data:image/png;base64, 40,034 characters]</p>\n</article>\n'
        '<article data-role="assistant">\n<h2>assistant</h2>\n'
        "<pre>c1 = look({&quot;at&quot;: &quot;it&quot;})</pre>\n</article>\n</body>\n</html>\n"
    )


def test_html_loads_nothing_and_forbids_it(talk: ChatHistory):
    talk.add_user(image_part("https://example.org/cat.png"))
    page = Page(talk.to_html())
    names = {name for _, attributes in page.tags for name in attributes}
    assert not names & {"src", "href", "srcset", "onload", "action", "data"}
    assert any("default-src 'none'" in (a.get("content") or "") for _, a in page.tags)


@every_export
def test_an_empty_history_can_be_exported(export):
    assert isinstance(export(ChatHistory()), str)


@every_export
def test_an_export_leaves_the_history_as_it_is(talk: ChatHistory, export):
    before = talk.to_dict()
    export(talk)
    assert talk.to_dict() == before


@every_export
def test_data_urls_are_never_exported(talk: ChatHistory, export):
    assert len(export(talk)) < 4_000


@pytest.mark.parametrize(
    ("part", "note"),
    [
        (image_part("https://example.org/cat.png"), "[image: https://example.org/cat.png]"),
        (image_part("https://x/" + "y" * 200), f"[image: https://x/{'y' * 90}...]"),
        (image_part(b"GIF89a"), "[image: data:image/gif;base64, 30 characters]"),
        (image_part("data:,x"), "[image: data:, 7 characters]"),
        (audio_part(WAV), "[audio: wav]"),
        (file_part(b"%PDF-", filename="a.pdf"), "[file: a.pdf]"),
        (file_part(file_id="file-1"), "[file: file-1]"),
        (file_part(b"%PDF-"), "[file: data:application/pdf;base64, 36 characters]"),
        ({"type": "image_url", "image_url": "https://x/"}, "[image: https://x/]"),
        ({"type": "video"}, "[video]"),
        ({"type": "video", "video": {"length": 5}}, "[video]"),
        ({"nothing": "known"}, "[part]"),
        ({"type": "file", "file": {"filename": "a\n\x1b.pdf"}}, r"[file: a\n\x1b.pdf]"),
    ],
)
def test_what_is_no_text_becomes_a_short_note(part: dict[str, object], note: str):
    made = ChatHistory([{"role": "user", "content": [part]}])
    assert made.to_text() == f"[user]\n{note}"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"role": "assistant", "content": None}, "[assistant]"),
        ({"role": "assistant", "content": "", "refusal": "No."}, "[assistant]\n\nNo."),
        ({"role": "user", "name": "Ann", "content": "Hi"}, "[user (Ann)]\nHi"),
        ({"role": "user", "name": "A\nB", "content": "Hi"}, "[user (A\\nB)]\nHi"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": ""}}]},
            "[assistant]\nf()",
        ),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
         "[assistant]\nNo."),
    ],
)  # fmt: skip
def test_every_kind_of_message_is_shown(message: dict[str, object], text: str):
    assert ChatHistory([message]).to_text() == text


@pytest.mark.parametrize(("content", "fence"), [("x", "```"), ("```", "````"), ("`" * 7, "`" * 8)])
def test_a_fence_is_longer_than_any_within(content: str, fence: str):
    made = ChatHistory([{"role": "tool", "tool_call_id": "c1", "content": content}])
    assert made.to_markdown().endswith(f"\n{fence}\n{content}\n{fence}")


def test_a_note_cannot_leave_its_code_span():
    made = ChatHistory([file_part(file_id="`](javascript:alert(1))")])
    assert made.to_markdown().splitlines()[-1] == "`[file: _](javascript:alert(1))]`"


@settings(deadline=None)
@given(st.text(min_size=1), st.text(), st.text(min_size=1))
def test_no_text_becomes_markup(role: str, content: str, title: str):
    made = ChatHistory()
    made.append({"role": role, "name": content, "content": content + "<script>"})
    made.append_result(
        ChatResult(refusal=content, tool_calls=(ToolCall(content, content, content),))
    )
    page = Page(made.to_html(title=title + "<script>"))
    assert {tag for tag, _ in page.tags} == {
        *("html", "head", "meta", "title", "style", "body", "h1", "article", "h2", "p", "pre")
    }


def test_reasoning_is_shown_as_such() -> None:
    made = ChatHistory()
    made.append_result(
        ChatResult(text="4", reasoning="2 + 2\n= <4>", reasoning_field="reasoning_content")
    )
    assert made.to_text() == "[assistant]\nReasoning: 2 + 2\n= <4>\n4"
    assert made.to_markdown() == "## assistant\n\n> Reasoning: 2 + 2\n> = <4>\n\n4"
    assert '<p class="note">Reasoning: 2 + 2\n= &lt;4&gt;</p>' in made.to_html()
