"""Forked children: what must start afresh in one."""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakMethod

_methods: set[WeakMethod[Callable[[], None]]] = set()


def in_children(method: Callable[[], None]) -> None:
    """Call this bound method in every forked child, as long as its object lives.

    Locks that another thread held at the fork stay locked in the child, and connections
    would be shared with the parent.
    """
    _methods.add(WeakMethod(method, _methods.discard))


def _start_afresh() -> None:
    for reference in list(_methods):
        if (method := reference()) is not None:
            method()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_start_afresh)
