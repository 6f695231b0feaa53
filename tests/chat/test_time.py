"""Time limits, retries and rates, as a user sees them, through both doors."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from lexilux_like import (
    Chat,
    ChatStreamInterruptedError,
    LexiluxTimeoutError,
    NetworkError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from lexilux_like.testing import (
    Pause,
    Raw,
    Reply,
    ScriptedServer,
    Send,
    Stall,
    answer,
    chunk,
    events,
    raw_reply,
    refuse,
    sse,
    stream,
)
from lexilux_like.testing.door import Doors

COMMENT = b": keep-alive\n\n"


def struck(door: Doors, method: str = "call", **options: float | str) -> LexiluxTimeoutError:
    """The time-out that a call ends with; the options are the client's."""
    began = time.monotonic()
    with pytest.raises(LexiluxTimeoutError) as caught:
        getattr(door(**options), method)("x")
    assert time.monotonic() - began < 1.5, "it struck late"
    assert isinstance(caught.value, TimeoutError)
    return caught.value


@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_silent_server_strikes_the_read_timeout(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(raw_reply(Stall(5)))
    error = struck(door, method, read_timeout_s=0.1)
    assert (error.timeout, error.limit_s) == ("read_timeout_s", 0.1)


@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_head_that_never_ends_strikes_the_read_timeout(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    drip = [step for i in range(100) for step in (Raw(b"x-%d: y\r\n" % i), Pause(0.05))]
    scripted_server.play(raw_reply(Raw(b"HTTP/1.1 200 OK\r\n"), *drip))
    assert struck(door, method, read_timeout_s=0.2).timeout == "read_timeout_s"


def test_bytes_that_keep_coming_do_not_strike_the_read_timeout(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream(*"abcdef", gap_s=0.05))
    assert door(read_timeout_s=0.2).stream("x").result.text == "abcdef"


def test_comments_do_not_count_as_first_content(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(events(*[COMMENT] * 100, gap_s=0.03))
    error = struck(door, "stream", first_content_timeout_s=0.2)
    assert (error.timeout, error.limit_s) == ("first_content_timeout_s", 0.2)
    assert error.partial is not None
    assert error.partial.text == ""


def test_a_server_that_withholds_its_head_strikes_the_first_content_timeout(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(raw_reply(Stall(5)))
    error = struck(door, "stream", first_content_timeout_s=0.15)
    assert error.timeout == "first_content_timeout_s"


def test_comments_do_not_reset_the_idle_timeout_and_the_part_is_kept(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(events(chunk({"content": "par"}), *[COMMENT] * 100, gap_s=0.03))
    error = struck(door, "stream", idle_timeout_s=0.2)
    assert error.timeout == "idle_timeout_s"
    assert not error.retryable
    assert error.partial is not None
    assert (error.partial.text, error.partial.status) == ("par", "interrupted")


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"reasoning_content": "x"},
        {"tool_calls": [{"index": 0, "function": {"arguments": "x"}}]},
    ],
)
def test_content_of_every_kind_resets_the_idle_timeout(
    door: Doors, scripted_server: ScriptedServer, delta: dict[str, object]
) -> None:
    scripted_server.play(stream(*[delta] * 8, gap_s=0.05))
    assert door(idle_timeout_s=0.2).stream("x").result.done


def test_the_deadline_covers_a_stream_that_drips_for_ever(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(stream(*["x"] * 100, gap_s=0.03))
    error = struck(door, "stream", deadline_s=0.2)
    assert (error.timeout, error.retryable) == ("deadline_s", False)
    assert error.partial is not None
    assert error.partial.text.startswith("xx")


def test_the_deadline_covers_a_body_that_drips(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    drip = [step for _ in range(100) for step in (Send(b" "), Pause(0.03))]
    scripted_server.play(Reply(steps=drip, framing="chunked"))
    assert struck(door, deadline_s=0.2).timeout == "deadline_s"


def test_the_deadline_covers_all_attempts(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(503, retry_after=0), raw_reply(Stall(5)))
    assert struck(door, deadline_s=0.2, max_retries=3).timeout == "deadline_s"
    assert len(scripted_server.requests) == 2


def test_a_wait_that_does_not_fit_the_deadline_is_not_begun(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(refuse(503, "busy", retry_after=30))
    began = time.monotonic()
    with pytest.raises(ServerError, match="busy") as caught:
        door(deadline_s=5, max_retries=3).call("x")
    assert time.monotonic() - began < 1
    assert caught.value.retry_after == 30


def test_a_calls_own_limits_take_the_place_of_the_clients(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(raw_reply(Stall(5)), raw_reply(Stall(5)), raw_reply(Stall(5)))
    asked = door()
    for limits, name in (
        ({"timeout_s": 0.1}, "read_timeout_s"),
        ({"deadline_s": 0.1}, "deadline_s"),
    ):
        with pytest.raises(LexiluxTimeoutError) as caught:
            asked.call("x", **limits)
        assert (caught.value.timeout, caught.value.limit_s) == (name, 0.1)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "soon", True])
def test_a_limit_that_makes_no_sense_is_refused_before_anything_is_sent(
    door: Doors, scripted_server: ScriptedServer, limit: float
) -> None:
    for wrong in ("timeout_s", "idle_timeout_s", "deadline_s"):
        with pytest.raises(ValidationError, match="positive number of seconds"):
            door(**{wrong: limit})
    asked = door()
    for method in (asked.call, asked.stream):
        with pytest.raises(ValidationError, match="positive number of seconds"):
            method("x", timeout_s=limit)
    assert scripted_server.requests == []


def test_a_connection_that_never_stands_strikes_the_connect_timeout(door: Doors) -> None:
    import socket  # noqa: PLC0415

    # A listener whose backlog is full: the kernel drops further attempts.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            error = struck(door, base_url=url, connect_timeout_s=0.2)
        finally:
            for filler in fillers:
                filler.close()
    assert (error.timeout, error.limit_s) == ("connect_timeout_s", 0.2)


@pytest.mark.parametrize("method", ["call", "stream"])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_failure_that_may_pass_is_tried_again(
    door: Doors, scripted_server: ScriptedServer, method: str, status: int
) -> None:
    good = answer("hi") if method == "call" else stream("hi")
    scripted_server.play(refuse(status, retry_after=0), good)
    got = getattr(door(max_retries=1), method)("x")
    assert (got.text if method == "call" else got.result.text) == "hi"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 302])
def test_a_failure_that_will_not_pass_is_asked_for_once(
    door: Doors, scripted_server: ScriptedServer, status: int
) -> None:
    scripted_server.play(refuse(status, retry_after=0), answer("no"))
    with pytest.raises(Exception, match=str(status)):
        door(max_retries=3).call("x")
    assert len(scripted_server.requests) == 1


def test_exhausted_quota_is_asked_for_once(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(429, "no credit", code="insufficient_quota", retry_after=0))
    with pytest.raises(QuotaExceededError):
        door(max_retries=3).call("x")
    assert len(scripted_server.requests) == 1


def test_there_are_no_retries_unless_asked_for(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(refuse(429, "slow", retry_after=0), answer("no"))
    with pytest.raises(RateLimitError):
        door().call("x")
    assert len(scripted_server.requests) == 1


def test_the_server_may_forbid_a_retry(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(503, retry_after=0, x_should_retry="false"))
    with pytest.raises(ServerError):
        door(max_retries=3).call("x")
    assert len(scripted_server.requests) == 1


@pytest.mark.parametrize("dated", [True, False])
def test_retry_after_may_be_a_date(
    door: Doors, scripted_server: ScriptedServer, dated: bool
) -> None:
    # A server whose clock is an hour late, and one that does not say what time it has.
    now = time.time() - 3600 if dated else time.time()
    headers = {"retry_after": formatdate(now + 20, usegmt=True)}
    if dated:
        headers["date"] = formatdate(now, usegmt=True)
    scripted_server.play(refuse(429, **headers))
    with pytest.raises(RateLimitError) as caught:
        door().call("x")
    assert caught.value.retry_after == pytest.approx(20, abs=2)


def test_retry_after_is_waited_for(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(refuse(429, retry_after_ms=150), answer("hi"))
    door(max_retries=1).call("x")
    first, second = (request.at for request in scripted_server.requests)
    assert 0.15 <= second - first < 0.6


@pytest.mark.parametrize("method", ["call", "stream"])
def test_a_connection_that_breaks_before_the_answer_is_tried_again(
    door: Doors, scripted_server: ScriptedServer, method: str
) -> None:
    good = answer("hi") if method == "call" else stream("hi")
    scripted_server.play(raw_reply(), good)
    got = getattr(door(max_retries=1), method)("x")
    assert (got.text if method == "call" else got.result.text) == "hi"


def test_a_stream_is_tried_again_only_before_its_first_content(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    broken = events(chunk({"role": "assistant"}), done=False)
    scripted_server.play(broken, stream("a", end=Stall(0.0)), stream("never"))
    with pytest.raises(NetworkError) as caught:
        door(max_retries=5).stream("x")
    assert len(scripted_server.requests) == 2
    assert isinstance(caught.value, ChatStreamInterruptedError)
    assert not caught.value.retryable
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"


def test_an_error_event_before_the_first_content_is_tried_again(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    failed = events(sse({"error": {"message": "overloaded", "code": 503}}), done=False)
    scripted_server.play(failed, stream("hi"))
    assert door(max_retries=1).stream("x").result.text == "hi"


def windows_hold(server: ScriptedServer, rate: int, period: float) -> bool:
    at = sorted(request.at for request in server.requests)
    # The server sees a request a moment after its turn: allow for that moment.
    return all(late - early >= period - 0.05 for early, late in zip(at, at[rate:], strict=False))


def test_the_rate_holds_for_calls_streams_and_retries_together(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.play(answer("a"), refuse(500, retry_after=0), answer("b"), stream("c"))
    asked = door(rate_limit=(2, 0.25), max_retries=1)
    asked.call("x")
    asked.call("x")
    asked.stream("x")
    assert len(scripted_server.requests) == 4
    assert windows_hold(scripted_server, 2, 0.25)


def test_the_rate_holds_over_threads_and_event_loops(scripted_server: ScriptedServer) -> None:
    scripted_server.always(answer("hi"))
    chat = Chat(base_url=scripted_server.url, model="m", rate_limit=(4, 0.2))

    async def three() -> None:
        await asyncio.gather(*(chat.acall("x") for _ in range(3)))

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(chat, "x") for _ in range(4)]
        work += [pool.submit(asyncio.run, three()) for _ in range(2)]
        for each in work:
            each.result(5)
    chat.close()
    assert len(scripted_server.requests) == 10
    assert windows_hold(scripted_server, 4, 0.2)


def test_waiting_for_the_rate_is_no_time_out_and_costs_no_deadline(
    door: Doors, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(answer("hi"))
    asked = door(rate_limit=(1, 0.3), deadline_s=0.2, timeout_s=0.2)
    assert [asked.call("x").text, asked.call("x").text] == ["hi", "hi"]


@pytest.mark.parametrize("method", ["stream", "complete_stream", "run_tools_stream"])
def test_a_result_that_was_shown_is_not_timed_later(
    scripted_server: ScriptedServer, method: str
) -> None:
    scripted_server.play(stream("a"))

    def noon() -> str:
        return "12:00"

    options = {"tools": [noon]} if method == "run_tools_stream" else {}
    with Chat(base_url=scripted_server.url, model="m") as chat:
        iterator = getattr(chat, method)("x", **options)
        shown = next(iterator.result for chunk in iterator if chunk.done)
        assert list(iterator) == []
    assert shown.timing.total_s is None
    assert iterator.result.timing.total_s is not None


def test_total_time_is_measured(door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(stream("a", "b", gap_s=0.05), answer("c"))
    asked = door()
    timing = asked.stream("x").result.timing
    assert timing.first_content_s is not None
    assert timing.total_s is not None
    assert 0.03 < timing.first_content_s < timing.total_s < 2
    whole = asked.call("x").timing
    assert whole.first_content_s is None
    assert whole.total_s is not None
    assert 0 < whole.total_s < 1


def test_a_wait_of_another_thread_does_not_lengthen_this_ones(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.play(raw_reply(Stall(5)), answer("quick"))
    with Chat(base_url=scripted_server.url, model="m") as chat:
        slow: list[BaseException] = []

        def wait() -> None:
            try:
                chat("slow", deadline_s=0.4)
            except LexiluxTimeoutError as error:
                slow.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        scripted_server.wait_for_requests(1)
        assert chat("quick").text == "quick"
        thread.join(3)
        assert len(slow) == 1
