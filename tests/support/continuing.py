"""Playing `complete()` against a simulated model without any server: the flow, step by step."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any, Literal

from lexilux_like.testing.simulated.model import SimulatedModel, SimulatedReply
from lexilux_like.turns.continuer import ConversationContinuer
from lexilux_like.turns.flow import Flow, Now, Sleep
from lexilux_like.turns.retry import Attempts, RetryBudget
from lexilux_like.turns.rules import Learned, Server, checked_rules
from lexilux_like.turns.turn import Turn
from lexilux_like.values.errors import ChatIncompleteResponseError, InvalidRequestError
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import ChatResult, ChatStreamChunk
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.profile import Profile
from lexilux_like.wire.profiles import UNKNOWN

Verdict = Literal["exact", "honest", "wrong"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one answer."""

    verdict: Verdict
    text: str
    """What was returned, or what the error carries."""
    reason: str = ""
    streamed: str = ""
    """What was handed out as chunks."""
    requests: int = 1
    result: ChatResult | None = None


def turn_of(model: SimulatedModel, profile: Profile, *, live: bool) -> Turn:
    """One question to the model, as chunks and a result."""
    dialect = OpenAIDialect("http://simulated/v1", profile)

    def turn(request: ChatRequest) -> Flow[ChatResult]:
        yield Now()
        encoded = dialect.encode(request, stream=live)
        said = model.reply(json.loads(encoded.body))
        if said.status != 200:
            raise InvalidRequestError(said.error, status_code=400, provider_message=said.error)
        body = json.dumps(_body(said)).encode()
        result = dialect.decode(Response(200, {}, body), request)
        if live:
            for piece in _pieces(said.text, random.Random(f"{model.seed}/{len(model.requests)}")):
                yield ChatStreamChunk(piece)
        return result

    return turn


def complete(
    model: SimulatedModel,
    *,
    live: bool = False,
    profile: Profile = UNKNOWN,
    learned: Learned | None = None,
    request_options: dict[str, Any] | None = None,
    **options: Any,
) -> Outcome:
    """Let the client make the answer whole, and judge what it returns."""
    messages = [{"role": "user", "content": "Write the document."}]
    request = ChatRequest("m", messages, request_options or {"max_tokens": model.cut})
    rules = checked_rules({"max_continues": 12, **options}, request, continues=True)
    attempts = Attempts(2, RetryBudget())
    flow = ConversationContinuer(
        turn_of(model, profile, live=live),
        request,
        rules,
        server=Server("http://simulated/v1", profile, learned or Learned()),
        attempts=attempts,
        live=live,
    ).run()
    streamed: list[str] = []
    try:
        result = _run(flow, streamed)
    except ChatIncompleteResponseError as error:
        return _honest(error, "".join(streamed), model)
    shown = "".join(streamed)
    assert not live or shown == result.text, (shown, result.text)
    verdict: Verdict = "exact" if model.judge(result.text) else "wrong"
    return Outcome(verdict, result.text, "", shown, len(model.requests), result)


def _honest(error: ChatIncompleteResponseError, shown: str, model: SimulatedModel) -> Outcome:
    assert error.final_result is not None
    assert error.final_result.text.startswith(shown)
    return Outcome("honest", error.final_result.text, error.reason, shown, len(model.requests))


def _run(flow: Flow[ChatResult], streamed: list[str]) -> ChatResult:
    reply: Any = None
    while True:
        try:
            effect = flow.send(reply)
        except StopIteration as end:
            result: ChatResult = end.value
            return result
        reply = None
        if isinstance(effect, ChatStreamChunk):
            streamed.append(effect.delta)
        elif isinstance(effect, Now):
            reply = 0.0
        else:
            assert isinstance(effect, Sleep) or effect is not None


def _body(said: SimulatedReply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    choice = {"index": 0, "message": message, "finish_reason": said.finish_reason}
    return {"choices": [choice], "usage": said.usage}


def _pieces(text: str, chance: random.Random) -> list[str]:
    pieces: list[str] = []
    while text:
        size = chance.randint(1, 12)
        pieces.append(text[:size])
        text = text[size:]
    return pieces
