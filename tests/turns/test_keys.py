"""Which key is in use."""

from __future__ import annotations

import pytest

from lexilux_like.turns.keys import KeyRing


def test_a_call_that_is_late_does_not_bring_a_bad_key_back() -> None:
    ring = KeyRing(3)
    ring.skip(0)
    ring.skip(1)
    ring.skip(0)
    assert ring.current == 2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_after_the_last_key_comes_the_first(count: int) -> None:
    ring = KeyRing(count)
    for index in range(count):
        ring.skip(index)
    assert ring.current == 0
