"""When a journal waits for the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from batches import Maps

from lexilux_like import ValidationError
from lexilux_like.batch import Journal, open_journal
from lexilux_like.batch.journal import INTERVAL_S
from lexilux_like.testing import ScriptedServer

PROMPTS = [f"prompt {n}" for n in range(12)]


class Disk:
    """How often a journal has waited for it."""

    def __init__(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs = 0
        if journal.path.suffix == ".jsonl":
            monkeypatch.setattr(os, "fsync", self._count)
        else:
            database: Any = journal._database  # type: ignore[attr-defined]
            database.set_trace_callback(self._count)

    def _count(self, what: object) -> None:
        self.syncs += not isinstance(what, str) or "synchronous = FULL" in what


def written(journal: Journal, *, age_s: float = 0.0) -> None:
    """Three records, some time after the last sync."""
    journal._synced -= age_s
    for number in range(3):
        journal.write(bytes([number] * 16), {"ok": True})


def test_close_is_when_the_system_likes_and_at_the_end(
    journal_path: Path, monkeypatch: pytest.MonkeyPatch
):
    journal = open_journal(journal_path, fsync="close")
    disk = Disk(journal, monkeypatch)
    written(journal, age_s=2 * INTERVAL_S)
    assert disk.syncs == 0
    journal.close()
    assert disk.syncs == 1


def test_interval_is_once_after_a_second(journal_path: Path, monkeypatch: pytest.MonkeyPatch):
    with open_journal(journal_path) as journal:
        disk = Disk(journal, monkeypatch)
        written(journal)
        assert disk.syncs == 0
        written(journal, age_s=2 * INTERVAL_S)
        assert disk.syncs == 1


def test_every_is_after_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with open_journal(tmp_path / "answers.jsonl", fsync="every") as journal:
        disk = Disk(journal, monkeypatch)
        written(journal)
        assert disk.syncs == 3


def test_every_is_at_each_commit_of_a_database(tmp_path: Path):
    with open_journal(tmp_path / "answers.db", fsync="every") as journal:
        written(journal)
        database: Any = journal._database  # type: ignore[attr-defined]
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_database_is_synced_no_more_than_it_was_told(journal_path: Path):
    with open_journal(journal_path.with_suffix(".db")) as journal:
        written(journal, age_s=2 * INTERVAL_S)
        database: Any = journal._database  # type: ignore[attr-defined]
        assert database.execute("PRAGMA synchronous").fetchone() == (1,)


def flags(outcomes: Any) -> list[bool]:
    return [outcome.resumed for outcome in outcomes]


@pytest.mark.parametrize("fsync", ["every", "interval", "close"])
def test_every_policy_keeps_every_outcome(
    maps: Maps, echoing: ScriptedServer, journal_path: Path, fsync: Any
):
    with open_journal(journal_path, fsync=fsync) as journal:
        maps(PROMPTS, journal=journal)
    assert all(flags(maps(PROMPTS, journal=journal_path)))


def test_an_unknown_policy_is_refused(journal_path: Path):
    with pytest.raises(ValidationError, match="fsync='never'"):
        open_journal(journal_path, fsync="never")  # type: ignore[arg-type]
