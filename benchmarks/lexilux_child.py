# ruff: noqa: INP001, T201 - a script; its answers are what it prints
"""lexilux, answering questions from standard input: `base_url method prompt max_continues`.

A line is a question, `{"max_tokens": ..., "extra": {...}}`; the answer is a line with the `text`
or the `error`.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from typing import Any

LOOPBACK = "127.0.0.1"


def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Let no connection leave this machine."""
    if event == "socket.connect" and arguments[1][0] != LOOPBACK:
        raise PermissionError(f"{arguments[1]!r} is not on this machine")


def serve(base_url: str, method: str, prompt: str, max_continues: str) -> None:
    """Answer line by line until the input ends."""
    # Under the hook, and only in an environment of its own: the checkers do not see it.
    chat = import_module("lexilux").Chat(base_url=base_url, model="simulated", api_key="none")
    for line in sys.stdin:
        given = {"max_continues": int(max_continues), **json.loads(line)}
        try:
            if method == "complete":
                text = chat.complete(prompt, **given).text
            else:
                text = "".join(chunk.delta for chunk in chat.complete_stream(prompt, **given))
        except Exception as error:  # noqa: BLE001 - whatever it raises, it has said so
            print(json.dumps({"error": repr(error)}), flush=True)
        else:
            print(json.dumps({"text": text}), flush=True)


if __name__ == "__main__":
    sys.addaudithook(stay_here)
    logging.disable()  # the exceptions tell it too
    serve(*sys.argv[1:])
