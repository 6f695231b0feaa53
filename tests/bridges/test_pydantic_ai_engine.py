"""pydantic-ai's agents on a real engine."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from pydantic_agents import LONG, ask, last_response, streamed
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import OutputTokenLimitExceeded

from lexilux_like import Chat
from lexilux_like.bridges.pydantic_ai import LexiluxModel
from lexilux_like.testing.engine import literal_grammar

ENGINE = "llama.cpp"


class Flag(BaseModel):
    """Small enough for a model of random weights."""

    sure: bool


@pytest.fixture
def engine(llama) -> LexiluxModel:
    """Says what a grammar in `extra_body` tells it to say."""
    return LexiluxModel(Chat(base_url=llama.url, model="tiny", provider=ENGINE))


def saying(text: str, **settings):
    return {"extra_body": {"grammar": literal_grammar(text)}, **settings}


def test_an_agent_answers(engine: LexiluxModel):
    result = ask(Agent(engine, model_settings=saying(LONG)))
    assert result.output == LONG
    assert result.usage.output_tokens > 1
    assert result.response.finish_reason == "stop"


def test_a_stream_is_handed_on_while_it_comes(engine: LexiluxModel):
    pieces, run = streamed(Agent(engine, model_settings=saying(LONG)))
    assert len(pieces) > 1
    assert "".join(pieces) == LONG
    assert last_response(run.all_messages()).finish_reason == "stop"


def test_an_answer_that_it_cuts_is_an_error_with_what_came(engine: LexiluxModel):
    settings = saying(LONG, max_tokens=5, lexilux_max_continues=0)
    with pytest.raises(OutputTokenLimitExceeded) as failure:
        ask(Agent(engine, model_settings=settings))
    came = failure.value.__cause__.final_result.text
    assert LONG.startswith(came)
    assert "" != came != LONG


def test_native_output_is_held_to_its_schema(engine: LexiluxModel):
    agent = Agent(engine, output_type=NativeOutput(Flag), model_settings={"max_tokens": 300})
    assert isinstance(ask(agent).output, Flag)


def test_the_messages_api_answers_too(llama):
    chat = Chat(base_url=llama.url, model="tiny", provider="anthropic-compat")
    model = LexiluxModel(chat)
    settings = saying(LONG)
    assert ask(Agent(model, model_settings=settings)).output == LONG
    assert "".join(streamed(Agent(model, model_settings=settings))[0]) == LONG
