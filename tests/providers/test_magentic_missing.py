"""Without magentic, which is an extra."""

from __future__ import annotations

import sys

import pytest

from lexilux_like.providers import MagenticProvider


def test_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "magentic", None)
    with pytest.raises(ImportError, match=r'pip install "lexilux_like\[magentic\]"'):
        MagenticProvider("m")
