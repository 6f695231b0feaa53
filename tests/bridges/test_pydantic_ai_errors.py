"""Errors of ours are pydantic-ai's, so that its handlers and its fallbacks work."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from pydantic_agents import LONG, TAKEN_AS_IT_COMES, ask, streamed
from pydantic_agents import claude_of as whole_claude_of
from pydantic_agents import model_of as whole_model_of
from pydantic_ai import (
    Agent,
    FallbackExceptionGroup,
    ModelAPIError,
    ModelHTTPError,
    UserError,
)
from pydantic_ai.exceptions import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from pydantic_ai.models.fallback import FallbackModel

from lexilux_like import LexiluxError, RateLimitError
from lexilux_like.testing import (
    Raw,
    Reply,
    ScriptedServer,
    answer,
    cut,
    late,
    raw_reply,
    refuse,
    reset,
    stall,
    stream,
)
from lexilux_like.testing.messages import error_event, message_events, refuse_message

HTML = Reply(200, {"content-type": "text/html"}, b"<html>Hello</html>")
EACH_WAY = pytest.mark.parametrize("run", [ask, streamed], ids=["run", "run_stream"])
# Whole answers ask again after a failure, whatever max_retries says.
model_of = partial(whole_model_of, settings=TAKEN_AS_IT_COMES)
claude_of = partial(whole_claude_of, settings=TAKEN_AS_IT_COMES)
OF_STATUS = {
    400: ModelRequestRejectedError,
    401: ModelAuthenticationError,
    402: ModelQuotaExceededError,
    403: ModelAuthenticationError,
    404: ModelNotFoundError,
    409: ModelHTTPError,
    422: ModelRequestRejectedError,
    429: ModelRateLimitError,
    500: ModelServerError,
    503: ModelUnavailableError,
    529: ModelOverloadedError,
}


@EACH_WAY
@pytest.mark.parametrize(("status", "kind"), OF_STATUS.items())
def test_a_refusal_is_an_http_error_of_its_kind(
    scripted_server: ScriptedServer, run, status: int, kind: type[Exception]
):
    scripted_server.play(refuse(status, "no", code="because", type="of_this"))
    with pytest.raises(kind) as failure:
        run(Agent(model_of(scripted_server)))
    error = failure.value
    assert isinstance(error, ModelHTTPError)
    assert (error.status_code, error.model_name) == (status, "m")
    assert error.body == {"error": {"message": "no", "type": "of_this", "code": "because"}}
    assert (error.provider_error_code, error.provider_error_type) == ("because", "of_this")
    assert isinstance(error.__cause__, LexiluxError)


def test_an_error_says_how_long_to_wait(scripted_server: ScriptedServer):
    scripted_server.play(refuse(429, "slow down", retry_after=7))
    with pytest.raises(ModelRateLimitError) as failure:
        ask(Agent(model_of(scripted_server)))
    assert failure.value.retry_after == 7
    assert failure.value.headers["retry-after"] == "7"
    assert isinstance(failure.value.__cause__, RateLimitError)


def test_an_exhausted_account_is_no_rate_limit(scripted_server: ScriptedServer):
    scripted_server.play(refuse(429, "quota", code="insufficient_quota"))
    with pytest.raises(ModelQuotaExceededError):
        ask(Agent(model_of(scripted_server)))


def test_a_history_that_is_too_long_is_told_from_other_refusals(scripted_server: ScriptedServer):
    scripted_server.play(refuse(400, "too long", code="context_length_exceeded"))
    with pytest.raises(ModelContextWindowExceededError):
        ask(Agent(model_of(scripted_server)))


def test_a_body_that_is_no_json_is_kept_as_text(scripted_server: ScriptedServer):
    body = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\nOops"
    scripted_server.play(raw_reply(Raw(body)))
    with pytest.raises(ModelServerError) as failure:
        ask(Agent(model_of(scripted_server)))
    assert failure.value.body == "Oops"


def test_anthropics_overload_has_its_kind(scripted_server: ScriptedServer):
    scripted_server.play(refuse_message(529, "overloaded_error"))
    with pytest.raises(ModelOverloadedError) as failure:
        ask(Agent(claude_of(scripted_server)))
    assert failure.value.provider_error_type == "overloaded_error"


def test_an_error_inside_a_stream_says_so(scripted_server: ScriptedServer):
    scripted_server.play(message_events(error_event("overloaded_error", "busy")))
    with pytest.raises(ModelServerError, match="busy") as failure:
        streamed(Agent(claude_of(scripted_server)))
    assert failure.value.in_stream


@EACH_WAY
def test_no_connection_is_a_connection_error(run):
    with ScriptedServer() as server:
        agent = Agent(model_of(server))
    with pytest.raises(ModelConnectionError):
        run(agent)


def test_a_broken_stream_is_a_connection_error_while_it_was_read(scripted_server: ScriptedServer):
    scripted_server.play(cut(stream(LONG), at_byte=400))
    with pytest.raises(ModelConnectionError) as failure:
        streamed(Agent(model_of(scripted_server)))
    assert (failure.value.phase, failure.value.in_stream) == ("read", True)


def test_a_time_limit_is_a_timeout(scripted_server: ScriptedServer):
    scripted_server.play(late(stream("Hello"), seconds=5))
    with pytest.raises(ModelTimeoutError):
        ask(Agent(model_of(scripted_server), model_settings={"timeout": 0.1}))


def test_no_chat_completion_is_a_model_error(scripted_server: ScriptedServer):
    scripted_server.play(HTML)
    with pytest.raises(ModelAPIError):
        ask(Agent(model_of(scripted_server)))


def test_what_we_refuse_is_the_users_error(scripted_server: ScriptedServer):
    with pytest.raises(UserError, match="temperature"):
        ask(Agent(model_of(scripted_server), model_settings={"temperature": 9}))
    assert not scripted_server.requests


@EACH_WAY
@pytest.mark.parametrize(
    "reply",
    [refuse(500), refuse(401), reset(stream(LONG), at_byte=0), HTML],
    ids=["500", "401", "reset", "html"],
)
def test_a_fallback_model_asks_the_next(scripted_server: ScriptedServer, run, reply):
    scripted_server.play(reply)
    with ScriptedServer((stream if run is streamed else answer)("Hello")) as other:
        got = run(Agent(FallbackModel(model_of(scripted_server), model_of(other))))
    assert ("".join(got[0]) if isinstance(got, tuple) else got.output) == "Hello"


def test_a_fallback_model_that_fails_has_all_errors(scripted_server: ScriptedServer):
    scripted_server.play(refuse(500), refuse(429))
    models = FallbackModel(model_of(scripted_server), model_of(scripted_server))
    with pytest.raises(FallbackExceptionGroup) as failure:
        ask(Agent(models))
    assert [type(each).__name__ for each in failure.value.exceptions] == [
        "ModelServerError",
        "ModelRateLimitError",
    ]


def test_a_request_timeout_of_pydantic_ai_closes_the_connection(scripted_server: ScriptedServer):
    scripted_server.play(stall(stream("Hello"), at_byte=10))

    async def run() -> None:
        with pytest.raises(ModelAPIError, match="timed out after"):
            await Agent(model_of(scripted_server)).run(
                "Hi", model_settings={"request_timeout": 0.2}
            )

    asyncio.run(run())
    assert scripted_server.wait_for_disconnect()


def test_a_broken_answer_is_gone_on_from_before_it_is_an_error(scripted_server: ScriptedServer):
    scripted_server.play(cut(stream(LONG), at_byte=400), stream(LONG))
    model = whole_model_of(scripted_server, client={"max_retries": 1})
    assert ask(Agent(model)).output == LONG
