"""The stage on a real Ray: slow to start, so only where it is installed (`nox -s ray`)."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial
from pathlib import Path

import pytest
from batches import Gauge, prompt_of

from lexilux_like import Chat
from lexilux_like.testing import ScriptedServer, answer, rate_limited, refuse

ray = pytest.importorskip("ray", reason="Ray is in the extra ray; nox -s ray has it")
data = pytest.importorskip("ray.data", reason="Ray is in the extra ray; nox -s ray has it")

from lexilux_like.batch.ray import map_dataset  # noqa: E402 - after the skip

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]


@pytest.fixture(scope="module", autouse=True)
def _cluster():
    path = os.pathsep.join(str(folder) for folder in (Path(__file__).parents[2],))
    environment = {"env_vars": {"PYTHONPATH": path, "THE_KEY": "sk-of-the-actors"}}
    ray.init(num_cpus=2, logging_level="ERROR", include_dashboard=False, runtime_env=environment)
    data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def rows(count: int):
    items = [{"prompt": f"row {n}", "id": n} for n in range(count)]
    return data.from_items(items, override_num_blocks=8)


def asked(server: ScriptedServer, dataset, *, chat=None, **options) -> list[dict]:
    make = chat or partial(Chat, base_url=server.url, api_key="k", model="m", max_retries=2)
    settings = {"ray_options": {"num_cpus": 0.5}, "concurrency": 16, **options}
    return map_dataset(dataset, make, **settings).take_all()


@pytest.mark.parametrize("actors", [1, 2])
def test_the_window_is_full_and_no_row_is_lost(scripted_server, actors: int):
    gauge = Gauge(0.05, full=32)  # Ray starts one actor after the other
    scripted_server.always(gauge)
    done = asked(scripted_server, rows(400), actors=actors, concurrency=32 // actors)
    assert gauge.most == 32
    assert sorted(row["id"] for row in done) == list(range(400))
    assert all(row["text"] == row["prompt"].upper() for row in done)


def test_a_rate_limit_and_a_failure_cost_no_row(scripted_server):
    refusals = iter([rate_limited(retry_after_s=0.2)])
    lock = threading.Lock()

    def reply(request):
        if prompt_of(request) == "row 7":
            return refuse(400, "not this one")
        with lock:
            return next(refusals, answer("yes"))

    scripted_server.always(reply)
    done = asked(scripted_server, rows(64))
    failed = [row for row in done if row["error"] is not None]
    assert len(done) == 64
    assert [row["id"] for row in failed] == [7]


def test_a_second_job_asks_nothing_twice(scripted_server, tmp_path: Path):
    scripted_server.always(answer("yes"))
    asked(scripted_server, rows(40), journals=tmp_path, actors=2)
    again = asked(scripted_server, rows(60), journals=tmp_path, actors=2)
    assert len(scripted_server.requests) == 60
    assert sum(row["resumed"] for row in again) == 40


def test_the_key_is_read_by_the_actor(scripted_server):
    scripted_server.always(answer("yes"))
    url = scripted_server.url

    def chat() -> Chat:
        import os as of_the_actor  # noqa: PLC0415 - travels with the function

        return Chat(base_url=url, api_key=of_the_actor.environ["THE_KEY"], model="m")

    assert "THE_KEY" not in os.environ
    asked(scripted_server, rows(8), chat=chat)
    heads = {request.headers["authorization"] for request in scripted_server.requests}
    assert heads == {"Bearer sk-of-the-actors"}


def test_a_wrong_key_fails_the_job(scripted_server):
    scripted_server.always(refuse(401, "wrong key"))
    with pytest.raises(Exception, match="5 items in a row failed in the same way"):
        asked(scripted_server, rows(64), stop_after=5, concurrency=1)
    assert len(scripted_server.requests) < 64


def test_what_an_actor_answered_before_it_was_killed_is_not_asked_again(
    scripted_server, tmp_path: Path
):
    url, pids = scripted_server.url, tmp_path / "pids"
    pids.mkdir()

    def chat() -> Chat:
        import os as of_the_actor  # noqa: PLC0415 - travels with the function

        (pids / str(of_the_actor.getpid())).touch()
        return Chat(base_url=url, api_key="k", model="m")

    gauge, first = Gauge(0.02), threading.Semaphore()

    def reply(request):
        if len(scripted_server.requests) >= 100 and first.acquire(blocking=False):
            os.kill(int(next(pids.iterdir()).name), signal.SIGKILL)
        return gauge(request)

    scripted_server.always(reply)
    done = asked(scripted_server, rows(200), chat=chat, journals=tmp_path / "jobs")
    assert len(list(pids.iterdir())) > 1
    assert sorted(row["id"] for row in done) == list(range(200))
    assert not any(row["error"] for row in done)
    asked_twice = len(scripted_server.requests) - 200
    assert asked_twice <= 16  # those in flight
