"""kill -9, at any moment: every item is answered exactly once in the journal, and paid once."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from batches import prompt_of

from lexilux_like.testing import RecordedRequest, Reply, ScriptedServer, answer

COUNT, CONCURRENCY, KILLS = 120, 6, 5
CHILD = """
import asyncio, sys
from lexilux_like import Chat

url, journal, door, count, concurrency = sys.argv[1:]
prompts = [f"prompt {n}" for n in range(int(count))]
options = {"journal": journal, "concurrency": int(concurrency)}
chat = Chat(base_url=url, api_key="k", model="m", proxies={})
print("begun", flush=True)
if door == "sync":
    print(*[outcome.ok for outcome in chat.map(prompts, **options)])
else:
    async def ask():
        return [outcome.ok async for outcome in chat.amap(prompts, **options)]
    print(*asyncio.run(ask()))
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def command(server: ScriptedServer, journal: Path, door: str) -> list[str]:
    options = [server.url, str(journal), door, str(COUNT), str(CONCURRENCY)]
    return [sys.executable, "-c", CHILD, *options]


def started(server: ScriptedServer, journal: Path, door: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command(server, journal, door), stdout=subprocess.PIPE, text=True)


def kept(journal: Path) -> list[dict[str, Any]]:
    """The records of a journal; a torn line is none."""
    if not journal.exists():
        return []
    if journal.suffix == ".jsonl":
        whole = journal.read_bytes().rpartition(b"\n")[0].splitlines()
        return [json.loads(line) for line in whole[1:]]
    with sqlite3.connect(journal) as database:
        rows = database.execute("SELECT record FROM outcomes").fetchall()
    database.close()
    return [json.loads(row[0]) for row in rows]


def slowly(request: RecordedRequest) -> Reply:
    time.sleep(random.uniform(0.002, 0.02))
    return answer(f"answer to {prompt_of(request)}")


@pytest.mark.parametrize("suffix", ["jsonl", "sqlite"])
@pytest.mark.parametrize("door", ["sync", "async"])
def test_a_killed_run_goes_on_where_it_was(
    scripted_server: ScriptedServer, tmp_path: Path, suffix: str, door: str
):
    scripted_server.always(slowly)
    journal = tmp_path / f"answers.{suffix}"
    for kills in range(1, KILLS + 1):
        child = started(scripted_server, journal, door)
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        asked = len(scripted_server.requests)
        scripted_server.wait_for_requests(asked + random.randint(1, COUNT // KILLS), 5)
        time.sleep(random.uniform(0, 0.01))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        time.sleep(0.05)  # what was on its way arrives
        paid_for_nothing = len(scripted_server.requests) - len(kept(journal))
        assert paid_for_nothing <= kills * CONCURRENCY
    last = started(scripted_server, journal, door)
    out, _err = last.communicate(timeout=30)
    assert out.count("True") == COUNT
    answers = [record["result"]["text"] for record in kept(journal)]
    assert Counter(answers) == Counter(f"answer to prompt {n}" for n in range(COUNT))
    assert len(scripted_server.requests) <= COUNT + KILLS * CONCURRENCY


@pytest.mark.parametrize("suffix", ["jsonl", "sqlite"])
def test_two_processes_on_one_journal_are_kept_apart(
    scripted_server: ScriptedServer, tmp_path: Path, suffix: str
):
    scripted_server.always(Reply(head_delay=5.0))
    journal = tmp_path / f"answers.{suffix}"
    first = started(scripted_server, journal, "sync")
    assert scripted_server.wait_for_requests(1, 10)
    second = subprocess.run(
        command(scripted_server, journal, "sync"), capture_output=True, text=True, check=False
    )
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert second.returncode == 1
    assert "in use by another run" in second.stderr


def test_ctrl_c_ends_a_run_at_once(scripted_server: ScriptedServer, tmp_path: Path):
    scripted_server.always(Reply(head_delay=5.0))
    child = started(scripted_server, tmp_path / "answers.jsonl", "sync")
    assert scripted_server.wait_for_requests(CONCURRENCY, 10)
    began = time.monotonic()
    os.kill(child.pid, signal.SIGINT)
    child.communicate(timeout=5)
    assert time.monotonic() - began < 2
    assert child.returncode != 0
