"""The examples in the docstrings of the bridges run, and each of their modules loads by itself."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest
from bridged import required

from lexilux_like import bridges

LIBRARIES = {"langchain": "langchain_core", "llm": "llm", "pydantic_ai": "pydantic_ai"}


@pytest.mark.parametrize("bridge", LIBRARIES)
def test_docstring_examples_run(bridge: str) -> None:
    required(LIBRARIES[bridge])
    package = import_module(f"lexilux_like.bridges.{bridge}")
    found = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    assert found
    for name in (package.__name__, *found):
        assert doctest.testmod(import_module(name)).failed == 0


def test_no_bridge_is_forgotten() -> None:
    assert {each.name for each in pkgutil.iter_modules(bridges.__path__)} == LIBRARIES.keys()
