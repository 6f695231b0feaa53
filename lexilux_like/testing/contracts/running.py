"""How the contracts run a test: on an event loop of its own, on which nothing may be left over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from .model import PlayedModel

P = TypeVar("P")
T = TypeVar("T")
C = TypeVar("C", bound="Contract[Any]")

PATIENCE_S = 10.0
"""Most seconds for a test; each is over in a fraction of one."""
TIDYING_S = 0.5
"""Seconds that tasks have to end by themselves behind a test."""


class Contract(Generic[P]):
    """What the contracts share: a played model, and a provider that asks it."""

    tells_usage: ClassVar[bool] = True
    """Whether the tokens of an answer are told."""

    @pytest.fixture
    def model(self) -> Generator[PlayedModel]:
        """The model that the provider asks; each test tells it what to do."""
        with PlayedModel() as model:
            yield model

    def provider(self, model: PlayedModel) -> P:
        """A provider that asks `model`, for one test. Yours to write."""
        raise NotImplementedError(f"write {type(self).__name__}.provider(self, model)")

    def made(self, model: PlayedModel) -> P:
        """What `provider()` makes; where it fails the test does, whatever it expects to fail."""
        try:
            return self.provider(model)
        except Exception as error:
            message = f"{type(self).__name__}.provider() raised {error!r}"
            raise pytest.fail.Exception(message) from error

    async def close(self, provider: P) -> None:
        """Close a provider behind a test: by `aclose()` or `close()`, unless you write it."""
        await close(provider)

    def require(self, capability: str) -> None:
        """Skip the test where the class says that the provider cannot do this."""
        if not getattr(self, capability):
            pytest.skip(f"{type(self).__name__}.{capability} is False")


def on_a_loop(
    test: Callable[[C, P, PlayedModel], Coroutine[Any, Any, None]],
) -> Callable[[C, PlayedModel], None]:
    """Lets pytest run an async test of a contract; it is handed a provider, which is closed."""

    def run(self: C, model: PlayedModel) -> None:
        async def once() -> None:
            provider: P = self.made(model)
            try:
                await test(self, provider, model)
            finally:
                await self.close(provider)

        tidily(once())

    run.__name__, run.__qualname__ = test.__name__, test.__qualname__
    run.__doc__, run.__module__ = test.__doc__, test.__module__
    return run


def tidily(running: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own, on which nothing may be left over."""

    async def bounded() -> T:
        async with nothing_left_over():
            return await running

    return asyncio.run(bounded())


@asynccontextmanager
async def nothing_left_over() -> AsyncGenerator[None]:
    """Fails where tasks go on behind the block, or where the loop has met a stray exception."""
    loop = asyncio.get_running_loop()
    stray: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: stray.append(context))
    patience = asyncio.timeout(PATIENCE_S)
    try:
        async with patience:
            yield
    except TimeoutError:
        assert not patience.expired(), f"it goes on for more than {PATIENCE_S:g} s"
        raise
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=TIDYING_S)
    assert not others, f"tasks are left running: {others!r}"
    await asyncio.sleep(0)
    assert not stray, f"the event loop met an exception that nobody took: {stray!r}"


@contextmanager
def an_error() -> Generator[None]:
    """Fails where nothing is raised; which exception it is, is the provider's own affair."""
    try:
        yield
    except AssertionError:  # of a contract
        raise
    except Exception:  # noqa: BLE001 - see above
        return
    pytest.fail("nothing was raised")


async def close(closeable: object) -> None:
    """Close a provider or a stream, by `aclose()` or `close()`, where it has either."""
    aclose = getattr(closeable, "aclose", None)
    if aclose is not None:
        await aclose()
    elif (plain := getattr(closeable, "close", None)) is not None:
        plain()


async def while_beating(answer: Coroutine[Any, Any, T], event: threading.Event) -> T:
    """An answer that the model gives only once the event loop has set `event`."""
    asyncio.get_running_loop().call_later(0.02, event.set)
    try:
        return await answer
    except Exception:
        assert event.is_set(), "the event loop stood still while the model was silent"
        raise
