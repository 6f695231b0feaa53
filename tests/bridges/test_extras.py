"""Without the extra, an import says what to install."""

from __future__ import annotations

import pytest
from interpreters import output_of


@pytest.mark.parametrize(
    ("bridge", "library", "extra"),
    [
        ("langchain", "langchain_core", "langchain"),
        ("llm", "llm", "llm"),
        ("pydantic_ai", "pydantic_ai", "pydantic-ai"),
    ],
)
def test_without_its_library_a_bridge_says_what_to_install(bridge: str, library: str, extra: str):
    code = f"""
import sys
sys.modules[{library!r}] = None
try:
    import lexilux_like.bridges.{bridge}
except ImportError as error:
    print(error)
"""
    assert f'pip install "lexilux_like[{extra}]"' in output_of(code)
