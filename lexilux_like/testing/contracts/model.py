"""A model that does what a test tells it to, over HTTP and inside the process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Self

from ...providers.llm import LLMResponse, Tool, ToolUse
from ...providers.messages import ChatConfig, ChatMessage, ToolCall, ToolCallFunction
from ..connection import RecordedRequest
from ..script import Reply, refuse
from ..server import ScriptedServer
from .behaviours import STALL_S, UNTIL_S, Behaviour, Echoes, Heard, Refuses, Says, Until
from .heard import from_agent, from_anthropic, from_openai, from_window
from .replies import (
    MODEL,
    anthropic_answer,
    anthropic_stream,
    openai_answer,
    openai_stream,
    refusal,
)

POLL_S = 0.005
"""How often a model inside the process looks whether it may go on."""


class PlayedModelError(Exception):
    """What a model inside the process raises where one behind HTTP refuses, breaks or is cut."""


class PlayedModel:
    """Does what it is told with `play()`, whichever way it is asked; a context manager.

    A provider over HTTP is given `url`: requests to `/chat/completions` are answered in OpenAI's
    words, those to `/messages` in Anthropic's. One that calls functions is given `pieces`, `reply`
    or `respond`. For any other, `hear()` tells what the model does, and `perform()` does it.
    """

    def __init__(self) -> None:
        self.asked: list[Heard] = []
        """What it was asked, in order."""
        self._behaviours: deque[Behaviour] = deque()
        self._server: ScriptedServer | None = None
        self._left = threading.Event()
        self._lock = threading.Lock()

    def play(self, *behaviours: Behaviour) -> None:
        """What it does from now on: one behaviour for each request, the last one for ever."""
        with self._lock:
            self._behaviours = deque(behaviours)

    @property
    def url(self) -> str:
        """A base URL that ends with `/v1`."""
        if self._server is None:
            self._server = ScriptedServer()
            self._server.always(self._serve)
        return self._server.url

    @property
    def root_url(self) -> str:
        """The same without `/v1`, for clients that add it."""
        return self.url.removesuffix("/v1")

    def hear(self, heard: Heard) -> Says | Refuses:
        """Keep a request, and tell what the model does."""
        with self._lock:
            self.asked.append(heard)
            if not self._behaviours:
                raise PlayedModelError("play() has not told the model what to do")
            many = len(self._behaviours) > 1
            behaviour = self._behaviours.popleft() if many else self._behaviours[0]
        return behaviour.says(heard.prompt) if isinstance(behaviour, Echoes) else behaviour

    async def perform(self, says: Says) -> AsyncGenerator[str]:
        """The text of an answer, for a provider inside the process.

        Raises:
            PlayedModelError: The answer breaks off.
        """
        ended = False
        try:
            for piece in says.pieces:
                if isinstance(piece, Until):
                    await _happened(piece)
                else:
                    await asyncio.sleep(says.gap_s)
                    yield piece
            if says.ending == "stall":
                await asyncio.sleep(STALL_S)
            ended = True
        finally:
            if not ended:
                self._left.set()
        if says.ending in ("stall", "break"):
            raise PlayedModelError(f"the played model's answer ended: {says.ending!r}")

    async def pieces(
        self, messages: Sequence[ChatMessage], config: ChatConfig
    ) -> AsyncGenerator[str]:
        """A chat window's answer, piece by piece.

        Raises:
            PlayedModelError: The model refuses, breaks, or is cut off.
        """
        says = _willing(self.hear(from_window(messages, config)))
        async with aclosing(self.perform(says)) as pieces:
            async for piece in pieces:
                yield piece
        _uncut(says)

    async def reply(self, messages: Sequence[ChatMessage], config: ChatConfig) -> ChatMessage:
        """A chat window's answer, whole.

        Raises:
            PlayedModelError: The model refuses, breaks, or is cut off.
        """
        says = _willing(self.hear(from_window(messages, config)))
        text = "".join([piece async for piece in self.perform(says)])
        _uncut(says)
        calls = [
            ToolCall(id=c.id, function=ToolCallFunction(name=c.name, arguments=c.arguments))
            for c in says.calls
        ]
        usage = {"input_tokens": says.counted.input, "output_tokens": says.counted.output}
        return ChatMessage(
            role="assistant", content=text, tool_calls=calls or None, model=MODEL, usage=usage
        )

    def respond(
        self,
        messages: Sequence[dict[str, Any]],
        system: str = "",
        tools: Sequence[Tool] | None = None,
        **options: Any,
    ) -> LLMResponse:
        """An agent's answer, whole, on a thread that has no event loop.

        Raises:
            PlayedModelError: The model refuses or breaks, or the arguments of a call are no object.
        """
        says = _willing(self.hear(from_agent(messages, system, tools, options)))

        async def performed() -> str:
            return "".join([piece async for piece in self.perform(says)])

        text = asyncio.run(performed())
        counted, cut = says.counted, says.ending == "length"
        calls = () if cut else says.calls
        if not all(isinstance(each.value, dict) for each in calls):
            raise PlayedModelError(
                f"the model's calls have other arguments than objects: {calls!r}"
            )
        return LLMResponse(
            content=text,
            model=MODEL,
            input_tokens=counted.input,
            output_tokens=counted.output,
            cached_tokens=counted.cached,
            stop_reason="length" if cut else "tool_calls" if calls else "stop",
            tool_uses=[ToolUse(each.id, each.name, each.value) for each in calls],
        )

    async def was_asked(self, timeout_s: float = UNTIL_S) -> bool:
        """Whether a request has come, by now or soon."""
        end = time.monotonic() + timeout_s
        while not self.asked and time.monotonic() < end:  # noqa: ASYNC110 - threads ask
            await asyncio.sleep(POLL_S)
        return bool(self.asked)

    async def left(self, timeout_s: float = 1.0) -> bool:
        """Whether whoever asked last has gone before the answer's end, by now or soon."""
        if self._left.is_set() or self._server is None:
            return await asyncio.to_thread(self._left.wait, timeout_s)
        return await asyncio.to_thread(self._server.wait_for_disconnect, timeout_s)

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _serve(self, request: RecordedRequest) -> Reply:
        path = request.path.partition("?")[0]
        if not path.endswith(("/messages", "/chat/completions")):
            return refuse(404, f"the played model has nothing at {path!r}")
        anthropic = path.endswith("/messages")
        heard = (from_anthropic if anthropic else from_openai)(request.json)
        does = self.hear(heard)
        if isinstance(does, Refuses):
            return refusal(does, anthropic=anthropic)
        if heard.options.get("stream"):
            return anthropic_stream(does) if anthropic else openai_stream(does)
        return anthropic_answer(does) if anthropic else openai_answer(does)


def _willing(does: Says | Refuses) -> Says:
    if isinstance(does, Refuses):
        raise PlayedModelError(f"the played model refuses with {does.status}")
    return does


def _uncut(says: Says) -> None:
    if says.ending == "length":
        raise PlayedModelError("a limit has cut off the played model's answer")


async def _happened(until: Until) -> None:
    end = time.monotonic() + UNTIL_S
    while not until.event.is_set():
        if time.monotonic() > end:
            raise PlayedModelError("nothing happened that the model was waiting for")
        await asyncio.sleep(POLL_S)
