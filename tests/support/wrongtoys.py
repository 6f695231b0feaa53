"""What proves a contract: each of its claims is broken on purpose, and the contract notices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from lexilux_like.testing.contracts import PlayedModel
from lexilux_like.testing.contracts import model as played

Wrong = tuple[type[Any], tuple[object, ...]]
"""A provider that breaks a claim, and the arguments of the claim's test."""


def cases(wrong: Mapping[str, Sequence[Wrong]]) -> list[object]:
    """Parameters `name, toy, arguments`, by the claims that toys break."""
    return [
        pytest.param(name, toy, arguments, id=f"{name[5:]}-{toy.__name__}-{arguments}")
        for name, toys in wrong.items()
        for toy, arguments in toys
    ]


def contract_of(contract: type[Any], make: Callable[[PlayedModel], Any]) -> Any:
    """A contract for what `make` makes."""
    return type("Contract", (contract,), {"provider": lambda _, model: make(model)})()


def assert_caught(
    contract: type[Any],
    name: str,
    toy: type[Any],
    arguments: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The claim's test fails for the toy, and by what it says and not by a slip of its own."""
    monkeypatch.setattr(played, "UNTIL_S", 0.2)
    test: Callable[..., None] = getattr(contract_of(contract, toy), name)
    with PlayedModel() as model, pytest.raises((Exception, pytest.fail.Exception)) as caught:
        test(model, *arguments)
    assert not isinstance(caught.value, TypeError | AttributeError | NameError)


def claims(contract: type[Any]) -> set[str]:
    """The names of its tests."""
    return {name for name, _ in inspect.getmembers(contract) if name.startswith("test_")}
