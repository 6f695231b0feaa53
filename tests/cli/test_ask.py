"""`lexilux-like ask`: streams and pipes, exit codes, interruptions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest

from lexilux_like.testing import Cut, Wait, chunk, events, refuse, stream


def test_the_answer_is_all_of_stdout(cli, scripted_server):
    scripted_server.play(stream("Hello, ", "Alice!"))
    done = cli("ask", "Say", "hello.")
    assert (done.code, done.out, done.err) == (0, "Hello, Alice!\n", "")
    assert scripted_server.requests[0].json["messages"] == [
        {"role": "user", "content": "Say hello."}
    ]
    assert scripted_server.requests[0].headers["authorization"] == f"Bearer {cli.key}"


def test_an_answer_with_a_line_end_gets_no_other(cli, scripted_server):
    scripted_server.play(stream("one\n"))
    assert cli("ask", "x").out == "one\n"


def test_only_what_is_given_is_sent(cli, scripted_server):
    scripted_server.play(stream("x"))
    cli("ask", "x")
    known = {"model", "messages", "stream", "stream_options"}
    assert scripted_server.requests[0].json.keys() == known


def test_options_move_the_request(cli, scripted_server):
    scripted_server.play(stream("x"))
    cli("ask", "x", "--system", "Be brief.", "--max-tokens", "7", "-t", "0.5", "-m", "other")
    sent = scripted_server.requests[0].json
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (sent["max_tokens"], sent["temperature"], sent["model"]) == (7, 0.5, "other")


def test_effort_asks_for_reasoning(cli, scripted_server):
    scripted_server.play(stream("x"))
    cli("ask", "x", "--effort", "low")
    assert scripted_server.requests[0].json["reasoning_effort"] == "low"


@pytest.mark.parametrize(
    ("words", "sent"),
    [((), "from the pipe"), (("Sum", "up:"), "from the pipe\n\nSum up:")],
    ids=["prompt", "context"],
)
def test_a_pipe_is_the_prompt_or_stands_before_it(cli, scripted_server, words, sent):
    scripted_server.play(stream("x"))
    assert cli("ask", *words, stdin="from the pipe\n").code == 0
    assert scripted_server.requests[0].json["messages"][0]["content"] == sent


def test_no_stdin_leaves_the_pipe_alone(cli, scripted_server):
    scripted_server.play(stream("x"))
    cli("ask", "--no-stdin", "x", stdin="ignored")
    assert scripted_server.requests[0].json["messages"][0]["content"] == "x"


def test_stdin_that_is_no_text_is_refused(cli, scripted_server):
    done = cli("ask", stdin=b"\xff\xfe\x00")
    assert (done.code, done.out) == (2, "")
    assert "stdin is not UTF-8" in done.err
    assert scripted_server.requests == []


def test_without_a_prompt_nothing_is_sent(cli, scripted_server):
    done = cli("ask")
    assert (done.code, done.err) == (
        2,
        "error: no prompt: write it behind the command, or pipe it in\n",
    )
    assert scripted_server.requests == []


def test_a_truncated_answer_stays_and_says_so(cli, scripted_server):
    scripted_server.play(stream("Once upon", finish_reason="length"))
    done = cli("ask", "x")
    assert (done.code, done.out) == (3, "Once upon\n")
    assert "incomplete: the token limit cut the answer off" in done.err


def test_a_broken_answer_stays_and_exits_3(cli, scripted_server):
    scripted_server.play(stream("Once upon", end=Cut()))
    done = cli("ask", "x")
    assert (done.code, done.out) == (3, "Once upon\n")
    assert done.err.startswith("error: ")


def test_a_refusal_exits_3(cli, scripted_server):
    scripted_server.play(stream({"refusal": "I cannot."}))
    done = cli("ask", "x")
    assert (done.code, done.out) == (3, "")
    assert done.err == "incomplete: the model refused: I cannot.\n"


def test_an_error_of_the_server_is_one_line_and_exits_1(cli, scripted_server):
    scripted_server.always(refuse(401, "wrong key", code="invalid_api_key"))
    done = cli("ask", "x")
    assert (done.code, done.out) == (1, "")
    assert "wrong key" in done.err
    assert done.err.count("\n") == 1


def test_no_server_exits_1(cli, scripted_server):
    scripted_server.close()
    done = cli("ask", "x", "--retries", "0")
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err


def test_a_failure_that_passes_is_tried_again(cli, scripted_server):
    scripted_server.play(refuse(503, "busy", retry_after_ms=1), stream("Hello"))
    assert cli("ask", "x").out == "Hello\n"


def test_retries_0_asks_once(cli, scripted_server):
    scripted_server.play(refuse(503, "busy", retry_after_ms=1), stream("Hello"))
    assert cli("ask", "x", "--retries", "0").code == 1
    assert len(scripted_server.requests) == 1


def test_a_wrong_option_exits_2(cli, scripted_server):
    assert cli("ask", "x", "--temprature", "1").code == 2
    done = cli("ask", "x", "--temperature", "9")
    assert done.code == 2
    assert "temperature" in done.err
    assert scripted_server.requests == []


def test_debug_shows_where_but_never_the_key(cli, scripted_server):
    scripted_server.always(refuse(401, f"wrong key {cli.key}"))
    done = cli("ask", "x", "--debug")  # the fixture looks for the key
    assert "Traceback" in done.err
    assert "[redacted]" in done.err


def test_the_key_is_in_no_argument_list(cli, scripted_server):
    begun = threading.Event()
    scripted_server.play(
        events(chunk({"content": "a"}), Wait(begun), chunk({}, finish_reason="stop"))
    )
    with cli.start("ask", "x") as child:
        assert child.stdout.read(1) == b"a"
        arguments = subprocess.check_output(["ps", "-o", "args=", "-p", str(child.pid)])
        assert b"lexilux-like ask" in arguments
        assert cli.key.encode() not in arguments
        begun.set()


def test_ctrl_c_keeps_what_had_come_and_exits_130(cli, scripted_server):
    scripted_server.play(events(chunk({"content": "Once"}), Wait(threading.Event())))
    with cli.start("ask", "x") as child:
        assert child.stdout.read(4) == b"Once"
        child.send_signal(signal.SIGINT)
        assert child.wait(5) == 130
        assert child.stdout.read() == b"\n"
        assert child.stderr.read() == b"stopped\n"
    assert scripted_server.wait_for_disconnect()


def test_a_reader_that_leaves_ends_it_quietly(cli, scripted_server):
    gone = threading.Event()
    scripted_server.play(
        events(chunk({"content": "a"}), Wait(gone), *[chunk({"content": "b" * 9999})] * 99)
    )
    with cli.start("ask", "x") as child:
        assert child.stdout.read(1) == b"a"
        child.stdout.close()
        gone.set()
        assert child.wait(5) == 141
        assert child.stderr.read() == b""


def test_json_has_the_text_and_the_verdict(cli, scripted_server):
    scripted_server.play(stream("Hällo", finish_reason="length"))
    done = cli("ask", "x", "--json")
    found = json.loads(done.out)
    assert (done.code, found["text"], found["status"], found["complete"]) == (
        3,
        "Hällo",
        "truncated",
        False,
    )
    assert found["usage"]["output_tokens"] == 2


def test_json_of_a_broken_answer_has_the_part(cli, scripted_server):
    scripted_server.play(stream("Once", end=Cut()))
    done = cli("ask", "x", "--json")
    assert (done.code, json.loads(done.out)["text"]) == (3, "Once")


def test_reasoning_goes_to_stderr_when_asked_for(cli, scripted_server):
    scripted_server.always(stream({"reasoning_content": "Hm."}, "Yes."))
    shown, hidden = cli("ask", "x", "--reasoning"), cli("ask", "x")
    assert (shown.out, shown.err) == ("Yes.\n", "Hm.\n")
    assert (hidden.out, hidden.err) == ("Yes.\n", "")


def test_usage_goes_to_stderr(cli, scripted_server):
    scripted_server.play(stream("x"))
    done = cli("ask", "x", "--usage")
    assert done.out == "x\n"
    assert done.err.startswith("1 tokens in, 2 tokens out, ")


def test_what_a_pipe_gets_is_what_came(cli, scripted_server):
    scripted_server.play(stream("\x1b[31mred\x1b[0m"))
    assert cli("ask", "x").out == "\x1b[31mred\x1b[0m\n"


def test_a_letter_that_the_encoding_lacks_is_escaped_not_lost(cli, scripted_server):
    scripted_server.play(stream("naïve"))
    cli.environ["PYTHONIOENCODING"] = "ascii"
    assert cli("ask", "x").out == "na\\xefve\n"


def test_python_m_is_the_same_command(cli, scripted_server):
    scripted_server.play(stream("Hello"))
    done = subprocess.run(
        [sys.executable, "-m", "lexilux_like.cli", "ask", "x"],
        env=cli.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"Hello\n"
