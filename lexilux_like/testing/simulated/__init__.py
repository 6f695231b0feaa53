"""Models that are cut short and go on as real ones do, and know what the whole should have been."""

from __future__ import annotations

from .behaviours import BEHAVIOURS, Behaviour
from .documents import KINDS, document
from .model import PrefillMode, SimulatedModel, SimulatedReply

__all__ = [
    "BEHAVIOURS",
    "KINDS",
    "Behaviour",
    "PrefillMode",
    "SimulatedModel",
    "SimulatedReply",
    "document",
]
