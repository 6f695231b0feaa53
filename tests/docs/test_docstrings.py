"""The examples in docstrings run, too."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import lexilux_like

FOUND = [each.name for each in pkgutil.walk_packages(lexilux_like.__path__, "lexilux_like.")]
MODULES = [
    name
    for name in FOUND
    if not name.endswith(".__main__")  # that one is a program
    and ".bridges." not in name  # tests/bridges has their libraries
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    modules = map(importlib.import_module, MODULES)
    assert sum(doctest.testmod(module).attempted for module in modules) > 3
