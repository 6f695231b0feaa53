"""Time limits are positive numbers of seconds, or None."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.timeouts import Timeouts

NAMES = [field.name for field in fields(Timeouts)]


def test_there_is_no_limit_unless_given():
    assert all(getattr(Timeouts(), name) is None for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limit", [0.001, 1, 60.0])
def test_a_positive_number_is_taken_as_it_is(name: str, limit: float):
    assert getattr(Timeouts(**{name: limit}), name) == limit


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limit", [0, -1, math.inf, math.nan, "5", True, (1, 2)])
def test_any_other_limit_is_refused_by_name(name: str, limit: object):
    with pytest.raises(ValidationError, match=f"^{name} must be a positive number"):
        Timeouts(**{name: limit})


def test_limits_cannot_be_changed():
    with pytest.raises(AttributeError):
        Timeouts().deadline_s = 1  # type: ignore[misc]
