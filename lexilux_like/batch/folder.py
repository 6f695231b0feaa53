"""A folder of journals: each writer has a file of its own in it, and reads those of the others."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import time
from pathlib import Path

from ..values.results import Json
from .journal import Fsync, Journal, no_journal
from .jsonl import HEADER, JsonlJournal

REFRESH_S = 1.0
"""How often, at most, the others' files are looked at for what is new."""

_LINE = re.compile(rb'\{"key":"([0-9a-f]{32})","ok":(true|false),.*\}\n', re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]")


class FolderJournal(Journal):
    """Journals of writers on one machine or on several that share the folder.

    No file has two writers, so nothing but appending to a file is asked of the file system. Equal
    items are not counted, as no writer sees all of them: they have one answer. About 200 bytes of
    memory for each item that was ever answered, in each writer.

    Args:
        path: The folder; made where it is not there.
        fsync: See `Fsync`.

    Raises:
        ValidationError: A `.jsonl` file in it is no journal.
        OSError: It cannot be made or read.
    """

    def __init__(self, path: Path, *, fsync: Fsync = "interval") -> None:
        super().__init__(path, fsync)
        path.mkdir(parents=True, exist_ok=True)
        self._ends: dict[Path, int] = {}
        self._places: dict[bytes, tuple[Path, int]] = {}
        self._answered: set[bytes] = set()
        self._looked = time.monotonic()
        host = _UNSAFE.sub("-", socket.gethostname())[:64]
        self._file = path / f"{host}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._read_others()
        self._own = JsonlJournal(self._file, fsync=fsync)

    def _read_others(self) -> None:
        for path in sorted(self.path.glob("*.jsonl")):
            if path != self._file:
                self._ends[path] = self._read(path, self._ends.get(path, 0))

    def _read(self, path: Path, start: int) -> int:
        """Find the records from a place on; returns where the next will stand."""
        end = start
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):  # torn by a kill, or just being written
                    break
                if not end and line != HEADER:
                    raise no_journal(path)
                if found := _LINE.fullmatch(line):
                    self._place(bytes.fromhex(found[1].decode()), (path, end), found[2] == b"true")
                end += len(line)
        return end

    def _place(self, key: bytes, place: tuple[Path, int], ok: bool) -> None:  # noqa: FBT001
        """An answer counts more than a failure, whichever was first."""
        if ok:
            self._answered.add(key)
        elif key in self._answered:
            return
        self._places[key] = place

    def _forget_counts(self) -> None:
        pass

    def count(self, key: bytes) -> int:  # noqa: ARG002, D102 - see Journal
        return 0

    def find(self, key: bytes) -> Json | None:  # noqa: D102
        if key not in self._answered and (own := self._own.find(key)) is not None:
            return own
        if key not in self._answered and time.monotonic() - self._looked >= REFRESH_S:
            self._looked = time.monotonic()
            self._read_others()
        place = self._places.get(key)
        return None if place is None else _record(*place)

    def write(self, key: bytes, record: Json) -> None:  # noqa: D102
        self._own.write(key, record)
        if record["ok"]:
            self._answered.discard(key)  # the own answer is the newest

    def sync(self) -> None:  # noqa: D102
        self._own.sync()

    def close(self) -> None:  # noqa: D102
        self._own.close()


def _record(path: Path, place: int) -> Json | None:
    with path.open("rb") as file:
        file.seek(place)
        try:
            record: Json = json.loads(file.readline())
        except ValueError:
            return None
    return record
