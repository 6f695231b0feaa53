"""LangChain's chains on a real llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chains import EACH_WAY, ask, chunks_of
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel

from lexilux_like.bridges.langchain import ChatLexilux
from lexilux_like.testing.engine import LlamaServer, literal_grammar
from lexilux_like.testing.plugin import require_engine

TRAINED = Path(__file__).parents[2] / "demo" / "tiny-demo-Q4_0.gguf"


class Capital(BaseModel):
    """A capital."""

    city: str


@pytest.fixture(scope="module")
def trained() -> Iterator[ChatLexilux]:
    """The demo's model, which knows capitals and tools."""
    require_engine()
    with LlamaServer(TRAINED, context=2048) as server:
        yield ChatLexilux(base_url=server.url, model="tiny", temperature=0)


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return f"sunny in {city}"


def says(text: str) -> dict[str, Any]:
    """Options that make the random model say `text`."""
    return {"extra": {"grammar": literal_grammar(text)}}


@EACH_WAY
def test_a_chain_gives_the_exact_answer(llama: LlamaServer, way: str):
    model = ChatLexilux(base_url=llama.url, model="tiny")
    prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{question}")])
    chain = prompt | model.bind(**says("Grüße, Welt!")) | StrOutputParser()
    assert ask(chain, way, {"question": "Hi"}) == "Grüße, Welt!"


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_an_answer_is_streamed_and_counted(llama: LlamaServer, way: str):
    model = ChatLexilux(base_url=llama.url, model="tiny")
    text = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    chunks = chunks_of(model, way, "Hi", **says(text))
    whole = sum(chunks[1:], chunks[0])
    assert len([each for each in chunks if each.content]) > 1
    assert (whole.content, whole.response_metadata["status"]) == (text, "complete")
    assert whole.usage_metadata["output_tokens"] > 10


@EACH_WAY
def test_a_token_limit_cuts_requests_and_not_the_answer(trained: ChatLexilux, way: str):
    question = "What is the capital of France?"
    whole = ask(trained, way, question)
    limited = trained.model_copy(update={"max_tokens": 4, "max_continues": 20})
    again = ask(limited, way, question)
    assert again.content == whole.content
    assert again.response_metadata["continues"] > 0


@EACH_WAY
def test_a_model_calls_tools(trained: ChatLexilux, way: str):
    message = ask(trained.bind_tools([get_weather]), way, "What is the weather in Oslo?")
    (call,) = message.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"})


@EACH_WAY
def test_a_call_that_the_limit_cuts_is_not_to_be_run(trained: ChatLexilux, way: str):
    cut = trained.model_copy(
        update={"max_tokens": 15, "max_continues": 0, "ensure_complete": False}
    )
    message = ask(cut.bind_tools([get_weather]), way, "What is the weather in Oslo?")
    assert message.tool_calls == []
    assert message.response_metadata["status"] == "truncated"


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_schema_holds_the_model(trained: ChatLexilux, method: Any):
    got = trained.with_structured_output(Capital, method=method).invoke("The capital of France?")
    assert isinstance(got, Capital)
