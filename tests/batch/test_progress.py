"""The progress bar: there where somebody sees it, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from batches import Maps

from lexilux_like import ValidationError
from lexilux_like.batch import progress
from lexilux_like.testing import ScriptedServer, refuse

CHILD = """
import sys
from lexilux_like import Chat
with Chat(base_url=sys.argv[1], model="m", proxies={}) as chat:
    for outcome in chat.map(["a", "b", "c"]):
        pass
"""


def shown_on_a_terminal(url: str) -> str:
    """What a program writes to a stderr that is a terminal."""
    pty, termios = import_module("pty"), import_module("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    child = subprocess.Popen([sys.executable, "-c", CHILD, url], stderr=theirs)
    os.close(theirs)
    found = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # so Linux says that nobody writes any more
            break
        if not piece:
            break
        found += piece
    os.close(ours)
    assert child.wait() == 0
    return found.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_shows_the_bar(echoing: ScriptedServer):
    shown = shown_on_a_terminal(echoing.url)
    assert "3/3" in shown
    assert "tokens=9" in shown


def test_nothing_is_shown_where_stderr_is_no_terminal(
    maps: Maps, echoing: ScriptedServer, capsys: pytest.CaptureFixture[str]
):
    maps(["a", "b"])
    assert capsys.readouterr().err == ""


def test_a_bar_that_is_wanted_is_shown_anywhere(
    maps: Maps, scripted_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
):
    scripted_server.always(refuse(400, "no"))
    maps(["a", "b"], progress=True)
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert "failed=2" in shown


def test_an_input_without_a_length_has_a_bar_without_an_end(
    maps: Maps, echoing: ScriptedServer, capsys: pytest.CaptureFixture[str]
):
    maps(iter(["a", "b"]), progress=True)
    assert "2 items" in capsys.readouterr().err


def test_no_thread_watches_the_bar(
    maps: Maps, echoing: ScriptedServer, capsys: pytest.CaptureFixture[str]
):
    batch = maps.open(["a", "b"], progress=True)
    batch.next()
    assert not [each for each in threading.enumerate() if "TMonitor" in type(each).__name__]
    batch.close()


def test_without_tqdm_a_bar_that_is_wanted_is_refused(maps: Maps, monkeypatch: pytest.MonkeyPatch):
    def nowhere(name: str) -> Any:
        return None

    monkeypatch.setattr(progress, "find_spec", nowhere)
    with pytest.raises(ValidationError, match=r'pip install "lexilux_like\[batch\]"'):
        maps.open(["a"], progress=True)


def test_without_pyarrow_a_parquet_file_is_refused(
    maps: Maps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from lexilux_like.batch import inputs  # noqa: PLC0415

    monkeypatch.setattr(inputs, "find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r'pip install "lexilux_like\[parquet\]"'):
        maps.open(tmp_path / "in.parquet")
