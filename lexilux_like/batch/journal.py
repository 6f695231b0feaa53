"""The file that keeps every outcome, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, Self, TypeAlias, get_args

from ..values.errors import ValidationError
from ..values.results import Json

Fsync: TypeAlias = Literal["every", "interval", "close"]
"""When a journal waits for the disk; a process that is killed loses nothing in any case.

`"every"`: after each outcome, so a power cut loses nothing either. `"interval"`: at most once a
second. `"close"`: at the end, and whenever the system likes."""

INTERVAL_S = 1.0
JSONL, SQLITE = (".jsonl", ".ndjson"), (".sqlite", ".sqlite3", ".db")


class Journal(ABC):
    """Outcomes by the key of their item; a context manager. One run at a time uses it.

    Not safe for threads: the batch calls it under a lock.
    """

    def __init__(self, path: Path, fsync: Fsync) -> None:
        if fsync not in get_args(Fsync):
            raise ValidationError(f"fsync={fsync!r}: it must be 'every', 'interval' or 'close'")
        self.path = path
        self._fsync: Fsync = fsync
        self._synced = time.monotonic()
        self._running = False

    def begin(self) -> None:
        """A run begins: items are counted anew.

        Raises:
            ValidationError: Another run of this process uses it.
        """
        if self._running:
            raise in_use(self.path)
        self._running = True
        self._forget_counts()

    def end(self) -> None:
        """The run is over."""
        self._running = False

    @abstractmethod
    def _forget_counts(self) -> None: ...

    @abstractmethod
    def count(self, key: bytes) -> int:
        """How often this run has asked for this count before: equal items are told apart by it."""

    @abstractmethod
    def find(self, key: bytes) -> Json | None:
        """What was written last for a key; None where nothing readable was."""

    @abstractmethod
    def write(self, key: bytes, record: Json) -> None:
        """Keep a record; it survives the process from here on.

        Args:
            key: 16 bytes.
            record: JSON data, with an `"ok"`.

        Raises:
            OSError: It cannot be written.
        """

    @abstractmethod
    def sync(self) -> None:
        """Wait until all that was written is on the disk."""

    @abstractmethod
    def close(self) -> None:
        """Sync, and let another process have it. Safe to call twice."""

    def _sync_if_due(self) -> None:
        now = time.monotonic()
        due = self._fsync == "interval" and now - self._synced >= INTERVAL_S
        if due or self._fsync == "every":
            self.sync()
            self._synced = now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def open_journal(
    path: str | os.PathLike[str], *, fsync: Fsync = "interval", shared: bool = False
) -> Journal:
    """Open a journal, or make one: JSON lines or SQLite, by its suffix.

    A last line that was torn by a kill is cut off. JSON lines keep about 250 bytes of memory for
    each item that was ever answered; SQLite keeps them on the disk.

    Args:
        path: `.jsonl` or `.ndjson`; `.sqlite`, `.sqlite3` or `.db`.
        fsync: See `Fsync`.
        shared: SQLite only: several processes may write into it. Nothing keeps them from asking
            the same items, so give each its own part.

    Raises:
        ValidationError: Another suffix; a file that is no journal; or another run has it.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in SQLITE:
        from .sqlite import SqliteJournal  # noqa: PLC0415 - only who keeps a journal loads it

        return SqliteJournal(path, fsync=fsync, shared=shared)
    if suffix not in JSONL:
        raise ValidationError(
            f"journal {str(path)!r}: its suffix must be one of {', '.join((*JSONL, *SQLITE))}"
        )
    if shared:
        raise ValidationError("a shared journal must be SQLite: use a name that ends in .sqlite")
    from .jsonl import JsonlJournal  # noqa: PLC0415

    return JsonlJournal(path, fsync=fsync)


def in_use(path: Path) -> ValidationError:
    """The error for a journal that somebody else writes."""
    return ValidationError(
        f"journal {str(path)!r} is in use by another run: wait for its end, or use another file"
    )


def no_journal(path: Path) -> ValidationError:
    """The error for a file that this package did not make; it is left as it was."""
    return ValidationError(
        f"{str(path)!r} is not a journal of lexilux_like, and was left as it is: use another name"
    )


def lock(file: IO[Any], path: Path) -> None:
    """Hold an exclusive lock on an open file until it is closed; a killed process lets it go.

    Raises:
        ValidationError: Another open file holds it.
    """
    try:
        if os.name == "nt":
            msvcrt: Any = import_module("msvcrt")  # Windows has no fcntl
            file.seek(_BEYOND)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - and the others no msvcrt

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise in_use(path) from None


_BEYOND = 1 << 40
"""A byte that no journal has: on Windows nobody else can read what is locked."""
