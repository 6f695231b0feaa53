"""The four ways to ask a LangChain runnable, for tests that must hold in each of them.

A test file that imports this one first is skipped where LangChain is not installed.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bridged import required

required("langchain_core.messages")
required("langchain_tests.unit_tests")
to_wire = required("lexilux_like.bridges.langchain.messages").to_wire

WAYS = ("invoke", "ainvoke", "stream", "astream")
EACH_WAY = pytest.mark.parametrize("way", WAYS)


def ask(runnable: Any, way: str, question: Any, **options: Any) -> Any:
    """The answer; of a stream, the sum of its chunks."""
    if way in ("stream", "astream"):
        first, *rest = chunks_of(runnable, way, question, **options)
        for each in rest:
            first = first + each
        return first
    if way == "ainvoke":
        return asyncio.run(runnable.ainvoke(question, **options))
    return runnable.invoke(question, **options)


def chunks_of(runnable: Any, way: str, question: Any, **options: Any) -> list[Any]:
    """What a stream yields."""
    if way == "stream":
        return list(runnable.stream(question, **options))

    async def collect() -> list[Any]:
        return [each async for each in runnable.astream(question, **options)]

    return asyncio.run(collect())
