"""A journal in SQLite, for millions of items: nothing of it is kept in memory."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from ..values.results import Json
from .journal import Fsync, Journal, in_use, lock, no_journal

APPLICATION_ID = 0x6C786C78
"""In the head of the file: one without it is never written into."""

BUSY_S = 30.0
"""Most seconds that a shared journal waits for another process."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outcomes (
    key BLOB PRIMARY KEY,
    id TEXT,
    position INTEGER,
    ok INTEGER NOT NULL,
    record TEXT NOT NULL
)
"""
_COUNTS = "CREATE TEMP TABLE counts (key BLOB PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID"
_COUNT = "INSERT INTO counts VALUES (?, 0) ON CONFLICT (key) DO UPDATE SET seen = seen + 1"


class SqliteJournal(Journal):
    """One row for each item, in a write-ahead log; `record` is the JSON of the outcome.

    Readers are welcome while it is written. A file beside it, `<name>.lock`, keeps a second run
    away, unless it is shared.

    Args:
        path: Made where it is not there.
        fsync: See `Fsync`.
        shared: Whether other processes may write, too.

    Raises:
        ValidationError: It is no journal, or in use.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, *, fsync: Fsync, shared: bool = False) -> None:
        super().__init__(path, fsync)
        self._closed = False
        self._guard = None if shared else path.with_name(f"{path.name}.lock").open("ab")
        try:
            if self._guard is not None:
                lock(self._guard, path)
            self._database = _connected(path)
        except BaseException:
            if self._guard is not None:
                self._guard.close()
            raise
        try:
            self._prepare()
        except BaseException:
            self._shut()
            raise

    def _prepare(self) -> None:
        run = self._database.execute
        try:
            (mark,) = run("PRAGMA application_id").fetchone()
            (tables,) = run("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and mark != APPLICATION_ID:
                raise no_journal(self.path)
            run("PRAGMA journal_mode = WAL")
            run(f"PRAGMA synchronous = {'FULL' if self._fsync == 'every' else 'NORMAL'}")
            run(f"PRAGMA application_id = {APPLICATION_ID}")
            run(_SCHEMA)
            run(_COUNTS)
        except sqlite3.OperationalError as error:
            raise in_use(self.path) from error
        except sqlite3.DatabaseError as error:
            raise no_journal(self.path) from error

    def _forget_counts(self) -> None:
        self._database.execute("DELETE FROM counts")

    def count(self, key: bytes) -> int:  # noqa: D102 - see Journal
        run = self._database.execute
        run(_COUNT, (key,))
        seen: int = run("SELECT seen FROM counts WHERE key = ?", (key,)).fetchone()[0]
        return seen

    def find(self, key: bytes) -> Json | None:  # noqa: D102
        rows = self._database.execute("SELECT record FROM outcomes WHERE key = ?", (key,))
        row = rows.fetchone()
        if row is None:
            return None
        record: Json = json.loads(row[0])
        return record

    def write(self, key: bytes, record: Json) -> None:  # noqa: D102
        row = (key, record.get("id"), record.get("index"), record["ok"], json.dumps(record))
        try:
            self._database.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?)", row)
            self._sync_if_due()
        except sqlite3.Error as error:
            raise OSError(f"{str(self.path)!r}: {error}") from error

    def sync(self) -> None:  # noqa: D102
        if self._fsync == "every":  # then every commit is synced
            return
        run = self._database.execute
        run("PRAGMA synchronous = FULL")  # which syncs the log at each commit, as the next one is
        run("PRAGMA user_version = 1")
        run("PRAGMA synchronous = NORMAL")

    def close(self) -> None:  # noqa: D102
        if not self._closed:
            try:
                self.sync()
            finally:
                self._shut()

    def _shut(self) -> None:
        self._closed = True
        self._database.close()
        if self._guard is not None:
            self._guard.close()


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise OSError(f"{str(path)!r}: {error}") from error
