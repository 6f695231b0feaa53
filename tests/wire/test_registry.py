"""Rows of one's own: registered, found, and forgotten with the test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.wire import registry
from lexilux_like.wire.engines import UNKNOWN
from lexilux_like.wire.profile import Profile
from lexilux_like.wire.registry import (
    find_profile,
    find_provider,
    providers,
    register_provider,
)

MINE = Profile(name="mine", hosts=("Llm.Example",), limit=("max_tokens",))


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})


def test_a_registered_row_is_found_by_its_name() -> None:
    register_provider(MINE)
    assert find_provider("mine") is MINE


@pytest.mark.parametrize(
    "url", ["https://llm.example/v1", "https://eu.llm.example/v1", "https://LLM.EXAMPLE:8443/v1"]
)
def test_a_registered_row_is_found_by_its_host(url: str) -> None:
    register_provider(MINE)
    assert find_profile(url) is MINE


def test_a_registered_row_wins_over_ours_by_host() -> None:
    register_provider(replace(MINE, hosts=("api.openai.com",)))
    assert find_profile("https://api.openai.com/v1").name == "mine"


def test_a_registered_row_wins_over_ours_by_name() -> None:
    register_provider(replace(find_provider("openai"), usage="always"))
    assert find_profile("https://api.openai.com/v1").usage == "always"
    assert [each.name for each in providers()].count("openai") == 1


def test_registering_a_name_again_replaces_it() -> None:
    register_provider(MINE)
    register_provider(replace(MINE, hosts=()))
    assert find_profile("https://llm.example/v1") is UNKNOWN


def test_a_row_may_be_made_of_another() -> None:
    register_provider(replace(find_provider("vllm"), name="ours", base_url="https://llm.example"))
    assert find_provider("ours").prefill == find_provider("vllm").prefill


def test_a_row_without_a_name_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs a name"):
        register_provider(replace(MINE, name=""))


def test_a_row_without_a_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'mine': limit= must name"):
        register_provider(replace(MINE, limit=()))


@pytest.mark.parametrize("name", ["unknown", "local"])
def test_servers_without_a_name_have_names(name: str) -> None:
    assert find_provider(name).name == name


def test_a_registered_name_is_near_to_a_misspelt_one() -> None:
    register_provider(replace(MINE, name="my-gateway"))
    with pytest.raises(ValidationError, match="did you mean 'my-gateway'"):
        find_provider("my-gatway")


def test_many_threads_may_register_and_look() -> None:
    rows = [replace(MINE, name=f"p{i}", hosts=(f"p{i}.example",)) for i in range(200)]

    def both(row: Profile) -> str:
        register_provider(row)
        return find_profile(f"https://{row.name}.example/v1").name

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(both, rows)] == [row.name for row in rows]
