"""What magentic's models answer, and what of it is not whole."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from bridged import required
from through_magentic import HELLO, OwnModel, generated, magentic, streamed

from lexilux_like import (
    APIError,
    AuthenticationError,
    ChatIncompleteResponseError,
    ChatStreamInterruptedError,
    LexiluxConnectionError,
    LexiluxError,
    LexiluxTimeoutError,
    ServerError,
)
from lexilux_like.providers import ChatConfig, ChatMessage, MagenticProvider
from lexilux_like.testing import (
    Cut,
    Reset,
    Stall,
    Wait,
    chunk,
    events,
    fail,
    late,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.engine import LlamaServer
from lexilux_like.testing.plugin import require_engine

ASKED = "What is the capital of France?"
PARIS = "The capital of France is Paris."
TRAINED = Path(__file__).parents[2] / "demo" / "tiny-demo-Q4_0.gguf"


def test_an_answer_has_its_text_model_and_tokens(scripted_server, magentic_provider):
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    scripted_server.play(stream("Hel", "lo", usage=usage))
    message = generated(magentic_provider)
    assert (message.role, message.content, message.model) == ("assistant", "Hello", "m")
    assert message.usage == {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    assert (message.metadata["status"], message.metadata["finish_reason"]) == ("complete", "stop")


def test_pieces_come_as_they_are_sent(scripted_server, magentic_provider):
    more = threading.Event()
    scripted_server.play(
        events(
            chunk({"content": "Hel"}), Wait(more), chunk({"content": "lo"}, finish_reason="stop")
        )
    )

    async def go() -> list[str]:
        async with magentic_provider, magentic_provider.stream(HELLO, ChatConfig()) as pieces:
            first = await anext(pieces)
            more.set()
            return [first, *[piece async for piece in pieces]]

    assert asyncio.run(go()) == ["Hel", "lo"]


def test_an_empty_answer_that_is_whole_is_empty(scripted_server, magentic_provider):
    scripted_server.play(stream())
    assert streamed(magentic_provider) == []


@pytest.mark.parametrize(
    ("word", "reason"), [("length", "max_continues"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_is_an_error_with_what_came(
    scripted_server, magentic_provider, word: str, reason: str
):
    scripted_server.play(stream("Hel", finish_reason=word))
    with pytest.raises(ChatIncompleteResponseError) as caught:
        generated(magentic_provider)
    assert (caught.value.reason, caught.value.final_result.text) == (reason, "Hel")


def test_a_stream_that_was_cut_raises_behind_its_pieces(scripted_server, magentic_provider):
    scripted_server.play(stream("Hel", finish_reason="length"))
    pieces = []

    async def go() -> None:
        async with magentic_provider, magentic_provider.stream(HELLO, ChatConfig()) as answer:
            async for piece in answer:
                pieces.append(piece)  # noqa: PERF401 - they are wanted though it fails

    with pytest.raises(ChatIncompleteResponseError):
        asyncio.run(go())
    assert pieces == ["Hel"]


@pytest.mark.parametrize("done", [True, False])
def test_an_end_without_a_finish_reason_is_an_interruption(
    scripted_server, magentic_provider, done: bool
):
    scripted_server.play(stream("Hel", finish_reason=None, done=done))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        generated(magentic_provider)
    assert (caught.value.clean, caught.value.partial.text) == (True, "Hel")


def test_an_empty_end_without_a_finish_reason_is_an_interruption(
    scripted_server, magentic_provider
):
    scripted_server.play(events())
    with pytest.raises(ChatStreamInterruptedError):
        generated(magentic_provider)


@pytest.mark.parametrize("end", [Cut(), Reset()])
def test_a_broken_connection_is_an_interruption(scripted_server, magentic_provider, end):
    scripted_server.play(stream("Hel", end=end))
    with pytest.raises(ChatStreamInterruptedError) as caught:
        generated(magentic_provider)
    assert (caught.value.clean, caught.value.partial.text) == (False, "Hel")


def test_a_tool_call_behind_the_text_is_not_lost(scripted_server, magentic_provider):
    call = {"tool_calls": [{"index": 0, **tool_call("add", {"a": 1})}]}
    scripted_server.play(stream("Let me see.", call, finish_reason="tool_calls"))
    with pytest.raises(LexiluxError, match="add") as caught:
        generated(magentic_provider)
    assert caught.value.partial.text == "Let me see."


def test_a_model_inside_another_is_heard_too(scripted_server):
    inner = magentic.OpenaiChatModel("m", base_url=scripted_server.url, api_key="k")
    retrying = required("magentic.chat_model.retry_chat_model").RetryChatModel(inner, max_retries=1)
    scripted_server.play(stream("Hel", finish_reason="length", framing="close"))
    with pytest.raises(ChatIncompleteResponseError):
        generated(MagenticProvider(retrying))


def test_the_callers_model_is_left_as_it_is(scripted_server):
    model = magentic.OpenaiChatModel("m", base_url=scripted_server.url, api_key="k")
    before = dict(vars(model))
    scripted_server.play(stream("Hello", framing="close"))
    generated(MagenticProvider(model))
    assert vars(model) == before


def test_any_other_model_answers():
    message = generated(MagenticProvider(OwnModel("Hel", "lo", output_tokens=1)))
    assert (message.content, message.model) == ("Hello", "own")
    assert message.usage == {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8}


def test_a_count_that_is_the_limit_means_cut_where_nothing_else_is_known():
    with pytest.raises(ChatIncompleteResponseError) as caught:
        generated(MagenticProvider(OwnModel("Hel", "lo", output_tokens=2)))
    assert caught.value.final_result.text == "Hello"


def test_what_a_model_raises_is_the_cause_of_an_error_with_what_came():
    bug = ZeroDivisionError("a bug")
    with pytest.raises(LexiluxError, match="ZeroDivisionError: a bug") as caught:
        generated(MagenticProvider(OwnModel("Hel", output_tokens=1, error=bug)))
    assert caught.value.__cause__ is bug
    assert caught.value.partial.text == "Hel"


def test_a_refusal_of_the_server_is_the_packages_own_error(scripted_server, magentic_provider):
    scripted_server.play(refuse(401, "wrong key"))
    with pytest.raises(AuthenticationError) as caught:
        generated(magentic_provider)
    assert (caught.value.provider_message, caught.value.partial) == ("wrong key", None)


@pytest.mark.parametrize("shape", ["object", "text", "chunk"])
def test_an_error_inside_a_stream_is_an_error_with_what_came(
    scripted_server, magentic_provider, shape: str
):
    scripted_server.play(fail(stream("Hel", "lo"), shape, after=1))
    with pytest.raises(ServerError, match="overloaded") as caught:
        generated(magentic_provider)
    assert caught.value.partial.text == "Hel"


def test_the_finish_reason_error_is_an_error_with_what_came(scripted_server, magentic_provider):
    scripted_server.play(stream("Hel", finish_reason="error"))
    with pytest.raises(APIError) as caught:
        generated(magentic_provider)
    assert caught.value.partial.text == "Hel"


@pytest.fixture
def impatient(magentic_provider: MagenticProvider) -> MagenticProvider:
    """Tries once, for a tenth of a second."""
    client = vars(magentic_provider.model)["_async_client"]
    client.max_retries, client.timeout = 0, 0.1
    return magentic_provider


def test_a_silent_server_is_a_timeout(scripted_server, impatient):
    scripted_server.play(late(stream("Hello"), seconds=30))
    with pytest.raises(LexiluxTimeoutError) as caught:
        generated(impatient)
    assert caught.value.partial is None


def test_a_stream_that_stalls_is_a_timeout_with_what_came(scripted_server, impatient):
    scripted_server.play(stream("Hel", end=Stall()))
    with pytest.raises(LexiluxTimeoutError) as caught:
        generated(impatient)
    assert caught.value.partial.text == "Hel"


def test_a_server_that_is_not_there_is_a_connection_error(scripted_server, impatient):
    scripted_server.close()
    with pytest.raises(LexiluxConnectionError) as caught:
        generated(impatient)
    assert caught.value.partial is None


@pytest.fixture(scope="module")
def trained():
    require_engine()
    with LlamaServer(TRAINED, context=2048) as server:
        yield server


def test_a_real_engine_answers_and_counts(trained):
    provider = MagenticProvider("tiny", base_url=trained.url, api_key="k", temperature=0)
    message = generated(provider, [ChatMessage(role="user", content=ASKED)])
    assert (message.content, message.metadata["status"]) == (PARIS, "complete")
    assert message.usage["output_tokens"] == 11


def test_a_limit_of_a_real_engine_is_an_error_with_what_came(trained):
    provider = MagenticProvider("tiny", base_url=trained.url, api_key="k", temperature=0)
    with pytest.raises(ChatIncompleteResponseError) as caught:
        generated(provider, [ChatMessage(role="user", content=ASKED)], ChatConfig(max_tokens=3))
    text = caught.value.final_result.text
    assert text == PARIS[: len(text)] != PARIS


def test_a_real_engine_is_heard_piece_by_piece(trained):
    provider = MagenticProvider("tiny", base_url=trained.url, api_key="k", temperature=0)
    pieces = streamed(provider, [ChatMessage(role="user", content=ASKED)])
    assert "".join(pieces) == PARIS
    assert len(pieces) > 5
