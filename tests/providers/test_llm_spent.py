"""What an answer cost, as its provider told it."""

from __future__ import annotations

from typing import Any

import pytest
from agents import EACH_WAY, Ask, finish_of, provider_of, streamed

from lexilux_like.testing import ScriptedServer, answer, stream

TOKENS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.mark.parametrize(
    ("told", "dollars"),
    [
        ({"cost": 0.00014}, 0.00014),
        ({"cost": 2}, 2.0),
        ({"cost": 0.0}, 0.0),
        ({"cost": {"input_tokens_cost": 1e-05, "total_cost": 0.00502}}, 0.00502),
        ({"cost_in_usd_ticks": 37_756_000}, 0.0037756),
        ({"cost": None}, 0.0),
        ({"cost": "0.1"}, 0.0),
        ({"cost": True}, 0.0),
        ({}, 0.0),
    ],
    ids=str,
)
@EACH_WAY
def test_the_cost_is_the_providers_own_figure(
    ask: Ask, scripted_server: ScriptedServer, told: dict[str, Any], dollars: float
) -> None:
    scripted_server.play(answer("Hello", usage={**TOKENS, **told}))
    scripted_server.play(stream("Hello", usage={**TOKENS, **told}))
    provider = provider_of(scripted_server)
    assert ask(provider).cost_usd == pytest.approx(dollars)
    assert finish_of(streamed(provider)).cost_usd == pytest.approx(dollars)


@pytest.mark.parametrize(("told", "count"), [({"credits": 3}, 3.0), ({"credits": 0}, 0.0)])
@EACH_WAY
def test_credits_are_told_from_none(
    ask: Ask, scripted_server: ScriptedServer, told: dict[str, Any], count: float
) -> None:
    scripted_server.play(answer("Hello", usage={**TOKENS, **told}), answer("Hello"))
    provider = provider_of(scripted_server)
    assert (ask(provider).credits, ask(provider).credits) == (count, None)


@EACH_WAY
def test_the_costs_of_empty_answers_are_added(ask: Ask, scripted_server: ScriptedServer) -> None:
    usage = {**TOKENS, "cost": 0.25, "credits": 2}
    scripted_server.play(answer("", usage=usage), answer("Hello", usage=usage))
    got = ask(provider_of(scripted_server))
    assert (got.cost_usd, got.credits, got.input_tokens) == (0.5, 4, 2)


@EACH_WAY
def test_the_costs_of_all_requests_of_an_answer_are_added(
    ask: Ask, scripted_server: ScriptedServer
) -> None:
    usage = {**TOKENS, "cost": 0.25}
    text = "The harbour wakes before the town does. Nets are mended by lamplight."
    scripted_server.play(stream(text[:40], finish_reason="length", usage=usage))
    scripted_server.always(stream(f"{text[40:]}", usage=usage))
    got = ask(provider_of(scripted_server, max_continues=5, empty_wait_s=0))
    count = len(scripted_server.requests)
    assert count > 1
    assert (got.cost_usd, got.input_tokens) == (0.25 * count, count)
