"""Trials in a client's process, medians over rounds, and what the load server sends."""

from __future__ import annotations

import asyncio
import http.client
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator

import child
import crowd
import pytest
from answers import PACED, Answer
from child import LackingError, Trials, WrongError, counted, repeated
from load_server import LoadServer
from measure import medians

BODY = b"".join(b"%d," % number for number in range(20_000))
needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="it is compiled, on Linux"
)


def test_cpu_is_counted_by_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 0.3, 0.6])
    monkeypatch.setattr(child.time, "process_time", lambda: next(clock))
    assert repeated(lambda: 100, 0.5) == {"cpu_us": pytest.approx(3000)}


def test_parts_without_text_are_no_text() -> None:
    assert counted(iter(["", "ab", "c", ""]), 2, 3) == 2


def test_client_that_loses_text_is_not_timed() -> None:
    with pytest.raises(WrongError, match="2 characters in 1 chunks, and 3 were sent"):
        counted(iter(["ab"]), 2, 3)


def test_client_without_the_method_is_left_out() -> None:
    with pytest.raises(LackingError, match="acall"):
        Trials(lambda _: object()).acall("url", 0, 1)


def test_client_is_kept_for_its_url() -> None:
    trials = Trials(lambda url: [url])
    assert trials.client("one", "append") is trials.client("one", "append")
    assert trials.client("one", "append") is not trials.client("two", "append")


def test_median_counts() -> None:
    assert medians([{"cpu_us": 3.0}, {"cpu_us": 1.0}, {"cpu_us": 9.0}]) == {"cpu_us": 3.0}


def test_start_is_the_best_over_the_best_of_bare_python() -> None:
    rounds = [{"with_ms": 90.0, "bare_ms": 15.0}, {"with_ms": 80.0, "bare_ms": 20.0}]
    assert medians(rounds) == {"wall_ms": 65.0}


class Steady:
    """A client that answers, or waits for ever."""

    def __init__(self, late: int = 0) -> None:
        self._late = late

    async def acall(self, messages: object) -> str:
        await asyncio.sleep(0)
        self._late -= 1
        if self._late >= 0:
            await asyncio.Event().wait()
        return "said"

    async def astream(self, messages: object) -> AsyncIterator[str]:
        for _ in range(40):
            yield str(int(1e6 * (time.time() - 0.005)))
            await asyncio.sleep(0.001)


def test_calls_that_do_not_end_in_time_are_counted() -> None:
    assert asyncio.run(crowd.many(Steady(), 4, 2, 5))["succeeded"] == 100
    assert asyncio.run(crowd.many(Steady(late=1), 4, 1, 0.05))["succeeded"] == 75


def test_lag_is_what_has_passed_since_the_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "SETTLING_S", 0.0)
    figures = asyncio.run(crowd.paced(Steady(), 3, 5))
    assert figures["succeeded"] == 100
    assert 5 <= figures["p50_ms"] <= figures["p99_ms"]


@pytest.fixture
def served() -> Iterator[http.client.HTTPConnection]:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    plain = Answer(head % (8 + 70 * len(BODY)) + b"head", BODY, b"tail", repeat=70)
    paced = Answer(head % (16 * 3 + 4), b"0" * 16, b"tail", repeat=3, period_ms=5)
    late = Answer(head % 4 + b"late", delay_ms=30)
    with LoadServer({"plain": plain, "paced": paced, "late": late}, None) as server:
        host = server.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=10)
        yield connection
        connection.close()


def asked(connection: http.client.HTTPConnection, name: str) -> bytes:
    connection.request("POST", f"/{name}/v1/chat/completions", body=b"x" * 200_000)
    return connection.getresponse().read()


@needs_compiler
def test_server_sends_head_bodies_and_tail_on_a_kept_connection(
    served: http.client.HTTPConnection,
) -> None:
    for _ in range(3):
        assert asked(served, "plain") == b"head" + BODY * 70 + b"tail"


@needs_compiler
def test_server_writes_the_time_into_paced_bodies(served: http.client.HTTPConnection) -> None:
    start = 1e6 * time.time()
    said = asked(served, "paced")
    stamps = [int(stamp) for stamp in re.findall(rb"\d{16}", said)]
    assert (len(stamps), said[48:]) == (3, b"tail")
    assert start <= stamps[0] < stamps[1] < stamps[2] <= 1e6 * time.time()


@needs_compiler
def test_server_keeps_an_answer_back(served: http.client.HTTPConnection) -> None:
    start = time.perf_counter()
    assert asked(served, "late") == b"late"
    assert time.perf_counter() - start >= 0.03


@needs_compiler
def test_server_keeps_time_for_each_connection(served: http.client.HTTPConnection) -> None:
    other = http.client.HTTPConnection(served.host, served.port, timeout=10)
    start = time.perf_counter()
    other.request("POST", "/late/v1/chat/completions")
    asked(served, "paced")
    assert other.getresponse().read() == b"late"
    assert time.perf_counter() - start >= 0.03
    other.close()


@needs_compiler
def test_server_hangs_up_on_who_asks_for_nothing(served: http.client.HTTPConnection) -> None:
    with pytest.raises(ConnectionError):
        asked(served, "nothing")


def test_paced_streams_last_longer_than_their_beginning() -> None:
    assert PACED * 20 / 1000 >= 2 * crowd.SETTLING_S
