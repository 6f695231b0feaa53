"""The real thing: llama.cpp, asked through the sync and the async door."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lexilux_like import (
    AuthenticationError,
    Chat,
    ChatHistory,
    ChatStreamInterruptedError,
    InvalidRequestError,
    LexiluxConnectionError,
    LexiluxTimeoutError,
    NotFoundError,
    execute_tool_calls,
)
from lexilux_like.testing.door import Door, Doors
from lexilux_like.testing.engine import LlamaServer, literal_grammar
from lexilux_like.testing.tiny_gguf import write_random_model

TEXT = 'Grüße, "Welt"!\n\t\\ 😀 \u2028 日本'
THOUGHT = "<think>\nhm, two and two\n</think>\n\nfour"
ENDLESS: dict[str, Any] = {"max_tokens": 8000, "extra": {"ignore_eos": True}}


def says(text: str, **fields: object) -> dict[str, object]:
    """Options that make the random model say `text`."""
    return {"extra": {"grammar": literal_grammar(text), **fields}}


def test_call_gives_the_exact_answer(random_model: Door) -> None:
    result = random_model.call("Hi", **says(TEXT))
    assert (result.text, result.status, result.finish_reason) == (TEXT, "complete", "stop")
    assert (result.model, result.id is not None) == ("tiny", True)


def test_stream_gives_the_exact_answer_in_pieces(random_model: Door) -> None:
    streamed = random_model.stream("Hi", **says(TEXT))
    assert "".join(streamed.deltas) == streamed.result.text == TEXT
    assert len(streamed.deltas) > 10
    assert (streamed.result.status, streamed.result.finish_reason) == ("complete", "stop")
    assert [chunk.done for chunk in streamed.chunks[-2:]] == [False, True]


def test_call_counts_tokens(random_model: Door) -> None:
    usage = random_model.call("Hi", max_tokens=7, extra={"ignore_eos": True}).usage
    assert (usage.output_tokens, usage.total_tokens) == (7, (usage.input_tokens or 0) + 7)


def test_stream_counts_tokens(random_model: Door) -> None:
    result = random_model.stream("Hi", max_tokens=7, extra={"ignore_eos": True}).result
    assert result.usage.output_tokens == 7
    assert result.timing.first_content_s is not None


def test_truncated_call_says_so(random_model: Door) -> None:
    result = random_model.call("Hi", max_tokens=4, **says("abcdefgh"))
    assert (result.text, result.status, result.raw_finish_reason) == ("abcd", "truncated", "length")


def test_truncated_stream_says_so(random_model: Door) -> None:
    result = random_model.stream("Hi", max_tokens=4, **says("abcdefgh")).result
    assert (result.text, result.status, result.raw_finish_reason) == ("abcd", "truncated", "length")


def test_truncation_inside_a_character_leaves_no_half_of_it(random_model: Door) -> None:
    assert random_model.call("Hi", max_tokens=4, **says("ab😀cd")).text == "ab"
    assert random_model.stream("Hi", max_tokens=4, **says("ab😀cd")).result.text == "ab"


def test_stop_ends_the_answer_before_the_word(random_model: Door) -> None:
    result = random_model.call("Hi", stop="STOP", **says("one STOP two"))
    assert (result.text, result.status) == ("one ", "complete")


def test_json_schema_is_kept(random_model: Door) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}, "t": {"enum": ["x"]}},
        "required": ["n", "t"],
        "additionalProperties": False,
    }
    for seed in range(10):
        result = random_model.call(
            "Hi",
            seed=seed,
            temperature=1,
            max_tokens=500,
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            extra={"chat_template_kwargs": {"enable_thinking": False}},
        )
        value = json.loads(result.text)
        assert value.keys() == {"n", "t"}
        assert 1 <= value["n"] <= 9


def test_seed_repeats_the_answer(random_model: Door) -> None:
    def answer(seed: int) -> str:
        options: dict[str, Any] = {"max_tokens": 50, "extra": {"ignore_eos": True}}
        return random_model.call("Hi", seed=seed, temperature=1, **options).text

    assert answer(1) == answer(1) != answer(2)


def test_reasoning_is_kept_apart(random_model: Door) -> None:
    result = random_model.call("Hi", **says(THOUGHT))
    assert (result.text, result.reasoning.strip()) == ("four", "hm, two and two")


def test_reasoning_streams_apart(random_model: Door) -> None:
    streamed = random_model.stream("Hi", include_reasoning=True, **says(THOUGHT))
    shown = "".join(chunk.reasoning for chunk in streamed.chunks)
    assert shown == streamed.result.reasoning
    assert (streamed.result.text, shown.strip()) == ("four", "hm, two and two")


def test_answer_cut_while_thinking_is_truncated_and_empty(random_model: Door) -> None:
    result = random_model.call("Hi", max_tokens=12, **says(THOUGHT))
    assert (result.text, result.status) == ("", "truncated")
    assert result.reasoning.startswith("hm")


def test_logprobs_come_with_their_alternatives(random_model: Door) -> None:
    result = random_model.call("Hi", logprobs=True, top_logprobs=2, max_tokens=3, **says("abcd"))
    assert result.logprobs is not None
    tokens = [(token["token"], len(token["top_logprobs"])) for token in result.logprobs["content"]]
    assert tokens == [("a", 2), ("b", 2), ("c", 2)]


def test_every_choice_is_given(random_model: Door) -> None:
    result = random_model.call("Hi", n=2, **says("both"))
    assert [(c.index, c.text, c.status) for c in result.choices] == [
        (0, "both", "complete"),
        (1, "both", "complete"),
    ]


def test_usage_of_streamed_choices_adds_up(random_model: Door) -> None:
    result = random_model.stream("Hi", max_tokens=5, extra={"n": 2, "ignore_eos": True}).result
    assert [choice.status for choice in result.choices] == ["truncated", "truncated"]
    assert result.usage.output_tokens == 10


@pytest.mark.parametrize("method", ["call", "stream"])
def test_prompt_beyond_the_context_is_refused(random_model: Door, method: str) -> None:
    with pytest.raises(InvalidRequestError, match="exceeds the available context size") as caught:
        getattr(random_model, method)("the " * 9000)
    assert (caught.value.status_code, caught.value.type) == (400, "exceed_context_size_error")


def test_wrong_base_url_is_not_found(doors: Doors, llama: LlamaServer) -> None:
    with pytest.raises(NotFoundError):
        doors(base_url=f"{llama.root_url}/v9").call("Hi")


@pytest.fixture(scope="module")
def locked_llama(
    llama: LlamaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LlamaServer]:
    model = tmp_path_factory.mktemp("locked") / "random.gguf"
    write_random_model(model)
    with LlamaServer(model, api_key="the-right-key") as server:
        yield server


@pytest.mark.parametrize("method", ["call", "stream"])
def test_wrong_key_is_an_authentication_error(
    doors: Doors, locked_llama: LlamaServer, method: str
) -> None:
    door = doors(base_url=locked_llama.url, api_key="the-wrong-key")
    with pytest.raises(AuthenticationError, match="Invalid API Key") as caught:
        getattr(door, method)("Hi")
    assert "the-wrong-key" not in f"{caught.value!r} {caught.value}"


def test_right_key_is_let_in(doors: Doors, locked_llama: LlamaServer) -> None:
    door = doors(base_url=locked_llama.url, api_key="the-right-key")
    assert door.call("Hi", **says("in")).text == "in"


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return json.dumps({"city": city, "temperature": 21, "sky": "sunny"})


def test_tool_calls_come_whole(trained_model: Door) -> None:
    result = trained_model.call("Weather in Paris and Rome?", temperature=0, tools=[get_weather])
    assert (result.status, result.finish_reason) == ("tool_calls", "tool_calls")
    assert [(call.name, call.get_arguments()) for call in result.tool_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]


def test_streamed_tool_calls_are_put_together(trained_model: Door) -> None:
    streamed = trained_model.stream(
        "Weather in Paris and Rome?", temperature=0, tools=[get_weather]
    )
    assert streamed.result.status == "tool_calls"
    assert [call.arguments for call in streamed.result.tool_calls] == [
        '{"city": "Paris"}',
        '{"city": "Rome"}',
    ]
    pieces = [delta for chunk in streamed.chunks for delta in chunk.tool_calls]
    assert len(pieces) > 4
    assert {piece.index for piece in pieces} == {0, 1}


@pytest.mark.parametrize("method", ["call", "stream"])
def test_tool_call_that_is_cut_off_is_not_offered(trained_model: Door, method: str) -> None:
    asked = getattr(trained_model, method)(
        "What is the weather in Oslo?", temperature=0, tools=[get_weather], max_tokens=15
    )
    result = asked if method == "call" else asked.result
    assert (result.tool_calls, result.status) == ((), "truncated")


def test_answer_is_made_from_the_tool_result(trained_model: Door) -> None:
    history = ChatHistory("What is the weather in Oslo?")
    options: dict[str, Any] = {"temperature": 0, "tools": [get_weather]}
    asked = trained_model.chat_with_history(history, **options)
    history.append_result(asked)
    history.add_messages(execute_tool_calls(asked, [get_weather]))
    told = trained_model.stream_with_history(history, **options).result
    assert told.text == "It is sunny in Oslo with 21 degrees."


def test_history_is_remembered(trained_model: Door) -> None:
    history = ChatHistory("My name is Leo.")
    history.append_result(trained_model.chat_with_history(history, temperature=0))
    result = trained_model.chat_with_history(history, "What is my name?", temperature=0)
    assert result.text == "Your name is Leo."
    assert len(history) == 2


def wait_until_idle(engine: Any, timeout: float = 2.0) -> None:
    end = time.monotonic() + timeout
    while engine.is_busy():
        assert time.monotonic() < end, "the engine is still busy"
        time.sleep(0.01)


def test_closing_a_stream_stops_the_engine(random_model: Door, engine: Any) -> None:
    before = engine.tokens_generated()
    stream = random_model.open_stream("Hi", **ENDLESS)
    assert stream.next_chunk() is not None
    stream.close()
    wait_until_idle(engine)
    assert engine.tokens_generated() - before < ENDLESS["max_tokens"] // 2


def test_deadline_in_a_stream_stops_the_engine(random_model: Door, engine: Any) -> None:
    before = engine.tokens_generated()
    with pytest.raises(LexiluxTimeoutError) as caught:
        random_model.stream("Hi", deadline_s=0.1, **ENDLESS)
    assert caught.value.partial is not None
    wait_until_idle(engine)
    assert engine.tokens_generated() - before < ENDLESS["max_tokens"] // 2


def test_cancelling_the_task_stops_the_engine(llama: LlamaServer, engine: Any) -> None:
    async def cancel_in_the_middle() -> None:
        async with Chat(base_url=llama.url, model="tiny", proxies={}) as chat:
            begun = asyncio.Event()

            async def read() -> None:
                async for _ in chat.astream("Hi", **ENDLESS):
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    before = engine.tokens_generated()
    asyncio.run(cancel_in_the_middle())
    wait_until_idle(engine)
    assert engine.tokens_generated() - before < ENDLESS["max_tokens"] // 2


def test_killed_engine_interrupts_the_stream(doors: Doors, tmp_path: Path) -> None:
    write_random_model(tmp_path / "random.gguf")
    with LlamaServer(tmp_path / "random.gguf") as server:
        door = doors(base_url=server.url)
        stream = door.open_stream("Hi", **ENDLESS)
        while not stream.result.text:
            stream.next_chunk()
        seen = stream.result.text
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ChatStreamInterruptedError) as caught:
            stream.drain()
        assert caught.value.partial is not None
        assert caught.value.partial.text.startswith(seen)
        with pytest.raises(LexiluxConnectionError):
            door.call("Hi")


def test_one_chat_serves_many_threads(llama: LlamaServer) -> None:
    with (
        Chat(base_url=llama.url, model="tiny", proxies={}) as chat,
        ThreadPoolExecutor(8) as threads,
    ):
        texts = [f"answer {i}" for i in range(24)]
        answers = threads.map(lambda text: chat("Hi", **says(text)).text, texts)
        assert list(answers) == texts


def test_one_chat_serves_many_tasks(llama: LlamaServer) -> None:
    texts = [f"answer {i}" for i in range(24)]

    async def ask_all() -> list[str]:
        async with Chat(base_url=llama.url, model="tiny", proxies={}) as chat:
            results = await asyncio.gather(*(chat.acall("Hi", **says(text)) for text in texts))
        return [result.text for result in results]

    assert asyncio.run(ask_all()) == texts
