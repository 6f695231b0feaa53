"""A folder of journals: one writer for each file, and every writer reads all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexilux_like import ValidationError
from lexilux_like.batch import folder, open_journal
from lexilux_like.batch.folder import FolderJournal

KEY, OTHER = b"k" * 16, b"o" * 16


def good(text: str = "yes") -> dict:
    return {"ok": True, "result": {"text": text}}


BAD = {"ok": False, "error": {"type": "ServerError", "message": "no"}}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others' files are looked at whenever something is not found."""
    monkeypatch.setattr(folder, "REFRESH_S", 0.0)


def test_writers_have_files_of_their_own(tmp_path: Path):
    with FolderJournal(tmp_path) as one, FolderJournal(tmp_path) as two:
        one.write(KEY, good())
        two.write(KEY, good())
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_a_new_writer_knows_what_all_before_it_wrote(tmp_path: Path):
    for key in (KEY, OTHER):
        with FolderJournal(tmp_path) as journal:
            journal.write(key, good(key.decode()))
    with FolderJournal(tmp_path) as journal:
        assert journal.find(KEY)["result"]["text"] == KEY.decode()
        assert journal.find(OTHER)["result"]["text"] == OTHER.decode()
        assert journal.find(b"n" * 16) is None


def test_what_another_writes_later_is_found(tmp_path: Path, now):
    with FolderJournal(tmp_path) as one, FolderJournal(tmp_path) as two:
        assert one.find(KEY) is None
        two.write(KEY, good())
        two.write(OTHER, good("other"))
        assert one.find(KEY)["ok"]
        assert one.find(OTHER)["result"]["text"] == "other"


def test_the_others_are_not_looked_at_for_every_item(tmp_path: Path):
    with FolderJournal(tmp_path) as one, FolderJournal(tmp_path) as two:
        two.write(KEY, good())
        assert one.find(KEY) is None


@pytest.mark.parametrize("order", [(good(), BAD), (BAD, good())])
def test_an_answer_counts_more_than_a_failure(tmp_path: Path, order):
    for record in order:
        with FolderJournal(tmp_path) as journal:
            journal.write(KEY, record)
    with FolderJournal(tmp_path) as journal:
        assert journal.find(KEY)["ok"]


def test_a_failure_is_found_where_there_is_nothing_better(tmp_path: Path):
    with FolderJournal(tmp_path) as journal:
        journal.write(KEY, BAD)
    with FolderJournal(tmp_path) as journal:
        assert not journal.find(KEY)["ok"]


def test_the_own_answer_replaces_the_failure_of_another(tmp_path: Path):
    with FolderJournal(tmp_path) as journal:
        journal.write(KEY, BAD)
    with FolderJournal(tmp_path) as journal:
        journal.write(KEY, good())
        assert journal.find(KEY)["ok"]


def test_an_own_answer_is_newer_than_that_of_another(tmp_path: Path):
    with FolderJournal(tmp_path) as journal:
        journal.write(KEY, good("old"))
    with FolderJournal(tmp_path) as journal:
        journal.write(KEY, good("new"))
        assert journal.find(KEY)["result"]["text"] == "new"


def test_equal_items_are_one(tmp_path: Path):
    with FolderJournal(tmp_path) as journal:
        assert [journal.count(KEY), journal.count(KEY)] == [0, 0]


def test_a_line_that_is_being_written_is_left_alone_and_read_later(tmp_path: Path, now):
    with FolderJournal(tmp_path) as journal:
        journal.write(KEY, good())
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with FolderJournal(tmp_path) as journal:
        assert journal.find(KEY) is None
        assert path.read_bytes() == whole[:-9]
        path.write_bytes(whole)
        assert journal.find(KEY)["ok"]


def test_a_journal_of_chat_map_can_be_put_in(tmp_path: Path):
    with open_journal(tmp_path / "mine.jsonl") as journal:
        journal.write(KEY, good())
    with FolderJournal(tmp_path) as journal:
        assert journal.find(KEY)["ok"]


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path):
    (tmp_path / "data.jsonl").write_text('{"prompt": "a"}\n')
    with pytest.raises(ValidationError, match="is not a journal"):
        FolderJournal(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]
