# /// script
# dependencies = ["lexilux_like[ray]", "aiohttp>=3.9", "pydantic>=2.12"]
#
# [tool.benchmark]
# title = "Ray Data"
# distribution = "ray"
# ///
# ruff: noqa: T201 - a script
"""`lexilux_like.batch.ray` and Ray's own HttpRequestProcessor, side by side, as a Markdown table.

    python benchmarks/ray_batches.py
    python benchmarks/ray_batches.py --rows 64

The server of each run answers every request after 0.3 s. In some runs, of 64 rows, it refuses one
request, once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import MissingPeerError, cache, made, peer

ANSWER_S = 0.3
IN_FLIGHT = 64
INSIDE = "LEXILUX_RAY_BENCHMARK"
"""Set where the script runs in its own environment."""
ROOT = Path(__file__).parents[1]


@dataclass
class Provider:
    """Answers after a while, refuses one row at its first request, and counts."""

    refusal: int | None = None
    most: int = 0
    requests: int = 0
    first: float = 0.0
    last: float = 0.0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def _counted(self) -> Iterator[int]:
        with self._lock:
            self.requests += 1
            self.first = self.first or time.monotonic()
            self._now += 1
            self.most = max(self.most, self._now)
            number = self.requests
        try:
            yield number
        finally:
            with self._lock:
                self._now -= 1
                self.last = time.monotonic()

    def __call__(self, request: Any) -> Any:
        """One reply."""
        from lexilux_like.testing import answer, refuse  # noqa: PLC0415 - see main

        with self._counted() as number:
            time.sleep(ANSWER_S)
            if self.refusal is not None and number == 10:
                headers = {"Retry-After": "1"} if self.refusal == 429 else {}
                return refuse(self.refusal, "not now", headers=headers)
            return answer(str(request.json["messages"][0]["content"]).upper())


@dataclass(frozen=True)
class Seen:
    """How a run went."""

    rows: int
    """That came out."""
    answered: int
    """Rows with the answer to their own prompt."""
    end: str
    provider: Provider

    def cells(self, asked: int) -> list[str]:
        """The cells of the table."""
        spent = max(self.provider.last - self.provider.first, 1e-9)
        speed = f"{self.answered / spent:.0f}" if self.answered == asked else "-"
        lost = asked - self.rows
        return [speed, str(self.provider.most), str(self.answered), str(lost), self.end]


Runner = Callable[[str, int, int, int], list[Any]]
"""Asks a number of rows, by a number of actors with a number of retries; returns for each
row its prompt, its answer and its error."""


def ours(url: str, rows: int, actors: int, retries: int) -> list[Any]:
    """`map_dataset`."""
    import ray  # noqa: PLC0415 - see main

    from lexilux_like import Chat  # noqa: PLC0415
    from lexilux_like.batch.ray import map_dataset  # noqa: PLC0415

    def chat() -> Chat:
        return Chat(base_url=url, api_key="k", model="m", max_retries=retries)

    dataset = ray.data.from_items([{"prompt": f"row {n}"} for n in range(rows)])
    options: Any = {"actors": actors, "concurrency": IN_FLIGHT // actors}
    asked = map_dataset(dataset, chat, ray_options={"num_cpus": 0.25}, **options)
    return [(row["prompt"], row["text"], row["error"]) for row in asked.iter_rows()]


def theirs(url: str, rows: int, actors: int, retries: int) -> list[Any]:
    """`HttpRequestProcessorConfig`."""
    import ray  # noqa: PLC0415 - see main
    from ray.data.llm import HttpRequestProcessorConfig, build_processor  # noqa: PLC0415

    config = HttpRequestProcessorConfig(
        url=f"{url}/chat/completions",
        headers={"Authorization": "Bearer k"},
        qps=None,
        max_retries=retries,
        batch_size=IN_FLIGHT if actors == 1 else 4,  # small ones are begun side by side
        concurrency=actors,
    )

    def asked(row: dict[str, Any]) -> dict[str, Any]:
        messages = [{"role": "user", "content": row["prompt"]}]
        return {"prompt": row["prompt"], "payload": {"model": "m", "messages": messages}}

    def told(row: dict[str, Any]) -> dict[str, Any]:
        choices = row["http_response"].get("choices")
        text = choices[0]["message"]["content"] if choices is not None else None
        return {"prompt": row["prompt"], "text": text}

    dataset = ray.data.from_items([{"prompt": f"row {n}"} for n in range(rows)])
    processor = build_processor(config, preprocess=asked, postprocess=told)
    return [(row["prompt"], row["text"], None) for row in processor(dataset).iter_rows()]


def run(runner: Runner, rows: int, actors: int, retries: int, refusal: int | None) -> Seen:
    """One run, against a server of its own."""
    from lexilux_like.testing import ScriptedServer  # noqa: PLC0415 - see main

    provider = Provider(refusal)
    with ScriptedServer() as server:
        server.always(provider)
        try:
            found = runner(server.url, rows, actors, retries)
        except Exception as error:  # noqa: BLE001 - that is what is measured
            name = type(error.__cause__ or error).__name__
            return Seen(0, 0, f"the job fails: `{name}`", provider)
    good = sum(text == prompt.upper() for prompt, text, _ in found)
    told = sum(error is not None for _, _, error in found)
    unseen = len(found) - good - told
    end = f"{told} row has its error" if told else "-"
    end = f"{unseen} error passes for a response" if unseen else end
    return Seen(len(found), good, end, provider)


RUNNERS: dict[str, Runner] = {"`map_dataset`": ours, "`HttpRequestProcessor`": theirs}
CASES: list[tuple[str, int, int, int | None]] = [
    ("all is well, 1 actor", 1, 0, None),
    ("all is well, 4 actors", 4, 0, None),
    ("one 429, as it comes", 1, 0, 429),
    ("one 429, 2 retries", 1, 2, 429),
    ("one 500, as it comes", 1, 0, 500),
    ("one 500, 2 retries", 1, 2, 500),
]


def table(rows: int) -> Iterator[str]:
    """The lines of the table."""
    heads = ["run", "stage", "rows/s", "most in flight", "answered", "rows lost", "what else"]
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for title, actors, retries, refusal in CASES:
        for name, runner in RUNNERS.items():
            count = rows if refusal is None else IN_FLIGHT
            cells = run(runner, count, actors, retries, refusal).cells(count)
            yield f"| {' | '.join([title, name, *cells])} |"


def inside(rows: int) -> None:
    """Print the table; called in the script's own environment."""
    import ray  # noqa: PLC0415 - only there

    ray.init(num_cpus=4, logging_level="ERROR", log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    print(
        f"{rows} rows, {ANSWER_S} s an answer, Ray {ray.__version__}, {time.strftime('%Y-%m-%d')}\n"
    )
    for line in table(rows):
        print(line, flush=True)


def main() -> int:
    """Make the environment where there is none, and measure in it."""
    parser = argparse.ArgumentParser(description="Ray Data, side by side.")
    parser.add_argument("--rows", type=int, default=256, help="rows of the runs where all is well")
    parser.add_argument("--envs", type=Path, default=cache(), help="where the environment is kept")
    parser.add_argument("--python", type=Path, help="an interpreter that has all that is needed")
    chosen = parser.parse_args()
    if os.environ.get(INSIDE):
        inside(chosen.rows)
        return 0
    try:
        python = chosen.python or made(peer(Path(__file__)), chosen.envs)
    except MissingPeerError as error:
        print(error, file=sys.stderr)
        return 1
    places = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = {**os.environ, INSIDE: "1", "PYTHONPATH": places}
    command = [str(python), __file__, "--rows", str(chosen.rows)]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - itself


if __name__ == "__main__":
    sys.exit(main())
