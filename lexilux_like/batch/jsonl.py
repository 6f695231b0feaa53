"""A journal of JSON lines: one for each outcome, to be read by anything."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

from ..values.results import Json
from .journal import Fsync, Journal, lock, no_journal

HEADER = b'{"journal":"lexilux_like","version":1}\n'
"""The first line: a file without it is never written into."""

_LINE = re.compile(rb'\{"key":"([0-9a-f]{32})",.*\}\n', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonlJournal(Journal):
    """Appends each record by a single write; of several with one key the last one counts.

    Args:
        path: Made where it is not there.
        fsync: See `Fsync`.

    Raises:
        ValidationError: It is no journal, or in use.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, *, fsync: Fsync) -> None:
        super().__init__(path, fsync)
        self._file = path.open("a+b", buffering=0)
        try:
            lock(self._file, path)
            self._reader = path.open("rb")
        except BaseException:
            self._file.close()
            raise
        self._counts: Counter[bytes] = Counter()
        self._places: dict[bytes, int] = {}
        try:
            self._end = self._recovered()
        except BaseException:
            self._shut()
            raise

    def _recovered(self) -> int:
        """Find the records, and cut off what a kill left unfinished; returns where the next goes.

        A line in the middle that is no record (a disk that lost power) is passed over.
        """
        first = self._reader.readline()
        if not first.endswith(b"\n"):
            if not HEADER.startswith(first):
                raise no_journal(self.path)
            self._file.truncate(0)
            self._put(HEADER)
            return len(HEADER)
        if first != HEADER:
            raise no_journal(self.path)
        end = len(first)
        for line in self._reader:
            if not line.endswith(b"\n"):
                break
            if found := _LINE.fullmatch(line):
                self._places[bytes.fromhex(found[1].decode())] = end
            end += len(line)
        self._file.truncate(end)
        return end

    def _forget_counts(self) -> None:
        self._counts.clear()

    def count(self, key: bytes) -> int:  # noqa: D102 - see Journal
        self._counts[key] += 1
        return self._counts[key] - 1

    def find(self, key: bytes) -> Json | None:  # noqa: D102
        place = self._places.get(key)
        if place is None:
            return None
        self._reader.seek(place)
        try:
            record: Json = json.loads(self._reader.readline())
        except ValueError:
            return None
        return record

    def write(self, key: bytes, record: Json) -> None:  # noqa: D102
        text = json.dumps({"key": key.hex(), **record}, ensure_ascii=False, separators=(",", ":"))
        text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        line = text.encode() + b"\n"
        self._put(line)
        self._places[key] = self._end
        self._end += len(line)
        self._sync_if_due()

    def _put(self, line: bytes) -> None:
        written = self._file.write(line)
        if written != len(line):
            raise OSError(
                f"only {written} of {len(line)} bytes could be written: is the disk full?"
            )

    def sync(self) -> None:  # noqa: D102
        os.fsync(self._file.fileno())

    def close(self) -> None:  # noqa: D102
        if not self._file.closed:
            try:
                self.sync()
            finally:
                self._shut()

    def _shut(self) -> None:
        self._reader.close()
        self._file.close()
