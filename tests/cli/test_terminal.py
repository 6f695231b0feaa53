"""`lexilux-like` on a terminal: what a person types and sees."""

from __future__ import annotations

import json
import re
import sys
import threading

import pytest

from lexilux_like.testing import Wait, chunk, events, refuse, stream

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)

import pexpect

READY = "\x1b\\[\\?2004h"
"""What the line editor writes when it waits for a line: bracketed paste is on."""
STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def typed(cli):
    """Starts the command on a terminal of 80 x 24."""
    started: list[pexpect.spawn] = []

    def start(*words: str) -> pexpect.spawn:
        child = pexpect.spawn(
            str(cli.script),
            [*words],
            env=cli.environ,
            cwd=str(cli.home),
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=10,
        )
        child.delaybeforesend = None
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def ended(child: pexpect.spawn) -> tuple[int, str]:
    """The exit code, and what was shown since the last expectation."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


def conversation(cli):
    (path,) = (cli.data / "conversations").glob("*.json")
    return json.loads(path.read_text())


def test_markdown_is_drawn(cli, scripted_server, typed):
    scripted_server.play(stream("# Title\n\n", "Some **bold** words.\n\n", "- one\n- two\n"))
    child = typed("chat")
    child.expect(READY)
    child.send("hi\r")
    child.expect(READY)
    shown = child.before
    assert "\x1b[1mbold\x1b[0m" in shown
    assert "**bold**" not in shown
    assert " • " in STYLES.sub("", shown)
    child.send("/quit\r")
    assert ended(child)[0] == 0


def test_plain_shows_the_markdown_as_it_was_written(cli, scripted_server, typed):
    scripted_server.play(stream("Some **bold** words."))
    child = typed("chat", "--plain")
    child.expect(READY)
    child.send("hi\r")
    child.expect_exact("Some **bold** words.")


def test_alt_enter_begins_a_new_line(cli, scripted_server, typed):
    scripted_server.play(stream("x"))
    child = typed("chat")
    child.expect(READY)
    child.send("one\x1b\rtwo\r")
    child.expect(READY)
    assert scripted_server.requests[0].json["messages"][0]["content"] == "one\ntwo"


def test_enter_after_open_quotes_begins_a_new_line(cli, scripted_server, typed):
    scripted_server.play(stream("x"))
    child = typed("chat")
    child.expect(READY)
    child.send('"""one\rtwo"""\r')
    child.expect(READY)
    assert scripted_server.requests[0].json["messages"][0]["content"] == "one\ntwo"


def test_a_paste_of_several_lines_is_one_turn(cli, scripted_server, typed):
    scripted_server.play(stream("x"))
    child = typed("chat")
    child.expect(READY)
    child.send("\x1b[200~one\ntwo\x1b[201~\r")
    child.expect(READY)
    assert scripted_server.requests[0].json["messages"][0]["content"] == "one\ntwo"


def test_ctrl_c_stops_the_answer_and_not_the_conversation(cli, scripted_server, typed):
    scripted_server.play(
        events(chunk({"content": "Once upon"}), Wait(threading.Event())), stream("More.")
    )
    child = typed("chat")
    child.expect(READY)
    child.send("Tell me.\r")
    child.expect("Once upon")
    child.sendintr()
    child.expect_exact("[stopped]")
    child.expect(READY)
    child.send("Go on.\r")
    child.expect(r"More\.")
    child.expect(READY)
    asked = [message["content"] for message in scripted_server.requests[1].json["messages"]]
    assert asked == ["Tell me.", "Once upon", "Go on."]
    child.sendeof()
    assert ended(child)[0] == 0
    assert conversation(cli)["endings"] == {"1": "unannounced"}


def test_an_error_does_not_end_the_conversation(cli, scripted_server, typed):
    scripted_server.play(refuse(400, "not so"), stream("Yes."))
    child = typed("chat")
    child.expect(READY)
    child.send("one\r")
    child.expect("error: .*not so")
    child.expect(READY)
    child.send("/retry\r")
    child.expect(r"Yes\.")
    assert scripted_server.requests[1].json["messages"][0]["content"] == "one"


def test_what_was_typed_comes_back_in_the_next_run(cli, scripted_server, typed):
    scripted_server.always(stream("x"))
    for keys in ("remember me\r", "\x1b[A\x1b[A\r"):  # the newest line is /quit
        child = typed("chat")
        child.expect(READY)
        child.send(keys)
        child.expect(READY)
        child.send("/quit\r")
        child.expect(pexpect.EOF)
    assert scripted_server.requests[1].json["messages"][0]["content"] == "remember me"
    path = cli.home / "state" / "lexilux-like" / "typed"
    assert path.stat().st_mode & 0o077 == 0


def test_tab_completes_a_command(cli, typed):
    child = typed("chat")
    child.expect(READY)
    child.send("/hel\t")
    child.expect("p")
    child.send("\r")
    child.expect("List the commands")


def test_an_answer_cannot_steer_the_terminal(cli, scripted_server, typed):
    scripted_server.always(stream("before \x1b]52;c;ZXZpbA==\x07 \x9b31m after"))
    for words in (("chat", "--plain"), ("chat",)):
        child = typed(*words)
        child.expect(READY)
        child.send("hi\r")
        child.expect("after")
        assert "\x1b]52" not in child.before
        assert "\x9b" not in child.before
        assert "\\x1b]52" in child.before


def test_ask_on_a_terminal_streams_plain_text(cli, scripted_server, typed):
    scripted_server.play(stream("Some **bold** \x1b[2Jwords."))
    code, shown = ended(typed("ask", "hi"))
    assert (code, shown) == (0, "Some **bold** \\x1b[2Jwords.\r\n")


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_no_styles_where_they_are_not_wanted(cli, scripted_server, typed, variable):
    cli.environ[variable] = "dumb"
    scripted_server.play(stream({"reasoning_content": "Hm."}, "Yes."))
    assert ended(typed("ask", "hi", "--reasoning")) == (0, "Hm.\r\nYes.\r\n")


def test_reasoning_is_dimmed(cli, scripted_server, typed):
    scripted_server.play(stream({"reasoning_content": "Hm."}, "Yes."))
    assert ended(typed("ask", "hi", "-r")) == (0, "\x1b[2mHm.\x1b[0m\r\nYes.\r\n")


def test_a_key_is_typed_unseen(cli, typed):
    child = typed("key", "set", "openai")
    child.expect_exact("key for openai: ")
    child.waitnoecho()
    child.sendline(cli.key)
    code, shown = ended(child)
    assert code == 0
    assert cli.key not in shown
    assert cli.key in (cli.home / "keyring.json").read_text()


def test_providers_are_a_table(cli, typed):
    code, shown = ended(typed("providers"))
    assert code == 0
    assert "\x1b[1mNAME" in shown
    assert "deepseek" in shown
