"""Many prompts at once, with one outcome for each: `chat.map(prompts)` and `chat.amap(prompts)`."""

from __future__ import annotations

from .batches import AsyncBatch, Batch
from .journal import Fsync, Journal, open_journal
from .options import AsyncItems, Item, Items, MapOptions, Method
from .outcomes import BatchStoppedError, Outcome, Totals

__all__ = [
    "AsyncBatch",
    "AsyncItems",
    "Batch",
    "BatchStoppedError",
    "Fsync",
    "Item",
    "Items",
    "Journal",
    "MapOptions",
    "Method",
    "Outcome",
    "Totals",
    "open_journal",
]
