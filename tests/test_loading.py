"""What is loaded when: an import costs every user time, also those who never need it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from interpreters import output_of

from lexilux_like.testing import ScriptedServer, answer, stream

CHAT = "from lexilux_like import Chat\nchat = Chat(base_url={url!r}, model='m')\n"
NEVER_AT_ONCE = {
    *("asyncio", "ssl", "email", "http", "logging", "urllib.request"),
    *("httpx", "httpcore", "pydantic", "pydantic_core", "typing_extensions"),
    *("tenacity", "aiolimiter", "anyio"),
}
OF_OTHER_CALLS = {
    *("asyncio", "pydantic", "pydantic.json_schema", "tenacity", "aiolimiter", "httpx"),
    *("lexilux_like.values.output", "lexilux_like.values.schema", "lexilux_like.wire.anthropic"),
    *("lexilux_like.turns.continuer", "lexilux_like.turns.structured"),
    *("lexilux_like.turns.texttools", "lexilux_like.turns.toolloop", "lexilux_like.turns.policy"),
    *("lexilux_like.transport.toolrun", "lexilux_like.transport.borrowed"),
    *("lexilux_like.transport.observe", "lexilux_like.values.events", "lexilux_like.otel"),
}


def loaded(code: str, names: Iterable[str]) -> list[str]:
    """Which of the modules a new interpreter, which is not traced, has after the code."""
    code += f"\nimport sys\nprint(*sorted({{*{sorted(names)!r}}} & sys.modules.keys()))"
    return output_of(code).split()


def test_importing_the_package_does_not_even_load_typing():
    assert loaded("import lexilux_like", NEVER_AT_ONCE | {"typing", "dataclasses"}) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "https://api.openai.com/v1"])
def test_a_chat_is_made_without_any_dependency(url: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert loaded(CHAT.format(url=url), NEVER_AT_ONCE) == []


@pytest.mark.parametrize(
    "call",
    [
        "assert chat('x').text == 'hi'",
        "assert ''.join(each.delta for each in chat.stream('x')) == 'hi'",
        "assert chat('x', temperature=1, max_tokens=5, top_p=0.5).text == 'hi'",
        "import logging; logging.basicConfig(); assert chat('x').text == 'hi'",
    ],
)
def test_a_sync_call_loads_nothing_that_only_other_calls_need(
    call: str, scripted_server: ScriptedServer
):
    scripted_server.play(stream("hi") if "stream" in call else answer("hi"))
    assert loaded(CHAT.format(url=scripted_server.url) + call, OF_OTHER_CALLS) == []


def test_complete_without_a_type_loads_no_pydantic(scripted_server: ScriptedServer):
    scripted_server.play(stream("hi"))
    call = "assert chat.complete('x').text == 'hi'"
    names = {"pydantic", "asyncio", "tenacity"}
    assert loaded(CHAT.format(url=scripted_server.url) + call, names) == []
