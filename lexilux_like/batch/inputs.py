"""Where items come from: an iterable, or a file that is read line by line."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..values.errors import ValidationError
from ..values.messages import Conversation
from .options import AsyncItems, Items

LINES, TABLES, PARQUET = (".jsonl", ".ndjson"), (".csv", ".tsv"), (".parquet",)
PARQUET_ROWS = 1024
"""Rows of a Parquet file that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as it was read, or why it could not be."""

    item: Any
    line: int | None = None
    error: ValidationError | None = None


def is_table(items: object) -> bool:
    """Whether it is a file whose items are rows, with a prompt in one of their columns."""
    return isinstance(items, Path) and items.suffix.lower() in (*TABLES, *PARQUET)


def check_items(items: object, *, awaits: bool) -> None:
    """Refuse what is no source of items, before anything is asked.

    Raises:
        ValidationError: It is one item, no iterable, or a file that cannot be opened.
    """
    if isinstance(items, Path):
        _check_file(items)
    elif isinstance(items, str | bytes):
        raise ValidationError(
            f"items cannot be one text, {items[:80]!r}: pass [prompt]; for a file pass a"
            " pathlib.Path"
        )
    elif isinstance(items, Mapping | Conversation):
        raise ValidationError("items cannot be one conversation or one mapping: pass it in a list")
    elif isinstance(items, AsyncIterable) and not awaits:
        raise ValidationError("an async iterable is for amap()")
    elif not isinstance(items, Iterable | AsyncIterable):
        raise ValidationError(f"items must be an iterable or a pathlib.Path, not {items!r}")


def _check_file(path: Path) -> None:
    suffix, known = path.suffix.lower(), (*LINES, *TABLES, *PARQUET)
    if suffix not in known:
        raise ValidationError(f"{str(path)!r}: its suffix must be one of {', '.join(known)}")
    if suffix in PARQUET and find_spec("pyarrow") is None:
        raise ValidationError(
            f'{str(path)!r} needs another package: pip install "lexilux_like[parquet]"'
        )
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValidationError(f"the items cannot be read: {error}") from error


def entries(items: Items) -> Generator[Entry, None, None]:
    """The items one by one; nothing is read ahead. What an iterable raises passes as it is."""
    if not isinstance(items, Path):
        for item in items:
            yield Entry(item)
        return
    suffix = items.suffix.lower()
    if suffix in LINES:
        yield from _lines(items)
    else:
        read = _rows if suffix in TABLES else _parquet
        yield from _guarded(items, read(items))


async def aentries(items: AsyncItems) -> AsyncGenerator[Entry, None]:
    """`entries`, of an async iterable too."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield Entry(item)
        return
    with closing(entries(items)) as found:
        for entry in found:
            yield entry


def _lines(path: Path) -> Generator[Entry, None, None]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield Entry(json.loads(line), number)  # which takes a byte order mark, too
            except (ValueError, RecursionError) as error:
                yield Entry(None, number, _unreadable(path, f"line {number}", error))


def _rows(path: Path) -> Generator[Entry, None, None]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: Any = csv.DictReader(file, delimiter=delimiter, strict=True)
        for row in rows:
            number = rows.line_num
            surplus: object = row.pop(None, None)
            if surplus is not None:
                reason = ValueError(f"{surplus!r} belongs to no column")
                yield Entry(row, number, _unreadable(path, f"line {number}", reason))
            else:
                yield Entry(row, number)


def _parquet(path: Path) -> Generator[Entry, None, None]:
    parquet: Any = import_module("pyarrow.parquet")
    number = 0
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield Entry(row, number)


def _guarded(path: Path, rows: Generator[Entry, None, None]) -> Generator[Entry, None, None]:
    """The rows, and an entry with the error where the file cannot be read any further."""
    number = 0
    with closing(rows):
        while True:
            try:
                entry = next(rows)
            except StopIteration:
                return
            except Exception as error:  # noqa: BLE001 - pyarrow's have no common root
                place = f"what follows line {number}"
                yield Entry(None, number + 1, _unreadable(path, place, error))
                return
            number = entry.line or number
            yield entry


def _unreadable(path: Path, place: str, error: Exception) -> ValidationError:
    return ValidationError(f"{path.name!r}: {place} cannot be read: {error}")
