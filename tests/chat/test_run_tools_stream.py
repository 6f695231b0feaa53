"""The tool loop chunk by chunk, and what is peculiar to the sync and the async methods."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest

from lexilux_like import Chat, ServerError, ToolCall, ValidationError
from lexilux_like.testing import Reply, ScriptedServer, refuse, stream, tool_call
from lexilux_like.values.results import ChatResult


def weather(city: str) -> dict[str, Any]:
    """The weather in a city."""
    return {"city": city, "degrees": 21}


def calls(*given: dict[str, Any], text: str = "") -> Reply:
    """An answer that calls tools."""
    deltas: list[Any] = [text] if text else []
    pieces = [{"index": i, **each} for i, each in enumerate(given)]
    return stream(*deltas, {"tool_calls": pieces}, finish_reason="tool_calls")


def ask_rome(text: str = "") -> Reply:
    return calls(tool_call("weather", {"city": "Rome"}), text=text)


class TestStream:
    def test_chunks_of_all_steps_come_and_the_last_alone_is_done(self, door, scripted_server):
        scripted_server.play(ask_rome(text="Let me see. "), stream("21 ", "degrees."))
        streamed = door().run_tools_stream("Rome?", tools=[weather])
        assert "".join(streamed.deltas) == "Let me see. 21 degrees."
        assert [chunk.done for chunk in streamed.chunks] == [False] * (len(streamed.chunks) - 1) + [
            True
        ]
        last = streamed.chunks[-1]
        assert last.finish_reason == "stop"
        assert last.usage == streamed.result.usage
        assert [chunk.finish_reason for chunk in streamed.chunks[:-1]] == [None] * (
            len(streamed.chunks) - 1
        )

    def test_a_chunk_tells_that_tools_have_run(self, door, scripted_server):
        scripted_server.play(ask_rome(text="Let me see. "), stream("21"))
        streamed = door().run_tools_stream("Rome?", tools=[weather])
        shown = [chunk.step or chunk.delta for chunk in streamed.chunks]
        assert shown == ["Let me see. ", streamed.result.steps[0], "21", ""]

    def test_the_result_is_right_at_every_moment(self, door, scripted_server):
        scripted_server.play(ask_rome(text="Let me see. "), stream("21"))
        opened = door().open_stream("Rome?", method="run_tools_stream", tools=[weather])
        assert (opened.result.text, opened.result.steps) == ("", ())
        shown = ""
        while (chunk := opened.next_chunk()) is not None:
            result = opened.result
            if chunk.step is not None:
                shown = ""
                assert result.steps == (chunk.step,)
                assert (result.status, result.done) == ("unannounced", False)
                assert result.usage.total_tokens == 3
                assert result.to_messages() == chunk.step.to_messages()
            shown += chunk.delta
            assert result.text == shown
            assert result.done == chunk.done
        assert opened.result.text == "21"
        assert opened.result.usage.total_tokens == 6

    def test_a_failure_shows_on_the_result(self, door, scripted_server):
        scripted_server.play(ask_rome(), refuse(500, "down"))
        opened = door().open_stream("Rome?", method="run_tools_stream", tools=[weather])
        with pytest.raises(ServerError):
            opened.drain()
        assert [len(step.outcomes) for step in opened.result.steps] == [1]
        assert not opened.result.done


class TestSync:
    def test_an_async_tool_is_refused_before_anything_is_sent(self, scripted_server):
        async def later() -> None: ...

        with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
            with pytest.raises(ValidationError, match=r"'later' is async: use arun_tools"):
                chat.run_tools("Hi", tools=[weather, later])
            with pytest.raises(ValidationError, match=r"approve is async"):
                chat.run_tools("Hi", tools=[weather], approve=later)  # type: ignore[arg-type]
        assert not scripted_server.requests


class TestAsync:
    @pytest.fixture
    def ask(self, scripted_server: ScriptedServer):
        """Runs `chat.arun_tools` with a chat of its own."""

        def ask(**options: Any) -> ChatResult:
            async def main() -> ChatResult:
                async with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
                    return await asyncio.wait_for(chat.arun_tools("Hi", **options), 10)

            return asyncio.run(main())

        return ask

    def test_coroutines_and_plain_functions_run_at_once(self, ask, scripted_server):
        here, there = threading.Event(), asyncio.Event()

        async def on_the_loop() -> str:
            here.set()
            await there.wait()
            return "loop"

        def on_a_thread() -> str:
            assert here.wait(5)
            loop.call_soon_threadsafe(there.set)
            return threading.current_thread().name

        async def approve(_call: ToolCall) -> bool:
            nonlocal loop
            loop = asyncio.get_running_loop()
            await asyncio.sleep(0)
            return True

        loop: Any = None
        scripted_server.play(
            calls(tool_call("on_the_loop", {}), tool_call("on_a_thread", {}, id="c2")),
            stream("ok"),
        )
        result = ask(tools=[on_the_loop, on_a_thread], approve=approve)
        values = [each.value for each in result.steps[0].outcomes]
        assert values[0] == "loop"
        assert values[1] != threading.main_thread().name

    def test_cancelling_cancels_the_tools(self, scripted_server):
        ended: list[str] = []

        async def endless() -> None:
            started.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            ended.append("cancelled")
            raise asyncio.CancelledError

        scripted_server.play(calls(tool_call("endless", {})))
        started = asyncio.Event()

        async def main() -> None:
            async with Chat(base_url=scripted_server.url, model="m", proxies={}) as chat:
                task = asyncio.create_task(chat.arun_tools("Hi", tools=[endless]))
                await asyncio.wait_for(started.wait(), 5)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(main())
        assert ended == ["cancelled"]
