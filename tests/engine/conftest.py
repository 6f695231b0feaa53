"""Doors to a real llama.cpp: a random model that grammars script, and the demo's trained one."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from lexilux_like.testing.door import Door, Doors
from lexilux_like.testing.engine import LlamaServer
from lexilux_like.testing.plugin import require_engine

TRAINED = Path(__file__).parents[2] / "demo" / "tiny-demo-Q4_0.gguf"


@pytest.fixture(scope="session")
def trained_llama() -> Iterator[LlamaServer]:
    require_engine()
    with LlamaServer(TRAINED, context=2048) as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def doors(request: pytest.FixtureRequest, llama: LlamaServer) -> Iterator[Doors]:
    with Doors(llama.url, is_async=request.param == "async") as doors:
        yield doors


@pytest.fixture
def random_model(doors: Doors) -> Door:
    """Says what a grammar tells it to say."""
    return doors()


@pytest.fixture
def trained_model(doors: Doors, trained_llama: LlamaServer) -> Door:
    """Knows capitals, tools, sums, and names it was told; ask it with `temperature=0`."""
    return doors(base_url=trained_llama.url)


@pytest.fixture(scope="session")
def engine(llama: LlamaServer) -> Iterator[Engine]:
    with httpx.Client(base_url=llama.root_url, trust_env=False, timeout=5) as client:
        yield Engine(client)


class Engine:
    """What the engine says about itself."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def tokens_generated(self) -> int:
        for line in self._client.get("/metrics").text.splitlines():
            name, _, value = line.partition(" ")
            if name == "llamacpp:tokens_predicted_total":
                return int(value)
        raise AssertionError("the engine has no such metric")

    def is_busy(self) -> bool:
        return any(slot["is_processing"] for slot in self._client.get("/slots").json())


@pytest.fixture
def relay_to() -> Iterator[Callable[[LlamaServer], Relay]]:
    """Starts relays; they end with the test."""
    relays: list[Relay] = []

    def start(engine: LlamaServer) -> Relay:
        relays.append(Relay(engine))
        threading.Thread(target=relays[-1].serve_forever, args=(0.02,)).start()
        return relays[-1]

    yield start
    for relay in relays:
        relay.stop()


class Relay(socketserver.ThreadingTCPServer):
    """Stands between clients and an engine, and breaks one response off where it is told to."""

    def __init__(self, engine: LlamaServer) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        place = urlsplit(engine.url)
        self.engine = (place.hostname, place.port)
        self.url = f"http://127.0.0.1:{self.server_address[1]}{place.path}"
        self.asked = self.answered = b""
        self.stopping = self.broke = False
        self._where: Callable[[bytes], int] | None = None

    def break_off(self, *, after: int = 0, inside: bytes = b"") -> None:
        """Let so many bytes of what comes next pass; or, of these, the first half."""
        self.asked = self.answered = b""
        self.broke = False
        self._where = (
            (lambda data: data.find(inside) + len(inside) // 2 if inside in data else 0)
            if inside
            else (lambda data: after if len(data) >= after else 0)
        )

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """The part of a response's next bytes that passes, and whether that was the last."""
        before = len(self.answered)
        self.answered += data
        place = self._where(self.answered) if self._where else 0
        if not place:
            return data, False
        self._where, self.broke = None, True
        return data[: place - before], True

    def stop(self) -> None:
        self.stopping = True
        self.shutdown()
        self.server_close()


class Passage(socketserver.BaseRequestHandler):
    """One connection."""

    server: Relay

    def handle(self) -> None:
        with suppress(ConnectionError), socket.create_connection(self.server.engine) as engine:
            while not self.server.stopping:
                for ready in select.select([self.request, engine], [], [], 0.02)[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    if ready is self.request:
                        self.server.asked += data
                        engine.sendall(data)
                        continue
                    part, is_last = self.server.take(data)
                    self.request.sendall(part)
                    if is_last:
                        return
