"""`ask`: one question, and the answer as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import closing

from ..transport.streaming import StreamingIterator
from ..values.errors import LexiluxError
from .console import note, say
from .envelope import envelope, spent
from .exits import ExitCode, tell, verdict
from .options import AskOptions
from .prompt import read_prompt
from .settings import gather


def ask(words: Sequence[str], options: AskOptions) -> ExitCode:
    """Stream the answer to stdout; what had come stays there, however it ends."""
    settings = gather(options)
    prompt = read_prompt(words, no_stdin=options.get("no_stdin", False))
    reasoning, as_json = options.get("reasoning", False), options.get("json", False)
    with settings.open() as chat:
        stream = chat.stream(
            prompt,
            max_tokens=settings.max_tokens,
            include_reasoning=reasoning,
            **settings.call,
        )
        with closing(stream):
            try:
                if as_json:
                    deque(stream, maxlen=0)
                else:
                    show(stream)
                code = verdict(stream.result)
            except LexiluxError as error:
                code = tell(error, debug=options.get("debug", False))
    result = stream.result
    if as_json and result.has_content:
        say(f"{envelope(result)}\n")
    if options.get("usage"):
        note(spent(result), dim=True)
    return code


def show(stream: StreamingIterator) -> None:
    """Write the text to stdout as it comes, and the reasoning to stderr; a line end after each."""
    text = thought = "\n"
    try:
        for chunk in stream:
            if chunk.reasoning:
                thought = chunk.reasoning
                note(thought, end="", dim=True)
            if chunk.delta:
                if not thought.endswith("\n"):
                    note("")
                    thought = "\n"
                text = chunk.delta  # before it is written: Ctrl-C may strike at any point
                say(text)
    finally:
        if not thought.endswith("\n"):
            note("")
        if not text.endswith("\n"):
            say("\n")
