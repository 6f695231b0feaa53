# ruff: noqa: INP001 - a script's neighbour, not a package
"""The clients that are compared: each is given the same question over a socket, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from lexilux_like import Chat, LexiluxError

PROMPT = "Write the document."
MAX_CONTINUES = 12
"""The same for all; the default of this client and of lexilux is 5."""
LEXILUX = "2.8.0"
CHILD = Path(__file__).with_name("lexilux_child.py")


class IncompleteError(Exception):
    """The client says that it has no whole answer."""


Ask: TypeAlias = Callable[[int, Mapping[str, Any]], str]
"""`ask(max_tokens, extra)` gives the text, or raises `IncompleteError`.

`extra` holds further fields of the request.
"""
Client: TypeAlias = Callable[[str], AbstractContextManager[Ask]]
"""Made for the base URL of a server."""


@contextmanager
def this_client(base_url: str, *, live: bool, provider: str | None) -> Generator[Ask]:
    """`complete()` or `complete_stream()`; what a stream is judged by is what it has handed out.

    Args:
        base_url: The server.
        live: Whether it is `complete_stream()`.
        provider: `"openai"` has no prefill; None leaves it to the client, which tries one here.
    """
    with Chat(base_url=base_url, model="simulated", provider=provider) as chat:

        def ask(max_tokens: int, extra: Mapping[str, Any]) -> str:
            given: Any = {"max_tokens": max_tokens, "max_continues": MAX_CONTINUES, **extra}
            try:
                if not live:
                    return chat.complete(PROMPT, **given).text
                with chat.complete_stream(PROMPT, **given) as stream:
                    return "".join(chunk.delta for chunk in stream)
            except LexiluxError as error:
                raise IncompleteError(str(error)) from error

        yield ask


@contextmanager
def lexilux(base_url: str, *, method: str) -> Generator[Ask]:
    """lexilux as it is, in a process and an environment of its own; any exception is honest."""
    command = [str(lexilux_python()), str(CHILD), base_url, method, PROMPT, str(MAX_CONTINUES)]
    with subprocess.Popen(  # noqa: S603 - the benchmark's own file
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1"},
    ) as child:
        asked, answered = child.stdin, child.stdout
        assert asked is not None
        assert answered is not None

        def ask(max_tokens: int, extra: Mapping[str, Any]) -> str:
            asked.write(json.dumps({"max_tokens": max_tokens, "extra": extra}) + "\n")
            asked.flush()
            answer: dict[str, str] = json.loads(answered.readline())
            if "error" in answer:
                raise IncompleteError(answer["error"])
            return answer["text"]

        yield ask
        asked.close()


@contextmanager
def concatenation(base_url: str) -> Generator[Ask]:
    """Ask to "continue" as long as the finish reason is "length", and glue the replies."""
    with httpx.Client(trust_env=False) as http:

        def ask(max_tokens: int, extra: Mapping[str, Any]) -> str:
            text = ""
            for _ in range(1 + MAX_CONTINUES):
                messages = [{"role": "user", "content": PROMPT}]
                if text:
                    messages.append({"role": "assistant", "content": text})
                    messages.append({"role": "user", "content": "continue"})
                body = {"model": "simulated", "messages": messages, "max_tokens": max_tokens}
                response = http.post(f"{base_url}/chat/completions", json={**body, **extra})
                if response.is_error:
                    raise IncompleteError(response.text)
                choice = response.json()["choices"][0]
                text += choice["message"]["content"] or ""
                if choice["finish_reason"] != "length":
                    return text
            raise IncompleteError("still cut")

        yield ask


OURS: dict[str, Client] = {
    "complete()": partial(this_client, live=False, provider="openai"),
    "complete_stream()": partial(this_client, live=True, provider="openai"),
}
"""This client, where the rest must be asked for in a user turn, as most hosts want it."""
WITH_PREFILL: dict[str, Client] = {
    "complete()": partial(this_client, live=False, provider=None),
    "complete_stream()": partial(this_client, live=True, provider=None),
}
OTHERS: dict[str, Client] = {
    "lexilux complete()": partial(lexilux, method="complete"),
    "lexilux complete_stream()": partial(lexilux, method="complete_stream"),
    "plain concatenation": concatenation,
}


def lexilux_python() -> Path:
    """The interpreter of an environment that holds lexilux.

    It is made on first use, from the package index, in the user's cache directory.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "lexilux_like" / "benchmarks" / f"lexilux-{LEXILUX}-py{sys.version_info[1]}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = home / "finished"
    if not finished.exists():
        venv.create(home, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", f"lexilux=={LEXILUX}"]
        subprocess.run([python, *install], check=True)  # noqa: S603 - as above
        finished.touch()
    return python
