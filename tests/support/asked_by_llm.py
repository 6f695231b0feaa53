"""Models for `llm`, in a folder of their own, asked through either of its two doors."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bridged import required

from lexilux_like.testing import ScriptedServer

llm = required("llm")
MODELS_FILE = "lexilux-like-models.yaml"


@dataclass(frozen=True, slots=True)
class LLMDoor:
    """`llm`'s Python API, sync or async, with models that a test adds."""

    folder: Path
    is_async: bool

    def add(self, model_id: str, api_base: str, **fields: Any) -> None:
        """Write a model into the file; the ones before it stay."""
        path = self.folder / MODELS_FILE
        before = path.read_text("utf-8") if path.exists() else ""
        entry = {"model_id": model_id, "api_base": api_base, **fields}
        path.write_text(f"{before}- {json.dumps(entry)}\n", encoding="utf-8")  # JSON is YAML

    def model(self, model_id: str = "m") -> Any:
        """The sync or the async model."""
        return (llm.get_async_model if self.is_async else llm.get_model)(model_id)

    def prompt(self, *args: Any, on: Any = None, **options: Any) -> Any:
        """The finished response to a prompt, of a model or of a conversation."""
        return self.finish((on or self.model()).prompt(*args, **options))

    def finish(self, response: Any) -> Any:
        """The same response, when all of it has come."""
        if self.is_async:
            asyncio.run(_text(response))
        else:
            response.text()
        return response

    def text(self, response: Any) -> str:
        """What it says; also of a chain."""
        return str(asyncio.run(_text(response)) if self.is_async else response.text())

    def run(self, response: Any) -> tuple[list[Any], Exception | None]:
        """All that a response yields, and how it ends."""
        got: list[Any] = []
        try:
            if self.is_async:
                asyncio.run(_collect(response, got))
            else:
                for event in response.stream_events():
                    got.append(event)  # noqa: PERF402 - what came before an error counts
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return got, error
        return got, None

    def parts(self, response: Any) -> list[Any]:
        """The parts of its messages."""
        messages = asyncio.run(response.messages()) if self.is_async else response.messages()
        return [part for message in messages for part in message.parts]


@pytest.fixture(params=["sync", "async"])
def llm_door(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scripted_server: ScriptedServer,
) -> LLMDoor:
    """A model `m` of the scripted server, for both APIs; import it to have it."""
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    door = LLMDoor(tmp_path, is_async=request.param == "async")
    door.add("m", scripted_server.url)
    return door


async def _text(response: Any) -> str:
    return str(await response.text())


async def _collect(response: Any, got: list[Any]) -> None:
    async for event in response.astream_events():
        got.append(event)  # noqa: PERF401 - what came before an error counts


def text_of(events: list[Any]) -> str:
    """The text of stream events."""
    return "".join(event.chunk for event in events if event.type == "text")
