"""Libraries that only the environment of `nox -s bridges` has, and their plugins of pytest."""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from typing import Any

import pytest

HOME = "LEXILUX_BRIDGES"
"""Set in that environment, where a library that is not there is a failure and no reason to skip."""


def required(name: str) -> Any:
    """The module; elsewhere the test, or its file, is skipped. What it warns of is its own."""
    if not os.environ.get(HOME):
        pytest.skip(f"it runs on {name}: nox -s bridges", allow_module_level=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)
