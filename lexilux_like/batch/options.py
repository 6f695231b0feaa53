"""The options of a batch, declared once, and checked before anything is asked."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, get_args

from ..turns.shape import wanted_type
from ..values.errors import ValidationError
from ..values.messages import MessagesLike
from ..values.options import (
    CallOptions,
    CompleteOptions,
    ContinueOptions,
    check_options,
    sampling,
)
from .journal import Journal

if TYPE_CHECKING:
    from ..values.output import OutputType

Item: TypeAlias = MessagesLike | Mapping[str, Any]
"""A prompt, a list of messages, or a mapping; `docs/guides/batch.md` has all forms."""

Items: TypeAlias = Iterable[Item] | Path
"""The items, or a file of them: `.jsonl`, `.ndjson`, `.csv`, `.tsv` or `.parquet`. They are taken
one by one, as there is room for them."""

AsyncItems: TypeAlias = Items | AsyncIterable[Item]
"""`Items`, or an async iterable."""

Method: TypeAlias = Literal["call", "complete"]
"""Which method each item is asked by."""

CONCURRENCY = 16
LEAST_FAILURES = 20
"""Least number of equal failures in a row that stops a batch, unless it was told otherwise."""


class AskOptions(TypedDict, total=False):
    """How the items of a batch are asked, wherever it is run."""

    concurrency: int
    """Most items that are asked at the same time, 1 or more; 16 unless given."""
    method: Method
    """`"call"`: each item is asked by `chat()`, and may come back truncated. `"complete"`: by
    `chat.complete()`. Unless given, `"complete"` where `response_format` is a type, else
    `"call"`."""
    retry_failed: bool
    """True unless given: items that failed in an earlier run are asked again. False: their errors
    come from the journal, too."""
    column: str | None
    """The items are rows, and this column is the prompt; nothing else of a row is sent. `"prompt"`
    for CSV and Parquet files, unless given."""
    template: str | None
    """The items are rows, and this is the prompt, with their columns in it:
    `"Translate: {text}"`."""
    stop_after: int | None
    """How many items in a row, in the order they are done, must fail in the same way for the batch
    to stop by `BatchStoppedError`: an unknown key, a server that is down. The greater of 20 and
    2 x `concurrency` unless given; None: never. Failures that left a part of an answer do not
    count."""
    cost: bool
    """True: `outcome.cost` and `totals.cost` say what it cost (`pip install
    "lexilux_like[prices]"`); False unless given."""


class BatchOptions(AskOptions, total=False):
    """How a batch is run."""

    ordered: bool
    """True unless given: outcomes come in the order of the items. False: as they are done. In
    either case at most 4 x `concurrency` items have been taken and not handed out, so behind one
    slow item at most so many wait."""
    journal: str | PathLike[str] | Journal | None
    """A file that keeps every outcome, and from which the next run takes what is answered already:
    `.jsonl`, or `.sqlite` or `.db` for millions of items. Or what `open_journal` returned; you
    close that one."""
    progress: bool | None
    """A progress bar on stderr, by tqdm (`pip install "lexilux_like[batch]"`). None: where stderr
    is a terminal and tqdm is there."""


class MapOptions(CallOptions, ContinueOptions, BatchOptions, total=False):
    """What `chat.map()` and `chat.amap()` take.

    How the batch is run, and the options of `chat()` or of `chat.complete()` for every item; an
    item's own options win over them. Tools are offered to the model, and never run.
    """


_KINDS: Mapping[str, type[Any]] = {"call": CallOptions, "complete": CompleteOptions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The options of a batch, checked and with their defaults."""

    concurrency: int
    ordered: bool
    method: Method
    journal: str | PathLike[str] | Journal | None
    retry_failed: bool
    progress: bool | None
    column: str | None
    template: str | None
    stop_after: int | None
    cost: bool
    asking: Mapping[str, Any]
    """The options of the method, for every item."""
    model: str | None
    """The client's model, where no option names one."""
    kind: OutputType[Any] | None
    """The type that every answer must have."""

    @property
    def takes(self) -> type[Any]:
        """The options that an item may have of its own: the method's."""
        return _KINDS[self.method]


def planned(options: MapOptions, *, model: str | None) -> Plan:
    """The plan of a batch.

    Args:
        options: As they were given.
        model: The client's own.

    Raises:
        TypeError: An option is not known, or is not the method's.
        ValidationError: One is out of bounds. Nothing was asked.
    """
    check_options(options, MapOptions)
    asking = {k: v for k, v in options.items() if k not in BatchOptions.__optional_keys__}
    kind = wanted_type(options)
    method = options.get("method") or ("call" if kind is None else "complete")
    if method not in get_args(Method):
        raise ValidationError(f"method={method!r}: it must be 'call' or 'complete'")
    check_options(asking, _KINDS[method])
    if kind is not None and method == "call":
        raise ValidationError("a type as response_format needs method='complete'")
    sampling(asking, options.get("params"))
    if options.get("column") is not None and options.get("template") is not None:
        raise ValidationError("pass column= or template=, not both")
    concurrency = _whole("concurrency", options.get("concurrency", CONCURRENCY))
    stop_after = options.get("stop_after", max(LEAST_FAILURES, 2 * concurrency))
    return Plan(
        concurrency=concurrency,
        ordered=options.get("ordered", True),
        method=method,
        journal=options.get("journal"),
        retry_failed=options.get("retry_failed", True),
        progress=options.get("progress"),
        column=options.get("column"),
        template=options.get("template"),
        stop_after=None if stop_after is None else _whole("stop_after", stop_after),
        cost=bool(options.get("cost")),
        asking=asking,
        model=model,
        kind=kind,
    )


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValidationError(f"{name}={value!r}: it must be a whole number, at least 1")
    return value
