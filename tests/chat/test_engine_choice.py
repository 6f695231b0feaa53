"""Which engine runs: the caller's choice, or the environment's, and never another."""

from __future__ import annotations

import importlib.util
from typing import Any

import httpx
import httpx2
import pytest

from lexilux_like import Chat, ValidationError
from lexilux_like.testing import ScriptedServer, answer, stream
from lexilux_like.testing.door import Doors

URL = "http://x.example/v1"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEXILUX_ENGINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def shown(**options: Any) -> str:
    """What the repr of a chat says of its engine."""
    text = repr(Chat(base_url=URL, model="m", **options))
    return text[text.index("max_retries=0, ") + 15 : text.index(", model=")]


def test_httpx_runs_unless_something_else_is_asked_for() -> None:
    assert shown() == "engine='httpx'"


def test_the_keyword_chooses() -> None:
    assert shown(engine="fast") == "engine='fast'"


def test_the_environment_chooses_where_the_caller_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXILUX_ENGINE", "fast")
    assert shown() == "engine='fast'"
    assert shown(engine="httpx") == "engine='httpx'"
    monkeypatch.setenv("LEXILUX_ENGINE", "")
    assert shown() == "engine='httpx'"


@pytest.mark.parametrize("engine", ["Fast", "aiohttp", "", 3])
def test_an_unknown_engine_is_refused(engine: Any) -> None:
    with pytest.raises(ValidationError, match="use 'httpx' or 'fast'"):
        Chat(base_url=URL, engine=engine)


def test_an_unknown_engine_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXILUX_ENGINE", "quick")
    with pytest.raises(ValidationError, match="LEXILUX_ENGINE='quick'"):
        Chat(base_url=URL)


@pytest.mark.parametrize("by_environment", [False, True])
def test_fast_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    monkeypatch.setattr("lexilux_like.transport.selection.find_spec", lambda _: None)
    options: Any = {} if by_environment else {"engine": "fast"}
    if by_environment:
        monkeypatch.setenv("LEXILUX_ENGINE", "fast")
    with pytest.raises(ValidationError, match=r'pip install "lexilux_like\[fast\]"'):
        Chat(base_url=URL, **options)


def test_what_goes_through_a_proxy_stays_with_httpx_and_says_so(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("a"), stream("b"))
    proxy = f"http://127.0.0.1:{scripted_server.port}"
    asked = door(base_url=URL, engine="fast", proxies={"http": proxy})
    assert asked.call("x").text + asked.stream("x").result.text == "ab"
    assert scripted_server.requests[0].path.startswith("http://x.example")
    assert "engine='httpx (fast goes through no proxy)'" in repr(asked.chat)


def test_a_proxy_for_another_scheme_changes_nothing() -> None:
    assert shown(engine="fast", proxies={"https": "http://127.0.0.1:1"}) == "engine='fast'"


@pytest.mark.parametrize("engine", ["httpx", "fast"])
def test_the_engine_that_is_shown_is_the_one_that_runs(
    door: Doors, scripted_server: ScriptedServer, engine: str
) -> None:
    scripted_server.play(answer("a"))
    asked = door(engine=engine)
    asked.call("x")
    made = asked.chat._engine or next(iter(asked.chat._engines.values()))
    assert type(made).__module__.endswith("fast") == (engine == "fast")


def test_clients_of_ones_own_are_shown() -> None:
    with httpx.Client() as mine:
        assert shown(http_client=mine) == "engine='httpx', http_client=httpx.Client"
        both = {"http_client": mine, "async_http_client": httpx.AsyncClient()}
        assert shown(**both) == "http_client=httpx.Client, async_http_client=httpx.AsyncClient"


def test_an_engine_that_would_not_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {"http_client": httpx.Client(), "async_http_client": httpx.AsyncClient()}
    with pytest.raises(ValidationError, match="engine= would not be used"):
        Chat(base_url=URL, engine="fast", **mine)
    monkeypatch.setenv("LEXILUX_ENGINE", "fast")
    Chat(base_url=URL, **mine)


def test_a_client_of_httpx2_is_used(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(answer("a"), stream("b", "c"))
    name, kind = (
        ("async_http_client", "AsyncClient") if door.is_async else ("http_client", "Client")
    )
    mine = getattr(httpx2, kind)(trust_env=False)
    asked = door(**{name: mine})
    assert asked.call("x").text + asked.stream("x").result.text == "abc"
    assert f"{name}=httpx2.{kind}" in repr(asked.chat)
    if asked._runner is None:
        mine.close()
    else:
        asked._runner.run(mine.aclose())


def test_the_package_of_the_fast_engine_is_installed_for_tests() -> None:
    assert importlib.util.find_spec("httptools")
