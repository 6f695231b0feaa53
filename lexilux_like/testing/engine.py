"""A real inference engine: llama.cpp's own server, from the `xllamacpp` wheel, in a child process.

`python -m lexilux_like.testing.engine MODEL` serves a model until its standard input ends.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Self

STARTUP_S = 30.0
"""Most seconds until the engine must be ready; it takes 0.2 on an idle machine."""
STOP_S = 5.0
"""Seconds to stop by itself before it is killed."""
HTTP_THREADS = 64
"""An idle connection holds one of the engine's threads for 5 s, and who finds none free waits."""
LOG_TAIL = 2_000
"""Characters of the engine's log in an error message."""


def literal_grammar(text: str) -> str:
    """A grammar (GBNF) that lets a model say `text`, and nothing else.

    Send it as llama.cpp's own field: `chat("Hi", extra={"grammar": literal_grammar("Hello")})`.
    """
    plain = (c if c.isascii() and (c.isalnum() or c == " ") else f"\\U{ord(c):08x}" for c in text)
    return f'root ::= "{"".join(plain)}"'


class EngineError(RuntimeError):
    """The engine did not start; the message ends with its log."""


class LlamaServer:
    """llama.cpp serving one model on 127.0.0.1 and a free port; a context manager.

    The engine is a child process that ends with this one, however this one ends.

    Args:
        model_path: A GGUF file.
        alias: The model's name in requests and answers.
        context: The context window, in tokens.
        slots: How many requests are answered at once; more wait.
        api_key: Demanded from clients when given.

    Raises:
        EngineError: It was not ready within 30 s.
    """

    def __init__(
        self,
        model_path: Path | str,
        *,
        alias: str = "tiny",
        context: int = 8192,
        slots: int = 4,
        api_key: str | None = None,
    ) -> None:
        command = [sys.executable, "-m", __spec__.name, str(model_path), "--alias", alias]
        command += ["--context", str(context), "--slots", str(slots)]
        if api_key:
            command += ["--api-key", api_key]
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        try:
            self.root_url = self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """For a client's `base_url`."""
        return f"{self.root_url}/v1"

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def close(self) -> None:
        """Stop the engine, and wait until it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _wait_until_ready(self) -> str:
        watchdog = threading.Timer(STARTUP_S, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else b""
        finally:
            watchdog.cancel()
        if not line:
            self._log.seek(0)
            tail = self._log.read().decode(errors="replace")[-LOG_TAIL:]
            raise EngineError(f"the engine did not start within {STARTUP_S:g} s:\n{tail}")
        url: str = json.loads(line)["url"]
        return url


def serve(arguments: list[str] | None = None) -> None:
    """Serve a model until standard input ends; prints one line of JSON, with `url`, when ready."""
    parser = argparse.ArgumentParser(prog="python -m lexilux_like.testing.engine")
    parser.add_argument("model")
    parser.add_argument("--alias", default="tiny")
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--api-key")
    options = parser.parse_args(arguments)
    ready = os.dup(1)
    os.dup2(2, 1)  # llama.cpp logs to standard output too: that line must stay alone there
    xllamacpp: Any = import_module("xllamacpp")  # an extra, which only this process needs
    server = xllamacpp.Server(_parameters(xllamacpp, options))
    os.write(ready, json.dumps({"url": server.listening_address}).encode() + b"\n")
    sys.stdin.buffer.read()
    os._exit(0)  # the engine's threads do not take part in an orderly exit


def _parameters(xllamacpp: Any, options: argparse.Namespace) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = options.model
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    try:
        parameters.model_alias = {options.alias}
    except TypeError:
        parameters.model_alias = options.alias
    wanted = {
        "hostname": "127.0.0.1",
        "hostnames": ["127.0.0.1"],
        "port": 0,
        "n_ctx": options.context,
        "n_parallel": options.slots,
        "kv_unified": True,
        "use_jinja": True,
        "ui": False,
        "webui": False,
        "endpoint_metrics": True,
        "cache_ram_mib": 0,
        "n_threads_http": HTTP_THREADS,
        "api_keys": [options.api_key] if options.api_key else [],
    }
    for name, value in wanted.items():
        if hasattr(parameters, name):  # names have changed between releases
            setattr(parameters, name, value)
    return parameters


if __name__ == "__main__":
    serve()
