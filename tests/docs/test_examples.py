"""Every Python block of the README and the documentation runs, as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lexilux_like import Chat
from lexilux_like.testing import (
    USAGE,
    RecordedRequest,
    Reply,
    ScriptedServer,
    json_reply,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.messages import (
    message,
    message_stream,
    refuse_message,
    thinking_block,
    tool_use_block,
)

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REPORT = json.dumps(
    {f"shelf {n}": [f"item {n}.{m}" for m in range(9)] for n in range(14)}, indent=1
)
KEY = "sk-of-the-examples"


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page, each at its own line number."""
    text = page.read_text("utf-8")
    return [
        "\n" * text.count("\n", 0, fence.start(2)) + fence[2]
        for fence in FENCE.finditer(text)
        if fence[1] == "python"
    ]


def run(page: Path) -> dict[str, Any]:
    """Run a page's blocks from top to bottom, in one namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        # This file's own `from __future__` must not change how the examples are read.
        exec(compile(block, str(page), "exec", dont_inherit=True), namespace)
    for value in namespace.values():
        if isinstance(value, Chat):  # as the end of a program does
            value.close()
    return namespace


def provide(request: RecordedRequest) -> Reply:
    """Answer as a provider would, to whatever the examples ask."""
    if request.path.endswith("/messages"):
        return provide_message(request)
    if request.headers["authorization"] != f"Bearer {KEY}":
        return refuse(401, "wrong key", code="invalid_api_key")
    body = request.json
    message: dict[str, Any] = {"role": "assistant", "content": "Hello, Alice!"}
    finish_reason = "length" if body.get("max_tokens", 1000) <= 50 else "stop"
    question = str(body["messages"][0]["content"])
    if "report about the stock" in question:
        return report(body)
    if "Alice is thirty" in question:
        message["content"] = '{"name": "Alice", "age": 30}'
    elif body.get("response_format"):
        message["content"] = '{"colours": ["red", "green", "blue"]}'
    if body.get("reasoning_effort"):
        message["reasoning_content"] = "Three times seven."
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        message |= {"content": None, "tool_calls": [tool_call("get_weather", {"city": "Rome"})]}
        finish_reason = "tool_calls"
    if body.get("stream"):
        return stream(*deltas(message), finish_reason=finish_reason)
    choice = {"message": message, "finish_reason": finish_reason}
    choices = [{"index": i, **choice} for i in range(body.get("n", 1))]
    return json_reply({"id": "chatcmpl-1", "choices": choices, "usage": USAGE})


def provide_message(request: RecordedRequest) -> Reply:
    """Answer as Anthropic would."""
    if request.headers["x-api-key"] != KEY:
        return refuse_message(401, "authentication_error", "wrong key")
    body = request.json
    blocks: list[Any] = [thinking_block("Three times seven.")] if body.get("thinking") else []
    last = body["messages"][-1]["content"]
    answered = isinstance(last, list) and last[0]["type"] == "tool_result"
    if body.get("tools") and not answered:
        blocks.append(tool_use_block("get_weather", {"city": "Rome"}))
        return message(*blocks, stop_reason="tool_use")
    return (message_stream if body.get("stream") else message)(*blocks, "Hello, Alice!")


def report(body: dict[str, Any]) -> Reply:
    """A long answer in JSON, cut off as often as the budget asks, and gone on with if asked."""
    last = body["messages"][-1]
    said = body["messages"][-2]["content"] if len(body["messages"]) > 2 else ""
    said = said if last["role"] == "user" else last["content"]
    rest = REPORT[REPORT.index(said) + len(said) :] if said else REPORT
    part = rest[: 3 * body["max_tokens"]]
    return stream(part, finish_reason="length" if part != rest else "stop")


def deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    words = (message["content"] or "").split(" ")
    calls = [{"index": i, **call} for i, call in enumerate(message.get("tool_calls", ()))]
    return [
        {"reasoning_content": message.get("reasoning_content")},
        *({"content": f"{word} "} for word in words),
        {"tool_calls": calls},
    ]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A provider in the environment, and the files that the examples send."""
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("talk.wav").write_bytes(b"RIFF0000WAVE")
    Path("report.pdf").write_bytes(b"%PDF-1.7")
    with ScriptedServer() as server:
        server.always(provide)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield server


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_no_fence_escapes_by_another_spelling(page: Path):
    text = page.read_text("utf-8")
    fences = FENCE.findall(text)
    assert {language for language, _ in fences} <= {"python", "bash", "text", "json"}
    assert text.count("```") == 2 * len(fences)
    assert "~~~" not in text


WITH_EXAMPLES = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=names(WITH_EXAMPLES))
@pytest.mark.usefixtures("provider")
def test_the_examples_run(page: Path):
    if "testing.engine" in page.read_text("utf-8"):
        pytest.importorskip("xllamacpp", reason="the page shows a real engine, of the extra demo")
    run(page)


@pytest.mark.usefixtures("provider")
def test_the_test_in_the_testing_guide_passes(door, scripted_server):
    run(ROOT / "docs/guides/testing.md")["test_a_refusal_is_not_retried"](door, scripted_server)


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_to_a_file_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
